"""Draw faces: whole ones, and one part given the rest."""

from typing import TYPE_CHECKING

from lwpipe.core.lazy import lazily

if TYPE_CHECKING:
    from lwpipe.sampling.archive import load_prior, save_prior
    from lwpipe.sampling.draw import draw_part, main_directions, sample, sample_part, traverse
    from lwpipe.sampling.fit import fit_prior, fit_to_training
    from lwpipe.sampling.mixture import Mixture
    from lwpipe.sampling.prior import Detail, Prior
    from lwpipe.sampling.settings import PriorSettings

__all__ = [
    "Detail",
    "Mixture",
    "Prior",
    "PriorSettings",
    "draw_part",
    "fit_prior",
    "fit_to_training",
    "load_prior",
    "main_directions",
    "sample",
    "sample_part",
    "save_prior",
    "traverse",
]

# Reading settings must not wait for what the room computes with.
__getattr__ = lazily(
    __name__,
    {
        "Detail": "lwpipe.sampling.prior",
        "Mixture": "lwpipe.sampling.mixture",
        "Prior": "lwpipe.sampling.prior",
        "PriorSettings": "lwpipe.sampling.settings",
        "draw_part": "lwpipe.sampling.draw",
        "fit_prior": "lwpipe.sampling.fit",
        "fit_to_training": "lwpipe.sampling.fit",
        "load_prior": "lwpipe.sampling.archive",
        "main_directions": "lwpipe.sampling.draw",
        "sample": "lwpipe.sampling.draw",
        "sample_part": "lwpipe.sampling.draw",
        "save_prior": "lwpipe.sampling.archive",
        "traverse": "lwpipe.sampling.draw",
    },
)
