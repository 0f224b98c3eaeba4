"""The mean face: a point in millimetres for each point of the canonical plane.

Frame: x to the viewer's right, y up, z towards the viewer; y = 0 at the pupils, z = 0 at the brow.
Distances were set by hand to look like an adult's; they are not fitted to measurements.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline, PchipInterpolator

from lwpipe.data.sources.synthetic import curves

Floats = npt.NDArray[np.float64]

_HALF_BREADTH = CubicSpline(
    [-130, -105, -80, -50, -20, 10, 40, 70], [44, 50, 58.5, 66, 70, 69, 68, 63]
)
_DEPTH = CubicSpline([-130, -105, -80, -50, -20, 10, 40, 70], [66, 76, 84, 88, 88, 86, 84, 78])
_PROFILE = CubicSpline(
    [-130, -112, -101, -87, -67, -45, -25, -5, 12, 28, 46, 68],
    [-10, -8.5, -7.0, -6.5, -4.0, -3.0, -6.0, -7.0, -3.0, -0.8, -4.0, -17.0],
)
_NOSE_RIDGE = PchipInterpolator(
    [-58, -52, -48.5, -45.5, -43, -40, -37.5, -34, -28, -20, -10, -2, 5, 12, 22],
    [-14, -5.5, 3.5, 12.5, 17.2, 19.7, 20.0, 18.4, 14.2, 9.2, 3.2, -1.6, -4.2, -4.6, -8.0],
)
_NOSE_ROUND = PchipInterpolator([-50, -40, -34, -24, -10, 5, 20], [5, 5.2, 5.2, 4.6, 4.2, 5.5, 9])
_NOSE_SLOPE = PchipInterpolator([-50, -40, -24, -10, 5, 20], [2.2, 2.2, 1.85, 1.6, 1.1, 0.6])


def smooth_step(low: float, high: float, value: Floats) -> Floats:
    """Return 0 below `low`, 1 above `high`, with a smooth passage between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * t * (t * (6 * t - 15) + 10))


def bump(
    p: Floats, q: Floats, centre: tuple[float, float], radii: tuple[float, float], turn: float = 0.0
) -> Floats:
    """Return a Gaussian of height 1, its axes turned by `turn` degrees counter-clockwise."""
    angle = np.radians(turn)
    dp, dq = p - centre[0], q - centre[1]
    along = np.cos(angle) * dp + np.sin(angle) * dq
    across = -np.sin(angle) * dp + np.cos(angle) * dq
    return np.asarray(np.exp(-0.5 * ((along / radii[0]) ** 2 + (across / radii[1]) ** 2)))


def smooth_max(a: Floats, b: Floats, width: float) -> Floats:
    """Return the larger of both, rounded over `width`."""
    mix = np.clip(0.5 + 0.5 * (a - b) / width, 0, 1)
    return np.asarray(b + (a - b) * mix + width * mix * (1 - mix))


def _soft_plus(value: Floats, width: float) -> Floats:
    return np.asarray(width * np.logaddexp(0, value / width))


def _relief(p: Floats, q: Floats) -> Floats:
    """Return the height of cheeks, temples, jaw and chin over the skull, mm along its normal."""
    return np.asarray(
        4.2 * bump(p, q, (47, -22), (17, 12), -20)
        - 0.8 * bump(p, q, (56, -54), (14, 16), 60)
        - 3.5 * bump(p, q, (74, 24), (12, 20))
        + 1.2 * bump(p, q, (26, 46), (16, 14))
        + 2.5 * bump(p, q, (27, -38), (9, 13), 30)
        + 2.5 * bump(p, q, (62, -80), (16, 14), 50)
        + 5.5 * bump(p, q, (0, -103), (14, 9))
        + 1.5 * bump(p, q, (10, -105), (8, 7))
        - 4.5 * bump(p, q, (0, -88.5), (16, 5.0))
        + 3.5 * bump(p, q, (0, -67), (22, 15))
        - 1.2 * bump(p, q, (25, -53), (3.6, 10), 32)
        - 0.8 * bump(p, q, (31, -74), (4.0, 7), -15)
    )


def _brow(p: Floats, q: Floats) -> Floats:
    arch = 13.0 + 5.5 * np.sin(np.pi * np.clip((p - 2) / 62, 0, 1))
    window = smooth_step(0, 14, p) * (1 - smooth_step(44, 64, p))
    ridge = np.exp(-0.5 * ((q - arch) / 5.0) ** 2)
    return np.asarray(
        2.8 * window * ridge
        + 1.0 * bump(p, q, (0, 15), (12, 6))
        - 0.6 * bump(p, q, (0, 28), (30, 6))
    )


def _nose(p: Floats, q: Floats, face: Floats) -> Floats:
    """Return the height of the face with bridge, tip, wings and nostrils laid over it."""
    limited = np.clip(q, -58, 22)
    round_, slope = _NOSE_ROUND(limited), _NOSE_SLOPE(limited)
    side = slope * round_ * (np.sqrt((p / round_) ** 2 + 1) - 1)
    far = np.maximum(p - 24, 0) + np.maximum(q - 22, 0) + 2 * np.maximum(-58 - q, 0)
    body = _NOSE_RIDGE(limited) - side - 2.0 * far
    height = smooth_max(body, face, 3.0)
    tip = 20.8 - 0.095 * p**2 - np.where(q > -38.5, 0.05, 0.10) * (q + 38.5) ** 2
    height = smooth_max(tip, height, 2.5)
    down = q + 42.5
    wing = (
        8.6
        - np.where(p > 12.5, 0.26, 0.10) * (p - 12.5) ** 2
        - np.where(p > 12.5, 0.02, 0) * (p - 12.5) ** 4
        - np.where(down > 0, 0.16, 0.30) * down**2
    )
    height = smooth_max(wing, height, 2.2)
    nostril = bump(p, q, (6.8, -47.4), (3.0, 1.9), 25)
    return np.asarray(height - 7.5 * nostril)


