"""What is known about a file or folder, and small words to say it with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel


@dataclass(frozen=True)
class Finding:
    """What a file or folder is.

    Attributes
    ----------
    path : as it was asked for
    kind : in words, such as 'data set'
    facts : what there is to know, plain values by a short name
    """

    path: str
    kind: str
    facts: dict[str, Any]

    def text(self) -> str:
        """Return the finding as lines of text."""
        width = max((len(name) for name in self.facts), default=0)
        lines = [f"{self.path}: {self.kind}"]
        for name, value in self.facts.items():
            for i, line in enumerate(value if isinstance(value, list) else [value]):
                lines.append(f"  {name if i == 0 else '':{width}}  {_words(line)}")
        return "\n".join(lines)


def extent(vertices: npt.ArrayLike) -> str:
    """Return the edges of the bounding box of vertices (V, 3), in their own unit."""
    return " x ".join(f"{edge:.4g}" for edge in np.ptp(np.asarray(vertices, np.float64), axis=0))


def changed(defaults: BaseModel, values: Mapping[str, Any]) -> str | None:
    """Return the settings in which `values` differ from the defaults, as key=value."""
    return ", ".join(_differences(defaults.model_dump(), values, "")) or None


def _differences(
    defaults: Mapping[str, Any], values: Mapping[str, Any], prefix: str
) -> Iterator[str]:
    for key, value in values.items():
        default = defaults.get(key)
        if isinstance(value, Mapping) and isinstance(default, Mapping):
            yield from _differences(default, value, f"{prefix}{key}.")
        elif value != default:
            yield f"{prefix}{key}={value}"


def _words(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(inner)}" for key, inner in value.items())
    return str(value)
