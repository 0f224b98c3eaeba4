"""The network, and trained models in memory and on disk."""

from lwpipe.model.archive import load, save_model
from lwpipe.model.part_model import PartModel

__all__ = ["PartModel", "load", "save_model"]
