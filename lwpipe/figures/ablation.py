"""All variants and baselines in comparison: the trade-off of leak and plausibility."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
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
# Inches: one panel with its labels.
_WIDTH, _HEIGHT = 4.7, 4.2


def draw_tradeoff(table: str | Path, picture: str | Path, figures: PlotSettings) -> None:
    """Draw the leak of part edits against the measures of the edited faces' plausibility.

    A dashed line is the level of the real test faces. Rows without a leak or a plausibility are
    left out.

    Parameters
    ----------
    table : path
        Columns variant, kind (model, baseline or reference), leak_mean, and those of the measures
        that are shown beside leak.
    picture : path of the PNG
    figures : PlotSettings

    Raises
    ------
    LwpipeError
        If the table cannot be read.
    """
    columns = ["leak_mean", *(column.key for column in _PANELS)]
    rows = read_table(table, ["variant", "kind"], columns)
    edited = rows[rows["kind"].isin(list(_KINDS))]
    # A measure that nothing has, such as the distance from a truth that is not known, has no panel.
    panels = [column for column in _PANELS if edited[column.key].notna().any()] or _PANELS
    with paper_style():
        figure = new_figure(_WIDTH * len(panels), _HEIGHT, figures.dpi)
        margin = 1 / (_WIDTH * len(panels))
        figure.subplots_adjust(
            left=0.61 * margin, right=1 - 0.14 * margin, top=0.965, bottom=0.2, wspace=0.19
        )
        for place, column in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), place + 1)
            _panel(axes, rows, column)
            axes.set_ylabel(column.beside_leak)
        figure.legend(
            handles=[
                *(
                    Line2D([], [], linestyle="", marker=marker, color=color, label=name)
                    for name, marker, color in _KINDS.values()
                ),
                Line2D([], [], linestyle="--", color=INK, linewidth=1, label="real test faces"),
            ],
            loc="lower center",
            ncols=3,
        )
        save_figure(figure, picture)


def _panel(axes: Axes, table: pd.DataFrame, measured: Column) -> None:
    column = measured.key
    shown = table[
        table["kind"].isin(list(_KINDS)) & table["leak_mean"].notna() & table[column].notna()
    ]
    real = table.loc[table["kind"] == "reference", column].dropna()
    level = float(real.iloc[0]) if len(real) else None
    axes.grid(visible=True)
    axes.set_xlabel("leak: motion outside the part / inside (0: strictly local)")
    for kind, (_, marker, color) in _KINDS.items():
        rows = shown[shown["kind"] == kind]
        axes.scatter(
            rows["leak_mean"], rows[column], s=38, marker=marker, color=color,
            edgecolors="white", linewidths=0.6, zorder=5,
        )  # fmt: skip
    if level is not None:
        axes.axhline(level, color=INK, linestyle="--", linewidth=1.0, zorder=2)
    ys = [*shown[column], *([level] if level is not None else [])]
    low, high = (min(ys), max(ys)) if ys else (0.0, 1.0)
    if measured.better == "low":
        low = min(low, 0.0)
    room = 0.14 * (high - low) or 0.1
    axes.set_ylim(low - room, high + room)
    right = float(shown["leak_mean"].max()) if len(shown) else 1.0
    # Names stand to the right of their points.
    axes.set_xlim(-0.06 * right, 1.34 * right if right > 0 else 1.0)
    if len(shown) == 0:
        axes.text(0.5, 0.5, "no edits were measured", transform=axes.transAxes, ha="center")
        return
    taken = [_better(axes, level, measured)]
    if level is not None:
        # A label crossed by the dashed line is hard to read.
        y = float(axes.transData.transform((0.0, level))[1])
        frame = axes.get_window_extent()
        taken.append(Bbox.from_extents(frame.x0, y - 2, frame.x1, y + 2))
    points = list(zip(shown["leak_mean"], shown[column], strict=True))
    names = [display_name(str(name)) for name in shown["variant"]]
    place_labels(axes, points, names, taken=taken)


def _better(axes: Axes, level: float | None, measured: Column) -> Bbox:
    """Draw an arrow towards better edits and return the area it takes, in display pixels."""
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
    axes.annotate(
        "", head, xytext=tail, xycoords="axes fraction", textcoords="axes fraction",
        arrowprops={"arrowstyle": "-|>", "color": MUTED, "linewidth": 1.6},
    )  # fmt: skip
    axes.text(
        right, text, "better", transform=axes.transAxes, color=MUTED, fontsize=8.5, style="italic",
        ha="right", va=align,
    )  # fmt: skip
    ends = [tail[1], head[1], text, text + (0.05 if align == "bottom" else -0.05)]
    area = Bbox.from_extents(head[0] - 0.02, min(ends) - 0.01, right, max(ends) + 0.01)
    return axes.transAxes.transform_bbox(area)
