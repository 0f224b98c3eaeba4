"""Animations that run to and fro, as GIF or MP4."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from PIL import Image

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import atomic_path, write_bytes
from lwpipe.figures.style import Picture

FRAME_MILLISECONDS = 90
# Plain faces are shades of one grey: more colours only make the file larger.
_GIF_COLORS = 64


def check_animation(kind: str) -> None:
    """Raise LwpipeError if animations of `kind` ('gif', 'mp4' or 'none') cannot be written."""
    if kind == "mp4" and find_spec("imageio_ffmpeg") is None:
        raise LwpipeError(
            "interpolation.animation: 'mp4' needs the package imageio-ffmpeg, which is not "
            "installed: install it, or use 'gif'."
        )


def write_animation(frames: Sequence[Picture], path: str | Path) -> None:
    """Write an endless animation that runs through the frames and back, atomically.

    Parameters
    ----------
    frames : uint8 (H, W, 3) each
    path : path that ends in .gif or .mp4

    Raises
    ------
    LwpipeError
        If the path ends in .mp4 and imageio-ffmpeg is not installed.
    """
    path = Path(path)
    kind = path.suffix.removeprefix(".")
    check_animation(kind)
    there_and_back = [*frames, *frames[-2:0:-1]]
    if kind == "mp4":
        with atomic_path(path) as temporary:
            _write_mp4(there_and_back, temporary)
    else:
        write_bytes(path, _gif(there_and_back))


def _gif(frames: Sequence[Picture]) -> memoryview:
    """Return the content of a GIF: Pillow's own writer does not say why it cannot write."""
    # One palette for all frames, so that nothing flickers.
    palette = Image.fromarray(np.concatenate(frames[: len(frames) // 2 + 1])).quantize(
        colors=_GIF_COLORS, method=Image.Quantize.MEDIANCUT
    )
    indexed = [
        Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE)
        for frame in frames
    ]
    content = io.BytesIO()
    indexed[0].save(
        content, format="GIF", save_all=True, append_images=indexed[1:],
        duration=FRAME_MILLISECONDS, loop=0, optimize=False,
    )  # fmt: skip
    return content.getbuffer()


def _write_mp4(frames: Sequence[Picture], path: Path) -> None:
    # The codec wants even sizes.
    height, width = frames[0].shape[:2]
    margins = ((0, height % 2), (0, width % 2), (0, 0))
    video = np.stack([np.pad(frame, margins, constant_values=255) for frame in frames])
    iio.imwrite(
        path, video, plugin="FFMPEG", fps=1000 / FRAME_MILLISECONDS, codec="libx264",
        pixelformat="yuv420p", macro_block_size=1, quality=8,
    )  # fmt: skip
