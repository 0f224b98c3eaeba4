"""Where skin, lips, brows and eyes are on the embedded face, and whose colours they are.

Borders are the curves of the mean face; how they are painted see `lwpipe.data.skin`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lwpipe.data.skin import Skin, draw_skins
from lwpipe.data.sources.synthetic import curves
from lwpipe.data.sources.synthetic.anatomy import smooth_step
from lwpipe.data.sources.synthetic.canvas import Canvas
from lwpipe.data.sources.synthetic.detail import Detail, detail_names
from lwpipe.data.sources.synthetic.grid import FaceGrid
from lwpipe.data.sources.synthetic.shapes import ALL_PARAMETERS, loadings

Floats = npt.NDArray[np.float64]

# A stream of its own: shapes are the same whether there are colours or not.
_STREAM = 11
_IRIS_MM, _PUPIL_MM = 5.9, 2.2
_EYE = (31.5, 0.4)


def draw_people(parameters: Floats, seed: int | Sequence[int]) -> Floats:
    """Draw the factors of the people's colours, float64 (n, 14 + D): `lwpipe.data.skin.FACTORS`.

    Beards follow the trait that makes faces robust, shadows under the eyes age, and painted lips
    are rarer the more robust a face is: colours then tell something of shapes, as they do of
    people.

    Parameters
    ----------
    parameters : float (n, P), of `faces.draw_parameters`
    seed : of the population
    """
    rng = np.random.default_rng([*np.atleast_1d(seed).tolist(), _STREAM])
    follows = loadings()
    squares = (follows**2).sum(axis=0)
    traits = parameters[:, : len(ALL_PARAMETERS)] @ follows / np.sqrt(squares * (1 + squares))
    robust, aged, _ = traits.T
    known = {"beard": (robust, 0.75), "lip_paint": (-robust, 0.6), "shadow": (aged, 0.6)}
    return draw_skins(len(parameters), len(detail_names()), rng, known)


@lru_cache(maxsize=2)
def skin_of(grid: FaceGrid) -> Skin:
    """Return what is painted where on a mesh."""
    c = Canvas(grid)
    p, q = c.p, c.q
    flush = (
        0.9 * c.bump((44, -36), (17, 13), -15)
        + 0.75 * c.bump((0, -41), (12, 8))
        + 0.30 * c.bump((0, -104), (16, 10))
        + 0.25 * c.bump((0, 34), (40, 16))
    )
    mouth = _mouth(p, q)
    jaw = 1 - smooth_step(-62, -38, q + 0.16 * p)
    beard = np.clip(jaw + 0.9 * c.bump((11, -54), (15, 4.5)), 0, 1) * (1 - mouth["lips"])
    beard *= 1 - 0.75 * c.bump((0, -83), (8, 3)) - 0.55 * c.bump((46, -48), (14, 12))
    return Skin(
        blotches=Detail(grid.points).heights,
        flush=flush,
        hollow=c.bump((27, -10.5), (13, 4.5), -8) + 0.5 * c.bump((31, 9.0), (15, 4.0)),
        crease=0.5 * c.bump((27, -55), (2.6, 11), -38) + 0.35 * c.bump((0, -88), (14, 3.5)),
        shine=c.bump((0, 38), (26, 14)) + 0.8 * c.bump((0, -22), (5, 16)),
        nostril=np.clip(1.15 * c.bump((6.8, -47.6), (3.2, 2.0), 25), 0, 1),
        bridge=c.bump((8, -24), (34, 14)),
        beard=beard,
        brow=_brow(p, q),
        **mouth,
        **_eye(p, q),
    )


def _mouth(p: Floats, q: Floats) -> dict[str, Floats]:
    upper, lower = curves.upper_lip_border(p), curves.lower_lip_border(p)
    corner = curves.MOUTH_CORNER[0]
    inside = smooth_step(-0.9, 0.9, upper - q) * smooth_step(-0.9, 0.9, q - lower)
    lips = inside * (1 - smooth_step(corner - 3.0, corner + 0.8, p))
    line = np.exp(-(((q - curves.mouth_line(p)) / 1.4) ** 2))
    return {
        "lips": lips,
        "line": line * (1 - smooth_step(corner - 2.0, corner + 2.5, p)),
        "upper": lips * smooth_step(-0.8, 0.8, q - curves.mouth_line(p)),
    }


def _brow(p: Floats, q: Floats) -> Floats:
    arch = 15.0 + 4.8 * np.sin(np.pi * np.clip((p - 4) / 58, 0, 1)) - 0.05 * (p - 30)
    half = 3.5 * (1 - 0.62 * np.clip((p - 10) / 42, 0, 1) ** 1.6)
    ends = smooth_step(8.5, 13.5, p) * (1 - smooth_step(47, 56, p))
    return np.stack([q - arch, half, ends], axis=1)


def _eye(p: Floats, q: Floats) -> dict[str, Floats]:
    inside = smooth_step(-0.35, 0.55, curves.eye_depth(p, q))
    radius = np.hypot(p - _EYE[0], q - _EYE[1])
    along, chord = curves.eye_line(p)
    window = smooth_step(-0.04, 0.10, along) * (1 - smooth_step(0.95, 1.10, along))
    lash = window * np.exp(-(((q - curves.upper_lid(p) - 0.1) / 0.95) ** 2))
    lash += 0.35 * window * np.exp(-(((q - curves.lower_lid(p)) / 0.7) ** 2))
    lid = window * np.exp(-(((q - curves.upper_lid(p) - 2.6) / 2.4) ** 2)) * (q > chord)
    return {
        "inside": inside,
        "iris": 1 - smooth_step(_IRIS_MM - 0.7, _IRIS_MM + 0.5, radius),
        "pupil": 1 - smooth_step(_PUPIL_MM - 0.7, _PUPIL_MM + 0.7, radius),
        "ring": np.exp(-(((radius - _IRIS_MM + 0.5) / 0.9) ** 2)),
        "burst": np.clip(1 - radius / _IRIS_MM, 0, 1),
        "shade": smooth_step(-0.5, 4.0, q - chord) * inside,
        "caruncle": 1 - smooth_step(1.5, 4.0, np.hypot(p - 17.5, q + 1.2)),
        "lash": lash,
        "lid": lid,
    }
