"""Reading one mesh file so that its vertices keep the order they have in the file.

Vertex i of one file must be vertex i of the next, so nothing is merged, split or sorted, and
nothing outside the file (materials, textures, buffers) is opened. Only coordinates and polygons
are read.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.gltf import parse_glb, parse_gltf
from lwpipe.mesh.obj import parse_obj
from lwpipe.mesh.off import parse_off
from lwpipe.mesh.ply import parse_ply
from lwpipe.mesh.stl import parse_stl

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Beyond these, squares of coordinates in any unit leave the range of single precision.
MAX_COORDINATE, MIN_SIZE = 1e12, 1e-12


def read_mesh(path: str | Path) -> tuple[Floats, Ints]:
    """Read an OBJ, PLY, STL, OFF, GLB or glTF file and check it.

    Polygons become fans of triangles around their first corner. The vertices of an STL, which
    stores each triangle by itself, are welded where coordinates are exactly equal and numbered
    by first appearance.

    Returns
    -------
    vertices : float64 (V, 3), in the file's units
    triangles : int64 (F, 3)

    Raises
    ------
    MeshError
        If the file is empty, cut off or of another format, if a coordinate is not finite, if it
        has no triangle, or if a triangle names a vertex that is not there. The message says the
        fault without the file.
    """
    path = Path(path)
    if path.suffix.lower() not in READERS:
        raise MeshError(f"is none of the formats {', '.join(sorted(READERS))}")
    try:
        # A pipe would be waited for, and a device may never end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise MeshError("is no file" if path.is_dir() else "is no regular file")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise MeshError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return parse_mesh(content, path.suffix.lower())


def parse_mesh(content: bytes, suffix: str) -> tuple[Floats, Ints]:
    """Read a mesh as `read_mesh` does, from the content of its file."""
    if not content.strip():
        raise MeshError("is empty")
    # A signalling NaN warns when it is cast; it is told of as any other.
    with np.errstate(invalid="ignore", over="ignore"):
        vertices, triangles = READERS[suffix](content)
    check_mesh(vertices, triangles)
    return vertices, triangles


def check_mesh(vertices: npt.ArrayLike, triangles: Ints) -> None:
    """Raise MeshError unless the arrays are a mesh: see `read_mesh`."""
    vertices = np.asarray(vertices)
    check_coordinates(vertices)
    if len(triangles) == 0:
        raise MeshError("has no triangle")
    if triangles.min() < 0 or triangles.max() >= len(vertices):
        wrong = int(triangles.max()) if triangles.max() >= len(vertices) else int(triangles.min())
        raise MeshError(
            f"has a triangle of vertex {wrong} (counted from 0), but {len(vertices)} vertices"
        )


def check_coordinates(vertices: npt.NDArray[np.floating]) -> None:
    """Raise MeshError unless vertices (V, 3) are some, finite, not huge, and not in one point."""
    if len(vertices) == 0:
        raise MeshError("has no vertex")
    finite = np.isfinite(vertices).all(axis=1)
    if not finite.all():
        raise MeshError(
            f"has NaN or infinite coordinates ({int((~finite).sum())} vertices, the first is "
            f"number {int(np.flatnonzero(~finite)[0])} counted from 0)"
        )
    large = (np.abs(vertices) > MAX_COORDINATE).any(axis=1)
    if large.any():
        raise MeshError(
            f"has coordinates larger than {MAX_COORDINATE:g} (the first at vertex number "
            f"{int(np.flatnonzero(large)[0])} counted from 0)"
        )
    if np.ptp(vertices, axis=0).max() < MIN_SIZE:
        raise MeshError("has all its vertices in one point")


READERS: dict[str, Callable[[bytes], tuple[Floats, Ints]]] = {
    ".obj": parse_obj,
    ".ply": parse_ply,
    ".stl": parse_stl,
    ".off": parse_off,
    ".glb": parse_glb,
    ".gltf": parse_gltf,
}
