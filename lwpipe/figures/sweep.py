"""The measures of a sweep over its keys."""

from __future__ import annotations

import csv
from pathlib import Path

import matplotlib
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from lwpipe.core.errors import LwpipeError
from lwpipe.evaluation.measures import COLUMNS
from lwpipe.figures.scales import Scale, scale_of
from lwpipe.figures.settings import PlotSettings
from lwpipe.figures.style import (
    MUTED,
    PALETTE,
    new_figure,
    paper_style,
    part_palette,
    save_figure,
    shorten,
)
from lwpipe.figures.tables import read_table

_ARROWS = {"low": " \N{DOWNWARDS ARROW}", "high": " \N{UPWARDS ARROW}", "real": "", "": ""}
# Title and axis label of the panel of each column that has one.
_MEASURES = {
    column.key: (f"{column.panel[0]}{_ARROWS[column.better]}", column.panel[1])
    for column in COLUMNS
    if column.panel
}
# Inches: a panel, what stands to its left and between rows, and the borders of the picture.
_WIDTH, _HEIGHT, _LEFT, _BETWEEN, _TOP, _RIGHT = 1.62, 1.75, 0.75, 0.58, 0.3, 0.12
# Inches: the labels of the lowest axes, a legend, and a note, one above the other.
_LABELS, _LEGEND, _NOTE = 0.5, 0.3, 0.22
# With more lines their ranges would hide each other; a longer legend names some of them.
_RANGES, _NAMES = 4, 8


def draw_sweep(table: str | Path, picture: str | Path, figures: PlotSettings) -> None:
    """Draw reconstruction, locality, leak and plausibility over the swept keys.

    Seeds are repetitions: with other keys beside them, what is drawn is their mean and range. One
    key is a line in each panel, two are the lines of one over the other, and of three and more
    each has a row of panels, with all points and their mean at each value.

    Parameters
    ----------
    table : path
        As `lwpipe.evaluation.sweep.collect_sweep` writes it: the swept keys are the columns with a
        dot in their names; rows without measures are left out.
    picture : path of the PNG
    figures : PlotSettings

    Raises
    ------
    LwpipeError
        If the table cannot be read or holds no measures.
    """
    keys = _swept_keys(table)
    rows = read_table(table, ["point", *keys], list(_MEASURES))
    measures = [column for column in _MEASURES if rows[column].notna().any()]
    if not keys or not measures:
        raise LwpipeError(f"{table}: holds no {'measure' if keys else 'swept key'}.")
    factors = [key for key in keys if not _is_seed(key)] or keys
    with paper_style():
        if len(factors) > 2:
            figure = _marginals(rows, factors, measures, figures.dpi)
        else:
            figure = _lines(rows, factors, measures, len(keys) > len(factors), figures.dpi)
        save_figure(figure, picture)


def _is_seed(key: str) -> bool:
    return key.endswith(".seed")


def _swept_keys(path: str | Path) -> list[str]:
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            return [column for column in next(csv.reader(file), []) if "." in column]
    except (OSError, UnicodeDecodeError, csv.Error):
        return []  # Reading the whole table says what is wrong.


def _lines(
    table: pd.DataFrame, factors: list[str], measures: list[str], repeated: bool, dpi: int
) -> Figure:
    """Draw one row of panels: each measure over one key, with a line for each value of another."""
    scales = {key: scale_of(list(table[key])) for key in factors}
    # The key with the most numbers goes along the axis, where it has the most room.
    along, *others = sorted(
        factors, key=lambda key: (not scales[key].is_numeric, -len(scales[key].values))
    )
    groups = _groups(table, others[0] if others else None, scales)
    ranges = repeated and len(groups) <= _RANGES
    bottom = _LABELS + (_LEGEND if others else 0) + (_NOTE if repeated else 0)
    figure, panels = _panels(1, len(measures), bottom, dpi)
    for axes, measure in zip(panels[0], measures, strict=True):
        for rows, color, _ in groups:
            _line(axes, rows, along, scales[along], measure, color, ranges)
        _dress(axes, measure, along, scales[along])
        axes.set_title(_MEASURES[measure][0])
    if others:
        height = _NOTE if repeated else 0.04
        _legend(figure, others[0], groups, scales[others[0]].is_numeric, height)
    if repeated:
        words = (
            f", {'bands' if scales[along].is_numeric else 'bars'}: their range" if ranges else ""
        )
        _note(figure, f"Points: mean over the seeds{words}.")
    return figure


def _groups(
    table: pd.DataFrame, key: str | None, scales: dict[str, Scale]
) -> list[tuple[pd.DataFrame, str, str]]:
    """Return (rows, colour, label) of each line."""
    if key is None:
        return [(table, PALETTE[0], "")]
    values = scales[key].values
    if scales[key].is_numeric:
        shades = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.88, len(values)))
    else:
        shades = part_palette(len(values))
    return [
        (table[table[key] == value], to_hex(shade), value)
        for value, shade in zip(values, shades, strict=True)
    ]


