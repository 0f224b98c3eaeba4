"""The shape parameters of the embedded face, and how they correlate.

Most act on one region: by a field, the displacement (mm) of every vertex for one standard
deviation, or by a size that multiplies. All were set by hand, small enough not to fold the skin;
they are not fitted to measurements.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lwpipe.data.sources.synthetic import curves
from lwpipe.data.sources.synthetic.anatomy import smooth_step
from lwpipe.data.sources.synthetic.canvas import Canvas
from lwpipe.data.sources.synthetic.motions import Stretch, Turn

Floats = npt.NDArray[np.float64]

# Where the jaw hangs: y and z of its axis, mm.
HINGE = (-24.0, -78.0)


@dataclass(frozen=True)
class Parameter:
    """A shape parameter.

    Attributes
    ----------
    name : what grows with it
    acts : what one standard deviation does
        A field float64 (V, 3), mm, that is added, or a stretch or turn of what it finds.
    robust, aged, broad : loadings on the three hidden factors that correlate the parameters
    """

    name: str
    acts: Callable[[Canvas], Floats] | Stretch | Turn
    robust: float = 0.0
    aged: float = 0.0
    broad: float = 0.0


def _sag(c: Canvas) -> Floats:
    jowl = c.bump((44, -84), (14, 10), 40)
    cheek = c.bump((34, -40), (12, 14))
    fold = c.bump((27, -57), (2.6, 13), -38)
    trough = c.bump((27, -14), (10, 3), -25)
    down = -1.5 * jowl - 1.3 * cheek - 0.9 * c.brow - 0.7 * c.bump((0, -40), (10, 8))
    return c.move(y=down) + c.swell(1.4 * jowl - 0.9 * fold - 0.8 * trough - 0.5 * c.mouth)


def _lip_upper(c: Canvas) -> Floats:
    border = curves.upper_lip_border(c.p) - c.q
    fade = np.clip(1 - (c.p / 27) ** 2, 0, 1)
    up = np.exp(-0.5 * (border / 3.5) ** 2) * fade
    body = np.exp(-0.5 * ((border - 4) / 3.5) ** 2) * fade
    return c.move(y=0.9 * up, z=0.9 * body)


def _lip_lower(c: Canvas) -> Floats:
    border = c.q - curves.lower_lip_border(c.p)
    fade = np.clip(1 - (c.p / 27) ** 2, 0, 1)
    down = np.exp(-0.5 * (border / 3.5) ** 2) * fade
    body = np.exp(-0.5 * ((border - 4.5) / 3.5) ** 2) * fade
    return c.move(y=-1.0 * down, z=1.0 * body)


def _opening(c: Canvas) -> Floats:
    along, _ = curves.eye_line(c.p)
    window = smooth_step(-0.15, 0.4, along) * (1 - smooth_step(0.6, 1.15, along))
    upper = np.exp(-0.5 * ((c.q - curves.upper_lid(c.p)) / 3.2) ** 2)
    lower = np.exp(-0.5 * ((c.q - curves.lower_lid(c.p)) / 3.2) ** 2)
    return c.move(y=window * (0.75 * upper - 0.35 * lower))


def _fold(c: Canvas) -> Floats:
    along, _ = curves.eye_line(c.p)
    window = smooth_step(-0.1, 0.4, along) * (1 - smooth_step(0.7, 1.3, along))
    band = np.exp(-0.5 * ((c.q - curves.upper_lid(c.p) - 6.5) / 2.6) ** 2)
    return c.move(y=-0.35 * window * band, z=0.9 * window * band)


FIELDS = (
    Parameter("forehead_height", lambda c: c.move(y=3.0 * c.step(18, 66)), aged=0.2),
    Parameter("forehead_slope", lambda c: c.move(z=-4.0 * c.step(16, 78)), robust=0.4),
    Parameter("forehead_bulge", lambda c: c.swell(1.7 * c.bump((0, 44), (34, 14))), robust=-0.3),
    Parameter(
        "temple_fullness", lambda c: c.swell(2.0 * c.bump((72, 24), (12, 18))), aged=-0.3, broad=0.3
    ),
    Parameter("brow_ridge", lambda c: c.swell(1.4 * c.brow), robust=0.6),
    Parameter("brow_height", lambda c: c.move(y=1.2 * c.brow), robust=-0.3, aged=-0.3),
    Parameter("brow_angle", lambda c: c.move(y=1.4 * c.brow * np.tanh((c.p - 26) / 16))),
    Parameter("eye_spacing", lambda c: c.move(x=1.1 * c.eye), broad=0.4),
    Parameter("eye_height", lambda c: c.move(y=0.8 * c.eye)),
    Parameter("eye_depth", lambda c: c.move(z=-1.3 * c.eye), robust=0.4, aged=0.2),
    Parameter("eye_tilt", lambda c: c.move(y=0.8 * c.eye * np.tanh((c.p - 31.5) / 14)), aged=-0.2),
    Parameter("eye_opening", _opening, aged=-0.3),
    Parameter("eye_fold", _fold, aged=0.3),
    Parameter("eye_bag", lambda c: c.swell(0.8 * c.bump((31, -9.5), (12, 3.0), -4)), aged=0.4),
    Parameter("nose_root_height", lambda c: c.move(z=1.4 * c.bump((0, 5), (8, 8))), robust=0.2),
    Parameter(
        "nose_bridge_height", lambda c: c.move(z=1.7 * c.bump((0, -14), (9, 12))), robust=0.3
    ),
    Parameter("nose_bridge_width", lambda c: c.move(x=1.2 * c.bump((7, -14), (6, 13))), broad=0.3),
    Parameter(
        "nose_hump", lambda c: c.move(z=1.2 * c.bump((0, -13), (6, 6))), robust=0.3, aged=0.2
    ),
    Parameter(
        "nose_tip_size",
        lambda c: c.move(
            x=1.2 * c.bump((7, -38), (7, 6)),
            y=0.7 * c.bump((0, -34), (8, 4)) - 0.5 * c.bump((0, -44), (6, 4)),
            z=0.7 * c.bump((0, -38), (8, 6)),
        ),
        aged=0.2,
    ),
    Parameter(
        "nose_flare",
        lambda c: c.move(
            x=0.9 * c.bump((15, -44), (5, 5)),
            y=0.8 * c.bump((13, -43), (5, 6)),
            z=0.8 * c.bump((13, -42), (5, 6)),
        ),
        broad=0.2,
    ),
    Parameter(
        "cheekbone",
        lambda c: c.swell(2.0 * c.bump((50, -21), (16, 11), -20)),
        robust=0.2,
        broad=0.3,
    ),
    Parameter(
        "cheekbone_height",
        lambda c: c.swell(
            1.1 * (c.bump((52, -14), (15, 8), -15) - c.bump((46, -33), (14, 8), -15))
        ),
    ),
    Parameter(
        "cheek_fullness", lambda c: c.swell(2.4 * c.bump((50, -54), (17, 18))), aged=-0.2, broad=0.5
    ),
    Parameter(
        "cheek_fold",
        lambda c: c.swell(
            -0.9 * c.bump((27, -55), (3.0, 12), -38) + 0.8 * c.bump((32, -46), (6, 10), -38)
        ),
        aged=0.5,
    ),
    Parameter("philtrum_length", lambda c: c.move(y=-1.3 * c.mouth), aged=0.3, robust=0.2),
    Parameter(
        "philtrum_depth",
        lambda c: c.move(z=0.5 * c.bump((5, -54), (1.8, 5)) - 0.6 * c.bump((0, -54), (2.4, 5))),
        aged=-0.3,
    ),
    Parameter("mouth_protrusion", lambda c: c.move(z=1.7 * c.mouth)),
    Parameter(
        "mouth_corner_height", lambda c: c.move(y=1.1 * c.bump((25, -68), (9, 6))), aged=-0.3
    ),
    Parameter("upper_lip_fullness", _lip_upper, robust=-0.3, aged=-0.5),
    Parameter("lower_lip_fullness", _lip_lower, robust=-0.2, aged=-0.4),
    Parameter(
        "chin_height",
        lambda c: c.move(y=-2.6 * (1 - c.step(-118, -80)) * (1 - smooth_step(20, 80, c.p))),
        robust=0.4,
    ),
    Parameter("chin_projection", lambda c: c.move(z=2.4 * c.chin), robust=0.3),
    Parameter("chin_groove", lambda c: c.move(z=-1.0 * c.bump((0, -88), (17, 5)))),
    Parameter(
        "jaw_angle",
        lambda c: (
            c.move(y=-2.4 * c.bump((58, -86), (18, 16)))
            + c.swell(0.8 * c.bump((58, -86), (14, 12)))
        ),
        robust=0.4,
    ),
    Parameter("eye_height_asymmetry", lambda c: c.move(y=0.4 * c.side * c.eye)),
    Parameter("brow_height_asymmetry", lambda c: c.move(y=0.6 * c.side * c.brow)),
    Parameter("nose_deviation", lambda c: np.column_stack([0.9 * c.nose, 0 * c.p, 0 * c.p])),
    Parameter("mouth_asymmetry", lambda c: c.move(y=0.6 * c.side * c.mouth)),
)

SIZES = (
    Parameter("eye_size", Stretch((0.05, 0.055, 0), lambda c: c.eye, (31.5, 0.4, 0)), aged=-0.2),
    Parameter("nose_length", Stretch((0, 0.06, 0), lambda c: c.whole_nose, (0, 2, 0)), aged=0.3),
    Parameter(
        "nose_projection",
        Stretch((0, 0, 0.10), lambda c: c.whole_nose, (0, 0, -3)),
        robust=0.3,
    ),
    Parameter(
        "nose_width",
        Stretch((0.14, 0, 0), lambda c: c.bump((8, -41), (12, 12))),
        robust=0.2,
        broad=0.4,
    ),
    Parameter(
        "nose_size",
        Stretch((0.06, 0.04, 0.06), lambda c: c.whole_nose, (0, -20, -3)),
        robust=0.2,
        aged=0.2,
    ),
    Parameter(
        "nose_tip_angle",
        Turn(-3.5, (1, 2), (-49, -4), lambda c: c.bump((0, -41), (12, 9))),
        robust=-0.3,
        aged=-0.3,
    ),
    Parameter(
        "mouth_width",
        Stretch((0.10, 0, 0), lambda c: c.mouth),
        robust=0.2,
        broad=0.3,
    ),
    Parameter("mouth_size", Stretch((0.06, 0.05, 0.07), lambda c: c.mouth, (0, -68, -8))),
    Parameter(
        "chin_width",
        Stretch((0.12, 0, 0), lambda c: c.bump((12, -106), (18, 14))),
        robust=0.4,
        broad=0.2,
    ),
    Parameter(
        "jaw_width",
        Stretch((0.055, 0, 0), lambda c: c.bump((60, -80), (22, 20))),
        robust=0.4,
        broad=0.4,
    ),
    Parameter(
        "jaw_length",
        Stretch((0, 0.04, 0), lambda c: 1 - c.step(-100, -62), (0, -58, 0)),
        robust=0.4,
    ),
    Parameter("jaw_slope", Turn(2.5, (1, 2), HINGE, lambda c: c.jaw), robust=-0.3),
    Parameter("jaw_asymmetry", Turn(1.6, (0, 1), (0, -15), lambda c: 1 - c.step(-110, -35))),
)

# The head's sizes come last: they scale what the others and the expressions have made.
HEAD = (
    Parameter("head_width", Stretch((0.04, 0, 0)), robust=0.3, broad=0.5),
    Parameter("head_height", Stretch((0, 0.04, 0), centre=(0, -30, 0)), robust=0.5, broad=-0.2),
    Parameter("head_depth", Stretch((0, 0, 0.05)), robust=0.2),
)
AGE = (Parameter("age_sag", _sag, aged=0.8),)
FACE = (
    Parameter("face_bend", Turn(2.5, (1, 2), (-30, -60), lambda c: np.tanh((c.q + 30) / 60))),
    Parameter(
        "face_taper", Stretch((0.045, 0, 0), lambda c: np.tanh((c.q + 25) / 60)), robust=-0.3
    ),
)
GLOBAL_PARAMETERS = HEAD + FACE + AGE
ALL_PARAMETERS = GLOBAL_PARAMETERS + FIELDS + SIZES


def loadings() -> Floats:
    """Return how the shape parameters follow the traits, float64 (P, 3): robust, aged, broad.

    No row is longer than 1: what a parameter does not follow is its own.
    """
    return np.array([[item.robust, item.aged, item.broad] for item in ALL_PARAMETERS])
