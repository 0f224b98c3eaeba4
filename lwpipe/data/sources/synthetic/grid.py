"""The triangle mesh of the embedded face in the canonical plane, at any resolution.

A half mask is filled with points whose spacing follows a size function (fine at the lids, the lips
and the nose), relaxed by the truss forces of Persson and Strang (A Simple Mesh Generator in MATLAB,
SIAM Review 46, 2004), mirrored, and, for large meshes, subdivided.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.interpolate import RegularGridInterpolator
from scipy.spatial import Delaunay, cKDTree

from lwpipe.data.sources.synthetic import curves
from lwpipe.mesh.topology import edges

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LARGEST_BASE = 9000
_RELAXATIONS = 50
_LARGEST_SPACING = 6.5
_GROWTH = 0.15


@dataclass(frozen=True, eq=False)
class FaceGrid:
    """A mesh in the canonical plane.

    Attributes
    ----------
    points : float64 (V, 2)
        Canonical coordinates p (across) and q (up), mm.
    triangles : int64 (F, 3)
        Counter-clockwise seen from the front.
    """

    points: Floats
    triangles: Ints


def _dense(function_p: Floats, function_q: Floats) -> Floats:
    return np.column_stack([function_p, function_q])


@lru_cache(maxsize=1)
def _features() -> list[tuple[Floats, float]]:
    """Curves that need small triangles, each with its spacing (mm, in a mesh of 3,000)."""
    lips = np.linspace(0, curves.MOUTH_CORNER[0], 400)
    wing = np.linspace(-0.2 * np.pi, 1.15 * np.pi, 200)
    tip = np.linspace(-33, -50, 100)
    bridge = np.linspace(8, -33, 100)
    return [
        (curves.almond(), 1.5),
        (_dense(lips, curves.mouth_line(lips)), 1.6),
        (_dense(lips, curves.upper_lip_border(lips)), 2.0),
        (_dense(lips, curves.lower_lip_border(lips)), 2.2),
        (_dense(13.0 + 5.0 * np.cos(wing), -43.5 + 6.0 * np.sin(wing)), 1.9),
        (_dense(0 * tip + 5, tip), 2.1),
        (_dense(0 * bridge, bridge), 3.0),
    ]


@lru_cache(maxsize=1)
def _size_table() -> RegularGridInterpolator:
    """Tabulate the size function: it is asked for at every step of the relaxation."""
    p = np.arange(-2.0, curves.HALF_WIDTH + 4.0, 0.5)
    q = np.arange(-132.0, 70.0, 0.5)
    points = np.stack(np.meshgrid(p, q, indexing="ij"), axis=-1).reshape(-1, 2)
    size = np.full(len(points), _LARGEST_SPACING)
    for polyline, spacing in _features():
        away = cKDTree(polyline).query(points)[0]
        size = np.minimum(size, spacing + _GROWTH * away)
    return RegularGridInterpolator(
        (p, q), size.reshape(len(p), len(q)), bounds_error=False, fill_value=_LARGEST_SPACING
    )


def _size(points: Floats) -> Floats:
    """Return the wanted spacing at (n, 2) points, mm, in a mesh of about 3,000 vertices."""
    return np.asarray(_size_table()(points))


def _resample(polyline: Floats, scale: float) -> Floats:
    """Return points along the polyline, spaced by the size function, ends included."""
    step = np.linalg.norm(np.diff(polyline, axis=0), axis=1)
    middle = (polyline[1:] + polyline[:-1]) / 2
    cost = np.concatenate([[0.0], np.cumsum(step / (scale * _size(middle)))])
    count = max(2, round(cost[-1]) + 1)
    wanted = np.linspace(0, cost[-1], count)
    return np.column_stack([np.interp(wanted, cost, polyline[:, i]) for i in range(2)])


def _rings(scale: float) -> Floats:
    """Return points on both sides of the lid margins and on the mouth line and lip borders."""
    almond = curves.almond()
    loop = np.concatenate([almond, almond[:1]])
    margin = _resample(loop, scale)[:-1]
    ahead = np.roll(margin, -1, axis=0) - np.roll(margin, 1, axis=0)
    normal = np.column_stack([-ahead[:, 1], ahead[:, 0]])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    gap = min(1.0, 0.55 * scale * 1.5)
    outer = margin + 0.5 * gap * normal
    inner = margin - 0.5 * gap * normal
    inner = inner[curves.eye_depth(inner[:, 0], inner[:, 1]) > 0.4 * gap]
    lips = np.linspace(0, curves.MOUTH_CORNER[0], 600)
    line = _resample(_dense(lips, curves.mouth_line(lips)), scale)
    rows = []
    for shift in (1.3, -1.3):
        row = line[line[:, 0] < curves.MOUTH_CORNER[0] - 2] + [0, 0]
        row[:, 1] += np.sign(shift) * min(1.3, 0.8 * scale * 1.6)
        rows.append(row)
    line = np.concatenate([line, *rows])
    # The borders meet the line at the corner: their last points would crowd it.
    upper = _resample(_dense(lips, curves.upper_lip_border(lips)), scale)[:-3]
    lower = _resample(_dense(lips, curves.lower_lip_border(lips)), scale)[:-3]
    turn = np.linspace(-0.25 * np.pi, 0.75 * np.pi, 200)
    wing = _resample(_dense(12.5 + 5.0 * np.cos(turn), -43.0 + 6.5 * np.sin(turn)), scale)
    across = np.linspace(curves.INNER_CANTHUS[0] + 2, curves.OUTER_CANTHUS[0] + 1, 400)
    crease = _resample(_dense(across, curves.lid_crease(across)), scale)
    return np.concatenate([outer, inner, line, upper, lower, wing, crease])


def _seed(scale: float) -> tuple[Floats, int]:
    """Return points (fixed ones first) for a half mask and the number of fixed ones."""
    boundary = _resample(curves.outline(), scale)
    top, bottom = boundary[0, 1], boundary[-1, 1]
    axis = np.column_stack([np.zeros(2000), np.linspace(top, bottom, 2000)])
    axis = _resample(axis, scale)[1:-1]
    rings = _rings(scale)
    rings = rings[rings[:, 0] > 0]
    fixed = np.concatenate([boundary, axis, rings])
    rng = np.random.default_rng(0)
    fine = 0.5 * scale * 1.5
    p, q = np.meshgrid(
        np.arange(0, curves.HALF_WIDTH, fine), np.arange(bottom, top, fine * np.sqrt(3) / 2)
    )
    p[::2] += fine / 2
    free = np.column_stack([p.ravel(), q.ravel()])
    free = free[curves.outline_radius(free[:, 0], free[:, 1]) < 1]
    size = scale * _size(free)
    free = free[rng.random(len(free)) < (fine / size) ** 2]
    size = scale * _size(free)
    radius = curves.outline_radius(free[:, 0], free[:, 1])
    keep = (1 - radius) * 90 > 0.6 * size
    keep &= (free[:, 0] > 0.6 * size) & (cKDTree(fixed).query(free)[0] > 0.6 * size)
    return np.concatenate([fixed, free[keep]]), len(fixed)


def _triangulate(points: Floats) -> Ints:
    triangles = Delaunay(points).simplices.astype(np.int64)
    a, b, c = (points[triangles[:, i]] for i in range(3))
    ab, ac = b - a, c - a
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    triangles[area < 0] = triangles[area < 0][:, ::-1]
    longest = np.max([np.sum((x - y) ** 2, axis=1) for x, y in ((a, b), (b, c), (c, a))], axis=0)
    # Three neighbours on a straight stretch of the boundary are no triangle.
    return np.asarray(triangles[np.abs(area) > 1e-3 * longest])


def _relax(points: Floats, fixed: int, scale: float) -> Floats:
    """Even out the free points: bars between neighbours push apart (Persson and Strang)."""
    points = points.copy()
    for _ in range(_RELAXATIONS):
        bars = edges(_triangulate(points))
        vector = points[bars[:, 0]] - points[bars[:, 1]]
        length = np.maximum(np.linalg.norm(vector, axis=1), 1e-9)
        wanted = _size((points[bars[:, 0]] + points[bars[:, 1]]) / 2)
        wanted *= 1.15 * np.sqrt(np.sum(length**2) / np.sum(wanted**2))
        force = (np.maximum(wanted - length, 0) / length)[:, None] * vector
        total = np.zeros_like(points)
        for axis in range(2):
            total[:, axis] += np.bincount(bars[:, 0], force[:, axis], len(points))
            total[:, axis] -= np.bincount(bars[:, 1], force[:, axis], len(points))
        total[:fixed] = 0
        points += 0.2 * total
        free = points[fixed:]
        radius = curves.outline_radius(free[:, 0], free[:, 1])
        limit = 1 - 0.4 * scale * _size(free) / 90
        outside = radius > limit
        centre = np.array([0.0, curves.CENTRE])
        free[outside] = centre + (free[outside] - centre) * (limit / radius)[outside][:, None]
        free[:, 0] = np.maximum(free[:, 0], 0.4 * scale * _size(free))
    return points


def _mirror(points: Floats, triangles: Ints) -> FaceGrid:
    middle = points[:, 0] == 0
    other = np.where(middle, np.arange(len(points)), 0)
    other[~middle] = len(points) + np.arange(np.count_nonzero(~middle))
    mirrored = points[~middle] * [-1, 1]
    return FaceGrid(
        np.concatenate([points, mirrored]),
        np.concatenate([triangles, other[triangles][:, ::-1]]),
    )


def _subdivide(grid: FaceGrid) -> FaceGrid:
    """Split each triangle into four; new boundary points go onto the outline."""
    points, triangles = grid.points, grid.triangles
    sides = np.sort(
        np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1
    )
    pairs, which, uses = np.unique(sides, axis=0, return_inverse=True, return_counts=True)
    middle = points[pairs].mean(axis=1)
    border = uses == 1
    radius = curves.outline_radius(middle[border, 0], middle[border, 1])[:, None]
    centre = np.array([0.0, curves.CENTRE])
    middle[border] = centre + (middle[border] - centre) / radius
    ab, bc, ca = (which.reshape(3, -1) + len(points)).astype(np.int64)
    a, b, c = triangles.T
    quarters = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return FaceGrid(
        np.concatenate([points, middle]),
        np.concatenate([np.column_stack(quarter) for quarter in quarters]),
    )


@lru_cache(maxsize=4)
def make_grid(vertices: int) -> FaceGrid:
    """Return a symmetric mesh of about `vertices` points in the canonical plane.

    Parameters
    ----------
    vertices : wanted number of vertices; the mesh has within some 3 % of it

    Returns
    -------
    grid : one connected disc with one boundary loop, finest at lids, lips and nose
    """
    levels = 0
    target = float(vertices)
    while target > _LARGEST_BASE:
        # A disc of V vertices, B of them on the boundary, has 4V - B - 3 after one split.
        target = (target + 3 + 2.6 * np.sqrt(target / 4)) / 4
        levels += 1
    scale = np.sqrt(3000 / target)
    best = np.inf
    for _ in range(12):
        seeded, fixed_count = _seed(scale)
        count = 2 * len(seeded) - np.count_nonzero(seeded[:, 0] == 0)
        if abs(count - target) < best:
            best, points, fixed, chosen = abs(count - target), seeded, fixed_count, scale
        if best < 0.005 * target:
            break
        scale *= np.sqrt(count / target)
    scale = chosen
    points = _relax(points, fixed, scale)
    grid = _mirror(points, _triangulate(points))
    for _ in range(levels):
        grid = _subdivide(grid)
    return grid