def _line(
    axes: Axes, rows: pd.DataFrame, key: str, scale: Scale, measure: str, color: str, ranges: bool
) -> None:
    """Draw the mean of one line and, if `ranges`, the range where rows repeat."""
    at = rows.groupby(key, sort=False)[measure].agg(["mean", "min", "max"])
    at = at.reindex(list(scale.values))
    x, (mean, low, high) = scale.positions, (at[name].to_numpy() for name in at)
    _means(axes, key, scale, mean, color)
    if not ranges:
        return
    if scale.is_numeric and len(x) > 1:
        axes.fill_between(x, low, high, color=color, alpha=0.16, linewidth=0, zorder=2)
    else:
        axes.vlines(x, low, high, color=color, linewidth=1.0, zorder=3)


def _means(axes: Axes, key: str, scale: Scale, mean: npt.NDArray[np.float64], color: str) -> None:
    """Draw points, with a line through them where what is between them has a meaning."""
    joined = scale.is_numeric and not _is_seed(key)
    axes.plot(
        scale.positions, mean, linestyle="-" if joined else "none", linewidth=1.3, marker="o",
        markersize=4.5, color=color, markeredgecolor="white", markeredgewidth=0.6, zorder=4,
    )  # fmt: skip


def _marginals(table: pd.DataFrame, factors: list[str], measures: list[str], dpi: int) -> Figure:
    """Draw a row of panels for each key: all points, and their mean at each value."""
    figure, panels = _panels(len(factors), len(measures), _LABELS + _NOTE, dpi)
    alpha = float(np.clip(30 / len(table), 0.08, 0.6))
    for row, key in zip(panels, factors, strict=True):
        scale = scale_of(list(table[key]))
        place = dict(zip(scale.values, scale.positions, strict=True))
        for axes, measure in zip(row, measures, strict=True):
            axes.plot(
                [place[value] for value in table[key]], table[measure], "o", color=MUTED,
                markersize=3.2, markeredgewidth=0, alpha=alpha, zorder=2,
            )  # fmt: skip
            mean = table.groupby(key, sort=False)[measure].mean().reindex(list(scale.values))
            _means(axes, key, scale, mean.to_numpy(), PALETTE[0])
            _dress(axes, measure, key, scale)
    for axes, measure in zip(panels[0], measures, strict=True):
        axes.set_title(_MEASURES[measure][0])
    _note(figure, "Grey: every point of the sweep; blue: their mean at each value.")
    return figure


def _panels(rows: int, columns: int, bottom: float, dpi: int) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure with a grid of panels of fixed size above `bottom` inches."""
    width = columns * (_LEFT + _WIDTH) + _RIGHT
    height = _TOP + rows * _HEIGHT + (rows - 1) * _BETWEEN + bottom
    figure = new_figure(width, height, dpi)
    panels = [
        [
            figure.add_axes(
                (
                    (_LEFT + column * (_LEFT + _WIDTH)) / width,
                    1 - (_TOP + row * (_HEIGHT + _BETWEEN) + _HEIGHT) / height,
                    _WIDTH / width,
                    _HEIGHT / height,
                )
            )
            for column in range(columns)
        ]
        for row in range(rows)
    ]
    return figure, panels


def _dress(axes: Axes, measure: str, key: str, scale: Scale) -> None:
    """Label both axes and lay them out."""
    axes.set_ylabel(_MEASURES[measure][1], fontsize=8)
    axes.set_xlabel(key, fontsize=8)
    axes.grid(visible=True)
    axes.margins(y=0.1)
    axes.yaxis.set_major_locator(MaxNLocator(5, min_n_ticks=3))
    scale.place(axes, _WIDTH)


def _legend(
    figure: Figure,
    key: str,
    groups: list[tuple[pd.DataFrame, str, str]],
    numeric: bool,
    height: float,
) -> None:
    """Name the lines, `height` inches above the lower edge; of many numbers some, ends included."""
    count = len(groups)
    step = -(-count // _NAMES) if numeric else 1
    shown = sorted({*range(0, count, step), count - 1})
    handles = [Line2D([], [], linestyle="", label=f"{key}:")]
    for i in shown:
        _, color, name = groups[i]
        handles.append(
            Line2D([], [], color=color, marker="o", markersize=4.5, label=shorten(name, 20))
        )
    figure.legend(
        handles=handles, loc="lower center", ncols=_NAMES + 2, handlelength=1.4, columnspacing=1.2,
        borderpad=0, bbox_to_anchor=(0.5, height / figure.get_figheight()),
    )  # fmt: skip


def _note(figure: Figure, text: str) -> None:
    figure.text(
        0.5,
        0.06 / figure.get_figheight(),
        text,
        ha="center",
        va="bottom",
        fontsize=7.5,
        color=MUTED,
    )
