"""What makes two faces of the same parameters two people: a smooth random field over the skin.

The field is a sum of compactly supported bumps (Wendland's C2 function, Advances in Computational
Mathematics 4, 1995) on hexagonal lattices of falling spacing and falling variance. The lattices lie
in the canonical plane, so that a person has the same detail in a mesh of any resolution. A bump
moves the skin along the normal of the smoothed mean face, and little at the lids, the nostrils and
the line between the lips, where skin meets skin.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.spatial import cKDTree

from lwpipe.data.sources.synthetic import curves
from lwpipe.data.sources.synthetic.anatomy import bump, mean_face, smooth_step

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Spacing of a lattice and standard deviation of its field, both mm.
SCALES = ((28.0, 0.63), (17.0, 0.46), (10.0, 0.29))
# Correlation of a bump with its mirror image: faces are nearly symmetric.
SYMMETRY = 0.6
# Share of the variance that follows the traits, how fast (in waves of 2 pi deviations), and a seed.
FOLLOWS = 0.5
_FREQUENCY, _WAVES = 0.7, 20
# Radius of a bump in spacings of its lattice, and its square's mean over the disc of that radius.
_REACH, _MEAN_SQUARE = 2.0, 7 / 99
# How many bumps of a hexagonal lattice overlap at a point.
_OVERLAP = 2 * np.pi * _REACH**2 / np.sqrt(3)
_SMOOTHING = 4.0


@lru_cache(maxsize=1)
def _lattices() -> list[Floats]:
    """Return the centres of the bumps of each scale in the canonical plane, each (n, 2)."""
    lattices = []
    for spacing, _ in SCALES:
        height = spacing * np.sqrt(3) / 2
        rows = np.arange(-np.ceil(120 / height), np.ceil(90 / height) + 1)
        columns = np.arange(-np.ceil(100 / spacing), np.ceil(100 / spacing) + 1)
        row, column = (axis.ravel() for axis in np.meshgrid(rows, columns, indexing="ij"))
        points = np.column_stack([(column + 0.5 * (row % 2)) * spacing, row * height])
        inside = curves.outline_radius(np.abs(points[:, 0]), points[:, 1]) < 1.0
        lattices.append(points[inside])
    return lattices


def detail_names() -> list[str]:
    """Return the names of the bumps, such as 'detail_28mm_003': scale by scale."""
    return [
        f"detail_{spacing:.0f}mm_{number:03d}"
        for (spacing, _), points in zip(SCALES, _lattices(), strict=True)
        for number in range(len(points))
    ]


@lru_cache(maxsize=1)
def _mirror() -> Ints:
    """Return the number of each bump's mirror image, (D,); a bump on the midline is its own."""
    numbers, first = [], 0
    for lattice in _lattices():
        numbers.append(first + cKDTree(lattice).query(lattice * [-1, 1])[1])
        first += len(lattice)
    return np.concatenate(numbers)


@lru_cache(maxsize=1)
def _waves(traits: int) -> tuple[Floats, Floats]:
    """Return frequencies (traits, D) and phases (D,) of what the traits make of each bump."""
    mirror = _mirror()
    rng = np.random.default_rng(_WAVES)
    frequencies = rng.normal(0, _FREQUENCY, (traits, len(mirror)))
    phases = rng.uniform(0, 2 * np.pi, len(mirror))
    # Build and age are the same on both sides.
    first = np.minimum(mirror, np.arange(len(mirror)))
    return frequencies[:, first], phases[first]


