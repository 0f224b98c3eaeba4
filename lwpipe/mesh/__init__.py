"""Triangle meshes: their topology, and the files that hold them."""
