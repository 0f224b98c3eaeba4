"""What moves the embedded face other than by adding a field: stretches and turns of what it finds.

Both are weighted by a region of the mean face and work on a float32 array of faces, in place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lwpipe.data.sources.synthetic.canvas import Canvas

Floats = npt.NDArray[np.float64]
Faces = npt.NDArray[np.float32]
# Takes faces (n, V, 3), mm, and an amount (n,) each.
Motion = Callable[[Faces, Floats], None]

# Where a region is weaker nothing moves.
_NOTHING = 1e-3


def turn(
    points: Faces, angle: npt.ArrayLike, axes: tuple[int, int], pivot: tuple[npt.ArrayLike, ...]
) -> None:
    """Turn points about an axis of the frame, in place.

    Parameters
    ----------
    points : float32 (..., 3), mm
    angle : (...), from the first of `axes` towards the second. Unit: radians.
    axes : the two coordinates that change
    pivot : of these coordinates, where the axis is, mm
    """
    angle = np.asarray(angle, np.float32)
    cos, sin = np.cos(angle), np.sin(angle)
    a, b = (np.asarray(at, np.float32) for at in pivot)
    u, v = points[..., axes[0]] - a, points[..., axes[1]] - b
    points[..., axes[0]] = a + cos * u - sin * v
    points[..., axes[1]] = b + sin * u + cos * v


def _rows(weight: Floats) -> npt.NDArray[np.int64] | slice:
    """Return which vertices move: a slice, which is quicker, where all of them do."""
    rows = np.flatnonzero(np.abs(weight) > _NOTHING)
    return slice(None) if len(rows) == len(weight) else rows


def _everywhere(c: Canvas) -> Floats:
    return np.ones_like(c.p)


@dataclass(frozen=True)
class Stretch:
    """A size that multiplies: distances from a centre grow by a share.

    Attributes
    ----------
    share : of x, y and z for an amount of one
    where : the region, (V,) in [0, 1]
    centre : mm; its x is that of the right eye, mouth ..., and the left's mirrors it
    """

    share: tuple[float, float, float]
    where: Callable[[Canvas], Floats] = _everywhere
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def on(self, c: Canvas) -> Motion:
        """Return what it does to faces of a mesh."""
        weight = self.where(c)
        rows = _rows(weight)
        axes = []
        for axis, (share, centre) in enumerate(zip(self.share, self.centre, strict=True)):
            middle = c.side[rows] * centre if axis == 0 else np.full_like(c.side[rows], centre)
            if share:
                growth = (share * weight[rows]).astype(np.float32)
                axes.append((axis, growth, middle.astype(np.float32)))

        def stretch(faces: Faces, amount: Floats) -> None:
            strength = amount[:, None].astype(np.float32)
            for axis, growth, middle in axes:
                part = faces[:, rows, axis]
                faces[:, rows, axis] = part + strength * growth * (part - middle)

        return stretch


@dataclass(frozen=True)
class Turn:
    """A turn about an axis of the frame.

    Attributes
    ----------
    degrees : for an amount of one
    axes, pivot : as `turn` takes them
    where : the region, (V,) in [0, 1]: its share of the angle
    """

    degrees: float
    axes: tuple[int, int]
    pivot: tuple[float, float]
    where: Callable[[Canvas], Floats]

    def on(self, c: Canvas) -> Motion:
        """Return what it does to faces of a mesh."""
        weight = self.where(c)
        rows = _rows(weight)
        angle = np.radians(self.degrees) * weight[rows]

        def move(faces: Faces, amount: Floats) -> None:
            part = faces[:, rows]
            turn(part, amount[:, None] * angle, self.axes, self.pivot)
            faces[:, rows] = part

        return move