def draw_detail(traits: Floats, rng: np.random.Generator) -> Floats:
    """Draw the heights of the bumps in their deviations, float64 (count, D), of unit variance.

    Of their variance `FOLLOWS` follows the person's traits (count, T), standard normal numbers,
    each bump on a wave of its own: skin fills and sags with build and age, but not in proportion.
    The rest is drawn; in it a bump and its mirror image correlate by `SYMMETRY`.
    """
    frequencies, phases = _waves(traits.shape[1])
    # Mean and second moment of a cosine of normal numbers.
    speed = (frequencies**2).sum(axis=0)
    mean = np.exp(-speed / 2) * np.cos(phases)
    square = (1 + np.exp(-2 * speed) * np.cos(2 * phases)) / 2
    following = (np.cos(traits @ frequencies + phases) - mean) / np.sqrt(square - mean**2)
    heights = np.sqrt(FOLLOWS) * following + np.sqrt(1 - FOLLOWS) * _drawn(len(traits), rng)
    return np.asarray(heights)


def _drawn(count: int, rng: np.random.Generator) -> Floats:
    mirror = _mirror()
    drawn = rng.standard_normal((count, len(mirror)))
    both, one = (np.sqrt(1 + SYMMETRY) + sign * np.sqrt(1 - SYMMETRY) for sign in (1, -1))
    heights = 0.5 * (both * drawn + one * drawn[:, mirror])
    middle = mirror == np.arange(len(mirror))
    heights[:, middle] = drawn[:, middle]
    return np.asarray(heights)


def _wendland(distance: Floats) -> Floats:
    return np.asarray((1 - distance) ** 4 * (4 * distance + 1))


def _freedom(points: Floats) -> Floats:
    """Return how far the skin may move: 1, but less where skin meets skin, (V,)."""
    p, q = np.abs(points[:, 0]), points[:, 1]
    free = 1 - smooth_step(-5.0, 0.5, curves.eye_depth(p, q))
    mouth = 1 - smooth_step(20, 30, p)
    free = free * (1 - 0.8 * mouth * np.exp(-(((q - curves.mouth_line(p)) / 3.0) ** 2)))
    return np.asarray(free * (1 - 0.8 * bump(p, q, (6.8, -47.4), (5.0, 4.0))))


def _normals(points: Floats) -> Floats:
    """Return the normal of the smoothed mean face, (V, 3)."""
    across, up = (
        mean_face(points + step) - mean_face(points - step)
        for step in ([_SMOOTHING, 0], [0, _SMOOTHING])
    )
    normal = np.cross(across, up)
    return np.asarray(normal / np.linalg.norm(normal, axis=1, keepdims=True))


class Detail:
    """The bumps on the vertices of a mesh.

    Parameters
    ----------
    points : float64 (V, 2)
        Canonical coordinates.

    Attributes
    ----------
    heights : sparse float32 (V, D), mm
        Height of each bump, of one deviation, at each vertex.
    normals : float32 (V, 3)
    """

    heights: csr_array
    normals: npt.NDArray[np.float32]

    def __init__(self, points: Floats) -> None:
        tree = cKDTree(points)
        rows: list[Ints] = []
        columns: list[Ints] = []
        values: list[Floats] = []
        first = 0
        for (spacing, deviation), lattice in zip(SCALES, _lattices(), strict=True):
            reach = _REACH * spacing
            found = tree.sparse_distance_matrix(cKDTree(lattice), reach, output_type="ndarray")
            row, column = found["i"].astype(np.int64), found["j"].astype(np.int64)
            bumps = _wendland(found["v"] / reach)
            rows.append(row)
            columns.append(column + first)
            values.append(deviation / np.sqrt(_OVERLAP * _MEAN_SQUARE) * bumps)
            first += len(lattice)
        row, column = np.concatenate(rows), np.concatenate(columns)
        value = np.concatenate(values) * _freedom(points)[row]
        shape = (len(points), first)
        self.heights = coo_array((value.astype(np.float32), (row, column)), shape).tocsr()
        self.normals = _normals(points).astype(np.float32)

    def add(self, faces: npt.NDArray[np.float32], drawn: Floats) -> None:
        """Add the detail of some people (n, D) to their faces (n, V, 3), in place."""
        height = np.ascontiguousarray((self.heights @ drawn.T.astype(np.float32)).T)
        for axis in range(3):
            faces[..., axis] += height * self.normals[:, axis]
