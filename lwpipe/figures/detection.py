"""How surely edits are told from real faces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lwpipe.evaluation.detection import (
    BORDER,
    COLORS,
    MODEL,
    PAIRS,
    PASTE,
    REAL,
    RECONSTRUCTION,
    WHOLE,
)
from lwpipe.evaluation.feature_spaces import SPACES
from lwpipe.figures.settings import PlotSettings
from lwpipe.figures.style import (
    INK,
    MUTED,
    PALETTE,
    RULE,
    display_name,
    new_figure,
    paper_style,
    save_figure,
)
from lwpipe.figures.tables import read_table

_NUMBERS = ("accuracy", "chance_low", "chance_high", "faces")
_LOOKS = dict(zip(SPACES, (("o", 0), ("s", 1), ("^", 2), ("D", 5)), strict=True))
_NAMES = {
    "vertices": "vertices",
    "components": "principal components, whitened",
    "laplacian": "Laplacian coordinates",
    "edges": "edge lengths",
}
_CONTROLS = (REAL, PAIRS, PASTE)
_GIVEN_BACK = len(_CONTROLS) + 1
_PANELS = ((WHOLE, "whole face"), (BORDER, "border of the part"))
# Inches.
_WIDTH, _ROW, _HEAD, _FOOT, _LEFT = 8.2, 0.36, 0.34, 1.0, 1.95
_NOTHING = "There are too few faces, or there is one part only: nothing was tested."


def draw_detection(
    tests: Mapping[str, str | Path],
    tests_of_baselines: str | Path,
    picture: str | Path,
    figures: PlotSettings,
) -> None:
    """Draw the accuracy of the classifier for each edit and space, on whole faces and borders.

    Marks are means over the parts, lines the range; a grey band is the middle 95% of what chance
    gives, a mean of those of all tests.

    Parameters
    ----------
    tests : mapping of variant to the `tests.csv` of `measure_detection`
    tests_of_baselines : the `tests.csv` of `measure_detection_of_baselines`
    picture : path of the PNG
    figures : PlotSettings

    Raises
    ------
    LwpipeError
        If a table cannot be read.
    """
    table = _collected(tests, tests_of_baselines)
    names = list(dict.fromkeys(table["edit"]))
    height = _HEAD + _ROW * max(len(names), 1) + _FOOT
    with paper_style():
        figure = new_figure(_WIDTH, height, figures.dpi)
        figure.subplots_adjust(
            left=_LEFT / _WIDTH, right=1 - 0.12 / _WIDTH, wspace=0.1,
            top=1 - _HEAD / height, bottom=_FOOT / height,
        )  # fmt: skip
        if not names:
            figure.text(0.5, 0.5, _NOTHING, ha="center", color=MUTED)
        for place, (region, title) in enumerate(_PANELS if names else ()):
            axes = figure.add_subplot(1, 2, place + 1)
            axes.set_title(title, loc="center", weight="normal")
            _panel(axes, table[table["region"] == region], names, _ends(table, names))
            axes.set_yticklabels(names if place == 0 else [])
        if names:
            figure.legend(handles=_legend(), loc="lower center", ncols=3, handletextpad=0.5)
            count = f"accuracy of a support vector machine ({int(table['faces'].max())} faces each)"
            middle = (_LEFT + _WIDTH - 0.12) / 2 / _WIDTH
            figure.text(middle, 0.6 / height, count, ha="center", fontsize=9)
        save_figure(figure, picture)


def _collected(tests: Mapping[str, str | Path], of_baselines: str | Path) -> pd.DataFrame:
    """Return all rows, named and ordered as they are drawn: controls, edits, faces given back."""
    text = ("edit", "part", "space", "region")
    closed = read_table(of_baselines, text, _NUMBERS, may_be_empty=True)
    closed = closed[~closed["edit"].str.endswith(COLORS)]
    sets = [closed.assign(edit=closed["edit"].map(display_name), kind=closed["edit"].map(_kind))]
    for variant, path in tests.items():
        table = read_table(path, text, _NUMBERS, may_be_empty=True)
        table = table[table["edit"].isin([MODEL, RECONSTRUCTION])]
        shown = display_name(variant)
        named = {MODEL: shown, RECONSTRUCTION: f"{shown}, faces given back"}
        sets.append(table.assign(edit=table["edit"].map(named), kind=table["edit"].map(_kind)))
    return pd.concat(sets, ignore_index=True).sort_values("kind", kind="stable")


def _kind(edit: str) -> int:
    """Return which group of rows a set of faces belongs to; of controls, also its place in it."""
    if edit in _CONTROLS:
        return _CONTROLS.index(edit)
    return _GIVEN_BACK if edit.endswith(RECONSTRUCTION) else len(_CONTROLS)


def _ends(table: pd.DataFrame, names: list[str]) -> list[int]:
    """Return the rows that begin another group."""
    kinds = table.groupby("edit")["kind"].first().clip(lower=len(_CONTROLS) - 1)
    return [row for row in range(1, len(names)) if kinds[names[row]] != kinds[names[row - 1]]]


def _panel(axes: Axes, table: pd.DataFrame, names: list[str], ends: list[int]) -> None:
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(min(0.4, float(table["accuracy"].min()) - 0.02), 1.015)
    axes.set_yticks(range(len(names)))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x")
    axes.axvspan(
        table["chance_low"].mean(), table["chance_high"].mean(), color="#e9e9e9", zorder=0.5
    )
    axes.axvline(0.5, color=INK, linewidth=1.0, linestyle="--", zorder=1)
    for row in ends:
        axes.axhline(row - 0.5, color=MUTED, linewidth=0.9)
    for row in range(len(names) - 1):
        axes.axhline(row + 0.5, color=RULE, linewidth=0.4, zorder=0.8)
    for place, name in enumerate(names):
        for step, space in enumerate(SPACES):
            values = table.loc[(table["edit"] == name) & (table["space"] == space), "accuracy"]
            if len(values) == 0:
                continue
            marker, colour = _LOOKS[space]
            height = place + 0.19 * (step - 1.5)
            axes.plot(
                [values.min(), values.max()], [height, height], color=PALETTE[colour],
                linewidth=1.1, alpha=0.55, solid_capstyle="butt",
            )  # fmt: skip
            axes.scatter(
                values.mean(), height, s=17, marker=marker, color=PALETTE[colour],
                edgecolors="white", linewidths=0.4, zorder=5,
            )  # fmt: skip


def _legend() -> list[Line2D | Patch]:
    spaces: list[Line2D | Patch] = [
        Line2D([], [], linestyle="-", marker=marker, color=PALETTE[colour], markersize=4.5,
               linewidth=1.0, label=_NAMES[space])
        for space, (marker, colour) in _LOOKS.items()
    ]  # fmt: skip
    return [
        *spaces,
        Line2D([], [], linestyle="--", color=INK, linewidth=1.0, label="chance"),
        Patch(color="#e9e9e9", label="95% of chance"),
    ]
