"""lwpipe: model 3D faces by parts with a locally weighted mesh autoencoder."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lwpipe.data.store import Dataset
    from lwpipe.errors import LwpipeError
    from lwpipe.model import PartModel, load

# A thread that waits for the others sleeps. Spinning, the default of some OpenMP libraries, takes
# the core from threads that work. Read when PyTorch is loaded, so it must stand before that.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

try:
    __version__ = version("lwpipe")
except PackageNotFoundError:  # a job in an environment of its own imports it from the checkout
    __version__ = "unknown"

__all__ = ["Dataset", "LwpipeError", "PartModel", "__version__", "load"]

_HOMES = {
    "Dataset": "lwpipe.data.store",
    "LwpipeError": "lwpipe.errors",
    "PartModel": "lwpipe.model",
    "load": "lwpipe.model",
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use: reading settings must not wait for PyTorch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
