"""PLY files of the package's own kind: written whole or not at all, read with a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import atomic_path
from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.ply import parse_painted_ply, parse_ply, parse_ply_colors

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Colors = npt.NDArray[np.uint8]
Parsed = TypeVar("Parsed")


def write_ply(
    path: str | Path,
    vertices: npt.ArrayLike,
    triangles: npt.ArrayLike,
    colors: Colors | None = None,
) -> None:
    """Write a binary little-endian PLY atomically, with double-precision coordinates.

    Parameters
    ----------
    vertices : float (V, 3), mm
    triangles : int (F, 3)
    colors : uint8 (V, 3), sRGB, of the vertices; None: without
    """
    vertices = np.ascontiguousarray(vertices, dtype="<f8")
    of_color, points = "", vertices
    if colors is not None:
        of_color = "".join(f"property uchar {name}\n" for name in ("red", "green", "blue"))
        points = np.empty(len(vertices), [("place", "<f8", (3,)), ("color", "u1", (3,))])
        points["place"], points["color"] = vertices, colors
    triangles = np.asarray(triangles)
    records = np.empty(len(triangles), dtype=[("count", "u1"), ("index", "<i4", (3,))])
    records["count"] = 3
    records["index"] = triangles
    header = (
        "ply\nformat binary_little_endian 1.0\ncomment units: mm\n"
        f"element vertex {len(vertices)}\n"
        f"property double x\nproperty double y\nproperty double z\n{of_color}"
        f"element face {len(triangles)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(header.encode("ascii"))
        file.write(points.tobytes())
        file.write(records.tobytes())


def read_ply(path: str | Path) -> tuple[Floats, Ints]:
    """Read a PLY of triangles.

    Returns
    -------
    vertices : float64 (V, 3), in the file's units
    triangles : int64 (F, 3)

    Raises
    ------
    LwpipeError
        If the file is missing or is not a PLY of triangles.
    """
    return _read(path, parse_ply, "a PLY mesh")


def read_painted_ply(path: str | Path) -> tuple[Floats, Ints, Colors | None]:
    """Read a PLY of triangles with the colours of its vertices, None where it has none.

    Returns
    -------
    vertices : float64 (V, 3), in the file's units
    triangles : int64 (F, 3)
    colors : uint8 (V, 3), sRGB

    Raises
    ------
    LwpipeError
        If the file is missing or is not a PLY of triangles.
    """
    return _read(path, parse_painted_ply, "a PLY mesh")


def read_ply_colors(path: str | Path) -> tuple[Colors, Ints]:
    """Read the colours of the vertices of a PLY.

    Returns
    -------
    colors : uint8 (V, 3), red, green and blue
    triangles : int64 (F, 3)

    Raises
    ------
    LwpipeError
        If the file is missing or is not a PLY with such colours.
    """
    return _read(path, parse_ply_colors, "a PLY with colours")


def _read(path: str | Path, parse: Callable[[bytes], Parsed], what: str) -> Parsed:
    try:
        # A signalling NaN would warn when it is cast.
        with np.errstate(invalid="ignore"):
            return parse(Path(path).read_bytes())
    except OSError as error:
        raise LwpipeError(f"{path}: cannot be read as {what}: {error.strerror}.") from error
    except MeshError as error:
        raise LwpipeError(f"{path}: cannot be read as {what}: it {error}.") from error
