"""Faces in arrays: NPZ files, and NPY files with a mesh beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.arrays import array_shapes, read_npz
from lwpipe.core.errors import LwpipeError, short_reason
from lwpipe.data.sources.meshes.places import template_of
from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.read import read_mesh

Ints = npt.NDArray[np.int64]


def array_size(path: Path) -> tuple[int, int]:
    """Return the numbers of faces N and vertices V of an array, as its header announces them.

    Raises
    ------
    LwpipeError
        If it cannot be read, or has another shape or type.
    """
    if path.suffix.lower() == ".npy":
        shape: tuple[int, ...] = _open_npy(path).shape
    else:
        shape, _ = array_shapes(path).get("vertices", ((), ""))
    if len(shape) != 3:
        raise LwpipeError(f"{path}: the vertices are no array (N, V, 3).")
    return shape[0], shape[1]


def read_array(path: Path) -> tuple[npt.NDArray[np.floating], Ints]:
    """Return the vertices (N, V, 3), memory-mapped where possible, and triangles (F, 3).

    Raises
    ------
    LwpipeError
        If the array cannot be read, has another shape or type, or has no triangles that fit.
    """
    if path.suffix.lower() == ".npz":
        vertices, triangles = _read_npz(path)
    else:
        vertices = _open_npy(path)
        triangles = _read_template(path, vertices)
    if triangles.min() < 0 or triangles.max() >= vertices.shape[1]:
        raise LwpipeError(
            f"{path}: has triangles of vertices {triangles.min()} to {triangles.max()} (counted "
            f"from 0), but {vertices.shape[1]} vertices."
        )
    return vertices, triangles


def read_array_colors(path: Path, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return the colours of an NPZ file, uint8 (N, V, 3), sRGB, of vertices of that shape.

    They are its array 'colors': of 8 bits, or in floating point from 0 to 1.

    Raises
    ------
    MeshError
        If there are none, or they do not fit.
    """
    if path.suffix.lower() != ".npz":
        raise MeshError("has no colours; use an NPZ with 'vertices', 'triangles' and 'colors'")
    if "colors" not in array_shapes(path):
        raise MeshError("has no colours: it has no array 'colors'")
    colors = read_npz(path, "an archive of meshes", ("colors",))["colors"]
    if colors.shape != shape:
        raise MeshError(f"has colours {colors.shape} for vertices {shape}")
    if colors.dtype.kind == "f":
        if not ((colors >= 0) & (colors <= 1)).all():
            raise MeshError("has colours out of range: 0 to 1 in floating point")
        return np.asarray(np.rint(255 * colors), np.uint8)
    if colors.dtype != np.uint8:
        raise MeshError(f"has colours of the type {colors.dtype}, expected uint8 or floating point")
    return np.asarray(colors, np.uint8)


def _open_npy(path: Path) -> npt.NDArray[np.floating]:
    if not path.is_file():
        raise LwpipeError(f"{path}: is no file.")
    try:
        # Pickled objects could run code: refused. Mapped, only the face in use is in memory. Sizes
        # that overflow are told of by numpy itself, after a warning.
        with np.errstate(over="ignore"):
            array = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # a damaged header raises nearly anything
        raise LwpipeError(
            f"{path}: is no array of numbers, or is cut off ({short_reason(error)})."
        ) from error
    return _check_vertices(path, array)


def _read_npz(path: Path) -> tuple[npt.NDArray[np.floating], Ints]:
    if not path.is_file():
        raise LwpipeError(f"{path}: is no file.")
    arrays = read_npz(path, "an archive of meshes", ("vertices", "triangles"))
    vertices, triangles = arrays["vertices"], arrays["triangles"]
    if triangles.ndim != 2 or triangles.shape[1:] != (3,) or triangles.dtype.kind not in "iu":
        raise LwpipeError(
            f"{path}: 'triangles' is {triangles.dtype} {triangles.shape}; it must be whole "
            "numbers (F, 3)."
        )
    if len(triangles) == 0:
        raise LwpipeError(f"{path}: 'triangles' is empty.")
    return _check_vertices(path, vertices), triangles.astype(np.int64)


def _check_vertices(path: Path, array: npt.NDArray[Any]) -> npt.NDArray[np.floating]:
    if array.ndim == 3 and array.shape[2] == 3 and array.dtype.kind == "f" and array.size:
        return array
    if array.ndim == 2 and array.dtype.kind == "f" and array.size and array.shape[1] % 3 == 0:
        # Whether x y z of a vertex follow each other, or all x come first, the file does not tell.
        rows, columns = array.shape
        raise LwpipeError(
            f"{path}: the vertices are {array.dtype} {array.shape}, a row a face; reshape them to "
            f"({rows}, {columns // 3}, 3), x, y and z of a vertex together."
        )
    raise LwpipeError(
        f"{path}: the vertices are {array.dtype} {array.shape}; they must be floating-point "
        "numbers (N, V, 3)."
    )


def _read_template(path: Path, vertices: npt.NDArray[np.floating]) -> Ints:
    """Read the triangles of an NPY from the mesh beside it."""
    template = template_of(path)
    if template is None:
        raise LwpipeError(
            f"{path}: has no triangles; put a mesh beside it, named {path.stem}.ply or "
            "template.ply, or use an NPZ with 'vertices' and 'triangles'."
        )
    try:
        points, triangles = read_mesh(template)
    except MeshError as error:
        raise LwpipeError(f"{template}: {error}.") from error
    if len(points) != vertices.shape[1]:
        raise LwpipeError(
            f"{template}: has {len(points)} vertices, but the faces in {path.name} have "
            f"{vertices.shape[1]}."
        )
    return triangles
