"""Normals of vertices for programs that shade by them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Floats = npt.NDArray[np.float32]


def vertex_normals(faces: npt.ArrayLike, triangles: npt.NDArray[np.int64]) -> Floats:
    """Return unit normals of the vertices, float32 (..., V, 3), weighted by area.

    A vertex without a triangle, or whose triangles have no area, looks along +z.

    Parameters
    ----------
    faces : float (..., V, 3)
    triangles : int (F, 3)

    Examples
    --------
    >>> vertex_normals([[0, 0, 0], [1, 0, 0], [0, 0, 1]], np.array([[0, 1, 2]]))[0]
    array([ 0., -1.,  0.], dtype=float32)
    """
    points = np.asarray(faces, np.float64)
    count = points.shape[-2]
    rows = np.arange(len(triangles)).repeat(3)
    ones = np.ones(3 * len(triangles))
    corners = sp.csr_array((ones, (triangles.reshape(-1), rows)), (count, len(triangles)))
    made = np.empty(points.shape, np.float32)
    for face, normals in zip(points.reshape(-1, count, 3), made.reshape(-1, count, 3), strict=True):
        a, b, c = (face[triangles[:, corner]] for corner in range(3))
        total = np.asarray(corners @ np.cross(b - a, c - a))
        length = np.linalg.norm(total, axis=1, keepdims=True)
        flat = length[:, 0] <= 1e-12
        total[flat], length[flat] = (0.0, 0.0, 1.0), 1.0
        normals[:] = total / length
    return made
