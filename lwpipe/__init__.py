"""lwpipe: model 3D faces by parts with a locally weighted mesh autoencoder."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from lwpipe.core.lazy import lazily

if TYPE_CHECKING:
    from lwpipe.core.errors import LwpipeError
    from lwpipe.data.store import Dataset
    from lwpipe.editing import EditingSettings, edit_part
    from lwpipe.editor import Editor
    from lwpipe.model import PartModel, load
    from lwpipe.sampling import Prior, load_prior, sample, sample_part

# A thread that waits for the others sleeps. Spinning, the default of some OpenMP libraries, takes
# the core from threads that work. Read when PyTorch is loaded, so it must stand before that.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

try:
    __version__ = version("lwpipe")
except PackageNotFoundError:  # a job in an environment of its own imports it from the checkout
    __version__ = "unknown"

__all__ = [
    "Dataset",
    "EditingSettings",
    "Editor",
    "LwpipeError",
    "PartModel",
    "Prior",
    "__version__",
    "edit_part",
    "load",
    "load_prior",
    "sample",
    "sample_part",
]

# Reading settings must not wait for PyTorch.
__getattr__ = lazily(
    __name__,
    {
        "Dataset": "lwpipe.data.store",
        "EditingSettings": "lwpipe.editing",
        "Editor": "lwpipe.editor",
        "LwpipeError": "lwpipe.core.errors",
        "PartModel": "lwpipe.model",
        "edit_part": "lwpipe.editing",
        "Prior": "lwpipe.sampling",
        "load": "lwpipe.model",
        "load_prior": "lwpipe.sampling",
        "sample": "lwpipe.sampling",
        "sample_part": "lwpipe.sampling",
    },
)
