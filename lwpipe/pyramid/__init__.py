"""The template pyramid: coarser meshes, and the maps between the levels."""

from lwpipe.pyramid.levels import Pyramid, build_pyramid, make_pyramid, scaled_laplacian

__all__ = ["Pyramid", "build_pyramid", "make_pyramid", "scaled_laplacian"]
