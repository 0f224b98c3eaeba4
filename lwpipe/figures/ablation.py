"""All variants and baselines in comparison: the trade-off of leak and plausibility."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox

from lwpipe.figures.labels import place_labels
from lwpipe.figures.settings import FiguresSettings
from lwpipe.figures.style import (
    INK,
    MUTED,
    PALETTE,
    display_name,
    new_figure,
    paper_style,
    save_figure,
)
from lwpipe.figures.summary_table import draw_summary
from lwpipe.figures.tables import read_table

__all__ = ["draw_summary", "draw_tradeoff"]

_KINDS = {
    "model": ("learned model", "o", PALETTE[0]),
    "baseline": ("closed-form baseline", "D", PALETTE[5]),
}
_PANELS = (
    ("outside_mm", "distance outside the span of the data (mm)"),
    ("mahalanobis", "Mahalanobis distance"),
)


def draw_tradeoff(table_csv: str | Path, picture: str | Path, settings: FiguresSettings) -> None:
    """Draw the leak of part edits against two measures of the edited faces' plausibility.

    A dashed line is the level of the real test faces. Rows without a leak or a plausibility are
    left out.

    Parameters
    ----------
    table_csv : path
        Columns variant, kind (model, baseline or reference), leak_mean, outside_mm, mahalanobis.
    picture : path of the PNG
    settings : FiguresSettings

    Raises
    ------
    LwpipeError
        If the table cannot be read.
    """
    columns = ["leak_mean", *(column for column, _ in _PANELS)]
    table = read_table(table_csv, ["variant", "kind"], columns)
    with paper_style():
        figure = new_figure(9.4, 4.2, settings.dpi)
        figure.subplots_adjust(left=0.065, right=0.985, top=0.965, bottom=0.2, wspace=0.19)
        for place, (column, label) in enumerate(_PANELS):
            axes = figure.add_subplot(1, 2, place + 1)
            _panel(axes, table, column)
            axes.set_ylabel(label)
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


def _panel(axes: Axes, table: pd.DataFrame, column: str) -> None:
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
    if column == "outside_mm":
        low = min(low, 0.0)
    room = 0.14 * (high - low) or 0.1
    axes.set_ylim(low - room, high + room)
    right = float(shown["leak_mean"].max()) if len(shown) else 1.0
    # Names stand to the right of their points.
    axes.set_xlim(-0.06 * right, 1.34 * right if right > 0 else 1.0)
    if len(shown) == 0:
        axes.text(0.5, 0.5, "no edits were measured", transform=axes.transAxes, ha="center")
        return
    taken = [_better(axes, level, column)]
    if level is not None:
        # A label crossed by the dashed line is hard to read.
        y = float(axes.transData.transform((0.0, level))[1])
        frame = axes.get_window_extent()
        taken.append(Bbox.from_extents(frame.x0, y - 2, frame.x1, y + 2))
    points = list(zip(shown["leak_mean"], shown[column], strict=True))
    names = [display_name(str(name)) for name in shown["variant"]]
    place_labels(axes, points, names, taken=taken)


def _better(axes: Axes, level: float | None, column: str) -> Bbox:
    """Draw an arrow towards better edits and return the area it takes, in display pixels."""
    share = None
    if level is not None:
        display = axes.transData.transform((0.0, level))
        share = float(axes.transAxes.inverted().transform(display)[1])
    right = 0.985
    if column == "outside_mm" or share is None:
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
