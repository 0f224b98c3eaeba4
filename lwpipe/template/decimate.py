"""Reduce a triangle mesh to fewer of its own vertices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import igl
import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from lwpipe.core.errors import LwpipeError
from lwpipe.mesh.topology import adjacency, edges_with_count, triangle_normals

if TYPE_CHECKING:
    from jaxtyping import Bool, Float64, Int64

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# Edge collapses to find the triangle count that leaves the wanted vertex count: two or three are
# enough in practice, the rest is for odd meshes.
_SEARCH_STEPS = 8
# Relative error of the vertex count that ends the search: exact below 2,000 vertices.
_TOLERANCE = 0.0005
# How many original vertices near a collapsed one are looked at for its place.
_CANDIDATES = 12
# Rounds of repair of triangles that turned over when their vertices moved.
_UNFOLD_SWEEPS = 4


def components(triangles: npt.ArrayLike, vertex_count: int) -> Int64[Ints, " V"]:
    """Return the connected component of each vertex, int64 (V,), counted from 0."""
    labels = connected_components(adjacency(triangles, vertex_count), directed=False)[1]
    return np.asarray(labels, dtype=np.int64)


def boundary_vertices(triangles: npt.ArrayLike, vertex_count: int) -> Bool[Bools, " V"]:
    """Return which vertices lie on an edge of exactly one triangle, bool (V,)."""
    unique, count = edges_with_count(triangles)
    mask = np.zeros(vertex_count, dtype=bool)
    mask[unique[count == 1].ravel()] = True
    return mask


def decimate(
    vertices: Float64[Floats, "V 3"], triangles: Int64[Ints, "F 3"], target: int
) -> tuple[Int64[Ints, " V_next"], Int64[Ints, "F_next 3"]]:
    """Reduce a mesh to about `target` of its own vertices by quadric edge collapse.

    Edge collapse (Garland and Heckbert, 1997) places merged vertices freely; each is then moved
    to an original vertex near by, so that coarser vertices are a subset of the finer ones. An
    isolated vertex is kept, and so is one vertex of each component. A mesh that is not an
    oriented manifold is oriented, or split along its faults, before the collapse.

    Parameters
    ----------
    vertices : float64 (V, 3), mm
    triangles : int64 (F, 3)
    target : number of vertices wanted

    Returns
    -------
    keep : int64 (V',)
        Indices into `vertices`, ascending; V' is `target` unless the collapse stops earlier.
    coarse : int64 (F', 3)
        Triangles over `keep`, without degenerate or repeated ones.

    Raises
    ------
    LwpipeError
        If there are no triangles.
    """
    clean = _clean(triangles)
    if len(clean) == 0:
        raise LwpipeError("the template has no triangle with three different vertices.")
    count = len(vertices)
    label = components(clean, count)
    touched = np.zeros(count, dtype=bool)
    touched[clean] = True
    used, isolated = np.flatnonzero(touched), np.flatnonzero(~touched)

    surface, sources = _manifold(clean, used)
    points, collapsed, birth = _collapse(vertices[sources], surface, target - len(isolated))
    birth = sources[birth]
    place = _snap(points, collapsed, birth, vertices, clean, label)

    missing = np.setdiff1d(label, label[np.concatenate([place, isolated])])
    first = np.unique(label, return_index=True)[1]
    keep = np.unique(np.concatenate([place, isolated, first[missing]]))
    coarse = np.searchsorted(keep, place)[collapsed]
    return keep.astype(np.int64), _clean(coarse)


def _clean(triangles: npt.NDArray[Any]) -> Ints:
    """Drop triangles that repeat a vertex or another triangle; keep the order of the rest."""
    triangles = np.asarray(triangles, dtype=np.int64)
    corners = np.sort(triangles, axis=1)
    whole = (np.diff(corners, axis=1) != 0).all(axis=1)
    triangles, corners = triangles[whole], corners[whole]
    order = np.lexsort(corners.T)
    repeated = (np.diff(corners[order], axis=0) == 0).all(axis=1)
    return triangles[np.sort(np.delete(order, np.flatnonzero(repeated) + 1))]


def _oriented(triangles: Ints) -> bool:
    """Whether no two triangles run along an edge in the same direction."""
    start, end = triangles.ravel(), triangles[:, [1, 2, 0]].ravel()
    keys = np.sort(start * (int(triangles.max(initial=0)) + 1) + end)
    return not (np.diff(keys) == 0).any()


def _manifold(triangles: Ints, used: Ints) -> tuple[Ints, Ints]:
    """Return an oriented manifold mesh over its own vertices, and which vertex each one was."""
    surface = np.searchsorted(used, triangles)
    if not _is_manifold(surface):
        surface, copies = igl.split_nonmanifold(surface)
        return np.asarray(surface, dtype=np.int64), used[copies]
    if not _oriented(surface):
        turned = np.asarray(igl.bfs_orient(surface)[0], dtype=np.int64)
        if not _oriented(turned):
            surface, copies = igl.split_nonmanifold(surface)
            return np.asarray(surface, dtype=np.int64), used[copies]
        surface = turned
    return surface, used


def _is_manifold(surface: Ints) -> bool:
    shared = edges_with_count(surface)[1]
    return bool(shared.max() <= 2) and bool(np.all(igl.is_vertex_manifold(surface)))


def _collapse(vertices: Floats, triangles: Ints, target: int) -> tuple[Floats, Ints, Ints]:
    """Collapse edges until `target` vertices are left.

    The collapse stops at a number of triangles; a collapse takes away one vertex and two
    triangles, or one at a boundary, so the right number is searched. The order of collapses does
    not depend on where they stop: the vertex count grows with the triangle count.

    Returns the placed vertices (n, 3), their triangles (m, 3) and the vertex each was born as (n,).
    """
    # The collapse works on an absolute scale: make it the mesh's own, so units do not matter.
    centre, size = vertices.mean(axis=0), float(np.ptp(vertices, axis=0).max()) or 1.0
    points = np.asfortranarray((vertices - centre) / size)
    corners = np.asfortranarray(triangles.astype(np.int32))

    low, high = (0, 0), (len(triangles), len(vertices))
    # First guess: a boundary, being a curve, thins with the square root.
    removed = len(vertices) - max(target, 1)
    thinned = boundary_vertices(triangles, len(vertices)).sum()
    thinned *= 1.0 - (max(target, 1) / len(vertices)) ** 0.5
    wanted = len(triangles) - 2 * removed + round(thinned)
    best: tuple[Floats, Ints, Ints] | None = None
    for _ in range(_SEARCH_STEPS):
        wanted = min(max(wanted, low[0] + 1), high[0] - 1, len(triangles))
        placed, coarse, _, birth = igl.qslim(points, corners, max(wanted, 1))
        if best is None or abs(len(placed) - target) < abs(len(best[0]) - target):
            best = placed * size + centre, coarse.astype(np.int64), birth.astype(np.int64)
        if abs(len(placed) - target) <= target * _TOLERANCE or len(coarse) > wanted:
            break
        if len(placed) < target:
            low = wanted, len(placed)
        else:
            high = wanted, len(placed)
        if high[0] - low[0] <= 1:
            break
        share = (target - low[1]) / (high[1] - low[1])
        wanted = low[0] + round(share * (high[0] - low[0]))
    assert best is not None  # noqa: S101 - the loop runs at least once
    return best


def _snap(
    points: Floats, coarse: Ints, birth: Ints, vertices: Floats, triangles: Ints, label: Ints
) -> Ints:
    """Choose an original vertex for each collapsed one, each at most once.

    The vertex it was born as can lie far from where later collapses put it (half an edge length,
    with flipped triangles); the nearest one lies within a fifth. It must be of the same component
    and face the same way, so that the lips do not swap, and a boundary stays a boundary.
    """
    count = min(_CANDIDATES, len(vertices))
    nearest = cKDTree(vertices).query(points, k=np.arange(1, count + 1))
    distance, near = np.asarray(nearest[0]), np.asarray(nearest[1])

    on_boundary = boundary_vertices(coarse, len(points))
    may_be_boundary = boundary_vertices(triangles, len(vertices))
    facing = vertex_normals(points, coarse)
    normals = vertex_normals(vertices, triangles)
    fits = label[near] == label[birth][:, None]
    fits &= may_be_boundary[near] | ~on_boundary[:, None]
    fits &= (facing[:, None] * normals[near]).sum(axis=2) > 0

    place = np.full(len(points), -1, dtype=np.int64)
    taken = np.zeros(len(vertices), dtype=bool)
    rows, columns = np.nonzero(fits)
    for choice in np.lexsort((rows, distance[rows, columns])):
        row, vertex = rows[choice], near[rows[choice], columns[choice]]
        if place[row] < 0 and not taken[vertex]:
            place[row] = vertex
            taken[vertex] = True
    # No free candidate: the birth vertex, even where another took it (the two then merge).
    place = np.where(place < 0, birth, place)
    taken[birth] = True
    _unfold(
        place, taken, np.where(fits, near, -1), vertices, coarse, triangle_normals(points, coarse)
    )
    return place


def _unfold(
    place: Ints, taken: Bools, choices: Ints, vertices: Floats, coarse: Ints, facing: Floats
) -> None:
    """Move vertices of triangles that turned over or lost their area to another candidate.

    Parameters
    ----------
    place : int64 (n,), the original vertex of each collapsed one, changed in place
    taken : bool (V,), changed in place
    choices : int64 (n, c), candidates of each collapsed vertex, nearest first, -1 for none
    vertices : float64 (V, 3)
    coarse : int64 (m, 3), triangles over the collapsed vertices
    facing : float64 (m, 3), normals of the triangles before they were moved
    """
    order = np.argsort(coarse.ravel(), kind="stable")
    starts = np.searchsorted(coarse.ravel()[order], np.arange(len(place) + 1))

    def agreement(faces: Ints) -> float:
        return float(
            (triangle_normals(vertices, place[coarse[faces]]) * facing[faces]).sum(1).min()
        )

    for _ in range(_UNFOLD_SWEEPS):
        turned = (triangle_normals(vertices, place[coarse]) * facing).sum(axis=1) <= 0
        if not turned.any():
            return
        for vertex in np.unique(coarse[turned]):
            faces = order[starts[vertex] : starts[vertex + 1]] // 3
            current = place[vertex]
            best, best_agreement = current, agreement(faces)
            for choice in choices[vertex]:
                if choice >= 0 and not taken[choice] and best_agreement <= 0:
                    place[vertex] = choice
                    value = agreement(faces)
                    if value > best_agreement:
                        best, best_agreement = choice, value
            place[vertex] = best
            taken[current], taken[best] = False, True


def vertex_normals(
    vertices: Float64[Floats, "V 3"], triangles: Int64[Ints, "F 3"]
) -> Float64[Floats, "V 3"]:
    """Return the sum of the unit normals of the triangles at each vertex, (V, 3)."""
    normals = triangle_normals(vertices, triangles)
    total = np.zeros((len(vertices), 3))
    for corner in range(3):
        np.add.at(total, triangles[:, corner], normals)
    return total
