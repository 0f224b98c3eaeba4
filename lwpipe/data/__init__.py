"""Data sets: their sources, their checks, and the one store that later stages read."""
