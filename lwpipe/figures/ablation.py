"""All variants and baselines in comparison: the trade-off of leak and plausibility."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator
from matplotlib.transforms import Bbox

from lwpipe.evaluation.measure import Column
from lwpipe.evaluation.measures import COLUMNS
from lwpipe.figures.labels import place_labels
from lwpipe.figures.settings import PlotSettings
from lwpipe.figures.style import (
    INK,
    MUTED,
    PALETTE,
    display_name,
    new_figure,
    paper_style,
    save_figure,
)
from lwpipe.figures.tables import read_table

_KINDS = {
    "model": ("learned model", "o", PALETTE[0]),
    "baseline": ("closed-form baseline", "D", PALETTE[5]),
}
_PANELS = [column for column in COLUMNS if column.beside_leak]
_LEAK = "leak: motion outside the part / inside (0: strictly local)"
# Edits that are all strictly local are told apart here.
_TRUTH, _DETECTED = "edit_error_share", "detect_worst"
_LIKENESS = "likeness"
_LIKENESS_LABEL = "likeness: how much of the target's part arrives"
# Colours of the dials of each edit, in the palette; line styles by what is turned.
_CURVES = (1, 2, 4, 3, 6, 0, 5)
_TURNED: dict[str, Any] = {
    "harmony, all may move": "-",
    "keep, in full harmony": (0, (4, 1.5)),
    "harmony, the rest kept": (0, (1, 1)),
}
Curves = list[pd.DataFrame]
# The column across, what it is called, and the column that stands above it.
Panel = tuple[str, str, Column]
# Inches: one panel with its labels, and the list of names.
_WIDTH, _HEIGHT, _NAMES, _FOOT = 4.4, 3.7, 2.1, 0.15
_ENTRY, _ACROSS = 0.21, 4
_COLUMNS = 2
# Shares of the extent, before the lowest value and behind the highest.
Room = tuple[float, float]


def draw_tradeoff(
    table: str | Path,
    dials: Mapping[str, str | Path],
    dials_of_baselines: str | Path,
    picture: str | Path,
    front: str | Path,
    figures: PlotSettings,
) -> None:
    """Draw the leak of part edits against the measures of the edited faces' plausibility.

    Where there are both, further panels have the distance from the truth, and how much of the part
    arrives, against how surely the edits are told from real faces. Curves are the dials: `harmony`
    turned while all may move, and while the rest is kept, and `keep` turned in full harmony. A
    dashed level is that of the real test faces. Numbers stand for the rows; those without a leak or
    a plausibility are left out.

    Parameters
    ----------
    table : path
        Columns variant, kind (model, baseline or reference), leak_mean, and those of the measures
        that are shown beside leak.
    dials : mapping of variant to the `dials.csv` of `measure_dials`
    dials_of_baselines : the `dials.csv` of `measure_dials_of_baselines`
    picture : path of the PNG
    front : path of a PNG of one panel, that which says most: what edits are told by against their
        distance from the truth, or where one of these is not known, the first of the others
    figures : PlotSettings

    Raises
    ------
    LwpipeError
        If a table cannot be read.
    """
    columns = ["leak_mean", _LIKENESS, *(column.key for column in _PANELS)]
    rows = read_table(table, ["variant", "kind"], columns)
    edited = rows[rows["kind"].isin(list(_KINDS)) & rows["leak_mean"].notna()]
    edited = edited.assign(number=range(1, len(edited) + 1))
    level = rows[rows["kind"] == "reference"]
    by_key = {column.key: column for column in _PANELS}
    # A measure that nothing has, such as the distance from a truth that is not known, has no panel.
    found = [column for column in _PANELS if edited[column.key].notna().any()] or _PANELS
    panels = [("leak_mean", _LEAK, column) for column in found]
    best = panels[0]
    for across, label in ((_TRUTH, by_key[_TRUTH].beside_leak), (_LIKENESS, _LIKENESS_LABEL)):
        if edited[[across, _DETECTED]].notna().all(axis=1).any():
            panels.append((across, label, by_key[_DETECTED]))
            best = panels[-1] if across == _TRUTH else best
    curves = _curves(dials, dials_of_baselines)
    for path, shown, beside in ((picture, panels, _COLUMNS), (front, [best], 1)):
        _draw(path, shown, beside, edited, level, curves, figures)


def _draw(
    picture: str | Path,
    panels: Sequence[Panel],
    columns: int,
    edited: pd.DataFrame,
    level: pd.DataFrame,
    curves: Mapping[str, Curves],
    figures: PlotSettings,
) -> None:
    """Draw panels, so many side by side, with the list of names on the right."""
    lines = -(-len(panels) // columns)
    entries = _legend(curves)
    across = _ACROSS * columns // _COLUMNS
    foot = _FOOT + _ENTRY * -(-len(entries) // across)
    width, height = _WIDTH * columns + _NAMES, _HEIGHT * lines + foot
    with paper_style():
        figure = new_figure(width, height, figures.dpi)
        figure.subplots_adjust(
            left=0.6 / width, right=1 - (_NAMES + 0.15) / width, top=1 - 0.12 / height,
            bottom=(foot + 0.5) / height, wspace=0.2, hspace=0.22,
        )  # fmt: skip
        for place, (key, label, column) in enumerate(panels):
            axes = figure.add_subplot(lines, columns, place + 1)
            axes.set_xlabel(label)
            axes.set_ylabel(column.beside_leak)
            _panel(axes, edited, key, column, level[column.key].dropna(), curves)
        figure.legend(handles=entries, loc="lower center", ncols=across, columnspacing=1.4)
        drawn = [edited[[key, column.key]].notna().all(axis=1) for key, _, column in panels]
        named = edited[pd.concat(drawn, axis=1).any(axis=1)]
        _names(figure, named, 1 - (_NAMES - 0.05) / width, 1 - 0.16 / height)
        save_figure(figure, picture)


def _legend(curves: Mapping[str, Curves]) -> list[Line2D]:
    entries = [
        Line2D([], [], linestyle="", marker=marker, color=color, label=name)
        for name, marker, color in _KINDS.values()
    ]
    entries.append(Line2D([], [], linestyle="--", color=INK, linewidth=1, label="real test faces"))
    entries += [
        Line2D([], [], color=_colour(place), linewidth=1.4, marker=".", label=f"dials of {name}")
        for place, name in enumerate(curves)
    ]
    if curves:
        entries += [
            Line2D([], [], color=MUTED, linestyle=line, linewidth=1.2, label=name)
            for name, line in _TURNED.items()
        ]
    return entries


def _names(figure: Figure, edited: pd.DataFrame, left: float, top: float) -> None:
    """List what the numbers stand for."""
    handles = [
        Line2D([], [], linestyle="", marker=_KINDS[kind][1], color=_KINDS[kind][2],
               label=f"{number}  {display_name(str(name))}")
        for number, name, kind in zip(
            edited["number"], edited["variant"], edited["kind"], strict=True
        )
    ]  # fmt: skip
    if handles:
        figure.legend(
            handles=handles, loc="upper left", bbox_to_anchor=(left, top), handletextpad=0.1,
            borderaxespad=0,
        )  # fmt: skip


def _curves(dials: Mapping[str, str | Path], of_baselines: str | Path) -> dict[str, Curves]:
    """Return the positions of the dials by the name of the edit, in the order of `_TURNED`."""
    numbers = ("keep", "harmony", "leak_mean", _LIKENESS, _TRUTH, _DETECTED)
    found: dict[str, Curves] = {}
    for variant, path in (*dials.items(), (None, of_baselines)):
        table = read_table(path, ["edit"], numbers, may_be_empty=True)
        for edit, rows in table.groupby("edit", sort=False):
            found[display_name(str(variant or edit))] = [
                rows[rows["keep"] == 0].sort_values("harmony"),
                rows[rows["harmony"] == 1].sort_values("keep"),
                rows[rows["keep"] == 1].sort_values("harmony"),
            ]
    return found


def _colour(place: int) -> str:
    return PALETTE[_CURVES[place % len(_CURVES)]]


def _panel(
    axes: Axes,
    edited: pd.DataFrame,
    across: str,
    measured: Column,
    real: pd.Series[float],
    curves: Mapping[str, Curves],
) -> None:
    column = measured.key
    shown = edited[edited[across].notna() & edited[column].notna()]
    level = float(real.iloc[0]) if len(real) else None
    axes.grid(visible=True)
    xs, ys = [*shown[across]], [*shown[column], *([level] if level is not None else [])]
    for place, turned in enumerate(curves.values()):
        for rows, line in zip(turned, _TURNED.values(), strict=True):
            if not {across, column} <= set(rows.columns):
                continue
            known = rows.dropna(subset=[across, column])
            xs, ys = [*xs, *known[across]], [*ys, *known[column]]
            axes.plot(
                known[across], known[column], color=_colour(place), linestyle=line, linewidth=1.2,
                marker=".", markersize=4, zorder=3,
            )  # fmt: skip
    # Learned models above what they stand on.
    for kind, (_, marker, color) in reversed(_KINDS.items()):
        rows = shown[shown["kind"] == kind]
        axes.scatter(
            rows[across], rows[column], s=38, marker=marker, color=color,
            edgecolors="white", linewidths=0.6, zorder=5,
        )  # fmt: skip
    if level is not None:
        axes.axhline(level, color=INK, linestyle="--", linewidth=1.0, zorder=2)
    axes.set_ylim(*_limits(axes, "y", ys, column, (0.14, 0.14)))
    axes.set_xlim(*_limits(axes, "x", xs, across, (0.1, 0.25)))
    if len(shown) == 0:
        axes.text(0.5, 0.5, "no edits were measured", transform=axes.transAxes, ha="center")
        return
    taken = [_better(axes, level, measured, towards=across != _LIKENESS)]
    if level is not None:
        # A label crossed by the dashed line is hard to read.
        y = float(axes.transData.transform((0.0, level))[1])
        frame = axes.get_window_extent()
        taken.append(Bbox.from_extents(frame.x0, y - 2, frame.x1, y + 2))
    points = list(zip(shown[across], shown[column], strict=True))
    place_labels(axes, points, [str(number) for number in shown["number"]], taken=taken)


def _limits(
    axes: Axes, which: Literal["x", "y"], values: list[float], column: str, room: Room
) -> tuple[float, float]:
    """Return limits with room for labels; errors from a tenth to fourfold are shown as ratios."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    below, above = room
    if column == _TRUTH and low > 0:
        axes.set(**{f"{which}scale": "log"})
        axis = axes.xaxis if which == "x" else axes.yaxis
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(NullLocator())
        ratio = max(high / low, 1.5)
        return float(low / ratio**below), float(high * ratio**above)
    space = (high - low) or 1.0
    return low - below * space, high + above * space


