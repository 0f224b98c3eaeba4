"""Part-by-part interpolation between two faces: what figures 4 and 5 of the paper show."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.arrays import array_shapes, read_npz
from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import atomic_path, make_folder, write_csv
from lwpipe.core.rounding import rounded
from lwpipe.data.signals import colors_of, positions
from lwpipe.data.store import Dataset
from lwpipe.editing import (
    EditingSettings,
    FaceModel,
    ModelEditor,
    alphas,
    interpolate_part,
    make_editor,
)
from lwpipe.evaluation.inputs import (
    faces_for,
    open_data,
    open_local_weights,
    open_model,
    stored_channels,
)
from lwpipe.evaluation.measures.locality import locality
from lwpipe.evaluation.pairs import choose_pairs
from lwpipe.evaluation.settings import InterpolationSettings
from lwpipe.evaluation.surface import surface_distances
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
_OWN_MESHES = re.compile(r"pair_\d+_part_\d+_step_\d+\.ply")
# The arrays of a pair and their types; their names end in the number of the pair.
_ARRAYS: Mapping[str, type[np.generic]] = {
    "ends": np.float32,
    "faces": np.float32,
    "maps": np.float64,
    "weights": np.float32,
    "columns": np.int64,
    "ids": np.str_,
    "matched": np.bool_,
    "dials": np.str_,
}


@dataclass(frozen=True)
class Interpolation:
    """One pair of faces and what moving each part from source to target gives.

    Attributes
    ----------
    source_id, target_id : str
    source, target : float32 (V, C), mm
        The faces of the data set, with their colours where the model knows some.
    faces : float32 (K, S, V, C), mm
        Face i of part k is `alphas[i]` of the way.
    maps : float64 (K, V), mm
        Hausdorff map of each part's first against its last face.
    weights : float32 (V, K)
        Local weight shown beside each part.
    columns : tuple of int
        Which column of the local weights that is.
    matched : bool
        Whether the columns were matched to the parts, rather than the parts made with them.
    dials : str
        The settings of the edits, in words.
    """

    source_id: str
    target_id: str
    source: npt.NDArray[np.float32]
    target: npt.NDArray[np.float32]
    faces: npt.NDArray[np.float32]
    maps: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float32]
    columns: tuple[int, ...]
    matched: bool
    dials: str

    @property
    def part_count(self) -> int:
        """Number of parts K."""
        return int(self.faces.shape[0])

    @property
    def steps(self) -> int:
        """Number of faces S from source to target."""
        return int(self.faces.shape[1])


def interpolate(
    data: Dataset | str | Path,
    local_weights: npt.ArrayLike | str | Path,
    model: FaceModel | str | Path,
    output: str | Path,
    interpolation: InterpolationSettings,
    editing: EditingSettings | None = None,
) -> list[dict[str, Any]]:
    """Interpolate pairs of faces one part at a time, and write the faces and how far they move.

    Into the folder `output` it writes `interpolation.npz` (see `read_interpolations`),
    `interpolation.csv` (one row a pair and part) and the folder `meshes`, which is empty unless
    meshes are asked for: `meshes/pair_00_part_0_step_0.ply`. (Locally Weighted 3D Face Generative
    Model, section 5.1.)

    Parameters
    ----------
    data : Dataset, or its folder
    local_weights : float (V, K), rows sum to 1; or `local_weights.npz`
    model : a trained model, or its file or folder
        A model with one part gives one row a pair, the whole face.
    output : folder, made if missing
    interpolation : InterpolationSettings
    editing : how parts are moved; None: as in the paper

    Returns
    -------
    list of dict
        The rows of the table: pair, source and target id, part, first and last alpha, and the
        largest and the mean distance from the first face to the surface of the last, mm.

    Raises
    ------
    LwpipeError
        If a pair names an unknown face, or model, weights and data do not fit each other.
    """
    data = open_data(data)
    weights = open_local_weights(local_weights, data)
    model = open_model(model, data)
    if model.part_count not in (1, weights.shape[1]):
        raise LwpipeError(
            f"the model has {model.part_count} parts and the local weights {weights.shape[1]}: "
            "it was trained with other weights."
        )
    pairs = choose_pairs(data, weights, interpolation)
    folder = Path(output)
    table: list[dict[str, Any]] = []
    meshes: set[Path] = set()
    make_folder(folder / "meshes")
    archive = atomic_path(folder / "interpolation.npz")
    with archive as temporary, zipfile.ZipFile(temporary, "w") as file:
        for number, (source, target) in enumerate(pairs):
            result = interpolate_pair(
                data, weights, model, source, target, interpolation.steps, editing
            )
            _write_arrays(file, number, result)
            if interpolation.meshes:
                meshes |= _write_meshes(folder / "meshes", number, result, data.triangles)
            table += _rows(number, result)
    table = rounded(table)
    write_csv(folder / "interpolation.csv", table, COLUMNS)
    for path in (folder / "meshes").glob("pair_*.ply"):
        if _OWN_MESHES.fullmatch(path.name) and path not in meshes:
            path.unlink(missing_ok=True)
    return table


def _moved(
    model: FaceModel,
    weights: npt.NDArray[np.float32],
    ends: npt.NDArray[np.float32],
    steps: int,
    editing: EditingSettings,
) -> npt.NDArray[np.float32]:
    """Return the faces of every part on its way, float32 (K, S, V, 3), mm."""
    editor = make_editor(model, weights, editing)
    codes = editor.encode(ends)
    rows = []
    for part in range(editor.part_count):
        if isinstance(editor, ModelEditor):
            # All steps are decoded at once.
            row = model.decode(interpolate_part(codes[0], codes[1], part, alphas(steps)))
        else:
            moved = (editor.blend(codes[:1], codes[1:], part, a) for a in alphas(steps).tolist())
            row = np.concatenate(list(moved))
        rows.append(row)
    return np.stack(rows)


def interpolate_pair(
    data: Dataset,
    weights: npt.NDArray[np.float32],
    model: FaceModel,
    source: int,
    target: int,
    steps: int,
    editing: EditingSettings | None = None,
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
    editing : how parts are moved; None: as in the paper

    Returns
    -------
    Interpolation
        Nothing is written. A model with one part has one row, whose local weight is 1 everywhere.
    """
    ends = np.asarray(faces_for(model, data)[[source, target]])
    editing = editing or EditingSettings()
    faces = _moved(model, weights, ends, steps, editing)
    moving = positions(faces)
    maps = np.stack([surface_distances(row[0], row[-1], data.triangles) for row in moving])
    if model.part_count == 1:
        weights = np.ones((len(weights), 1), dtype=np.float32)
    matched = model.part_count > 1 and not model.parts_match_weights
    found = locality(maps, weights, match=matched)["parts"]
    columns = tuple(int(part["weights_column"]) for part in found)
    names = data.faces["id"]
    return Interpolation(
        str(names[source]), str(names[target]), ends[0], ends[1], faces, maps,
        weights[:, columns], columns, matched, editing.words(),
    )  # fmt: skip


