"""Expressions of the embedded face, worked on the shape that they find."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from lwpipe.data.sources.synthetic import curves
from lwpipe.data.sources.synthetic.anatomy import smooth_step
from lwpipe.data.sources.synthetic.shapes import Canvas

Floats = npt.NDArray[np.float64]
Faces = npt.NDArray[np.float32]


def _nearest(c: Canvas, p: float, q: float) -> int:
    return int(np.argmin((c.signed - p) ** 2 + (c.q - q) ** 2))


def _add(faces: Faces, strength: Floats, field: Floats) -> None:
    faces += (strength[:, None, None] * field).astype(np.float32)


def _smile(faces: Faces, strength: Floats, c: Canvas) -> None:
    """Pull each mouth corner towards the cheekbone where this face has it; cheeks bulge."""
    ramp = smooth_step(-4, 30, c.p) * (1 - smooth_step(34, 62, c.p))
    ramp = ramp * np.exp(-0.5 * ((c.q + 68) / 11) ** 2)
    for side in (-1.0, 1.0):
        corner = faces[:, _nearest(c, side * 26.5, -68.2)]
        cheek = faces[:, _nearest(c, side * 48, -26)]
        pull = (cheek - corner) * [0.24, 0.15, 0.25]
        own = c.side * side > 0
        near = np.where(own, ramp, 0.0)
        faces += ((strength[:, None] * pull)[:, None, :] * near[:, None]).astype(np.float32)
    apple = c.bump((36, -36), (12, 9), -20)
    fold = c.bump((29, -55), (2.6, 11), -30)
    field = c.swell(3.2 * apple - 1.4 * fold) + c.move(y=1.6 * apple)
    thinner = c.mouth * (1 - smooth_step(8, 24, c.p))
    _add(faces, strength, field + c.move(z=-1.2 * thinner))


def _jaw_open(faces: Faces, strength: Floats, c: Canvas) -> None:
    """Turn the lower jaw about its hinge, by up to 10 degrees; the mouth opens."""
    line = curves.mouth_line(c.p)
    sharp = 1 - smooth_step(-1.3, 1.3, c.q - line)
    soft = (1 - smooth_step(-104, -52, c.q)) * (1 - smooth_step(50, 88, c.p))
    parted = np.clip(1 - (c.p / 31) ** 2, 0, 1) ** 1.5
    weight = soft + (sharp - soft) * parted
    weight = weight * (1 - smooth_step(60, 92, c.p))
    hinge = np.array([-24.0, -78.0])
    angle = np.radians(10.0) * strength[:, None] * weight
    y, z = faces[..., 1] - hinge[0], faces[..., 2] - hinge[1]
    faces[..., 1] = hinge[0] + np.cos(angle) * y - np.sin(angle) * z
    faces[..., 2] = hinge[1] + np.sin(angle) * y + np.cos(angle) * z
    inside = np.exp(-(((c.q - line) / 0.8) ** 2)) * (1 - smooth_step(18, 27, c.p))
    _add(faces, strength, c.move(z=-11.0 * inside))


def _pout(faces: Faces, strength: Floats, c: Canvas) -> None:
    width = np.exp(-0.5 * ((c.q + 68) / 9) ** 2) * (1 - smooth_step(24, 44, c.p))
    lips = np.exp(-0.5 * ((c.q + 68) / 9) ** 2) * np.exp(-0.5 * (c.p / 14) ** 2)
    faces[..., 0] *= (1 - 0.24 * strength[:, None] * width).astype(np.float32)
    _add(faces, strength, c.move(z=4.5 * lips))


def _brow_raise(faces: Faces, strength: Floats, c: Canvas) -> None:
    lift = np.exp(-0.5 * ((c.q - 20) / 11) ** 2) * (1 - smooth_step(40, 70, c.p))
    _add(faces, strength, c.move(y=4.0 * lift))


def _frown(faces: Faces, strength: Floats, c: Canvas) -> None:
    inner = c.bump((14, 15), (10, 7))
    knot = c.bump((5, 14), (3, 7))
    _add(faces, strength, c.move(x=-1.6 * inner, y=-2.7 * inner, z=1.2 * knot))


def _sneer(faces: Faces, strength: Floats, c: Canvas) -> None:
    wing = c.bump((14, -43), (9, 8))
    lip = c.bump((14, -60), (11, 6))
    root = c.bump((8, -6), (7, 9))
    fold = c.bump((23, -50), (3, 10), -30)
    _add(
        faces, strength, c.move(x=0.8 * wing, y=2.6 * wing + 2.6 * lip) + c.swell(0.8 * root - fold)
    )


def _squint(faces: Faces, strength: Floats, c: Canvas) -> None:
    """Bring the lids together, each eye by a share of its own opening."""
    along, _ = curves.eye_line(c.p)
    window = smooth_step(-0.1, 0.4, along) * (1 - smooth_step(0.6, 1.1, along))
    upper = window * np.exp(-0.5 * ((c.q - curves.upper_lid(c.p)) / 3.2) ** 2)
    lower = window * np.exp(-0.5 * ((c.q - curves.lower_lid(c.p)) / 3.2) ** 2)
    bag = c.bump((31, -8), (12, 3))
    middle = np.array([31.5])
    top, bottom = float(curves.upper_lid(middle)[0]), float(curves.lower_lid(middle)[0])
    for side in (-1.0, 1.0):
        own = c.side * side > 0
        opening = faces[:, _nearest(c, side * 31.5, top), 1].astype(np.float64)
        opening -= faces[:, _nearest(c, side * 31.5, bottom), 1]
        close = opening * (-0.2 * upper + 0.13 * lower)[:, None]
        field = np.zeros_like(faces)
        field[..., 1] = close.T
        field[..., 2] = 0.6 * upper + 0.9 * bag
        faces += (strength[:, None, None] * field * own[:, None]).astype(np.float32)


EXPRESSIONS: dict[str, Callable[[Faces, Floats, Canvas], None]] = {
    "smile": _smile,
    "jaw_open": _jaw_open,
    "pout": _pout,
    "brow_raise": _brow_raise,
    "frown": _frown,
    "sneer": _sneer,
    "squint": _squint,
}


def express(faces: Faces, strengths: Floats, canvas: Canvas) -> None:
    """Apply the expressions to the faces, in place and in the order of `EXPRESSIONS`.

    Parameters
    ----------
    faces : float32 (n, V, 3), mm
    strengths : float64 (n, E), 0 to 1
    canvas : canonical coordinates of the mesh
    """
    for column, apply in enumerate(EXPRESSIONS.values()):
        active = np.flatnonzero(strengths[:, column])
        if len(active):
            some = faces[active]
            apply(some, strengths[active, column], canvas)
            faces[active] = some
