"""Expressions of the embedded face, worked on the shape that they find.

Left and right are the viewer's, as in the frame of the face.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from lwpipe.data.sources.synthetic import curves
from lwpipe.data.sources.synthetic.anatomy import smooth_step
from lwpipe.data.sources.synthetic.canvas import Canvas
from lwpipe.data.sources.synthetic.motions import Faces, Motion, Turn, turn
from lwpipe.data.sources.synthetic.shapes import HINGE

Floats = npt.NDArray[np.float64]

# The pupil in the canonical plane, and how far behind it the eyeball's centre is, mm.
_PUPIL, _BEHIND = (31.5, 0.4), 14.1
_CLEARANCE = 0.3


def _add(faces: Faces, strength: Floats, field: Floats) -> None:
    faces += strength[:, None, None].astype(np.float32) * field.astype(np.float32)


def _added(field: Floats) -> Motion:
    return lambda faces, strength: _add(faces, strength, field)


def _smile(c: Canvas) -> Motion:
    """Pull each mouth corner towards the cheekbone where this face has it; cheeks bulge."""
    ramp = smooth_step(-4, 30, c.p) * (1 - smooth_step(34, 62, c.p))
    ramp = ramp * np.exp(-0.5 * ((c.q + 68) / 11) ** 2)
    apple = c.bump((36, -36), (12, 9), -20)
    fold = c.bump((29, -55), (2.6, 11), -30)
    thinner = c.mouth * (1 - smooth_step(8, 24, c.p))
    field = c.swell(3.2 * apple - 1.4 * fold) + c.move(y=1.6 * apple, z=-1.2 * thinner)

    def smile(faces: Faces, strength: Floats) -> None:
        for side in (-1.0, 1.0):
            corner = faces[:, c.nearest(side * 26.5, -68.2)]
            cheek = faces[:, c.nearest(side * 48, -26)]
            pull = strength[:, None] * (cheek - corner) * [0.24, 0.15, 0.25]
            near = np.where(c.side * side > 0, ramp, 0.0).astype(np.float32)
            faces += pull.astype(np.float32)[:, None, :] * near[:, None]
        _add(faces, strength, field)

    return smile


def _jaw_open(c: Canvas) -> Motion:
    """Turn the lower jaw about its hinge, by up to 16 degrees; the mouth opens."""
    line = curves.mouth_line(c.p)
    sharp = 1 - smooth_step(-1.3, 1.3, c.q - line)
    parted = np.clip(1 - (c.p / 31) ** 2, 0, 1) ** 1.5
    weight = c.jaw + (sharp - c.jaw) * parted
    drop = Turn(16.0, (1, 2), HINGE, lambda _: weight).on(c)
    inside = np.exp(-(((c.q - line) / 0.8) ** 2)) * (1 - smooth_step(18, 27, c.p))
    cavity = c.move(z=-20.0 * inside)

    def open_jaw(faces: Faces, strength: Floats) -> None:
        drop(faces, strength)
        _add(faces, strength, cavity)

    return open_jaw


def _jaw_left(c: Canvas) -> Motion:
    """Swing the jaw about the vertical through the middle of its axis, by up to 7 degrees."""
    return Turn(7.0, (0, 2), (0.0, HINGE[1]), lambda c: c.jaw).on(c)


def _jaw_right(c: Canvas) -> Motion:
    return Turn(-7.0, (0, 2), (0.0, HINGE[1]), lambda c: c.jaw).on(c)


def _pout(c: Canvas) -> Motion:
    width = np.exp(-0.5 * ((c.q + 68) / 9) ** 2) * (1 - smooth_step(24, 44, c.p))
    lips = np.exp(-0.5 * ((c.q + 68) / 9) ** 2) * np.exp(-0.5 * (c.p / 14) ** 2)
    field = c.move(z=4.5 * lips)

    def pout(faces: Faces, strength: Floats) -> None:
        faces[..., 0] *= (1 - 0.24 * strength[:, None] * width).astype(np.float32)
        _add(faces, strength, field)

    return pout


def _brow_raise(c: Canvas) -> Motion:
    lift = np.exp(-0.5 * ((c.q - 20) / 11) ** 2) * (1 - smooth_step(40, 70, c.p))
    return _added(c.move(y=4.0 * lift))


def _frown(c: Canvas) -> Motion:
    inner = c.bump((14, 15), (10, 7))
    knot = c.bump((5, 14), (3, 7))
    return _added(c.move(x=-1.6 * inner, y=-2.7 * inner, z=1.2 * knot))


def _sneer(c: Canvas) -> Motion:
    wing = c.bump((14, -43), (9, 8))
    lip = c.bump((14, -60), (11, 6))
    root = c.bump((8, -6), (7, 9))
    fold = c.bump((23, -50), (3, 10), -30)
    return _added(c.move(x=0.8 * wing, y=2.6 * wing + 2.6 * lip) + c.swell(0.8 * root - fold))


def _lids(c: Canvas, side: int, upper: float, lower: float) -> Motion:
    """Slide the lids of one side over the eyeball by shares of the opening that this face has.

    A lid turns about the lateral axis through the centre of the ball, and takes the skin above or
    below with it; what it leaves open of the ball is pushed together.
    """
    top, bottom = curves.upper_lid(c.p), curves.lower_lid(c.p)
    opening = np.maximum(top - bottom, 0.0)
    across = np.clip((c.q - bottom) / np.maximum(opening, 1e-6), 0, 1)
    down = np.where(c.q > top, 1 - smooth_step(0, 9, c.q - top), across)
    up = np.where(c.q < bottom, 1 - smooth_step(0, 9, bottom - c.q), 1 - across)
    # The ball is nearer to the axis than the lids before it, and has to keep clear of them.
    ahead = 1 + _CLEARANCE * smooth_step(-0.35, 0.5, curves.eye_depth(c.p, c.q))
    share = ahead * (upper * down - lower * up) * opening / opening.max()
    rows = np.flatnonzero((np.abs(share) > 1e-3) & (c.side * side > 0))
    share = share[rows]
    across_pupil = np.array([_PUPIL[0]])
    rims = [float(rim(across_pupil)[0]) for rim in (curves.upper_lid, curves.lower_lid)]
    marks = [c.nearest(side * _PUPIL[0], at) for at in (_PUPIL[1], *rims)]

    def close(faces: Faces, strength: Floats) -> None:
        pupil, *edges = (faces[:, mark].astype(np.float64) for mark in marks)
        y, z = pupil[:, 1], pupil[:, 2] - _BEHIND
        high, low = (np.arctan2(edge[:, 1] - y, edge[:, 2] - z) for edge in edges)
        part = faces[:, rows]
        angle = (strength * (high - low))[:, None] * share
        turn(part, angle, (1, 2), (y[:, None], z[:, None]))
        faces[:, rows] = part

    return close


def _squint(c: Canvas, side: int) -> Motion:
    lids = _lids(c, side, 0.22, 0.16)
    near = np.clip(c.side * side, 0, 1)
    cheek = c.bump((33, -17), (13, 7), -10)
    raised = c.move(y=1.6 * cheek, z=0.9 * c.bump((31, -8), (12, 3))) + c.swell(1.6 * cheek)
    field = near[:, None] * raised

    def squint(faces: Faces, strength: Floats) -> None:
        lids(faces, strength)
        _add(faces, strength, field)

    return squint


EXPRESSIONS: dict[str, Callable[[Canvas], Motion]] = {
    "smile": _smile,
    "jaw_open": _jaw_open,
    "jaw_left": _jaw_left,
    "jaw_right": _jaw_right,
    "pout": _pout,
    "brow_raise": _brow_raise,
    "frown": _frown,
    "sneer": _sneer,
    "squint_left": lambda c: _squint(c, -1),
    "squint_right": lambda c: _squint(c, 1),
    "blink_left": lambda c: _lids(c, -1, 0.6, 0.08),
    "blink_right": lambda c: _lids(c, 1, 0.6, 0.08),
}


def express(faces: Faces, strengths: Floats, motions: list[Motion]) -> None:
    """Apply the expressions to the faces, in place and in the order of `EXPRESSIONS`.

    Parameters
    ----------
    faces : float32 (n, V, 3), mm
    strengths : float64 (n, E), 0 to 1
    motions : of the expressions, on the mesh of the faces
    """
    for strength, move in zip(strengths.T, motions, strict=True):
        active = np.flatnonzero(strength)
        if len(active):
            some = faces[active]
            move(some, strength[active])
            faces[active] = some
