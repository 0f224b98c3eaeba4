"""Encodings of training, test and synthesised faces in the plane: figure 6 of the paper."""

from __future__ import annotations

from pathlib import Path

import matplotlib.patheffects as effects
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse

from lwpipe.evaluation.diversity import ellipse
from lwpipe.figures.settings import PlotSettings
from lwpipe.figures.style import new_figure, paper_style, save_figure
from lwpipe.figures.tables import read_table

_PANELS = (("pca", "(a) PCA"), ("tsne", "(b) t-SNE"))
# The paper's colours; the markers differ too, for readers to whom red and green look alike.
# The set drawn last is the smallest cloud, so that it stays visible.
_SETS = {
    "synthesised": ("part synthesis", "s", "#2ca02c", "#145214", "#1b7a1b"),
    "train": ("training", "o", "#e5383b", "#7d1517", "#c1121f"),
    "test": ("test", "^", "#ffd60a", "#5c4b00", "#ffd60a"),
}
_LEGEND_ORDER = ("train", "test", "synthesised")


def draw_diversity(points: str | Path, picture: str | Path, figures: PlotSettings) -> None:
    """Draw the three sets of encodings in the plane of PCA and of t-SNE, with 2-sigma ellipses.

    The legend gives each set's size and the area of its ellipse in multiples of the training
    set's. (Locally Weighted 3D Face Generative Model, section 5.1, figure 6.)

    Parameters
    ----------
    points : path
        Columns set (train, test or synthesised), pca_x, pca_y, tsne_x, tsne_y; a set may be
        missing.
    picture : path of the PNG
    figures : PlotSettings

    Raises
    ------
    LwpipeError
        If the table cannot be read.
    """
    columns = [f"{method}_{axis}" for method, _ in _PANELS for axis in "xy"]
    table = read_table(points, ["set"], columns)
    with paper_style():
        figure = new_figure(8.2, 4.6, figures.dpi)
        figure.subplots_adjust(left=0.03, right=0.97, top=0.93, bottom=0.215, wspace=0.08)
        for place, (method, title) in enumerate(_PANELS):
            axes = figure.add_subplot(1, 2, place + 1)
            axes.set_title(title, loc="center", weight="normal")
            _panel(axes, table, method)
        save_figure(figure, picture)


def _panel(axes: Axes, table: pd.DataFrame, method: str) -> None:
    areas = {}
    for zorder, name in enumerate(_SETS):
        points = table.loc[table["set"] == name, [f"{method}_x", f"{method}_y"]].to_numpy()
        if len(points) == 0:
            continue
        _, marker, face, edge, line = _SETS[name]
        axes.scatter(
            points[:, 0], points[:, 1], s=17, marker=marker, color=face, edgecolors=edge,
            linewidths=0.5, alpha=0.72, zorder=2 + zorder,
        )  # fmt: skip
        areas[name] = _draw_ellipse(axes, points, line, edge)
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.06)
    axes.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(True)
    for spine in axes.spines.values():
        spine.set_color("#b5b5b5")
    handles, labels = [], []
    train_area = areas.get("train", float("nan"))
    for name in _LEGEND_ORDER:
        if name not in areas:
            continue
        label, marker, face, edge, _ = _SETS[name]
        handles.append(
            Line2D([], [], linestyle="", marker=marker, color=face, markeredgecolor=edge)
        )
        count = int((table["set"] == name).sum())
        ratio = areas[name] / train_area if train_area > 0 else float("nan")
        area = f", area {ratio:.2f}" if np.isfinite(ratio) else ""
        labels.append(f"{label}: {count:,} faces{area}")
    axes.legend(
        handles, labels, loc="upper center", bbox_to_anchor=(0.5, -0.02), handletextpad=0.3,
        title="area of the 2\N{GREEK SMALL LETTER SIGMA} ellipse, training = 1", title_fontsize=8,
    )  # fmt: skip


def _draw_ellipse(axes: Axes, points: npt.NDArray[np.float64], line: str, edge: str) -> float:
    """Draw the 2-sigma ellipse, if three points make one, and return its area."""
    centre, covariance, area = ellipse(points)
    if not np.isfinite(area):
        return area
    values, vectors = np.linalg.eigh(covariance)
    width, height = 4 * np.sqrt(np.maximum(values[::-1], 0.0))
    angle = float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])))
    patch = Ellipse(
        (centre[0], centre[1]), width, height, angle=angle, facecolor="none", edgecolor=line,
        linewidth=1.4, zorder=8,
    )  # fmt: skip
    # Yellow needs a dark rim to be seen on white.
    patch.set_path_effects([effects.Stroke(linewidth=2.4, foreground=edge), effects.Normal()])
    axes.add_patch(patch)
    axes.update_datalim(_outline(centre, covariance))
    return area


def _outline(
    centre: npt.NDArray[np.float64], covariance: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the corners of the ellipse's bounding box."""
    half = 2 * np.sqrt(np.diag(covariance))
    return np.stack([centre - half, centre + half])
