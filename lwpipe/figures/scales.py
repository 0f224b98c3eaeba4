"""Where the values of one key of a sweep stand on an axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from lwpipe.figures.style import shorten

Kind = Literal["linear", "log", "ordinal", "category"]
# A scale must not push values together closer than this share of the widest gap.
_EVEN = 0.1
# Inches that a character of a tick's label takes, and that lie between two labels.
_CHARACTER, _SPACE = 0.068, 0.12


@dataclass(frozen=True)
class Scale:
    """The values of a key in the order of the axis.

    Attributes
    ----------
    kind : 'linear' or 'log' for numbers, 'ordinal' for numbers that neither spreads out, 'category'
        for everything else; the latter two have equal steps
    values : the values as the table holds them
    positions : where each stands on the axis, float64 (n,)
    """

    kind: Kind
    values: tuple[str, ...]
    positions: npt.NDArray[np.float64]

    @property
    def is_numeric(self) -> bool:
        """Say whether the values are numbers."""
        return self.kind != "category"

    def place(self, axes: Axes, width: float) -> None:
        """Set scale, limits and ticks of the x axis of a panel that is `width` inches wide."""
        if self.kind == "log":
            axes.set_xscale("log")
        shown = [shorten(value, 14) for value in self.values]
        x = np.log(self.positions) if self.kind == "log" else self.positions
        span = float(np.ptp(x)) or 1.0
        inches = (x - x[0]) / span * width
        ticks = _apart(inches, [_CHARACTER * len(text) for text in shown])
        axes.set_xticks(
            [float(self.positions[i]) for i in ticks], [shown[i] for i in ticks], parse_math=False
        )
        axes.set_xticks([], minor=True)
        margin = (0.06 if len(x) > 1 else 0.5) * span
        limits = np.array([x[0] - margin, x[-1] + margin])
        axes.set_xlim(*(np.exp(limits) if self.kind == "log" else limits))


def scale_of(column: Sequence[str]) -> Scale:
    """Return the scale for the values of one key.

    Numbers are sorted; everything else stays in its order. Of a linear and a logarithmic scale the
    one with the more even steps is taken.

    Parameters
    ----------
    column : values, which may repeat
    """
    values = list(dict.fromkeys(column))
    try:
        numbers = np.array([float(value) for value in values])
    except ValueError:
        return Scale("category", tuple(values), np.arange(len(values), dtype=np.float64))
    order = np.argsort(numbers, kind="stable")
    numbers, values = numbers[order], [values[i] for i in order]
    linear = _evenness(numbers)
    log = _evenness(np.log(numbers)) if numbers[0] > 0 else 0.0
    if max(linear, log) < _EVEN:
        return Scale("ordinal", tuple(values), np.arange(len(values), dtype=np.float64))
    return Scale("linear" if linear >= log else "log", tuple(values), numbers)


def _evenness(numbers: npt.NDArray[np.float64]) -> float:
    """Return the smallest gap between neighbours over the widest; 1 for fewer than two gaps."""
    gaps = np.diff(numbers)
    return float(gaps.min() / gaps.max()) if len(gaps) > 1 else 1.0


def _apart(places: npt.NDArray[np.float64], widths: Sequence[float]) -> list[int]:
    """Return which labels to draw so that none touches another: the ends first."""
    kept: list[int] = []
    last = len(places) - 1
    for i in dict.fromkeys([0, last, *range(1, last)]):
        gaps = [abs(places[i] - places[k]) - (widths[i] + widths[k]) / 2 for k in kept]
        if all(gap >= _SPACE for gap in gaps):
            kept.append(i)
    return sorted(kept)
