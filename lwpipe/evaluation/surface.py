"""The Hausdorff map: how far the surface moves, vertex by vertex."""

from __future__ import annotations

import igl
import numpy as np
import numpy.typing as npt


def surface_distances(
    vertices: npt.ArrayLike, surface: npt.ArrayLike, triangles: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Return each vertex's distance to another face's surface, float64 (V,), mm.

    Unlike the distance of corresponding vertices it does not count sliding within the surface.
    The map of the first face of an interpolation against the last is figure 5 of Locally
    Weighted 3D Face Generative Model.

    Parameters
    ----------
    vertices : float (V, 3), mm
    surface : float (U, 3), mm
        Vertices of the surface.
    triangles : int (F, 3)
        Its triangles.
    """
    squares, _, _ = igl.point_mesh_squared_distance(
        np.ascontiguousarray(vertices, dtype=np.float64),
        np.ascontiguousarray(surface, dtype=np.float64),
        np.ascontiguousarray(triangles, dtype=np.int64),
    )
    return np.sqrt(np.maximum(np.asarray(squares, dtype=np.float64), 0.0))
