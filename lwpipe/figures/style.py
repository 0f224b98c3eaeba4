"""The look of every picture: fonts, colours, and saving to the same bytes each time."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import hsv_to_rgb, to_rgb
from matplotlib.figure import Figure

from lwpipe.core.files import write_bytes

Colors = npt.NDArray[np.uint8]
Picture = npt.NDArray[np.uint8]

INK = "#1a1a1a"
MUTED = "#6b6b6b"
RULE = "#c9c9c9"
# Okabe and Ito: told apart by colour-blind readers too.
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")

# Colours go with the square root of a distance: a part that moves by a tenth of another is seen.
DISTANCE_POWER = 0.5

_BASELINES = {
    "pca": "PCA",
    "kernel_pca": "PCA, kernel",
    "mask_blend": "mask blend",
    "mask_blend_sharp": "mask blend, sharp",
    "mask_blend_refined": "mask blend, refined",
    "hard_paste": "hard paste",
    "poisson_paste": "Poisson paste",
    "poisson_paste_placed": "Poisson paste, placed",
    "region_pca": "region PCA",
    "region_pca_residual": "region PCA, residual",
    "mask_blend_pca": "mask blend, PCA",
    "mask_blend_full_span": "mask blend, full span",
    "mask_blend_harmony": "mask blend, harmony",
    "mask_blend_refined_harmony": "mask blend, refined, harmony",
    "real_test": "real test faces",
    "real": "real faces",
    "shuffled_pairs": "shuffled pairs, no border",
    "pca_reconstruction": "PCA, faces given back",
    "kernel_pca_reconstruction": "PCA, kernel, faces given back",
    "region_pca_reconstruction": "region PCA, faces given back",
}
_RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "text.color": INK,
    "axes.edgecolor": "#444444",
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.7,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "lines.linewidth": 1.6,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@contextmanager
def paper_style() -> Iterator[None]:
    """Draw with the project's fonts and lines, whatever the user's matplotlibrc says."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        yield


def new_figure(width: float, height: float, dpi: int) -> Figure:
    """Return an empty figure of `width` x `height` inches that belongs to no window."""
    figure = Figure(figsize=(width, height), dpi=dpi)
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, picture: str | Path) -> None:
    """Write a figure as PNG, atomically; equal figures give equal bytes."""
    # Pillow's own writer does not say why it cannot write.
    content = io.BytesIO()
    # Without the line that names the version of matplotlib.
    figure.savefig(content, format="png", dpi=figure.dpi, metadata={"Software": None})
    write_bytes(picture, content.getbuffer())


def map_colors(
    values: npt.ArrayLike,
    colormap: str,
    limits: tuple[float, float] = (0.0, 1.0),
    power: float = 1.0,
) -> Colors:
    """Return the colour of each value, uint8 (V, 3).

    Parameters
    ----------
    values : float (V,)
    colormap : a name that matplotlib knows
    limits : values of the first and the last colour; those beyond get the same
    power : of the share of the way between the limits that a value is mapped at
    """
    low, high = limits
    scale = high - low if high > low else 1.0
    share = np.clip((np.asarray(values, dtype=np.float64) - low) / scale, 0.0, 1.0) ** power
    return np.asarray(matplotlib.colormaps[colormap](share, bytes=True)[:, :3], dtype=np.uint8)


def part_palette(count: int) -> npt.NDArray[np.float64]:
    """Return one colour a part, float64 (K, 3) in [0, 1]; seven for colour-blind eyes."""
    colors = [to_rgb(color) for color in PALETTE[:count]]
    for k in range(len(colors), count):
        # Steps of the golden ratio never come close to an earlier hue.
        hue = (0.11 + k * 0.618034) % 1.0
        colors.append(tuple(hsv_to_rgb((hue, 0.45 + 0.4 * (k % 2), 0.65 + 0.3 * (k % 3 == 0)))))
    return np.array(colors)


def blend_parts(weights: npt.ArrayLike) -> Colors:
    """Return the mean of the parts' colours under each vertex's local weights, uint8 (V, 3).

    Parameters
    ----------
    weights : float (V, K)
        Rows sum to 1.
    """
    weights = np.asarray(weights, dtype=np.float64)
    mixed = weights @ part_palette(weights.shape[1])
    return np.asarray(np.clip(np.rint(255 * mixed), 0, 255), dtype=np.uint8)


def part_name(part: int) -> str:
    """Return how pictures name part `part`: as files and tables do, from 0."""
    return f"part {part}"


def display_name(variant: str) -> str:
    """Return how pictures write the name of a variant or a baseline."""
    return _BASELINES.get(variant, variant.replace("_", " "))


def shorten(text: str, length: int) -> str:
    """Return `text`, its middle left out where it is longer than `length` characters."""
    if len(text) <= length:
        return text
    keep = max(length - 1, 2)
    return f"{text[: (keep + 1) // 2]}…{text[len(text) - keep // 2 :]}"
