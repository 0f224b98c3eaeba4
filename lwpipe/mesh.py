"""Triangle meshes as plain arrays: reading and writing PLY, adjacency, normals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from lwpipe.data.mesh_faults import MeshError
from lwpipe.data.ply_reader import parse_ply
from lwpipe.errors import LwpipeError
from lwpipe.files import atomic_path

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def write_ply(path: str | Path, vertices: npt.ArrayLike, triangles: npt.ArrayLike) -> None:
    """Write a binary little-endian PLY atomically, with double-precision coordinates.

    Parameters
    ----------
    vertices : float (V, 3), mm
    triangles : int (F, 3)
    """
    vertices = np.ascontiguousarray(vertices, dtype="<f8")
    triangles = np.asarray(triangles)
    records = np.empty(len(triangles), dtype=[("count", "u1"), ("index", "<i4", (3,))])
    records["count"] = 3
    records["index"] = triangles
    header = (
        "ply\nformat binary_little_endian 1.0\ncomment units: mm\n"
        f"element vertex {len(vertices)}\n"
        "property double x\nproperty double y\nproperty double z\n"
        f"element face {len(triangles)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(header.encode("ascii"))
        file.write(vertices.tobytes())
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
    try:
        # A signalling NaN would warn when it is cast.
        with np.errstate(invalid="ignore"):
            vertices, triangles = parse_ply(Path(path).read_bytes())
    except OSError as error:
        raise LwpipeError(f"{path}: cannot be read as a PLY mesh: {error.strerror}.") from error
    except MeshError as error:
        raise LwpipeError(f"{path}: cannot be read as a PLY mesh: it {error}.") from error
    return vertices, triangles


def edges(triangles: npt.ArrayLike) -> Ints:
    """Return the undirected edges of the triangles, int64 (E, 2), each once, sorted."""
    return edges_with_count(triangles)[0]


def edges_with_count(triangles: npt.ArrayLike) -> tuple[Ints, Ints]:
    """Return the undirected edges as `edges` does, and in how many triangles each lies, (E,)."""
    triangles = np.asarray(triangles, dtype=np.int64).reshape(-1, 3)
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    low, high = pairs.min(axis=1), pairs.max(axis=1)
    # One number an edge sorts twenty times faster than rows do.
    base = int(triangles.max(initial=0)) + 1
    keys, count = np.unique((low * base + high)[low != high], return_counts=True)
    return np.stack([keys // base, keys % base], axis=1), count


def adjacency(triangles: npt.ArrayLike, vertex_count: int) -> sp.csr_matrix:
    """Return the symmetric 0/1 vertex adjacency, (V, V), without self-loops."""
    pairs = edges(triangles)
    rows = np.concatenate([pairs[:, 0], pairs[:, 1]])
    columns = np.concatenate([pairs[:, 1], pairs[:, 0]])
    values = np.ones(len(rows))
    return sp.csr_matrix((values, (rows, columns)), shape=(vertex_count, vertex_count))


def triangle_normals(vertices: npt.ArrayLike, triangles: npt.ArrayLike) -> Floats:
    """Return unit normals of the triangles, (..., F, 3) for vertices (..., V, 3).

    A triangle without area gets the zero vector.
    """
    vertices = np.asarray(vertices, dtype=np.float64)
    triangles = np.asarray(triangles)
    a, b, c = (vertices[..., triangles[:, i], :] for i in range(3))
    normals = np.cross(b - a, c - a)
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    return normals / np.where(length > 0, length, 1.0)
