"""Implementations of the mesh convolution: one function of the network, several machines."""

from __future__ import annotations

import importlib.util

import torch

from lwpipe.core.errors import LwpipeError
from lwpipe.engine.base import Backend, Geometry

__all__ = ["BACKENDS", "Backend", "Geometry", "choose", "make_backend"]

BACKENDS = ("numba", "triton", "torch", "pyg")


def choose(wanted: str, device: torch.device) -> str:
    """Return the backend for the setting `training.backend` on a device.

    'auto' takes compiled loops: numba's on the CPU, Triton's on a GPU, PyTorch's own operations
    where those are not installed.

    Raises
    ------
    LwpipeError
        If a backend is asked for by name that is not there, or does not run on the device.
    """
    fastest = {"cpu": "numba", "cuda": "triton"}.get(device.type, "torch")
    if wanted == "auto":
        return fastest if _installed(fastest) else "torch"
    if not _installed(wanted):
        package = {"pyg": "torch_geometric"}.get(wanted, wanted)
        raise LwpipeError(f"`training.backend` is '{wanted}', but {package} is not installed.")
    if wanted in ("numba", "triton") and wanted != fastest:
        raise LwpipeError(
            f"`training.backend` is '{wanted}', which does not run on '{device.type}': use 'auto'."
        )
    return wanted


def _installed(backend: str) -> bool:
    if backend == "triton":
        from lwpipe.engine import triton_product

        return triton_product.available()
    package = {"pyg": "torch_geometric"}.get(backend, backend)
    return importlib.util.find_spec(package) is not None


def make_backend(name: str, geometry: Geometry, activation: str) -> Backend:
    """Return the backend of a name in `BACKENDS`."""
    if name == "numba":
        from lwpipe.engine.mesh_major import MeshMajor

        return MeshMajor(geometry, activation)
    if name == "pyg":
        from lwpipe.engine.pyg import PygBackend

        return PygBackend(geometry, activation)
    from lwpipe.engine.vertex_major import VertexMajor

    if name == "triton":
        from lwpipe.engine.triton_product import EllMatrix

        return VertexMajor(geometry, activation, EllMatrix)
    return VertexMajor(geometry, activation)