def _better(axes: Axes, level: float | None, measured: Column, towards: bool) -> Bbox:
    """Draw an arrow to better edits and return the area it takes, in display pixels.

    `towards`: what lies across is the better the less it is.
    """
    share = None
    if level is not None:
        display = axes.transData.transform((0.0, level))
        share = float(axes.transAxes.inverted().transform(display)[1])
    right = 0.985
    if measured.better == "low" or share is None:
        # Less is better, both of leak and of what lies outside; beneath the line if that is high.
        top = 0.96 if share is None or share < 0.8 else share - 0.04
        tail, head, text, align = (right, top), (right - 0.1, top - 0.11), top - 0.13, "top"
    else:
        # A Mahalanobis distance is right when it is that of real faces: below are faces that are
        # too average. So the arrow runs along the line.
        y = share + 0.035
        tail, head, text, align = (right, y), (right - 0.125, y), share + 0.06, "bottom"
        if not towards:
            tail, head = head, tail
    axes.annotate(
        "", head, xytext=tail, xycoords="axes fraction", textcoords="axes fraction",
        arrowprops={"arrowstyle": "-|>", "color": MUTED, "linewidth": 1.6},
    )  # fmt: skip
    axes.text(
        right, text, "better", transform=axes.transAxes, color=MUTED, fontsize=8.5, style="italic",
        ha="right", va=align,
    )  # fmt: skip
    ends = [tail[1], head[1], text, text + (0.05 if align == "bottom" else -0.05)]
    area = Bbox.from_extents(
        min(head[0], tail[0]) - 0.02, min(ends) - 0.01, right, max(ends) + 0.01
    )
    return axes.transAxes.transform_bbox(area)
