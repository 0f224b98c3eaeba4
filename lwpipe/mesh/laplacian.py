"""The cotangent Laplacian of a triangle mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

Floats = npt.NDArray[np.float64]

# Of a triangle without area the cotangents are infinite.
_MOST = 1e6


def cotangent_laplacian(
    vertices: Float64[Floats, "V 3"], triangles: Int64[npt.NDArray[np.int64], "F 3"]
) -> sp.csr_array:
    """Return the cotangent Laplacian, (V, V), symmetric, rows sum to 0, the diagonal alone > 0.

    Half the sum of the cotangents of the two angles that lie opposite to an edge (Desbrun et al.,
    *Implicit Fairing*, 1999). Those of obtuse angles, which are negative, are left out, so that
    what is solved with it has no value beyond those at its border.

    Parameters
    ----------
    vertices : (V, 3)
    triangles : (F, 3)
    """
    values, rows, columns = [], [], []
    for corner in range(3):
        here, a, b = (triangles[:, (corner + shift) % 3] for shift in range(3))
        one, other = vertices[a] - vertices[here], vertices[b] - vertices[here]
        twice = np.linalg.norm(np.cross(one, other), axis=1)
        along = np.maximum((one * other).sum(axis=1), 0)
        cotangent = along / np.maximum(twice, np.maximum(along / _MOST, np.finfo(float).tiny))
        values += [0.5 * cotangent, 0.5 * cotangent]
        rows += [a, b]
        columns += [b, a]
    place = np.concatenate(rows), np.concatenate(columns)
    shape = (len(vertices), len(vertices))
    between = sp.csr_array((np.concatenate(values), place), shape=shape)
    laplacian: sp.csr_array = sp.csr_array(sp.diags_array(between.sum(axis=1))) - between
    return laplacian
