"""The contact sheet: the template and some faces of a data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from lwpipe.data.store import Dataset
from lwpipe.data.suspicions import look_remark, looks_along
from lwpipe.evaluation.inputs import open_data
from lwpipe.figures.render import FaceRenderer
from lwpipe.figures.settings import CameraSettings, PlotSettings
from lwpipe.figures.sheet import REFERENCE_TILE, Sheet
from lwpipe.figures.style import MUTED, shorten

SHOWN = 11
_SPLIT_COLORS = {"train": "#8c2d19", "test": "#8a6a00"}


def draw_contact_sheet(
    data: Dataset | str | Path, picture: str | Path, figures: CameraSettings
) -> None:
    """Draw the template and eleven faces, spread evenly over the training and the test faces.

    Parameters
    ----------
    data : Dataset, or its folder
    picture : path of the PNG
    figures : CameraSettings
        The text grows with `tile`.

    Raises
    ------
    LwpipeError
        If the data set cannot be read, or there is nothing to render with.
    """
    data = open_data(data)
    rows = choose_faces(data, SHOWN)
    faces = [data.mean_face(), *(np.asarray(data.signals[row]) for row in rows)]
    with FaceRenderer(
        data.triangles, np.stack(faces), figures.tile, figures.azimuth, figures.elevation
    ) as renderer:
        pictures = [renderer.render(face) for face in faces]
        width, height = renderer.width, renderer.height
    unit = figures.tile / REFERENCE_TILE
    columns = min(6 if height > width else 4, len(faces))
    lines = -(-len(faces) // columns)
    gap, head, label, border = (round(n * unit) for n in (14, 84, 60, 18))
    cell, line = width + gap, height + label
    sheet = Sheet(
        2 * border + columns * cell - gap, head + lines * line + border, figures.tile,
        PlotSettings().dpi,
    )  # fmt: skip
    title = f"{len(data.vertices):,} faces"
    counts = (
        f"{len(data.indices('train')):,} training · {len(data.indices('test')):,} test · "
        f"{data.vertices.shape[1]:,} vertices · {len(data.triangles):,} triangles · "
        f"source: {data.info.get('source', 'unknown')}"
    )
    if odd := look_remark(looks_along(data.template, data.triangles)):
        title += f": {odd}"
    sheet.text(title, border, 26 * unit, 25, ha="left", weight="bold")
    sheet.text(counts, border, 58 * unit, 19, ha="left", color=MUTED)
    room = int(width / (10 * unit))
    for place, image in enumerate(pictures):
        top, left = head + place // columns * line, border + place % columns * cell
        sheet.picture(image, left, top)
        middle = left + width / 2
        name, kind, color = "template", "mean of training faces", MUTED
        if place:
            row = rows[place - 1]
            name, kind = data.faces["id"][row], data.faces["split"][row]
            color = _SPLIT_COLORS[kind]
        sheet.text(shorten(name, room), middle, top + height + 14 * unit, 17)
        sheet.text(shorten(kind, room + 4), middle, top + height + 37 * unit, 15, color=color)
    sheet.save(picture)


def choose_faces(data: Dataset, count: int) -> npt.NDArray[np.int64]:
    """Return at most `count` rows of the data set, ascending: about a third test faces."""
    train, test = data.indices("train"), data.indices("test")
    from_test = min(len(test), max(count // 3, count - len(train)))
    chosen = [_evenly(train, count - from_test), _evenly(test, from_test)]
    return np.sort(np.concatenate(chosen))


def _evenly(rows: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    count = min(count, len(rows))
    return rows[(np.arange(count) * len(rows)) // max(count, 1)]
