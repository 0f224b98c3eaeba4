"""Polygons of any number of corners, cut into triangles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lwpipe.mesh.faults import MeshError

Ints = npt.NDArray[np.int64]


def fan(polygons: list[list[int]]) -> Ints:
    """Return the triangles of polygons, int64 (F, 3): a b c d gives a b c and a c d."""
    if any(len(corners) < 3 for corners in polygons):
        raise MeshError("has a polygon of fewer than three corners: it is damaged or cut off")
    triangles = [
        (corners[0], corners[i], corners[i + 1])
        for corners in polygons
        for i in range(1, len(corners) - 1)
    ]
    try:
        return np.array(triangles, dtype=np.int64).reshape(-1, 3)
    except OverflowError as error:
        raise MeshError("has a polygon with a vertex number of over 18 digits") from error