def read_interpolations(path: str | Path, data: Dataset) -> Iterator[Interpolation]:
    """Yield the pairs of an `interpolation.npz`, one at a time in memory.

    Parameters
    ----------
    path : the file
    data : the data set that the faces are from

    Raises
    ------
    LwpipeError
        If the file is missing or damaged, or was made of other data.
    """
    stored = array_shapes(path)
    for number in range(-(-len(stored) // len(_ARRAYS))):
        read = read_npz(path, "an interpolation", [f"{name}_{number}" for name in _ARRAYS])
        arrays = {name: read[f"{name}_{number}"] for name in _ARRAYS}
        _check(path, arrays, data)
        source_id, target_id = arrays["ids"].tolist()
        source, target = arrays["ends"]
        yield Interpolation(
            source_id, target_id, source, target, arrays["faces"], arrays["maps"],
            arrays["weights"], tuple(arrays["columns"].tolist()), bool(arrays["matched"]),
            str(arrays["dials"]),
        )  # fmt: skip


def _check(path: str | Path, arrays: Mapping[str, npt.NDArray[Any]], data: Dataset) -> None:
    vertices = data.vertices.shape[1]
    parts, steps = (*arrays["faces"].shape, 0, 0)[:2]
    channels = stored_channels(arrays["ends"])
    shapes: Mapping[str, tuple[int, ...]] = {
        "ends": (2, vertices, channels),
        "faces": (parts, steps, vertices, channels),
        "maps": (parts, vertices),
        "weights": (vertices, parts),
        "columns": (parts,),
        "ids": (2,),
        "matched": (),
        "dials": (),
    }
    for name, array in arrays.items():
        kind = _ARRAYS[name]
        if array.shape != shapes[name] or array.dtype.type is not kind or array.size == 0:
            raise LwpipeError(
                f"{path}: is not an interpolation of faces of {vertices} vertices: `{name}` is "
                f"{array.dtype} {array.shape}."
            )
        if issubclass(kind, np.floating) and not np.isfinite(array).all():
            raise LwpipeError(f"{path}: `{name}` has values that are not finite.")
    if not ((arrays["columns"] >= 0) & (arrays["columns"] < parts)).all():
        raise LwpipeError(f"{path}: `columns` names local weights that there are not.")
    unknown = sorted(set(arrays["ids"].tolist()) - set(data.faces["id"].astype(str)))
    if unknown:
        raise LwpipeError(
            f"{path}: was made of other data: no face of {data.path} has the id {unknown[0]!r}."
        )


def _write_arrays(file: zipfile.ZipFile, number: int, result: Interpolation) -> None:
    arrays = {
        "ends": np.stack([result.source, result.target]),
        "faces": result.faces,
        "maps": result.maps,
        "weights": result.weights,
        "columns": np.array(result.columns, dtype=np.int64),
        "ids": np.array([result.source_id, result.target_id]),
        "matched": np.array(result.matched),
        "dials": np.array(result.dials),
    }
    for name, array in arrays.items():
        with file.open(f"{name}_{number}.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)


def _rows(number: int, result: Interpolation) -> list[dict[str, Any]]:
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


def _write_meshes(
    folder: Path, number: int, result: Interpolation, triangles: npt.NDArray[np.int64]
) -> set[Path]:
    written = set()
    for part, row in enumerate(result.faces):
        for step, face in enumerate(row):
            path = folder / f"pair_{number:02d}_part_{part}_step_{step}.ply"
            write_ply(path, positions(face), triangles, colors_of(face))
            written.add(path)
    return written
