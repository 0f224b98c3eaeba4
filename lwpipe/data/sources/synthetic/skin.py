"""The colours of the embedded face: skin, lips, brows and eyes, painted by procedure.

Skin is a reflectance that melanin and haemoglobin take light from, in linear light by the law of
Beer and Lambert; over it lie lips, brows, beard and eyes, whose borders are the curves of the mean
face. Amounts were set by hand to look like people; they are not fitted to measurements. A vertex
keeps its colour whatever moves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lwpipe.core.color import linear_of_srgb, srgb_of_linear
from lwpipe.data.sources.synthetic import curves
from lwpipe.data.sources.synthetic.anatomy import smooth_step
from lwpipe.data.sources.synthetic.canvas import Canvas
from lwpipe.data.sources.synthetic.detail import Detail, detail_names
from lwpipe.data.sources.synthetic.grid import FaceGrid
from lwpipe.data.sources.synthetic.shapes import ALL_PARAMETERS, loadings

Floats = npt.NDArray[np.float64]
Colors = npt.NDArray[np.uint8]

# Standard normal numbers of a person, and behind them the heights of blotches.
FACTORS = (
    "melanin", "undertone", "blush", "lip_tone", "lip_paint", "brow_density", "brow_width",
    "hair_tone", "iris_tone", "iris_depth", "beard", "shadow", "freckles", "oil",
)  # fmt: skip
# A stream of its own: shapes are the same whether there are colours or not.
_STREAM = 11
_AT_ONCE = 32
# Reflectance of skin without pigments, and what full melanin and haemoglobin take, red to blue.
_BARE = linear_of_srgb(np.array([246, 214, 196]) / 255)
_MELANIN = np.array([2.55, 3.05, 3.45])
_HAEMOGLOBIN = np.array([0.10, 0.62, 0.52])
_CAROTENE = np.array([0.02, 0.08, 0.30])
_IRIS = linear_of_srgb(
    np.array([[52, 33, 22], [92, 60, 34], [112, 104, 66], [92, 120, 132], [104, 132, 166]]) / 255
)
_HAIR = linear_of_srgb(np.array([[16, 12, 11], [40, 27, 20], [82, 56, 36], [132, 98, 62]]) / 255)
_PAINT = linear_of_srgb(np.array([[168, 40, 58], [190, 84, 92], [140, 48, 66]]) / 255)
_SCLERA = linear_of_srgb(np.array([226, 220, 214]) / 255)
_IRIS_MM, _PUPIL_MM = 5.9, 2.2
_EYE = (31.5, 0.4)


def draw_skin(parameters: Floats, seed: int | Sequence[int]) -> Floats:
    """Draw the factors of the people's colours, float64 (n, 14 + D), standard normal.

    Beards follow the trait that makes faces robust, shadows under the eyes age, and painted lips
    are rarer the more robust a face is: colours then tell something of shapes, as they do of
    people.

    Parameters
    ----------
    parameters : float (n, P), of `faces.draw_parameters`
    seed : of the population
    """
    rng = np.random.default_rng([*np.atleast_1d(seed).tolist(), _STREAM])
    drawn = rng.standard_normal((len(parameters), len(FACTORS) + len(detail_names())))
    follows = loadings()
    traits = parameters[:, : len(ALL_PARAMETERS)] @ follows / np.sqrt((follows**2).sum(axis=0))
    # The estimate of a trait from its parameters has about this deviation.
    robust, aged, _ = (traits / np.sqrt(1 + (follows**2).sum(axis=0))).T
    for name, trait, share in (
        ("beard", robust, 0.75), ("lip_paint", -robust, 0.6), ("shadow", aged, 0.6),
    ):  # fmt: skip
        column = FACTORS.index(name)
        drawn[:, column] = share * trait + np.sqrt(1 - share**2) * drawn[:, column]
    return np.asarray(drawn)


class Skin:
    """What is painted where, on the vertices of a mesh.

    Parameters
    ----------
    grid : FaceGrid
    """

    def __init__(self, grid: FaceGrid) -> None:
        c = Canvas(grid)
        p, q = c.p, c.q
        self.count = len(p)
        self.blotches = Detail(grid.points).heights
        self.flush = (
            0.9 * c.bump((44, -36), (17, 13), -15)
            + 0.75 * c.bump((0, -41), (12, 8))
            + 0.30 * c.bump((0, -104), (16, 10))
            + 0.25 * c.bump((0, 34), (40, 16))
        )
        self.hollow = c.bump((27, -10.5), (13, 4.5), -8) + 0.5 * c.bump((31, 9.0), (15, 4.0))
        self.crease = 0.5 * c.bump((27, -55), (2.6, 11), -38) + 0.35 * c.bump((0, -88), (14, 3.5))
        self.shine = c.bump((0, 38), (26, 14)) + 0.8 * c.bump((0, -22), (5, 16))
        self.nostril = np.clip(1.15 * c.bump((6.8, -47.6), (3.2, 2.0), 25), 0, 1)
        self.bridge = c.bump((8, -24), (34, 14))
        self._mouth(p, q)
        self._brow(p, q)
        self._eye(p, q)
        jaw = 1 - smooth_step(-62, -38, q + 0.16 * p)
        moustache = c.bump((11, -54), (15, 4.5))
        self.beard = np.clip(jaw + 0.9 * moustache, 0, 1) * (1 - self.lips)
        self.beard *= 1 - 0.75 * c.bump((0, -83), (8, 3)) - 0.55 * c.bump((46, -48), (14, 12))

    def _mouth(self, p: Floats, q: Floats) -> None:
        upper, lower = curves.upper_lip_border(p), curves.lower_lip_border(p)
        corner = curves.MOUTH_CORNER[0]
        inside = smooth_step(-0.9, 0.9, upper - q) * smooth_step(-0.9, 0.9, q - lower)
        self.lips = inside * (1 - smooth_step(corner - 3.0, corner + 0.8, p))
        line = np.exp(-(((q - curves.mouth_line(p)) / 1.4) ** 2))
        self.line = line * (1 - smooth_step(corner - 2.0, corner + 2.5, p))
        self.upper = self.lips * smooth_step(-0.8, 0.8, q - curves.mouth_line(p))

    def _brow(self, p: Floats, q: Floats) -> None:
        arch = 15.0 + 4.8 * np.sin(np.pi * np.clip((p - 4) / 58, 0, 1)) - 0.05 * (p - 30)
        self.above = q - arch
        along = np.clip((p - 10) / 42, 0, 1)
        self.brow_half = 3.5 * (1 - 0.62 * along**1.6)
        self.brow_ends = smooth_step(8.5, 13.5, p) * (1 - smooth_step(47, 56, p))

    def _eye(self, p: Floats, q: Floats) -> None:
        depth = curves.eye_depth(p, q)
        self.inside = smooth_step(-0.35, 0.55, depth)
        radius = np.hypot(p - _EYE[0], q - _EYE[1])
        self.iris = 1 - smooth_step(_IRIS_MM - 0.7, _IRIS_MM + 0.5, radius)
        self.pupil = 1 - smooth_step(_PUPIL_MM - 0.7, _PUPIL_MM + 0.7, radius)
        self.ring = np.exp(-(((radius - _IRIS_MM + 0.5) / 0.9) ** 2))
        self.burst = np.clip(1 - radius / _IRIS_MM, 0, 1)
        along, chord = curves.eye_line(p)
        window = smooth_step(-0.04, 0.10, along) * (1 - smooth_step(0.95, 1.10, along))
        self.lash = window * np.exp(-(((q - curves.upper_lid(p) - 0.1) / 0.95) ** 2))
        self.lash += 0.35 * window * np.exp(-(((q - curves.lower_lid(p)) / 0.7) ** 2))
        self.lid = window * np.exp(-(((q - curves.upper_lid(p) - 2.6) / 2.4) ** 2)) * (q > chord)
        self.shade = smooth_step(-0.5, 4.0, q - chord) * self.inside
        self.caruncle = 1 - smooth_step(1.5, 4.0, np.hypot(p - 17.5, q + 1.2))

    def paint(self, factors: npt.ArrayLike) -> Colors:
        """Return the colours of people, uint8 (n, V, 3), sRGB.

        Parameters
        ----------
        factors : float (n, 14 + D), of `draw_skin`
        """
        rows = np.asarray(factors, np.float64)
        painted = np.empty((len(rows), self.count, 3), np.uint8)
        for start in range(0, len(rows), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            painted[some] = np.rint(255 * srgb_of_linear(self._light(rows[some])))
        return painted

    def _light(self, rows: Floats) -> Floats:
        """Return linear light, float64 (n, V, 3)."""
        named = {name: column[:, None] for name, column in zip(FACTORS, rows.T, strict=False)}
        blotches = (self.blotches @ rows[:, len(FACTORS) :].T).T
        melanin = 0.04 + 0.80 * _between(0.95 * named["melanin"] - 1.1)
        fair = np.clip(1 - 2.2 * melanin, 0, 1)
        freckles = fair * np.clip(named["freckles"] - 0.6, 0, 1.5) * self.bridge
        spots = np.clip(blotches - 0.25, 0, None)
        pigment = melanin * (1 + 0.05 * blotches + 0.10 * self.crease - 0.06 * self.flush)
        pigment = pigment + (0.06 + 0.05 * _between(named["shadow"])) * self.hollow
        pigment = pigment + 0.10 * freckles * spots + 0.012 * self.crease
        blood = 0.30 + 0.12 * named["blush"].clip(-1.5, 2.5) * (0.3 + self.flush)
        blood = blood + 0.42 * self.flush + 0.10 * blotches + 0.12 * self.hollow
        yellow = 0.45 + 0.28 * named["undertone"].clip(-2, 2)
        light = _absorbed(_BARE, pigment, blood, yellow)
        light = light * (1 + 0.05 * named["oil"].clip(-1, 2) * self.shine)[..., None]
        self._add_mouth(light, named, pigment, blood, yellow)
        hair = _along(_HAIR, np.clip(1.0 + 0.9 * named["hair_tone"] - 4.5 * (melanin - 0.16), 0, 3))
        stubble = self.beard * 0.42 * smooth_step(0.0, 2.0, named["beard"])
        _over(light, 0.8 * hair + 0.2 * np.array([0.05, 0.06, 0.08]), stubble)
        _over(light, 0.35 * light, 0.85 * np.broadcast_to(self.nostril, stubble.shape))
        half = self.brow_half * (1 + 0.22 * named["brow_width"].clip(-2, 2))
        brow = self.brow_ends * (1 - smooth_step(-1.1, 1.0, np.abs(self.above) - half))
        _over(light, hair, brow * (0.62 + 0.16 * named["brow_density"].clip(-2, 2)).clip(0.2, 0.95))
        self._add_eye(light, named, melanin, hair)
        return np.asarray(light)

    def _add_mouth(
        self,
        light: Floats,
        named: dict[str, Floats],
        pigment: Floats,
        blood: Floats,
        yellow: Floats,
    ) -> None:
        """Lay lips over the skin: thinner skin, more blood, and on some people paint."""
        red = 0.75 + 0.28 * named["lip_tone"].clip(-2, 2) + 0.12 * self.upper
        bare = _absorbed(0.82 * _BARE, 0.85 * pigment + 0.03, blood + red, 0.6 * yellow)
        _over(light, bare, np.broadcast_to(0.92 * self.lips, pigment.shape))
        paint = _along(_PAINT, np.clip(1 + named["undertone"], 0, 2))
        amount = 0.75 * smooth_step(0.5, 1.9, named["lip_paint"])
        _over(light, (1 - 0.45 * pigment[..., None]) * paint, amount * self.lips)
        _over(light, 0.30 * light, np.broadcast_to(0.8 * self.line, pigment.shape))

    def _add_eye(
        self, light: Floats, named: dict[str, Floats], melanin: Floats, hair: Floats
    ) -> None:
        """Lay the eye into its lids: sclera, caruncle, iris, pupil and lashes."""
        dark = np.clip(2.2 + 1.1 * named["iris_tone"] - 7.0 * (melanin - 0.14), 0, 4)
        iris = _along(_IRIS, dark) * (1 + 0.25 * named["iris_depth"].clip(-2, 2))[..., None]
        iris = iris * (0.75 + 0.65 * self.burst)[:, None]
        eye = np.broadcast_to(_SCLERA * (1 - 0.38 * self.shade)[:, None], light.shape).copy()
        shape = light.shape[:2]
        _over(eye, np.array([0.62, 0.30, 0.27]), np.broadcast_to(0.7 * self.caruncle, shape))
        _over(eye, iris * (1 - 0.45 * self.shade)[:, None], np.broadcast_to(self.iris, shape))
        _over(eye, 0.25 * eye, np.broadcast_to(0.55 * self.ring * self.iris, shape))
        _over(eye, np.array([0.006, 0.006, 0.007]), np.broadcast_to(self.pupil, shape))
        _over(light, eye, np.broadcast_to(self.inside, shape))
        made_up = 0.30 * smooth_step(0.6, 2.0, named["lip_paint"])
        _over(light, 0.45 * light, made_up * self.lid)
        lash = np.clip(0.55 + 0.5 * made_up, 0, 1) * self.lash
        _over(light, 0.5 * hair + 0.004, np.clip(lash, 0, 0.95))


def _between(value: Floats) -> Floats:
    """Return a number in (0, 1): the logistic function."""
    return np.asarray(1 / (1 + np.exp(-1.7 * value)))


def _absorbed(bare: Floats, melanin: Floats, blood: Floats, yellow: Floats) -> Floats:
    """Return the light (n, V, 3) that pigments (n, V) or (n, 1) leave."""
    depth = melanin[..., None] * _MELANIN + blood[..., None] * _HAEMOGLOBIN
    return np.asarray(bare * np.exp(-depth - yellow[..., None] * _CAROTENE))


def _along(palette: Floats, place: Floats) -> Floats:
    """Return the colours (n, 1, 3) at places (n, 1) between those of a palette (m, 3)."""
    steps = np.arange(len(palette))
    flat = np.stack([np.interp(place[:, 0], steps, channel) for channel in palette.T], axis=1)
    return np.asarray(flat[:, None])


def _over(below: Floats, above: Floats, cover: Floats) -> None:
    """Lay a colour over others (n, V, 3), in place, where it covers them by (n, V)."""
    below += cover[..., None] * (above - below)


@lru_cache(maxsize=2)
def skin_of(grid: FaceGrid) -> Skin:
    """Return what is painted on a mesh."""
    return Skin(grid)
