"""Losses and errors over the epochs of a training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, ScalarFormatter

from lwpipe.figures.settings import PlotSettings
from lwpipe.figures.style import INK, MUTED, PALETTE, new_figure, paper_style, save_figure
from lwpipe.figures.tables import read_table

_ERRORS = (("train_mm", "training faces", PALETTE[0]), ("test_mm", "test faces", PALETTE[5]))
_LOSSES = (
    ("reconstruction_loss", "reconstruction (L1)", PALETTE[2]),
    ("cycle_loss", "cycle", PALETTE[3]),
    ("blend_loss", "blend", PALETTE[1]),
    ("partition_loss", "partition", PALETTE[4]),
    ("kl_loss", "divergence of codes", PALETTE[6]),
    ("loss", "total", INK),
)


def draw_learning_curve(history: str | Path, picture: str | Path, figures: PlotSettings) -> None:
    """Draw the errors in mm, the losses and the learning rate of every epoch.

    Parameters
    ----------
    history : path
        Columns epoch, loss, reconstruction_loss, cycle_loss, blend_loss, partition_loss,
        kl_loss, train_mm, test_mm, learning_rate.
    picture : path of the PNG
    figures : PlotSettings

    Raises
    ------
    LwpipeError
        If the table cannot be read.
    """
    columns = ["epoch", *(c for c, _, _ in (*_ERRORS, *_LOSSES)), "learning_rate"]
    table = read_table(history, (), columns)
    with paper_style():
        figure = new_figure(8.4, 3.1, figures.dpi)
        grid = figure.add_gridspec(1, 3, width_ratios=(3, 3, 1.7), wspace=0.36)
        figure.subplots_adjust(left=0.065, right=0.985, top=0.89, bottom=0.16)
        errors, losses, rate = (figure.add_subplot(grid[0, i]) for i in range(3))
        errors.set_title("Reconstruction error")
        errors.set_ylabel("mean vertex distance (mm)")
        _lines(errors, table, _ERRORS)
        _mark_last(errors, table)
        losses.set_title("Loss")
        losses.set_ylabel("loss (standardised units)")
        _lines(losses, table, _LOSSES)
        rate.set_title("Learning rate")
        rate.plot(
            table["epoch"], table["learning_rate"], color=MUTED, marker=_marker(table), markersize=4
        )
        rate.yaxis.set_major_locator(MaxNLocator(5))
        rate.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        for axes in (errors, losses, rate):
            axes.set_xlabel("epoch")
            axes.grid(visible=True)
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
            axes.margins(y=0.12)
            if len(table) == 1:
                axes.set_xlim(table["epoch"].iloc[0] - 0.5, table["epoch"].iloc[0] + 0.5)
        rate.set_ylim(bottom=0)
        save_figure(figure, picture)


def _marker(table: pd.DataFrame) -> str:
    return "o" if len(table) == 1 else ""


def _lines(axes: Axes, table: pd.DataFrame, lines: tuple[tuple[str, str, str], ...]) -> None:
    """Plot columns on a logarithmic scale; one that is never positive is left out."""
    drawn: list[pd.Series[float]] = []
    for column, label, color in lines:
        values = table[column].where(table[column] > 0)
        # Without the cycle loss, the total is the reconstruction loss: one line, not two.
        if values.isna().all() or any(values.equals(other) for other in drawn):
            continue
        drawn.append(values)
        axes.plot(
            table["epoch"], values, label=label, color=color, marker=_marker(table), markersize=4
        )
    if not drawn:
        return
    low, high = min(v.min() for v in drawn), max(v.max() for v in drawn)
    if high > 3 * low:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(ScalarFormatter())
        axes.yaxis.set_minor_formatter(ScalarFormatter())
        axes.yaxis.set_major_locator(_log_ticks(low, high))
        axes.yaxis.set_minor_locator(_no_ticks())
    axes.legend()


def _log_ticks(low: float, high: float) -> FixedLocator:
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    steps = (1, 2, 5) if high < 100 * low else (1,)
    ticks = np.unique(np.round(np.outer(decades, steps), 12))
    return FixedLocator([float(t) for t in ticks if low / 1.2 <= t <= high * 1.2])


def _no_ticks() -> FixedLocator:
    return FixedLocator([])


def _mark_last(axes: Axes, table: pd.DataFrame) -> None:
    values = table["test_mm"]
    if not values.iloc[-1] > 0:
        return
    axes.plot(table["epoch"].iloc[-1], values.iloc[-1], "o", color=_ERRORS[1][2], markersize=4)
    axes.annotate(
        f"{values.iloc[-1]:.2f} mm", (table["epoch"].iloc[-1], values.iloc[-1]),
        xytext=(0, 7), textcoords="offset points", ha="right", fontsize=8, color=_ERRORS[1][2],
    )  # fmt: skip
