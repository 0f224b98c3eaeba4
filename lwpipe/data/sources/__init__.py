"""Where faces come from: one module or package a source, independent of each other."""
