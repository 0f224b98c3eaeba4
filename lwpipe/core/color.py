"""Colours: sRGB as files hold it, linear light, and CIE L*a*b*, in which distances are Delta E.

The white is D65 and the observer that of 2 degrees, as sRGB has them (IEC 61966-2-1).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Colors = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Reals = npt.NDArray[np.floating[Any]]

# From linear sRGB to XYZ. Its rows sum to the white, so that greys have no chroma.
_XYZ = np.array(
    [
        [0.4123908, 0.3575843, 0.1804808],
        [0.2126390, 0.7151687, 0.0721923],
        [0.0193308, 0.1191948, 0.9505322],
    ]
)
_WHITE = _XYZ.sum(axis=1)
_OVER_WHITE = _XYZ / _WHITE[:, None]
_FROM_WHITE = np.linalg.inv(_OVER_WHITE)
# CIE 15: where the cube root goes over into a line.
_EDGE = 6 / 29
_25_7 = 25.0**7


def linear_of_srgb(colors: npt.ArrayLike) -> Floats:
    """Return linear light in [0, 1] of sRGB in [0, 1], of any shape."""
    value = np.asarray(colors, np.float64)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def srgb_of_linear(light: npt.ArrayLike) -> Floats:
    """Return sRGB in [0, 1] of linear light, of any shape; what is out of range is clipped."""
    value = np.clip(np.asarray(light, np.float64), 0, 1)
    return np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)


def bytes_of_light(light: npt.ArrayLike) -> Colors:
    """Return linear light as 8-bit sRGB, of any shape; what is out of range is clipped."""
    return np.rint(255 * srgb_of_linear(light)).astype(np.uint8)


@lru_cache(maxsize=1)
def _linear_of_bytes() -> Floats:
    """Return the linear light of each of the 256 values of sRGB."""
    return linear_of_srgb(np.arange(256) / 255)


def lab_of_srgb(colors: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Return L*, a* and b* of colours.

    Parameters
    ----------
    colors : uint8 (..., 3), sRGB

    Returns
    -------
    float32 (..., 3)
        L* from 0 to 100; `srgb_of_lab` gives back the same bytes.
    """
    light = _linear_of_bytes()[np.asarray(colors, np.uint8)] @ _OVER_WHITE.T
    root = np.where(light > _EDGE**3, np.cbrt(light), light / (3 * _EDGE**2) + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


def srgb_of_lab(lab: npt.ArrayLike) -> Colors:
    """Return the nearest 8-bit sRGB of L*, a* and b*; what sRGB does not hold is clipped.

    Parameters
    ----------
    lab : float (..., 3)
    """
    lightness, a, b = np.moveaxis(np.asarray(lab, np.float64), -1, 0)
    y = (lightness + 16) / 116
    root = np.stack([y + a / 500, y, y - b / 200], axis=-1)
    light = np.where(root > _EDGE, root**3, 3 * _EDGE**2 * (root - 4 / 29))
    return bytes_of_light(light @ _FROM_WHITE.T)


def delta_e_76(first: npt.ArrayLike, second: npt.ArrayLike) -> Floats:
    """Return the distance of colours by CIE 1976, float64 (...): Euclidean in L*a*b*.

    Parameters
    ----------
    first, second : float (..., 3), L*a*b*
    """
    difference = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return np.asarray(np.sqrt(np.einsum("...c,...c->...", difference, difference)))


def delta_e_2000(first: npt.ArrayLike, second: npt.ArrayLike) -> Floats:
    """Return the difference of colours by CIEDE2000, float64 (...).

    Sharma, Wu and Dalal, *The CIEDE2000 Color-Difference Formula: Implementation Notes,
    Supplementary Test Data, and Mathematical Observations*, 2005; equations 2 to 22, with k_L, k_C
    and k_H of 1.

    Parameters
    ----------
    first, second : float (..., 3), L*a*b*
    """
    (l1, a1, b1), (l2, a2, b2) = (
        np.moveaxis(np.asarray(lab, np.float64), -1, 0) for lab in (first, second)
    )
    mean_chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1 + 0.5 * (1 - np.sqrt(mean_chroma**7 / (mean_chroma**7 + _25_7)))
    a1, a2 = stretch * a1, stretch * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    grey = c1 * c2 == 0
    turn = h2 - h1
    turn = np.where(turn > 180, turn - 360, np.where(turn < -180, turn + 360, turn))
    turn = np.where(grey, 0, turn)
    lightness, chroma = l2 - l1, c2 - c1
    hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    total = h1 + h2
    around = np.where(total < 360, total + 360, total - 360)
    mean_h = np.where(grey, total, np.where(np.abs(h1 - h2) > 180, around, total) / 2)
    weight = (
        1
        - 0.17 * np.cos(np.radians(mean_h - 30))
        + 0.24 * np.cos(np.radians(2 * mean_h))
        + 0.32 * np.cos(np.radians(3 * mean_h + 6))
        - 0.20 * np.cos(np.radians(4 * mean_h - 63))
    )
    offset = (mean_l - 50) ** 2
    of_l = lightness / (1 + 0.015 * offset / np.sqrt(20 + offset))
    of_c = chroma / (1 + 0.045 * mean_c)
    of_h = hue / (1 + 0.015 * mean_c * weight)
    bent = 60 * np.exp(-(((mean_h - 275) / 25) ** 2))
    rotation = -2 * np.sqrt(mean_c**7 / (mean_c**7 + _25_7)) * np.sin(np.radians(bent))
    # Rounding may leave a hair below zero.
    square = of_l**2 + of_c**2 + of_h**2 + rotation * of_c * of_h
    return np.asarray(np.sqrt(np.maximum(square, 0)))
