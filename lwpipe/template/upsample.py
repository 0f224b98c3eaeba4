"""Interpolation from the vertices of a coarser mesh to those of a finer one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import igl
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Shares of a corner below this are noise of the projection, not interpolation.
_NEGLIGIBLE = 1e-7


def upsampling(
    vertices: Float64[Floats, "V 3"],
    label: Int64[Ints, " V"],
    keep: Int64[Ints, " V_next"],
    coarse: Int64[Ints, "F_next 3"],
) -> sp.csr_matrix:
    """Return U: each finer vertex as a mixture of coarser ones (Ranjan et al., 2018, section 3.3).

    The mixture is the barycentric coordinates of the closest point on the coarser mesh, within
    the vertex's own component: a tooth never moves with the lip it touches.

    Parameters
    ----------
    vertices : float64 (V, 3), mm, the finer level
    label : int64 (V,), component of each finer vertex
    keep : int64 (V',), the finer vertices that are the coarser ones
    coarse : int64 (F', 3), triangles over `keep`

    Returns
    -------
    csr_matrix, float32, (V, V'), sorted indices
        Rows are non-negative and sum to 1; row `keep[j]` is 1 at j.
    """
    kept = vertices[keep]
    # A kept vertex in no triangle counts as a triangle without extent: it is still a point.
    lonely = np.setdiff1d(np.arange(len(keep)), coarse)
    elements = np.concatenate([coarse, np.repeat(lonely[:, None], 3, axis=1)]).astype(np.int64)
    element_label = label[keep[elements[:, 0]]]
    corners = np.zeros((len(vertices), 3), dtype=np.int64)
    shares = np.zeros((len(vertices), 3))
    rest = np.delete(np.arange(len(vertices)), keep)
    for rows, own in _groups(label[rest], element_label):
        points = vertices[rest[rows]]
        _, nearest, closest = igl.point_mesh_squared_distance(points, kept, elements[own])
        corners[rest[rows]] = elements[own][nearest]
        shares[rest[rows]] = _barycentric(closest, *kept[elements[own][nearest]].swapaxes(0, 1))
    corners[keep] = np.arange(len(keep))[:, None]
    shares[keep] = (1.0, 0.0, 0.0)

    shares[shares < _NEGLIGIBLE] = 0.0
    shares /= shares.sum(axis=1, keepdims=True)
    rows = np.repeat(np.arange(len(vertices)), 3)
    matrix = sp.csr_matrix(
        (shares.ravel(), (rows, corners.ravel())), shape=(len(vertices), len(keep))
    )
    matrix.eliminate_zeros()
    matrix.sort_indices()
    return matrix.astype(np.float32)


def _groups(points: Ints, elements: Ints) -> list[tuple[Ints, Ints]]:
    """Return, for each component that has points, the rows of its points and of its elements."""
    groups = []
    by_point, by_element = np.argsort(points, kind="stable"), np.argsort(elements, kind="stable")
    for value in np.unique(points):
        first, last = np.searchsorted(points[by_point], [value, value + 1])
        begin, end = np.searchsorted(elements[by_element], [value, value + 1])
        groups.append((by_point[first:last], by_element[begin:end]))
    return groups


def _barycentric(points: Floats, a: Floats, b: Floats, c: Floats) -> Floats:
    """Return the shares (n, 3) of corners a, b, c at points that lie on the triangles abc.

    Shares are not negative. A triangle without area is treated as its edge nearest to the point.
    """
    ab, ac, ap = b - a, c - a, points - a
    d00, d01, d11 = (ab * ab).sum(1), (ab * ac).sum(1), (ac * ac).sum(1)
    d20, d21 = (ap * ab).sum(1), (ap * ac).sum(1)
    determinant = d00 * d11 - d01 * d01
    flat = determinant <= 1e-10 * d00 * d11
    safe = np.where(flat, 1.0, determinant)
    v, w = (d11 * d20 - d01 * d21) / safe, (d00 * d21 - d01 * d20) / safe
    shares = np.stack([1.0 - v - w, v, w], axis=1)
    if flat.any():
        shares[flat] = _on_edges(points[flat], np.stack([a[flat], b[flat], c[flat]], axis=1))
    shares = np.maximum(shares, 0.0)
    total: Floats = shares / shares.sum(axis=1, keepdims=True)
    return total


def _on_edges(points: Floats, corners: Floats) -> Floats:
    """Return the shares (n, 3) of the closest point on any edge of triangles (n, 3, 3)."""
    best = np.full(len(points), np.inf)
    shares = np.zeros((len(points), 3))
    for i, j in ((0, 1), (1, 2), (2, 0)):
        start, edge = corners[:, i], corners[:, j] - corners[:, i]
        length = (edge * edge).sum(1)
        step = ((points - start) * edge).sum(1) / np.where(length > 0, length, 1.0)
        step = np.clip(step, 0.0, 1.0)
        distance = ((start + step[:, None] * edge - points) ** 2).sum(1)
        closer = distance < best
        best[closer] = distance[closer]
        shares[closer] = 0.0
        shares[closer, i] = 1.0 - step[closer]
        shares[closer, j] += step[closer]
    return shares
