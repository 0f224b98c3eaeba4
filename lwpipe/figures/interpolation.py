"""Part-by-part interpolation between two faces: figures 4 and 5 of the paper."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import write_csv
from lwpipe.core.rounding import rounded
from lwpipe.data.store import Dataset
from lwpipe.editing import FaceModel, alphas, interpolate_part
from lwpipe.evaluation.locality import locality
from lwpipe.evaluation.settings import InterpolationSettings
from lwpipe.evaluation.surface import surface_distances
from lwpipe.figures.animation import check_animation, write_animation
from lwpipe.figures.local_weights import read_weights
from lwpipe.figures.pairs import choose_pairs
from lwpipe.figures.part_sheet import Interpolation, draw_ends, draw_rows, frame, open_renderer
from lwpipe.figures.settings import FiguresSettings
from lwpipe.mesh.ply_file import write_ply

COLUMNS = (
    "pair",
    "source",
    "target",
    "part",
    "alpha_first",
    "alpha_last",
    "hausdorff_max_mm",
    "hausdorff_mean_mm",
)
_OWN_FILES = re.compile(r"pair_\d+(_faces|_part_\d+(_step_\d+)?)?\.(png|gif|mp4|csv|ply)")


def draw_interpolation(
    data: Dataset | str | Path,
    weights: npt.ArrayLike | str | Path,
    model: FaceModel | str | Path,
    output_folder: str | Path,
    interpolation: InterpolationSettings,
    figures: FiguresSettings,
) -> list[dict[str, Any]]:
    """Interpolate pairs of faces one part at a time, and draw and tabulate what moves.

    For pair 0 it writes `pair_00_faces.png` (source and target), `pair_00.png` (the sheet: a row
    is a part's local weight, the faces from source to target and the Hausdorff map of the first
    against the last), `pair_00.csv`, one animation a part `pair_00_part_0.gif` (or `.mp4`), and
    on request the meshes `meshes/pair_00_part_0_step_0.ply`. What earlier runs wrote for pairs or
    parts that are no more is removed. (Locally Weighted 3D Face Generative Model, section 5.1,
    figures 4 and 5.)

    Parameters
    ----------
    data : Dataset, or its folder
    weights : float (V, K), rows sum to 1; or `local_weights.npz`
    model : a trained model, or its file or folder
        A model with one part gives one row, the whole face.
    output_folder : folder, made if missing
    interpolation : InterpolationSettings
    figures : FiguresSettings

    Returns
    -------
    list of dict
        The rows of all tables: pair, source and target id, part, first and last alpha, and the
        largest and the mean distance from the first face to the surface of the last, mm.

    Raises
    ------
    LwpipeError
        If a pair names an unknown face, model, weights and data do not fit each other, MP4 cannot
        be written, or there is nothing to render with.
    """
    check_animation(interpolation.animation)
    data = data if isinstance(data, Dataset) else Dataset.open(data)
    w = read_weights(weights, data)
    model = _open_model(model)
    _check_fit(data, w, model)
    pairs = choose_pairs(data, interpolation)
    folder = Path(output_folder)
    written: set[Path] = set()
    table: list[dict[str, Any]] = []
    for number, (source, target) in enumerate(pairs):
        result = interpolate(data, w, model, source, target, interpolation.steps)
        rows = rounded(_measure(result, number))
        name = f"pair_{number:02d}"
        write_csv(folder / f"{name}.csv", rows, COLUMNS)
        written.add(folder / f"{name}.csv")
        written |= _draw(result, data.triangles, folder, name, interpolation.animation, figures)
        if interpolation.meshes:
            written |= _write_meshes(result, data.triangles, folder / "meshes", name)
        table += rows
    for path in [*folder.glob("pair_*"), *(folder / "meshes").glob("pair_*")]:
        if _OWN_FILES.fullmatch(path.name) and path not in written:
            path.unlink(missing_ok=True)
    return table


def interpolate(
    data: Dataset,
    weights: npt.NDArray[np.float32],
    model: FaceModel,
    source: int,
    target: int,
    steps: int,
) -> Interpolation:
    """Move each part of the source to the target's, the others staying.

    Parameters
    ----------
    data : Dataset
    weights : float32 (V, K)
    model : FaceModel
    source, target : int
        Rows of the data set.
    steps : int
        S faces a part, at alpha = i / (S + 1), i = 1 ... S.
    """
    ends = np.asarray(data.vertices[[source, target]])
    source_parts, target_parts = model.parts(model.encode(ends))
    faces = np.stack(
        [
            model.decode(interpolate_part(source_parts, target_parts, part, alphas(steps)))
            for part in range(model.part_count)
        ]
    )
    maps = np.stack([surface_distances(row[0], row[-1], data.triangles) for row in faces])
    if model.part_count == 1:
        weights = np.ones((len(weights), 1), dtype=np.float32)
    matched = model.part_count > 1 and not model.parts_match_weights
    found = locality(maps, weights, match=matched)["parts"]
    columns = tuple(int(part["weights_column"]) for part in found)
    names = data.faces["id"]
    return Interpolation(
        str(names[source]), str(names[target]), ends[0], ends[1], faces, maps,
        weights[:, columns], columns, matched,
    )  # fmt: skip


def _open_model(model: FaceModel | str | Path) -> FaceModel:
    if not isinstance(model, str | Path):
        return model
    from lwpipe.model import load  # importing PyTorch takes seconds: spare those who have a model

    return load(model)


def _check_fit(data: Dataset, weights: npt.NDArray[np.float32], model: FaceModel) -> None:
    vertices = data.vertices.shape[1]
    if model.vertex_count != vertices:
        raise LwpipeError(
            f"{data.path}: the faces have {vertices} vertices, the model {model.vertex_count}: "
            "it was trained on other data."
        )
    if model.part_count not in (1, weights.shape[1]):
        raise LwpipeError(
            f"the model has {model.part_count} parts and the local weights {weights.shape[1]}: "
            "it was trained with other weights."
        )


def _measure(result: Interpolation, number: int) -> list[dict[str, Any]]:
    steps = alphas(result.steps)
    return [
        {
            "pair": number,
            "source": result.source_id,
            "target": result.target_id,
            "part": part,
            "alpha_first": float(steps[0]),
            "alpha_last": float(steps[-1]),
            "hausdorff_max_mm": float(distances.max()),
            "hausdorff_mean_mm": float(distances.mean()),
        }
        for part, distances in enumerate(result.maps)
    ]


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


def _write_meshes(
    result: Interpolation, triangles: npt.NDArray[np.int64], folder: Path, name: str
) -> set[Path]:
    written = set()
    for part, row in enumerate(result.faces):
        for step, face in enumerate(row):
            path = folder / f"{name}_part_{part}_step_{step}.ply"
            write_ply(path, face, triangles)
            written.add(path)
    return written
