"""The draws: who a person is, and which local factors and bends are active."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lwpipe.data.sources.makehuman import MakeHumanSettings
from lwpipe.data.sources.makehuman.bending import Bend
from lwpipe.data.sources.makehuman.kit import MakeHumanKit
from lwpipe.data.sources.makehuman.people import PERSON, draw_person
from lwpipe.data.sources.makehuman.targets import Pair

Floats = npt.NDArray[np.float64]

# One side of a pair may be as much weaker than the other.
_ASYMMETRY = 0.25
# The jaw is open in so many faces.
_OPEN_JAWS = 0.5
# Fingers bend alike, but for so much of their range.
_FINGER_SPREAD = 0.12


def draw_faces(
    kit: MakeHumanKit, settings: MakeHumanSettings, count: int, seed: int, stream: int = 1
) -> tuple[Floats, Floats]:
    """Draw the persons and the factors of `count` faces.

    Parameters
    ----------
    kit : MakeHumanKit
    settings : MakeHumanSettings
    count : number of faces
    seed : of the draw
    stream : another one gives other faces; the first one is the data set's

    Returns
    -------
    persons : float64 (count, B)
    factors : float64 (count, J)
        As many groups of shapes as the settings tell, and of units none to as many, are active;
        of bends see `data.makehuman.jaw` and `bend`.
    """
    # A stream of its own: the split is drawn from the seed itself.
    rng = np.random.default_rng([seed, stream])
    persons = np.empty((count, len(PERSON)))
    factors = np.zeros((count, len(kit.names)))
    shapes = slice(len(kit.shapes))
    units = slice(len(kit.shapes), len(kit.up))
    low, high = settings.expression_min, settings.expression_max
    for row in range(count):
        persons[row] = draw_person(settings, rng)
        strength = settings.shape_strength
        factors[row, shapes] = _active(kit.shapes, settings.shapes, -strength, strength, rng)
        active = int(rng.integers(settings.max_expressions + 1))
        factors[row, units] = _active(kit.units, active, low, high, rng)
        factors[row, : len(kit.up)] *= kit.strength
        factors[row, len(kit.up) :] = _bent(kit.bends, settings, rng)
    return persons, factors


def _active(
    pairs: Sequence[Pair], count: int, low: float, high: float, rng: np.random.Generator
) -> Floats:
    """Draw the strengths of `count` groups of factors, float64 (S,); those of no opposite >= 0."""
    groups = list(dict.fromkeys(pair.group for pair in pairs))
    chosen = rng.permutation(len(groups))[:count]
    strength = {groups[place]: rng.uniform(low, high) for place in chosen}
    values = np.zeros(len(pairs))
    for place, pair in enumerate(pairs):
        if pair.group in strength:
            value = strength[pair.group] * (1 - _ASYMMETRY * rng.random())
            values[place] = value if pair.down else max(value, 0.0)
    return values


def _bent(bends: Sequence[Bend], settings: MakeHumanSettings, rng: np.random.Generator) -> Floats:
    """Draw degrees, float64."""
    grip, jaw = rng.random(), rng.random() < _OPEN_JAWS
    degrees = np.zeros(len(bends))
    for place, bend in enumerate(bends):
        level = {
            "jaw": jaw * rng.random() * settings.jaw / bend.high,
            "grip": settings.bend * (grip + _FINGER_SPREAD * rng.standard_normal()),
            "limb": settings.bend * rng.uniform(-1, 1),
        }[bend.kind]
        degrees[place] = np.clip(
            level * (bend.high if level > 0 else -bend.low), bend.low, bend.high
        )
    return degrees


def label(kit: MakeHumanKit, factors: Floats) -> str:
    """Return the expression of a face, for instance 'mouthSmileLeft:0.43+jaw:7', or 'neutral'."""
    start, end = len(kit.shapes), len(kit.up)
    active = [f"{kit.names[j]}:{factors[j]:.2f}" for j in range(start, end) if factors[j]]
    active += [f"{kit.names[j]}:{factors[j]:.0f}" for j in range(end, len(factors)) if factors[j]]
    return "+".join(active) or "neutral"
