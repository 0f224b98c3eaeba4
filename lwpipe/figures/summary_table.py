"""The table of all variants and baselines as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lwpipe.figures.settings import FiguresSettings
from lwpipe.figures.style import (
    INK,
    MUTED,
    RULE,
    display_name,
    new_figure,
    paper_style,
    save_figure,
    shorten,
)
from lwpipe.figures.tables import read_table


@dataclass(frozen=True)
class Column:
    """A column of the picture: its key in the CSV, heading, digits, unit, and what is best."""

    key: str
    heading: str
    digits: int
    unit: str = ""
    best: str = ""  # 'low', 'high', 'real' (as the real faces), or '' where nothing is best


_GROUPS: tuple[tuple[str, tuple[Column, ...]], ...] = (
    (
        "reconstruction",
        (
            Column("reconstruction_mean_mm", "mean", 2, "mm", "low"),
            Column("reconstruction_median_mm", "median", 2, "mm", "low"),
            Column("reconstruction_p95_mm", "95 %", 2, "mm", "low"),
        ),
    ),
    (
        "locality: r",
        (Column("r_min", "min", 2, "", "high"), Column("r_mean", "mean", 2, "", "high")),
    ),
    (
        "locality: leak",
        (
            Column("leak_min", "min", 3, "", "low"),
            Column("leak_mean", "mean", 3, "", "low"),
            Column("leak_max", "max", 3, "", "low"),
        ),
    ),
    (
        "plausibility of edits",
        (
            Column("outside_mm", "outside", 2, "mm", "low"),
            Column("mahalanobis", "Mahalan.", 2, "", "real"),
            Column("specificity_mm", "specificity", 2, "mm", "low"),
        ),
    ),
    (
        "validity",
        (Column("stretch", "stretch", 3, "", "low"), Column("flipped", "flipped", 4, "", "low")),
    ),
    (
        "diversity ratio",
        (
            Column("diversity_pca_ratio", "PCA", 2, "", "high"),
            Column("diversity_tsne_ratio", "t-SNE", 2, "", "high"),
        ),
    ),
    (
        "cost",
        (
            Column("parameters", "parameters", 0),
            Column("seconds", "training", 0, "s"),
            Column("epochs", "epochs", 0),
        ),
    ),
)
_ARROWS = {
    "low": " \N{DOWNWARDS ARROW}",
    "high": " \N{UPWARDS ARROW}",
    "real": " \N{ALMOST EQUAL TO}",
    "": "",
}
_KINDS = {"model": "learned models", "baseline": "closed-form baselines", "reference": "reference"}
# Inches.
_LINE, _NAME, _CELL, _GAP, _BORDER = 0.235, 1.7, 0.76, 0.14, 0.15


def draw_summary(table_csv: str | Path, picture: str | Path, settings: FiguresSettings) -> None:
    """Draw the summary as a table: grouped columns, the best value of each in bold.

    Models and baselines compete; the real faces are what a Mahalanobis distance should be near
    and have no part in the rest. Nothing is best where only one row has a value.

    Parameters
    ----------
    table_csv : path
        As `lwpipe.evaluation.summary.summarise` writes it; cells may be empty.
    picture : path of the PNG
    settings : FiguresSettings

    Raises
    ------
    LwpipeError
        If the table cannot be read.
    """
    columns = [column for _, group in _GROUPS for column in group]
    table = read_table(table_csv, ["variant", "kind"], [column.key for column in columns])
    kinds = [kind for kind in _KINDS if (table["kind"] == kind).any()]
    lines = 3.0 + len(table) + 1.35 * len(kinds)
    width = 2 * _BORDER + _NAME + len(columns) * _CELL + (len(_GROUPS) - 1) * _GAP
    height = 2 * _BORDER + (lines + 1.6) * _LINE
    with paper_style():
        pen = _Pen(new_figure(width, height, settings.dpi), width, height)
        lefts = _header(pen, width)
        best = {column.key: best_rows(table, column) for column in columns}
        y = _BORDER + 3.1 * _LINE
        for kind in kinds:
            y += 0.35 * _LINE
            pen.text(_BORDER, y + 0.5 * _LINE, _KINDS[kind], color=MUTED, style="italic", ha="left")
            y += _LINE
            for row in np.flatnonzero((table["kind"] == kind).to_numpy()):
                name = shorten(display_name(str(table["variant"][row])), 22)
                pen.text(_BORDER + 0.12, y + 0.5 * _LINE, name, ha="left")
                for column in columns:
                    right = lefts[column.key] + _CELL - 0.08
                    text = format_number(float(table[column.key][row]), column.digits)
                    pen.text(
                        right, y + 0.5 * _LINE, text, ha="right",
                        weight="bold" if best[column.key][row] else "normal",
                        color=INK if text != NOTHING else RULE,
                    )  # fmt: skip
                y += _LINE
        pen.rule(_BORDER, width - _BORDER, y + 0.3 * _LINE, 1.2)
        note = (
            "Bold: best of models and baselines.   \N{DOWNWARDS ARROW} less is better   "
            "\N{UPWARDS ARROW} more is better   \N{ALMOST EQUAL TO} closest to the real faces is "
            "best   \N{EN DASH} not defined"
        )
        pen.text(_BORDER, y + 1.0 * _LINE, note, ha="left", color=MUTED, size=7.5)
        save_figure(pen.figure, picture)


NOTHING = "\N{EN DASH}"


def format_number(value: float, digits: int) -> str:
    """Return a number as the table shows it; NaN is a dash."""
    if np.isnan(value):
        return NOTHING
    text = f"{value:,.{digits}f}"
    # Not 0.00 for what is only small.
    if value != 0 and float(text.replace(",", "")) == 0:
        return f"<{10.0**-digits:.{digits}f}" if digits else "<1"
    return text


def best_rows(table: pd.DataFrame, column: Column) -> npt.NDArray[np.bool_]:
    """Return which rows are best in a column, bool (rows,): ties as shown are all best."""
    values = table[column.key].to_numpy(dtype=float)
    competing = (table["kind"] != "reference").to_numpy() & ~np.isnan(values)
    if column.best == "" or competing.sum() < 2:
        return np.zeros(len(values), dtype=bool)
    goal = 0.0
    if column.best == "real":
        real = table.loc[table["kind"] == "reference", column.key].dropna()
        goal = float(real.iloc[0]) if len(real) else 1.0
    rounded = np.round(values, column.digits)
    score = -rounded if column.best == "high" else rounded
    if column.best == "real":
        score = np.abs(rounded - round(goal, column.digits))
    top = score[competing].min()
    best: npt.NDArray[np.bool_] = competing & np.isclose(score, top, rtol=0, atol=1e-12)
    return best


class _Pen:
    """Draws in inches from the upper left corner."""

    def __init__(self, figure: Figure, width: float, height: float) -> None:
        self.figure, self._width, self._height = figure, width, height

    def text(self, x: float, y: float, text: str, size: float = 8.5, **style: Any) -> None:
        self.figure.text(
            x / self._width, 1 - y / self._height, text, fontsize=size, va="center_baseline",
            parse_math=False, **style,
        )  # fmt: skip

    def rule(self, left: float, right: float, y: float, linewidth: float) -> None:
        height = 1 - y / self._height
        self.figure.add_artist(
            Line2D(
                [left / self._width, right / self._width], [height, height], color=INK,
                linewidth=linewidth,
            )
        )  # fmt: skip


def _header(pen: _Pen, width: float) -> dict[str, float]:
    """Draw the headings and return the left edge of each column, inches."""
    pen.rule(_BORDER, width - _BORDER, _BORDER, 1.2)
    pen.text(_BORDER, _BORDER + 1.9 * _LINE, "variant", ha="left", weight="bold")
    lefts, left = {}, _BORDER + _NAME
    for title, group in _GROUPS:
        right = left + len(group) * _CELL
        pen.text((left + right) / 2, _BORDER + 0.6 * _LINE, title, ha="center", weight="bold")
        pen.rule(left + 0.06, right - 0.04, _BORDER + 1.2 * _LINE, 0.6)
        for column in group:
            lefts[column.key] = left
            heading = column.heading + _ARROWS[column.best]
            pen.text(left + _CELL - 0.08, _BORDER + 1.9 * _LINE, heading, ha="right", size=7.5)
            pen.text(
                left + _CELL - 0.08, _BORDER + 2.55 * _LINE, column.unit, ha="right", size=7,
                color=MUTED,
            )  # fmt: skip
            left += _CELL
        left += _GAP
    pen.rule(_BORDER, width - _BORDER, _BORDER + 3.1 * _LINE, 0.8)
    return lefts
