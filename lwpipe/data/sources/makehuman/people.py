"""Who a person is: the macro targets of MakeHuman and how they are mixed.

A macro target is named by words such as `universal-female-young-averagemuscle-maxweight`; it
counts by the product of its words' levels, each of which follows from age, sex, origin, muscle,
weight, height or cup size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from lwpipe.data.sources.makehuman import MakeHumanSettings

Floats = npt.NDArray[np.float64]

ORIGINS = ("african", "asian", "caucasian")
# Age in years of the persons that the targets were made from.
STAGES = {"baby": 1.0, "child": 10.0, "young": 25.0, "old": 90.0}
# Traits, of which 0.5 is the average, and their standard deviations. That of the height gives men
# and women some 7 cm.
TRAITS = {"muscle": 0.15, "weight": 0.15, "height": 0.06, "cup": 0.15}
# What a person is made of: shares of the origins, share of the male, years, traits.
PERSON = (*ORIGINS, "male", "age", *TRAITS)


def draw_person(settings: MakeHumanSettings, rng: np.random.Generator) -> Floats:
    """Draw a person, float64 (B,): Dirichlet mixes of origins and of sexes, age uniform."""
    origins = rng.dirichlet(np.full(len(ORIGINS), settings.mix))
    male = rng.beta(settings.mix, settings.mix)
    age = rng.uniform(settings.age_min, settings.age_max)
    traits = rng.normal(0.5, list(TRAITS.values()))
    return np.array([*origins, male, age, *traits.clip(0, 1)])


def average_person(settings: MakeHumanSettings) -> Floats:
    """Return the middle of all that may be drawn, float64 (B,)."""
    origins = np.full(len(ORIGINS), 1 / len(ORIGINS))
    age = (settings.age_min + settings.age_max) / 2
    return np.array([*origins, 0.5, age, *np.full(len(TRAITS), 0.5)])


def words(name: str) -> list[str]:
    """Return the words of a target, such as ['female', 'young', 'maxmuscle'].

    Examples
    --------
    >>> words("mpfb2/targets/macrodetails/asian-male-old.target.gz")
    ['asian', 'male', 'old']
    """
    return PurePosixPath(name).name.removesuffix(".gz").removesuffix(".target").split("-")


def macro_targets(names: Iterable[str], age_min: float, age_max: float) -> list[str]:
    """Return those of some macro targets that count at any age of a range, sorted."""
    years = list(STAGES.values())
    first = max(place for place, year in enumerate(years) if year <= max(age_min, years[0]))
    last = min(place for place, year in enumerate(years) if year >= min(age_max, years[-1]))
    unused = set(STAGES) - set(list(STAGES)[first : last + 1])
    return sorted(name for name in names if not unused.intersection(words(name)))


def macro_coefficients(persons: npt.ArrayLike, names: Sequence[str]) -> Floats:
    """Return how much each macro target counts in each person, float64 (n, M).

    Parameters
    ----------
    persons : float (n, B), whose columns are `PERSON`
    names : of M targets
    """
    persons = np.asarray(persons, np.float64).reshape(-1, len(PERSON))
    levels = _levels(dict(zip(PERSON, persons.T, strict=True)))
    coefficients = np.ones((len(persons), len(names)))
    for column, name in enumerate(names):
        for word in words(name):
            # Others are true of all persons: 'universal', 'averagefirmness'.
            if word in levels:
                coefficients[:, column] *= levels[word]
    return coefficients


def _levels(person: dict[str, Floats]) -> dict[str, Floats]:
    levels = {origin: person[origin] for origin in ORIGINS}
    levels |= {"male": person["male"], "female": 1 - person["male"]}
    years = list(STAGES.values())
    for place, stage in enumerate(STAGES):
        levels[stage] = np.interp(person["age"], years, np.eye(len(years))[place])
    for trait in TRAITS:
        for place, size in enumerate(("min", "average", "max")):
            levels[size + trait] = np.interp(person[trait], [0, 0.5, 1], np.eye(3)[place])
    return levels
