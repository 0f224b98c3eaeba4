"""Local weights on the template: figure 2 of the paper."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from lwpipe.data.store import Dataset
from lwpipe.evaluation.inputs import open_data, open_local_weights
from lwpipe.figures.render import FaceRenderer
from lwpipe.figures.settings import FiguresSettings
from lwpipe.figures.sheet import REFERENCE_TILE, Sheet
from lwpipe.figures.style import blend_parts, map_colors, part_name, part_palette, shorten
from lwpipe.local_weights.archive import load_names

# Of a name, so that it fits under its picture.
_LETTERS = 14


def draw_local_weights(
    data: Dataset | str | Path,
    local_weights: npt.ArrayLike | str | Path,
    picture: str | Path,
    figures: FiguresSettings,
) -> None:
    """Draw the template once a part, coloured by w_k, and once by all parts together.

    (Locally Weighted 3D Face Generative Model, figure 2.)

    Parameters
    ----------
    data : Dataset, or its folder
    local_weights : float (V, K), rows sum to 1; or `local_weights.npz`
    picture : path of the PNG
    figures : FiguresSettings

    Raises
    ------
    LwpipeError
        If a file cannot be read, or the weights are for another number of vertices.
    """
    data = open_data(data)
    w = open_local_weights(local_weights, data)
    parts = w.shape[1]
    names = load_names(local_weights, parts) if isinstance(local_weights, str | Path) else None
    with FaceRenderer(
        data.triangles, data.template, figures.tile, figures.azimuth, figures.elevation
    ) as renderer:
        pictures = [
            renderer.render(data.template, map_colors(w[:, k], figures.colormap))
            for k in range(parts)
        ]
        pictures.append(renderer.render(data.template, blend_parts(w)))
        width, height = renderer.width, renderer.height
    unit = figures.tile / REFERENCE_TILE
    columns = min(parts + 1, max(6, round(np.sqrt(1.6 * (parts + 1)))))
    lines = -(-(parts + 1) // columns)
    gap, label, border, bar = (round(n * unit) for n in (16, 44, 18, 100))
    cell, line = width + gap, height + label
    grid = columns * cell - gap
    sheet = Sheet(2 * border + grid + bar, 2 * border + lines * line, figures.tile, figures.dpi)
    palette = part_palette(parts)
    for place, image in enumerate(pictures):
        left, top = border + place % columns * cell, border + place // columns * line
        sheet.picture(image, left, top)
        x, y = left + width / 2, top + height + 24 * unit
        if place == parts:
            sheet.text("all parts", x, y, 16)
            continue
        edge = 14 * unit
        sheet.swatch(palette[place], x - 40 * unit, y - edge / 2, edge)
        words = part_name(place) if names is None else f"{place} {shorten(names[place], _LETTERS)}"
        sheet.text(words, x - 18 * unit, y, 16, ha="left")
    box = (border + grid + 26 * unit, border + 0.1 * height, 14 * unit, 0.8 * height)
    sheet.colorbar(box, figures.colormap, (0.0, 1.0), "local weight", vertical=True)
    sheet.save(picture)
