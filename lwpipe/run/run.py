"""A validated configuration: the settings of a run, of its variants and of its sweep's points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lwpipe.run.schema import Settings


@dataclass(frozen=True)
class Point:
    """One point of a sweep.

    Attributes
    ----------
    values : value of each swept key, the keys in the order of the schema
    settings : the base settings with these values
    """

    values: Mapping[str, Any]
    settings: Settings


@dataclass(frozen=True)
class Run:
    """A validated configuration: the base settings, one `Settings` a variant, and the sweep.

    Attributes
    ----------
    name : name of the run; its results lie in `results/<name>`
    base : the settings without overrides
    variants : settings of each variant, in the order of the file
    points : points of the sweep by their names, which no variant can have: they hold a '='
    """

    name: str
    base: Settings
    variants: dict[str, Settings]
    points: dict[str, Point] = field(default_factory=dict)
