"""What skin looks like: pigments, lips, brows, beard and eyes, painted by procedure.

Skin is a reflectance that melanin and haemoglobin take light from, in linear light by the law of
Beer and Lambert; over it lie lips, brows, beard and eyes. Where they are, a source tells by its
maps. Amounts were set by hand to look like people; they are not fitted to measurements. A vertex
keeps its colour whatever moves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.color import bytes_of_light, linear_of_srgb

Floats = npt.NDArray[np.float64]
Colors = npt.NDArray[np.uint8]

# Standard normal numbers of a person, and behind them the heights of blotches.
FACTORS = (
    "melanin", "undertone", "blush", "lip_tone", "lip_paint", "brow_density", "brow_width",
    "hair_tone", "iris_tone", "iris_depth", "beard", "shadow", "freckles", "oil",
)  # fmt: skip
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


def smooth(low: float, high: float, value: Floats) -> Floats:
    """Return 0 below `low`, 1 above `high`, with a smooth passage between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def draw_skins(
    count: int,
    blotches: int,
    rng: np.random.Generator,
    follows: Mapping[str, tuple[Floats, float]] | None = None,
) -> Floats:
    """Draw the factors of the colours of people, float64 (count, 14 + D), of unit variance.

    Parameters
    ----------
    count : how many
    blotches : D
    rng : its state moves on
    follows : of a factor by its name, what it follows, (count,) of about unit variance, and how far
    """
    drawn = rng.standard_normal((count, len(FACTORS) + blotches))
    for name, (trait, share) in (follows or {}).items():
        column = FACTORS.index(name)
        drawn[:, column] = share * trait + np.sqrt(1 - share**2) * drawn[:, column]
    return np.asarray(drawn)


@dataclass(frozen=True)
class Skin:
    """What is painted where on the vertices of a mesh: maps (V,), mostly in [0, 1].

    Attributes
    ----------
    blotches : (V, D), dense or sparse, of about unit variance a vertex: what makes skin uneven
    flush, hollow, crease, bridge : where blood, the shadow of the eyes, folds and freckles show
    shine : where skin is oily
    nostril : how dark nostrils are
    lips, upper, line : both lips, the upper one, and the line between them
    beard : where beards grow
    brow : (V, 3): height above the middle of the brow and its half width, mm, and where it is
    inside, iris, pupil, ring, burst : within the lids; the iris, its pupil, rim and rays
    shade : of the upper lid on the eye
    caruncle, lash, lid : inner corner of the eye, lashes, and the lid that is made up
    """

    blotches: Any
    flush: Floats
    hollow: Floats
    crease: Floats
    bridge: Floats
    shine: Floats
    nostril: Floats
    lips: Floats
    upper: Floats
    line: Floats
    beard: Floats
    brow: Floats
    inside: Floats
    iris: Floats
    pupil: Floats
    ring: Floats
    burst: Floats
    shade: Floats
    caruncle: Floats
    lash: Floats
    lid: Floats

    @classmethod
    def bare(cls, vertices: int, blotches: Any, **maps: Floats) -> Skin:
        """Return skin of which only some maps are told; the others are 0."""
        zero = np.zeros(vertices)
        brow = np.stack([np.full(vertices, 1e3), zero, zero], axis=1)
        names = [name for name in cls.__annotations__ if name not in ("blotches", "brow")]
        return cls(**{"blotches": blotches, "brow": brow, **dict.fromkeys(names, zero), **maps})

    def paint(self, factors: npt.ArrayLike) -> Colors:
        """Return the colours of people, uint8 (n, V, 3), sRGB.

        Parameters
        ----------
        factors : float (n, 14 + D), of `draw_skins`
        """
        rows = np.asarray(factors, np.float64)
        painted = np.empty((len(rows), len(self.flush), 3), np.uint8)
        for start in range(0, len(rows), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            painted[some] = bytes_of_light(self._light(rows[some]))
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
        stubble = self.beard * 0.42 * smooth(0.0, 2.0, named["beard"])
        _over(light, 0.8 * hair + 0.2 * np.array([0.05, 0.06, 0.08]), stubble)
        _over(light, 0.35 * light, 0.85 * np.broadcast_to(self.nostril, stubble.shape))
        above, half_width, where = self.brow.T
        half = half_width * (1 + 0.22 * named["brow_width"].clip(-2, 2))
        brow = where * (1 - smooth(-1.1, 1.0, np.abs(above) - half))
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
        amount = 0.75 * smooth(0.5, 1.9, named["lip_paint"])
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
        made_up = 0.30 * smooth(0.6, 2.0, named["lip_paint"])
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
