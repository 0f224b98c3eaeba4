"""Labels beside points, placed so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.font_manager import FontProperties
from matplotlib.transforms import Bbox

from lwpipe.figures.style import MUTED

# Where a label may stand, as direction and horizontal alignment: to the right is read best.
_DIRECTIONS = (
    (1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0),
    (0.8, 0.6), (0.8, -0.6), (-0.8, 0.6), (-0.8, -0.6),
)  # fmt: skip
# Distances from the point, in points of print.
_DISTANCES = (7.0, 14.0, 24.0, 36.0, 50.0)
# From here on a thin line ties the label to its point.
_LEADER = 12.0


def place_labels(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    labels: Sequence[str],
    size: float = 8.0,
    taken: Sequence[Bbox] = (),
    **style: Any,
) -> None:
    """Write each label beside its point, as near as it fits.

    Labels keep clear of each other, of all points, of `taken` and of the edge of the axes. The
    limits of the axes must be final.

    Parameters
    ----------
    axes : Axes
    points : (x, y) in data coordinates
    labels : one a point
    size : height of the font, points
    taken : areas to keep clear of, in display pixels
    **style : properties of the text
    """
    figure: Any = axes.figure
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    pixel = figure.dpi / 72
    frame = axes.get_window_extent(renderer)
    where = axes.transData.transform(np.asarray(points, dtype=float).reshape(-1, 2))
    marks = [Bbox.from_extents(*(p - 5 * pixel), *(p + 5 * pixel)) for p in where]
    placed: list[Bbox] = list(taken)
    # Points with close neighbours have the fewest free places: they choose first.
    distance = np.linalg.norm(where[:, None] - where[None], axis=2)
    crowded = np.argsort(np.sort(distance, axis=1)[:, : min(4, len(where))].sum(axis=1))
    for i in crowded:
        best: tuple[float, Bbox, tuple[float, float]] | None = None
        for far in _DISTANCES:
            for rank, direction in enumerate(_DIRECTIONS):
                offset = (far * direction[0], far * direction[1])
                box = _box(renderer, labels[i], size, where[i], offset, pixel, style)
                cost = far + 2.0 * rank
                cost += sum(_overlap(box, other) for other in placed)
                cost += sum(_overlap(box, mark) for j, mark in enumerate(marks) if j != i)
                cost += 4.0 * max(0.0, box.width * box.height - _overlap(box, frame))
                if best is None or cost < best[0]:
                    best = (cost, box, offset)
        assert best is not None  # noqa: S101 (there are always candidates)
        _, box, offset = best
        placed.append(box)
        leader = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3}
        axes.annotate(
            labels[i], points[i], xytext=offset, textcoords="offset points",
            ha=_align(offset[0], ("right", "center", "left")),
            va=_align(offset[1], ("top", "center", "bottom")),
            fontsize=size, parse_math=False, zorder=9,
            arrowprops=leader if np.hypot(*offset) > _LEADER else None, **style,
        )  # fmt: skip


def _align(offset: float, names: tuple[str, str, str]) -> Any:
    return names[int(np.sign(np.round(offset, 9))) + 1]


def _box(
    renderer: Any, label: str, size: float, point: Any, offset: Any, pixel: float, style: Any
) -> Bbox:
    font = FontProperties(size=size, weight=style.get("weight"))
    width, height, _ = renderer.get_text_width_height_descent(label, font, False)
    x, y = point[0] + offset[0] * pixel, point[1] + offset[1] * pixel
    left = x - width * (1 - np.sign(np.round(offset[0], 9))) / 2
    bottom = y - height * (1 - np.sign(np.round(offset[1], 9))) / 2
    pad = 1.5 * pixel
    return Bbox.from_extents(left - pad, bottom - pad, left + width + pad, bottom + height + pad)


def _overlap(a: Bbox, b: Bbox) -> float:
    """Return the area in which two boxes overlap, pixels."""
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    return float(max(width, 0.0) * max(height, 0.0))
