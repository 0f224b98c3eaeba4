"""How a face is coloured: its parts, or how far it moved."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from lwpipe.editor import Editor
from lwpipe.figures.style import blend_parts, map_colors, new_figure, paper_style, part_palette

Faces = npt.NDArray[np.float32]
Colors = npt.NDArray[np.uint8]

CLAY = (214, 178, 158)
LOOKS = ("shaded", "wireframe", "parts", "change in mm")
# Beside them, where faces have colours of their own.
SKIN = "skin"
# Words in the names of measurements that say where their ends lie.
_SPOTS = ("eye", "nose", "mouth", "chin", "jaw")
_COLORMAP = "YlOrRd"
# The bar does not go on for less than this: rounding is no change.
_LEAST_MM = 0.5


def part_colors(weights: Faces, part: int | None = None) -> Colors:
    """Return the colours of all parts' local weights, or of one part's on clay, uint8 (V, 3).

    Parameters
    ----------
    weights : float32 (V, K)
    part : k; None: all
    """
    if part is None:
        mixed = 0.75 * blend_parts(weights) + 0.25 * np.array(CLAY)
        return np.asarray(mixed, np.uint8)
    color = 255 * part_palette(weights.shape[1])[part]
    share = weights[:, part, None]
    return np.asarray(np.rint(np.array(CLAY) + share * (color - CLAY)), np.uint8)


def part_titles(editor: Editor) -> list[str]:
    """Return what the parts are called: by the measurements whose ends lie in them."""
    spots: dict[str, list[int]] = {}
    for name, measure in editor.measures.items():
        word = next((word for word in _SPOTS if word in name), None)
        for end in measure.ends if word else ():
            side = ("right " if editor.mean[end, 0] < 0 else "left ") if word == "eye" else ""
            spots.setdefault(f"{side}{word}", []).append(end)
    titles = []
    for part, column in enumerate(editor.weights.T):
        inside = [spot for spot, ends in spots.items() if column[ends].mean() >= 0.5]
        if {"right eye", "left eye"} <= set(inside):
            inside = ["eyes", *(spot for spot in inside if "eye" not in spot)]
        titles.append(f"Part {part}: {', '.join(inside)}" if inside else f"Part {part}")
    return titles


def part_color(part: int, count: int) -> tuple[int, int, int]:
    """Return the colour of a part, red, green and blue from 0 to 255."""
    red, green, blue = (round(255 * each) for each in part_palette(count)[part])
    return red, green, blue


def change_colors(face: Faces, source: Faces) -> tuple[Colors, float]:
    """Return the colours of how far each vertex moved, uint8 (V, 3), and the end of the bar, mm."""
    moved = np.linalg.norm(face - source, axis=1)
    end = max(float(moved.max()), _LEAST_MM)
    return map_colors(moved, _COLORMAP, (0.0, end)), end


def color_bar(end: float) -> npt.NDArray[np.uint8]:
    """Return the bar of `change_colors` from 0 to `end` mm, uint8 (h, w, 3)."""
    with paper_style():
        figure = new_figure(3.6, 0.7, 120)
        axes = figure.add_axes((0.06, 0.68, 0.88, 0.28))
        values = np.linspace(0.0, end, 256)[None]
        axes.imshow(
            map_colors(values[0], _COLORMAP, (0.0, end))[None],
            aspect="auto",
            extent=(0.0, end, 0.0, 1.0),
        )
        axes.set_yticks([])
        axes.set_xlabel("mm")
        content = io.BytesIO()
        figure.savefig(content, format="png")
    with Image.open(content) as picture:
        return np.asarray(picture.convert("RGB"))
