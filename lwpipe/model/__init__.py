"""The network, and trained models in memory and on disk."""

from typing import TYPE_CHECKING

from lwpipe.core.lazy import lazily

if TYPE_CHECKING:
    from lwpipe.model.archive import load, save_model
    from lwpipe.model.part_model import PartModel

__all__ = [
    "PartModel",
    "load",
    "save_model",
]

# Reading settings must not wait for what the room computes with.
__getattr__ = lazily(
    __name__,
    {
        "PartModel": "lwpipe.model.part_model",
        "load": "lwpipe.model.archive",
        "save_model": "lwpipe.model.archive",
    },
)
