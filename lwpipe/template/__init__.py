"""The template pyramid: coarser meshes, and the maps between the levels."""

from typing import TYPE_CHECKING

from lwpipe.core.lazy import lazily

if TYPE_CHECKING:
    from lwpipe.template.pyramid import Pyramid, build_pyramid, make_template, scaled_laplacian

__all__ = [
    "Pyramid",
    "build_pyramid",
    "make_template",
    "scaled_laplacian",
]

# Reading settings must not wait for what the room computes with.
__getattr__ = lazily(
    __name__,
    {
        "Pyramid": "lwpipe.template.pyramid",
        "build_pyramid": "lwpipe.template.pyramid",
        "make_template": "lwpipe.template.pyramid",
        "scaled_laplacian": "lwpipe.template.pyramid",
    },
)
