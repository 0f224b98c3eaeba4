"""Who the faces of the kit are and what they express: coefficients, drawn by seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lwpipe.data.sources.ict import IctSettings
from lwpipe.data.sources.ict.kit import IctKit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Shapes that correct another one: by itself, mouthClose lifts the lower lip over the upper one,
# because it is made to shut the lips of a mouth that jawOpen has opened by as much.
NEEDS = {"mouthClose": "jawOpen"}
# The stream of the people, beside those of the faces.
_PEOPLE = 4
# An expression of a sequence comes up to so many times faster or slower than the others.
_PACE = 2.0


@dataclass(frozen=True)
class Coefficients:
    """The coefficients of some faces.

    Attributes
    ----------
    identity : float64 (n, I), of the identity modes
    expression : float64 (n, E), strengths of the expressions
    persons : int64 (n,), who it is
    """

    identity: Floats
    expression: Floats
    persons: Ints


def draw_faces(
    kit: IctKit, settings: IctSettings, count: int, seed: Sequence[int], people: int
) -> Coefficients:
    """Draw the coefficients of `count` faces; more of them begin with the same.

    mouthClose always comes with a jawOpen of at least its own strength.

    Parameters
    ----------
    kit : IctKit
    settings : of persons and expressions
    count : number of faces
    seed : of the faces
    people : seed of the persons and of their sequences, where they share the faces
    """
    # A stream of its own: the split is drawn from the seed itself.
    rng = np.random.default_rng(seed)
    if settings.people is None:
        identity, expression = _strangers(kit, settings, count, rng)
        persons = np.arange(count)
    else:
        cast = _Cast(kit, settings, settings.people, people)
        persons = np.arange(count) % settings.people
        identity = cast.identity[persons]
        expression = np.stack([cast.expression(person, rng) for person in persons.tolist()])
    column = {name: index for index, name in enumerate(kit.expression_names)}
    for name, needed in NEEDS.items():
        if name in column and needed in column:
            strengths = expression[:, [column[name], column[needed]]]
            expression[:, column[needed]] = strengths.max(axis=1)
    return Coefficients(identity, expression, persons)


def _strangers(
    kit: IctKit, settings: IctSettings, count: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw identities from N(0, 1), and of each up to `max_expressions` expressions."""
    identity = np.empty((count, len(kit.identities)))
    expression = np.zeros((count, len(kit.expressions)))
    most = min(settings.max_expressions, len(kit.expressions))
    for row in range(count):
        identity[row] = rng.standard_normal(len(kit.identities))
        active = rng.permutation(len(kit.expressions))[: rng.integers(most + 1)]
        expression[row, active] = rng.uniform(
            settings.expression_min, settings.expression_max, len(active)
        )
    return identity, expression


class _Cast:
    """Persons who perform the same sequences, each at strengths and at a pace of their own."""

    def __init__(self, kit: IctKit, settings: IctSettings, people: int, seed: int) -> None:
        rng = np.random.default_rng([seed, _PEOPLE])
        self.expressions = len(kit.expressions)
        most = min(settings.max_expressions, self.expressions)
        self.identity = rng.standard_normal((people, len(kit.identities)))
        self.active = np.stack(
            [rng.permutation(self.expressions)[:most] for _ in range(settings.sequences)]
        )
        size = (people, settings.sequences, most)
        self.strength = rng.uniform(settings.expression_min, settings.expression_max, size)
        self.pace = _PACE ** rng.uniform(-1, 1, size)

    def expression(self, person: int, rng: np.random.Generator) -> Floats:
        """Return the strengths (E,) at a moment of one of the person's sequences."""
        sequence = int(rng.integers(len(self.active)))
        strengths = np.zeros(self.expressions)
        shown = rng.random() ** self.pace[person, sequence]
        strengths[self.active[sequence]] = self.strength[person, sequence] * shown
        return strengths


def expression_label(names: tuple[str, ...], strengths: Floats) -> str:
    """Return for instance 'jawOpen:0.43+mouthSmile_L:0.27', or 'neutral'."""
    active = [f"{names[i]}:{strengths[i]:.2f}" for i in np.flatnonzero(strengths)]
    return "+".join(active) or "neutral"
