"""Blur of weights and other values along a surface, by diffusion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from lwpipe.mesh.laplacian import cotangent_laplacian

if TYPE_CHECKING:
    from jaxtyping import Float32, Float64, Int64

Floats = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float32]

# One implicit step of the heat equation has the tail of an exponential; a few come near a Gaussian.
_STEPS = 8
# Smaller shares become 0: behind it, at some three standard deviations, a region has no say.
_LEAST = 1e-3


def blurred(
    weights: Float32[Weights, "V K"],
    vertices: Float64[Floats, "V 3"],
    triangles: Int64[npt.NDArray[np.int64], "F 3"],
    area: Float64[Floats, " V"],
    deviation: float,
) -> Float32[Weights, "V K"]:
    """Return weights that `diffused` has spread along the surface; rows sum to 1.

    Parameters
    ----------
    weights : (V, K), rows sum to 1
    vertices : (V, 3), mm
    triangles : (F, 3)
    area : (V,) of the vertices, mm^2
    deviation : mm; 0: they are returned as they are
    """
    if deviation == 0:
        return weights
    share = diffused(weights.astype(np.float64), vertices, triangles, area, deviation)
    share[share < _LEAST] = 0
    made: Weights = (share / share.sum(axis=1, keepdims=True)).astype(np.float32)
    return made


def diffused(
    values: Float64[Floats, "V C"],
    vertices: Float64[Floats, "V 3"],
    triangles: Int64[npt.NDArray[np.int64], "F 3"],
    area: Float64[Floats, " V"],
    deviation: float,
) -> Float64[Floats, "V C"]:
    """Return columns of values, each the mean over its surroundings by a Gaussian on the surface.

    The heat equation with each column at its start, until a Gaussian of this standard deviation
    has spread from a point: (M + t L) x <- M x, a few times, with the areas M and the cotangent
    Laplacian L (Desbrun et al., *Implicit Fairing*, 1999), whose negative entries are left out, so
    that no value leaves the range of its column.

    Parameters
    ----------
    values : (V, C)
    vertices : (V, 3), mm
    triangles : (F, 3)
    area : (V,) of the vertices, mm^2
    deviation : mm; 0: they are returned as they are
    """
    if deviation == 0:
        return values
    time = 0.5 * deviation**2 / _STEPS
    system = sp.csc_array(sp.diags_array(area) + time * cotangent_laplacian(vertices, triangles))
    solver = splu(system, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    spread = values
    for _ in range(_STEPS):
        spread = solver.solve(area[:, None] * spread)
    return spread
