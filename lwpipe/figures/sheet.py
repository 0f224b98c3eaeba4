"""A sheet of rendered faces: pictures, text and colour bars, laid out in pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import PowerNorm
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from lwpipe.figures.style import INK, Picture, new_figure, paper_style, save_figure

# Sizes of text and gaps are given for faces of this size and grow with them.
REFERENCE_TILE = 360


class Sheet:
    """A white sheet; coordinates are pixels from its upper left corner.

    Parameters
    ----------
    width, height : int
        Pixels.
    tile : int
        Longer edge of a rendered face, pixels: text grows with it.
    dpi : int
        Only tells how large the sheet is on paper.
    """

    def __init__(self, width: int, height: int, tile: int, dpi: int) -> None:
        self.width, self.height = width, height
        self._unit = tile / REFERENCE_TILE
        self._figure = new_figure(width / dpi, height / dpi, dpi)

    def picture(self, picture: Picture, left: int, top: int) -> None:
        """Place a picture, pixel for pixel."""
        bottom = self.height - top - picture.shape[0]
        self._figure.figimage(picture, xo=left, yo=bottom, origin="upper")

    def text(self, text: str, x: float, y: float, size: float = 15.0, **style: Any) -> None:
        """Write text; `size` is the height of the font in pixels at the reference tile.

        `ha`, `va` and other properties of text are passed on; (x, y) is the anchor they name.
        """
        points = size * self._unit * 72 / self._figure.dpi
        properties: dict[str, Any] = {
            "ha": "center",
            "va": "center",
            "color": INK,
            "parse_math": False,
        }
        properties |= style
        with paper_style():
            self._figure.text(
                x / self.width, 1 - y / self.height, text, fontsize=points, **properties
            )

    def swatch(
        self, color: Any, left: float, top: float, width: float, height: float | None = None
    ) -> None:
        """Draw a filled rectangle, a square without `height`."""
        height = width if height is None else height
        self._figure.add_artist(
            Rectangle(
                (left / self.width, 1 - (top + height) / self.height),
                width / self.width,
                height / self.height,
                facecolor=color,
                edgecolor="none",
            )
        )

    def colorbar(
        self,
        box: tuple[float, float, float, float],
        colormap: str,
        limits: tuple[float, float],
        label: str,
        vertical: bool = False,
        size: float = 14.0,
        power: float = 1.0,
    ) -> None:
        """Draw a colour bar in `box` (left, top, width, height); ticks and label lie outside.

        Colours follow the values as in `lwpipe.figures.style.map_colors`.
        """
        left, top, width, height = box
        pixel = self._unit * 72 / self._figure.dpi
        with paper_style():
            axes = self._figure.add_axes(
                (
                    left / self.width,
                    1 - (top + height) / self.height,
                    width / self.width,
                    height / self.height,
                )
            )
            bar = Colorbar(
                axes,
                ScalarMappable(PowerNorm(power, *limits), matplotlib.colormaps[colormap]),
                orientation="vertical" if vertical else "horizontal",
            )
            bar.outline.set_linewidth(0.6 * pixel)
            bar.locator = MaxNLocator(4 if vertical else 3, steps=[1, 2, 2.5, 5, 10])
            if power != 1:
                bar.locator = FixedLocator(_even_ticks(limits, power))
            bar.formatter = FuncFormatter(lambda value, _: f"{value:g}")
            bar.update_ticks()
            axes.tick_params(labelsize=size * pixel, width=pixel, length=4 * pixel, pad=4 * pixel)
            bar.set_label(label, fontsize=size * pixel, labelpad=5 * pixel)

    def pixels(self) -> Picture:
        """Return the sheet, uint8 (height, width, 3)."""
        canvas = FigureCanvasAgg(self._figure)
        with paper_style():
            canvas.draw()  # type: ignore[no-untyped-call]
            pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        return np.ascontiguousarray(pixels[:, :, :3])

    def save(self, path: str | Path) -> None:
        """Write the sheet as PNG, atomically."""
        with paper_style():
            save_figure(self._figure, path)


def _even_ticks(limits: tuple[float, float], power: float) -> list[float]:
    """Return round values that stand about evenly on a scale of that power."""
    low, high = limits
    values = [low + (high - low) * share ** (1 / power) for share in (0, 1 / 3, 2 / 3, 0.97)]
    return sorted({float(f"{value:.1g}") for value in values if float(f"{value:.1g}") <= high})
