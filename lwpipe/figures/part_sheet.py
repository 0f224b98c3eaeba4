"""Pictures of one interpolation: source and target, the sheet of all parts, and frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from lwpipe.evaluation.interpolation import Interpolation
from lwpipe.figures.render import FaceRenderer
from lwpipe.figures.settings import FiguresSettings
from lwpipe.figures.sheet import REFERENCE_TILE, Sheet
from lwpipe.figures.style import (
    DISTANCE_POWER,
    MUTED,
    RULE,
    Picture,
    map_colors,
    part_name,
    part_palette,
    shorten,
)

ALPHA = "\N{GREEK SMALL LETTER ALPHA}"
# A sheet shows at most so many steps, the first and the last among them.
MAX_COLUMNS = 12
# Longest edge of a sheet in pixels; with more parts than fit, the faces get smaller.
MAX_EDGE = 20_000


def name_of(interpolation: Interpolation, part: int) -> str:
    """Return how pictures name a part."""
    return part_name(part) if interpolation.part_count > 1 else "whole face"


def open_renderer(
    interpolation: Interpolation, triangles: npt.ArrayLike, settings: FiguresSettings
) -> FaceRenderer:
    """Return a renderer in whose pictures all faces of the interpolation fit."""
    everything = np.concatenate(
        [
            interpolation.faces.reshape(-1, *interpolation.source.shape),
            interpolation.source[None],
            interpolation.target[None],
        ]
    )
    tile = min(settings.tile, MAX_EDGE // max(interpolation.part_count, MAX_COLUMNS + 2))
    return FaceRenderer(triangles, everything, tile, settings.azimuth, settings.elevation)


def draw_ends(
    interpolation: Interpolation, renderer: FaceRenderer, path: str | Path, dpi: int
) -> None:
    """Draw source and target (Locally Weighted 3D Face Generative Model, figure 4)."""
    width, height = renderer.width, renderer.height
    tile = max(width, height)
    unit = tile / REFERENCE_TILE
    gap, border, foot = round(40 * unit), round(20 * unit), round(66 * unit)
    sheet = Sheet(2 * (width + border) + gap, height + border + foot, tile, dpi)
    room = int(width / (8.2 * unit))
    ends = (
        ("(a) Source", interpolation.source_id, interpolation.source),
        ("(b) Target", interpolation.target_id, interpolation.target),
    )
    for place, (title, name, face) in enumerate(ends):
        left = border + place * (width + gap)
        sheet.picture(renderer.render(face), left, border)
        middle, top = left + width / 2, border + height
        sheet.text(title, middle, top + 20 * unit, 17)
        sheet.text(shorten(name, room), middle, top + 43 * unit, 13.5, color=MUTED)
    sheet.save(path)


def draw_rows(
    interpolation: Interpolation,
    renderer: FaceRenderer,
    pictures: list[list[Picture]],
    path: str | Path,
    settings: FiguresSettings,
) -> None:
    """Draw one row a part (Locally Weighted 3D Face Generative Model, figure 5).

    A row is the local weight, the faces, and the Hausdorff map of the first against the last.

    Parameters
    ----------
    interpolation : Interpolation
    renderer : FaceRenderer
    pictures : uint8 (H, W, 3) each
        Rendered `interpolation.faces`.
    path : path of the PNG
    settings : FiguresSettings
    """
    width, height = renderer.width, renderer.height
    tile = max(width, height)
    unit = tile / REFERENCE_TILE
    shown = np.unique(
        np.linspace(0, interpolation.steps - 1, min(interpolation.steps, MAX_COLUMNS)).round()
    ).astype(int)
    gap, apart, border = round(8 * unit), round(34 * unit), round(16 * unit)
    side, head, foot = round(66 * unit), round(82 * unit), round(150 * unit)
    first = border + side
    steps_left = first + width + apart
    last = steps_left + len(shown) * (width + gap) - gap + apart
    line = height + gap
    rows = interpolation.part_count
    bottom = head + rows * line - gap
    sheet = Sheet(last + width + border + round(10 * unit), bottom + foot, tile, settings.dpi)

    heading = "matched\nlocal weight" if interpolation.matched else "local weight"
    sheet.text(heading, first + width / 2, head / 2 - 6 * unit, 30, linespacing=1.1)
    for place, step in enumerate(shown):
        x = steps_left + place * (width + gap) + width / 2
        sheet.text(f"{ALPHA} = {step + 1}/{interpolation.steps + 1}", x, head / 2 - 6 * unit, 30)
    sheet.text("Hausdorff map", last + width / 2, head / 2 - 6 * unit, 30)

    limit = float(interpolation.maps.max())
    limits = (0.0, limit if limit > 0 else 1.0)
    colors = part_palette(interpolation.weights.shape[1])
    for part in range(rows):
        top = head + part * line
        middle = top + height / 2
        sheet.text(
            name_of(interpolation, part), border + 18 * unit, middle, 32,
            rotation=90, weight="bold",
        )  # fmt: skip
        column = interpolation.columns[part]
        if not interpolation.matched:
            stripe = 7 * unit
            sheet.swatch(colors[column], border + 46 * unit, top + 0.2 * height, stripe,
                         0.6 * height)  # fmt: skip
        weight = map_colors(interpolation.weights[:, part], settings.colormap)
        sheet.picture(renderer.render(interpolation.source, weight), first, top)
        if interpolation.matched:
            x = first + width - 4 * unit
            sheet.text(f"column {column}", x, top + height - 10 * unit, 20, ha="right", color=MUTED)
        for place, step in enumerate(shown):
            sheet.picture(pictures[part][step], steps_left + place * (width + gap), top)
        moved = map_colors(interpolation.maps[part], settings.colormap, limits, DISTANCE_POWER)
        sheet.picture(renderer.render(interpolation.faces[part, 0], moved), last, top)

    bar, bar_top = 0.84 * width, bottom + 26 * unit
    for left, scale, label, power in (
        (first, (0.0, 1.0), "local weight", 1.0),
        (last, limits, "distance (mm),\nsquare root scale", DISTANCE_POWER),
    ):
        box = (left + (width - bar) / 2, bar_top, bar, 18 * unit)
        sheet.colorbar(box, settings.colormap, scale, label, size=24, power=power)
    ends = (
        f"source: {shorten(interpolation.source_id, 40)}   ·   "
        f"target: {shorten(interpolation.target_id, 40)}"
    )
    x = (steps_left + last - apart) / 2
    sheet.text(ends, x, bottom + 46 * unit, 30)
    note = "Each row moves one part from the source to the target and leaves the others."
    if interpolation.part_count == 1:
        note = "The whole code moves from the source to the target: the model has no parts."
    else:
        note += f" Edits {interpolation.dials}."
    sheet.text(note, x, bottom + 92 * unit, 25, color=MUTED)
    sheet.save(path)


def frame(
    interpolation: Interpolation, part: int, step: int, picture: Picture, dpi: int
) -> Picture:
    """Return a frame of an animation, uint8 (H, W, 3): the face, its part, and how far it is."""
    height, width = picture.shape[:2]
    tile = max(width, height)
    unit = tile / REFERENCE_TILE
    border, foot = round(10 * unit), round(54 * unit)
    sheet = Sheet(width + 2 * border, height + border + foot, tile, dpi)
    sheet.picture(picture, border, border)
    share = (step + 1) / (interpolation.steps + 1)
    top = border + height
    left, right = border + 0.08 * width, border + 0.92 * width
    sheet.text(name_of(interpolation, part), left, top + 17 * unit, 16, ha="left", weight="bold")
    alpha = f"{ALPHA} = {step + 1}/{interpolation.steps + 1}"
    sheet.text(alpha, right, top + 17 * unit, 16, ha="right")
    sheet.swatch(RULE, left, top + 35 * unit, right - left, 5 * unit)
    color = part_palette(interpolation.weights.shape[1])[interpolation.columns[part]]
    sheet.swatch(color, left, top + 35 * unit, share * (right - left), 5 * unit)
    return sheet.pixels()
