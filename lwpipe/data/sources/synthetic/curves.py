"""Feature curves of the embedded face in the canonical plane.

The canonical plane unrolls the mean face: `p` runs across it (mm, zero on the midline), `q` runs up
(mm, zero at the pupils). Everything here is for the half `p >= 0`; the other half is its mirror.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator
from scipy.spatial import cKDTree

Floats = npt.NDArray[np.float64]

CENTRE = -15.0
HALF_WIDTH = 93.0
HALF_HEIGHT_TOP, EXPONENT_TOP = 80.0, 3.2
HALF_HEIGHT_BOTTOM, EXPONENT_BOTTOM = 113.0, 2.15

INNER_CANTHUS = np.array([16.0, -1.6])
OUTER_CANTHUS = np.array([47.0, 1.6])
MOUTH_CORNER = np.array([26.5, -68.2])


def outline_radius(p: Floats, q: Floats) -> Floats:
    """Return how far out a point lies: 0 at the centre, 1 on the boundary of the mask, (V,)."""
    top = q > CENTRE
    height = np.where(top, HALF_HEIGHT_TOP, HALF_HEIGHT_BOTTOM)
    exponent = np.where(top, EXPONENT_TOP, EXPONENT_BOTTOM)
    across = np.abs(p) / HALF_WIDTH
    along = np.abs(q - CENTRE) / height
    return np.asarray((across**exponent + along**exponent) ** (1 / exponent))


def outline(count: int = 4000) -> Floats:
    """Return the boundary of the half mask from top to bottom, (count, 2)."""
    angle = np.linspace(np.pi / 2, -np.pi / 2, count)
    p, q = np.cos(angle), np.sin(angle)
    p[[0, -1]] = 0.0
    radius = outline_radius(p * 50, CENTRE + q * 50) / 50
    return np.column_stack([p / radius, CENTRE + q / radius])


def _lid(along: Floats, height: float, peak: float) -> Floats:
    """Return an arch over [0, 1] that is zero at both ends and highest at `peak`."""
    bent = np.clip(along, 0, 1) ** (np.log(0.5) / np.log(peak))
    return np.asarray(height * (4 * bent * (1 - bent)) ** 0.88)


def eye_line(p: Floats) -> tuple[Floats, Floats]:
    """Return where a point lies between the canthi (0 to 1) and the height of their chord."""
    along = (p - INNER_CANTHUS[0]) / (OUTER_CANTHUS[0] - INNER_CANTHUS[0])
    chord = INNER_CANTHUS[1] + along * (OUTER_CANTHUS[1] - INNER_CANTHUS[1])
    return along, chord


def upper_lid(p: Floats) -> Floats:
    """Return the height of the upper lid's margin."""
    along, chord = eye_line(p)
    return chord + _lid(along, 5.3, 0.45)


def lid_crease(p: Floats) -> Floats:
    """Return the height of the crease above the upper lid."""
    along, _ = eye_line(p)
    return upper_lid(p) + 2.6 + 2.2 * np.sin(np.pi * np.clip(along, 0, 1))


def lower_lid(p: Floats) -> Floats:
    """Return the height of the lower lid's margin."""
    along, chord = eye_line(p)
    return chord - _lid(along, 4.4, 0.56)


def almond(count: int = 1500) -> Floats:
    """Return the closed outline of the eye's opening, (count, 2)."""
    half = count // 2
    along = 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, half))
    p = INNER_CANTHUS[0] + along * (OUTER_CANTHUS[0] - INNER_CANTHUS[0])
    upper = np.column_stack([p, upper_lid(p)])
    lower = np.column_stack([p, lower_lid(p)])[::-1]
    return np.concatenate([upper, lower[1:-1]])


def eye_depth(p: Floats, q: Floats) -> Floats:
    """Return the signed distance to the margin of the lids, positive inside the opening, mm."""
    distance = cKDTree(almond()).query(np.column_stack([p, q]))[0]
    inside = (p > INNER_CANTHUS[0]) & (p < OUTER_CANTHUS[0])
    inside &= (q < upper_lid(p)) & (q > lower_lid(p))
    return np.where(inside, distance, -distance)


_UPPER_BORDER = PchipInterpolator(
    [-6.2, -3, 0, 3, 6.2, 10, 16, 22, 26.5, 40],
    [-58.6, -59.5, -60.4, -59.5, -58.6, -59.4, -62.4, -65.9, -68.2, -68.6],
)
_LOWER_BORDER = PchipInterpolator(
    [-8, 0, 8, 15, 22, 26.5, 40], [-77.2, -77.8, -77.2, -75.0, -71.2, -68.2, -68.6]
)
_MOUTH_LINE = PchipInterpolator(
    [-9, -4, 0, 4, 9, 17, 26.5, 40], [-67.3, -68.0, -68.5, -68.0, -67.3, -67.4, -68.2, -68.6]
)


def upper_lip_border(p: Floats) -> Floats:
    """Return the height of the upper lip's vermilion border: Cupid's bow."""
    return np.asarray(_UPPER_BORDER(np.clip(p, 0, 40)))


def lower_lip_border(p: Floats) -> Floats:
    """Return the height of the lower lip's vermilion border."""
    return np.asarray(_LOWER_BORDER(np.clip(p, 0, 40)))


def mouth_line(p: Floats) -> Floats:
    """Return the height of the line where the lips meet."""
    return np.asarray(_MOUTH_LINE(np.clip(p, 0, 40)))
