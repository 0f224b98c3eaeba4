"""Edits beside the true faces, and how far they are from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from lwpipe.data.store import Dataset
from lwpipe.evaluation.inputs import open_data
from lwpipe.evaluation.truth import Examples, read_examples
from lwpipe.figures.render import FaceRenderer
from lwpipe.figures.settings import FiguresSettings
from lwpipe.figures.sheet import REFERENCE_TILE, Sheet
from lwpipe.figures.style import DISTANCE_POWER, MUTED, map_colors, part_name

_FACES = ("source", "target", "truth", "edit")
_MAPS = ("edit, error", "source, error")
# The colours end at this percentile of what is wrong without an edit.
_PERCENTILE = 99.5
_NOTHING = (
    "There are no true answers: the source of the faces does not know their factors, or the model "
    "has no parts that belong to the local weights."
)


def draw_truth(
    dataset: Dataset | str | Path,
    examples: str | Path,
    picture: str | Path,
    figures: FiguresSettings,
) -> None:
    """Draw one row a part: source, target, the truth, the edit, and distances from the truth.

    Parameters
    ----------
    dataset : Dataset, or its folder
    examples : `examples.npz` of `lwpipe.evaluation.truth.measure_truth`
    picture : path of the PNG
    figures : FiguresSettings

    Raises
    ------
    LwpipeError
        If a file cannot be read, the examples are of other data, or there is nothing to render
        with.
    """
    data = open_data(dataset)
    shown = read_examples(examples, data)
    if len(shown.parts) == 0:
        _draw_nothing(picture, figures)
        return
    faces = np.stack([shown.sources, shown.targets, shown.truths, shown.edits], axis=1)
    wrong = np.stack([_distances(shown.edits, shown), _distances(shown.sources, shown)], axis=1)
    limits = (0.0, float(np.percentile(wrong[:, 1], _PERCENTILE)) or 1.0)
    with FaceRenderer(
        data.triangles, faces, figures.tile, figures.azimuth, figures.elevation
    ) as renderer:
        plain = [[renderer.render(face) for face in row] for row in faces]
        maps = [
            [
                renderer.render(face, map_colors(error, figures.colormap, limits, DISTANCE_POWER))
                for face, error in zip((row[3], row[0]), errors, strict=True)
            ]
            for row, errors in zip(faces, wrong, strict=True)
        ]
        width, height = renderer.width, renderer.height
    unit = figures.tile / REFERENCE_TILE
    gap, apart, border, side, head, foot = (round(n * unit) for n in (8, 34, 16, 58, 64, 136))
    line = height + round(38 * unit)
    first = border + side
    lefts = [first + place * (width + gap) for place in range(len(_FACES))]
    lefts += [lefts[-1] + width + apart + place * (width + gap) for place in range(len(_MAPS))]
    bottom = head + len(faces) * line
    sheet = Sheet(lefts[-1] + width + border, bottom + foot, figures.tile, figures.dpi)
    for left, title in zip(lefts, (*_FACES, *_MAPS), strict=True):
        sheet.text(title, left + width / 2, head / 2, 22)
    for row, part in enumerate(shown.parts.tolist()):
        top = head + row * line
        sheet.text(
            part_name(part), border + 18 * unit, top + height / 2, 26, rotation=90, weight="bold"
        )
        for left, image in zip(lefts, (*plain[row], *maps[row]), strict=True):
            sheet.picture(image, left, top)
        for left, error in zip(lefts[len(_FACES) :], wrong[row], strict=True):
            mean = f"mean {error.mean():.2f} mm"
            sheet.text(mean, left + width / 2, top + height + 13 * unit, 18, color=MUTED)
    bar = (lefts[-2] + 0.2 * width, bottom + 18 * unit, 1.6 * width + gap, 15 * unit)
    label = "distance from the truth (mm), square root scale"
    sheet.colorbar(bar, figures.colormap, limits, label, size=18, power=DISTANCE_POWER)
    sheet.text(f"Edits {shown.dials}.", first, bottom + 40 * unit, 18, ha="left", color=MUTED)
    sheet.save(picture)


def _distances(faces: npt.NDArray[np.float32], shown: Examples) -> npt.NDArray[np.float64]:
    """Return the distance of each vertex from the truth, float64 (n, V), mm."""
    return np.asarray(np.linalg.norm(faces.astype(np.float64) - shown.truths, axis=2))


def _draw_nothing(picture: str | Path, figures: FiguresSettings) -> None:
    unit = figures.tile / REFERENCE_TILE
    sheet = Sheet(round(1300 * unit), round(60 * unit), figures.tile, figures.dpi)
    sheet.text(_NOTHING, 650 * unit, 30 * unit, 13, color=MUTED)
    sheet.save(picture)
