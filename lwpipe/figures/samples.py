"""Faces that were drawn: whole ones, the nearest training faces, and parts given the rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lwpipe.data.signals import positions
from lwpipe.data.store import Dataset
from lwpipe.evaluation.inputs import open_data
from lwpipe.evaluation.samples import STEPS, SampleExamples, read_sample_examples
from lwpipe.figures.render import FaceRenderer
from lwpipe.figures.settings import FiguresSettings
from lwpipe.figures.sheet import REFERENCE_TILE, Sheet
from lwpipe.figures.style import MUTED, Colors, map_colors, part_name

Faces = npt.NDArray[np.float32]

_COLUMNS = 8
# Many faces stand on a sheet: each is smaller than the figures' are.
_SHRINK = 2
_NOTHING = "The model has no parts that belong to the local weights: none was drawn."


def draw_samples(
    dataset: Dataset | str | Path,
    examples: str | Path,
    grid: str | Path,
    nearest: str | Path,
    parts: str | Path,
    directions: str | Path,
    figures: FiguresSettings,
) -> None:
    """Draw four sheets of rendered faces.

    Parameters
    ----------
    dataset : Dataset, or its folder
    examples : `examples.npz` of `lwpipe.evaluation.samples.measure_samples`
    grid : PNG of faces that were drawn
    nearest : PNG of some of them beside the nearest training faces
    parts : PNG of a face and its parts, drawn given the rest
    directions : PNG of its parts along their main directions
    figures : FiguresSettings

    Raises
    ------
    LwpipeError
        If a file cannot be read, the examples are of other data, or there is nothing to render
        with.
    """
    data = open_data(dataset)
    shown = read_sample_examples(examples, data)
    tile = max(figures.tile // _SHRINK, 32)
    every = [shown.samples, shown.nearest, shown.face[None]]
    every += [faces.reshape(-1, *shown.face.shape) for faces in (shown.varied, shown.moved)]
    reference = np.concatenate(every)
    with FaceRenderer(
        data.triangles, reference, tile, figures.azimuth, figures.elevation
    ) as renderer:
        page = _Page(renderer, tile, figures.dpi)
        page.rows([("", row, []) for row in _lines(shown.samples)], grid)
        page.rows(_beside(shown), nearest, _of_real(shown))
        if len(shown.varied) == 0:
            page.words(_NOTHING, parts)
            page.words(_NOTHING, directions)
            return
        note = f"Parts are put in {shown.dials}. Colours: deviation of the draws."
        page.rows(_varied(shown), parts, note, _colours(shown, figures))
        page.rows(_moved(shown), directions, "Standard deviations, given the rest of the face.")


def _lines(faces: Faces) -> list[Faces]:
    return [faces[start : start + _COLUMNS] for start in range(0, len(faces), _COLUMNS)]


def _beside(shown: SampleExamples) -> list[tuple[str, Faces, list[str]]]:
    count = len(shown.nearest)
    distances = [f"{distance:.2f} mm" for distance in shown.nearest_mm]
    return [("samples", shown.samples[:count], []), ("nearest", shown.nearest, distances)]


def _of_real(shown: SampleExamples) -> str:
    mean, near = shown.real_mm
    if not np.isfinite(mean):
        return ""
    return f"Real faces: {mean:.2f} mm in the mean, and one in twenty below {near:.2f} mm."


def _varied(shown: SampleExamples) -> list[tuple[str, Faces, list[str]]]:
    """Return the rows of each part; the face itself stands first."""
    rows = []
    for part, faces in enumerate(shown.varied):
        first, *others = _lines(faces)
        rows.append((part_name(part), np.concatenate([shown.face[None], first]), ["the face"]))
        spread = float(_spread(faces).max())
        for line in others:
            words = [f"up to {spread:.2f} mm"]
            rows.append(("", np.concatenate([shown.face[None], line]), words))
    return rows


def _spread(faces: Faces) -> npt.NDArray[np.float64]:
    """Return how far each vertex is from its mean place in faces (n, V, 3), float64 (V,), mm."""
    away = positions(faces).astype(np.float64)
    away = away - away.mean(axis=0)
    return np.asarray(np.sqrt((away**2).sum(axis=2).mean(axis=0)))


def _colours(shown: SampleExamples, figures: FiguresSettings) -> dict[int, Colors]:
    """Return the colours of the first face of the last row of each part: how far its draws vary."""
    lines = len(_lines(shown.samples))
    spreads = [_spread(faces) for faces in shown.varied]
    limits = (0.0, max((float(spread.max()) for spread in spreads), default=1.0) or 1.0)
    return {
        (part + 1) * lines - 1: map_colors(spread, figures.colormap, limits)
        for part, spread in enumerate(spreads)
    }


def _moved(shown: SampleExamples) -> list[tuple[str, Faces, list[str]]]:
    rows = []
    for part, directions in enumerate(shown.moved):
        for which, faces in enumerate(directions):
            rows.append((f"{part_name(part)}, {which + 1}", faces, [f"{step:g}" for step in STEPS]))
    return rows


class _Page:
    """Makes sheets of rows of faces, with a word beside each row and below each face."""

    def __init__(self, renderer: FaceRenderer, tile: int, dpi: int) -> None:
        self._renderer, self._tile, self._dpi = renderer, tile, dpi

    def rows(
        self,
        rows: list[tuple[str, Faces, list[str]]],
        path: str | Path,
        note: str = "",
        colours: Mapping[int, Colors] | None = None,
    ) -> None:
        """Draw rows of a title, faces (n, V, 3) and words below the first faces.

        `colours` are those of the vertices of the first face of a row.
        """
        mapped = colours or {}
        width, height = self._renderer.width, self._renderer.height
        unit = self._tile / REFERENCE_TILE
        gap, border, side, label, foot = (round(n * unit) for n in (8, 16, 58, 46, 60))
        side = side if any(title for title, _, _ in rows) else 0
        lines = [height + gap + (label if any(words) else 0) for _, _, words in rows]
        columns = max(len(faces) for _, faces, _ in rows)
        across = 2 * border + side + columns * (width + gap) - gap
        bottom = border + sum(lines)
        sheet = Sheet(across, bottom + (foot if note else border), self._tile, self._dpi)
        top = border
        for place, ((title, faces, words), line) in enumerate(zip(rows, lines, strict=True)):
            lefts = [border + side + column * (width + gap) for column in range(len(faces))]
            if title:
                x = border + 18 * unit
                sheet.text(title, x, top + height / 2, 30, rotation=90, weight="bold")
            seen = [mapped.get(place), *[None] * (len(faces) - 1)]
            for left, face, colour in zip(lefts, faces, seen, strict=True):
                sheet.picture(self._renderer.render(face, colour), left, top)
            for left, word in zip(lefts, words, strict=False):
                sheet.text(word, left + width / 2, top + height + 20 * unit, 30, color=MUTED)
            top += line
        if note:
            sheet.text(note, border + side, bottom + 24 * unit, 30, ha="left", color=MUTED)
        sheet.save(path)

    def words(self, words: str, path: str | Path) -> None:
        """Draw a sheet that says why there is none."""
        unit = self._tile / REFERENCE_TILE
        sheet = Sheet(round(1500 * unit), round(80 * unit), self._tile, self._dpi)
        sheet.text(words, 750 * unit, 40 * unit, 30, color=MUTED)
        sheet.save(path)