def _eye(p: Floats, q: Floats, face: Floats) -> Floats:
    """Return the height of the face with the eyeball and its lids laid into the socket."""
    depth = curves.eye_depth(p, q)
    along, _ = curves.eye_line(p)
    lids = -12.0 - 6.0 * ((p - 31) / 16) ** 2 - np.where(q > 0, 4.0, 3.5) * (q / 12) ** 2
    lids = np.maximum(lids, -34.0)
    window = smooth_step(-0.12, 0.3, along) * (1 - smooth_step(0.75, 1.3, along))
    crease = q - curves.lid_crease(p)
    lids += window * (
        -1.3 * np.exp(-((crease / 1.4) ** 2)) + 1.6 * np.exp(-(((crease - 4.5) / 3.0) ** 2))
    )
    bag = q - curves.lower_lid(p) + 5.5
    lids += 0.8 * window * np.exp(-((bag / 2.5) ** 2))
    lids += 0.3 * np.exp(-(((depth + 0.8) / 1.0) ** 2))
    across = (p - 31.5) ** 2 + (q - 0.4) ** 2
    ball = np.maximum(-13.2 - across / 26, lids - 3.2)
    ball += 1.1 * np.clip(1 - across / 6.2**2, 0, 1) ** 1.4
    inside = smooth_step(-0.35, 0.5, depth)
    eye = lids + inside * (ball - lids)
    return np.asarray(face + (eye - face) * (1 - smooth_step(2.0, 12.0, -depth)))


def _roll(along: Floats, crest: float) -> Floats:
    """Return a lip's section from its border (0) over its crest to the mouth line (1)."""
    rise = 1 - (1 - along / crest) ** 2
    fall = 1 - 0.45 * ((along - crest) / (1 - crest)) ** 2
    return np.where(along < crest, rise, fall)


def _lips(p: Floats, q: Floats) -> Floats:
    """Return the height that lips, mouth line and philtrum add, mm."""
    corner = curves.MOUTH_CORNER[0]
    line = curves.mouth_line(p)
    upper, lower = curves.upper_lip_border(p), curves.lower_lip_border(p)
    fade = np.clip(1 - (p / corner) ** 2, 0, 1)
    up = np.clip((upper - q) / np.maximum(upper - line, 1.5), 0, 1)
    down = np.clip((q - lower) / np.maximum(line - lower, 1.5), 0, 1)
    lips = fade**1.1 * np.where(q > line, 4.4 * _roll(up, 0.42), 5.2 * _roll(down, 0.58))
    lips += 0.4 * fade * np.exp(-(((q - upper - 0.3) / 1.5) ** 2))
    groove = 4.0 * fade**0.6 + 0.6 * (1 - smooth_step(corner - 1, corner + 3, p))
    lips -= groove * np.exp(-(((q - line) / 1.5) ** 2))
    lips -= 1.4 * bump(p, q, (corner + 1.0, -68.4), (2.6, 2.6))
    lips += 1.0 * bump(p, q, (corner + 7.0, -68.0), (4.0, 6.0))
    philtrum = smooth_step(-62, -58, q) * (1 - smooth_step(-50, -45, q))
    drift = 4.0 + 2.0 * (-48 - q) / 11
    lips += philtrum * (0.7 * np.exp(-(((p - drift) / 2.2) ** 2)) - 1.1 * np.exp(-((p / 3.0) ** 2)))
    return np.asarray(lips)


def mean_face(points: Floats) -> Floats:
    """Return the mean face at canonical points, float64 (V, 3), mm.

    Parameters
    ----------
    points : float (V, 2)
        Canonical coordinates p (across) and q (up), mm.
    """
    side = np.sign(points[:, 0])
    p, q = np.abs(points[:, 0]), points[:, 1]
    limited = np.clip(q, -130, 70)
    breadth, depth = _HALF_BREADTH(limited), _DEPTH(limited)
    angle = p / breadth
    x = breadth * np.sin(angle)
    z = _PROFILE(limited) + depth * (np.cos(angle) - 1)
    normal_x, normal_z = np.sin(angle), np.cos(angle)
    relief = _relief(p, q) + _brow(p, q)
    x = x + relief * normal_x
    front = z + relief * normal_z
    detailed = _nose(p, q, _eye(p, q, front))
    z = detailed + _lips(p, q)
    y = q + 2.6 * bump(p, q, (0, -48.5), (13, 5.0)) + 0.8 * bump(p, q, (9, -48), (5, 5))

    # Under the jaw line the surface stops going down and goes back.
    radius = curves.outline_radius(p, q)
    low = 1 - smooth_step(-85, -35, q)
    beyond = low * _soft_plus((radius - 0.885) * 105, 2.2)
    y = y + 0.85 * beyond * np.clip((-q - 15) / 110, 0, 1)
    x = x - 0.55 * beyond * normal_x
    z = z - 0.95 * beyond * normal_z
    return np.column_stack([side * x, y, z])
