"""Pictures of part-by-part interpolations: figures 4 and 5 of the paper."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lwpipe.core.files import make_folder
from lwpipe.data.store import Dataset
from lwpipe.evaluation.inputs import open_data
from lwpipe.evaluation.interpolation import Interpolation, read_interpolations
from lwpipe.evaluation.settings import AnimationSettings
from lwpipe.figures.animation import check_animation, write_animation
from lwpipe.figures.part_sheet import draw_ends, draw_rows, frame, open_renderer
from lwpipe.figures.settings import FiguresSettings

_OWN_FILES = re.compile(r"pair_\d+(_faces|_part_\d+)?\.(png|gif|mp4)")


def draw_interpolation(
    data: Dataset | str | Path,
    faces: str | Path,
    output: str | Path,
    interpolation: AnimationSettings,
    figures: FiguresSettings,
) -> None:
    """Draw what `lwpipe.evaluation.interpolation.interpolate` has written.

    For pair 0 it writes `pair_00_faces.png` (source and target), `pair_00.png` (the sheet: a row
    is a part's local weight, the faces from source to target and the Hausdorff map of the first
    against the last) and one animation a part, `pair_00_part_0.gif` (or `.mp4`). What earlier runs
    wrote for pairs or parts that are no more is removed. (Locally Weighted 3D Face Generative
    Model, section 5.1, figures 4 and 5.)

    Parameters
    ----------
    data : Dataset, or its folder
    faces : `interpolation.npz`
    output : folder, made if missing
    interpolation : AnimationSettings
    figures : FiguresSettings

    Raises
    ------
    LwpipeError
        If a file cannot be read or does not fit the data, MP4 cannot be written, or there is
        nothing to render with.
    """
    check_animation(interpolation.animation)
    data = open_data(data)
    folder = Path(output)
    make_folder(folder)
    written: set[Path] = set()
    for number, result in enumerate(read_interpolations(faces, data)):
        name = f"pair_{number:02d}"
        written |= _draw(result, data.triangles, folder, name, interpolation.animation, figures)
    for path in folder.glob("pair_*"):
        if _OWN_FILES.fullmatch(path.name) and path not in written:
            path.unlink(missing_ok=True)


def _draw(
    result: Interpolation,
    triangles: npt.NDArray[np.int64],
    folder: Path,
    name: str,
    animation: str,
    figures: FiguresSettings,
) -> set[Path]:
    ends, sheet = folder / f"{name}_faces.png", folder / f"{name}.png"
    written = {ends, sheet}
    with open_renderer(result, triangles, figures) as renderer:
        draw_ends(result, renderer, ends, figures.dpi)
        pictures = [[renderer.render(face) for face in row] for row in result.faces]
        draw_rows(result, renderer, pictures, sheet, figures)
    if animation != "none":
        for part, row in enumerate(pictures):
            path = folder / f"{name}_part_{part}.{animation}"
            frames = [frame(result, part, step, face, figures.dpi) for step, face in enumerate(row)]
            write_animation(frames, path)
            written.add(path)
    return written
