"""Triangle meshes as plain arrays: edges, adjacency, normals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def edges(triangles: npt.ArrayLike) -> Int64[Ints, "E 2"]:
    """Return the undirected edges of the triangles, int64 (E, 2), each once, sorted.

    Examples
    --------
    >>> edges([[0, 1, 2], [2, 1, 3]])
    array([[0, 1],
           [0, 2],
           [1, 2],
           [1, 3],
           [2, 3]])
    """
    return edges_with_count(triangles)[0]


def edges_with_count(
    triangles: npt.ArrayLike,
) -> tuple[Int64[Ints, "E 2"], Int64[Ints, " E"]]:
    """Return the undirected edges as `edges` does, and in how many triangles each lies, (E,)."""
    triangles = np.asarray(triangles, dtype=np.int64).reshape(-1, 3)
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    low, high = pairs.min(axis=1), pairs.max(axis=1)
    # One number an edge sorts twenty times faster than rows do.
    base = int(triangles.max(initial=0)) + 1
    keys, count = np.unique((low * base + high)[low != high], return_counts=True)
    return np.stack([keys // base, keys % base], axis=1), count


def adjacency(triangles: npt.ArrayLike, vertex_count: int) -> sp.csr_matrix:
    """Return the symmetric 0/1 vertex adjacency, (V, V), without self-loops.

    Examples
    --------
    >>> adjacency([[0, 1, 2]], 4).toarray().astype(int)
    array([[0, 1, 1, 0],
           [1, 0, 1, 0],
           [1, 1, 0, 0],
           [0, 0, 0, 0]])
    """
    pairs = edges(triangles)
    rows = np.concatenate([pairs[:, 0], pairs[:, 1]])
    columns = np.concatenate([pairs[:, 1], pairs[:, 0]])
    values = np.ones(len(rows))
    return sp.csr_matrix((values, (rows, columns)), shape=(vertex_count, vertex_count))


def triangle_normals(
    vertices: npt.ArrayLike, triangles: npt.ArrayLike
) -> Float64[Floats, "... F 3"]:
    """Return unit normals of the triangles, (..., F, 3) for vertices (..., V, 3).

    A triangle without area gets the zero vector.

    Examples
    --------
    >>> triangle_normals([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]])
    array([[0., 0., 1.]])
    """
    vertices = np.asarray(vertices, dtype=np.float64)
    triangles = np.asarray(triangles)
    a, b, c = (vertices[..., triangles[:, i], :] for i in range(3))
    normals = np.cross(b - a, c - a)
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    return normals / np.where(length > 0, length, 1.0)
