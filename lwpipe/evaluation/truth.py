"""The true answer of a part edit, where the source of the faces knows their factors.

A factor belongs to the part with the largest share sum_v w_k |d|^2 / sum_v |d|^2 of its
displacement d, if that is above 0.6; factors that belong to none are equal in source and target.
The truth of "part k from t onto s" is the face with t's factors where k owns them, and s's
elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import write_csv
from lwpipe.core.rounding import rounded
from lwpipe.core.threads import one_blas_thread
from lwpipe.data.align import nearest_rotations
from lwpipe.data.factors import Factors
from lwpipe.data.settings import DataSettings
from lwpipe.data.store import Dataset
from lwpipe.editing import EditingSettings, Editor, FaceModel, MaskBlend, make_editor
from lwpipe.evaluation.inputs import open_data, open_local_weights, open_model
from lwpipe.evaluation.settings import TruthSettings

Faces = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

COLUMNS = ("edit", "part", "faces", "mean_mm", "p95_mm", "inside_mm", "outside_mm")
ALL = "all"
OWNED = 0.6
# Where the part does not change there is nothing to be judged.
SMALLEST_CHANGE_MM = 0.5
_INSIDE, _OUTSIDE = 0.5, 0.1
_DRAWS = 20


@dataclass(frozen=True)
class Recombinations:
    """Sources, targets and the true faces with one part of the target on the source.

    Attributes
    ----------
    sources, targets, truths : float32 (n, V, 3), mm, in the frame of the data set
    parts : int64 (n,), which part is replaced
    owners : int64 (J,), the part that each factor belongs to; -1: none
    """

    sources: Faces
    targets: Faces
    truths: Faces
    parts: Ints
    owners: Ints


def owners_of(fields: npt.NDArray[np.floating[Any]], weights: npt.ArrayLike) -> Ints:
    """Return the part that each factor belongs to, int64 (J,); -1 for those of several.

    Parameters
    ----------
    fields : float (J, V, 3)
    weights : float (V, K), rows sum to 1
    """
    weights = np.asarray(weights, np.float64)
    # One by one: a source may have hundreds of factors.
    share = np.stack([(field.astype(np.float64) ** 2).sum(axis=1) @ weights for field in fields])
    share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-300)
    owner = share.argmax(axis=1)
    return np.where(share.max(axis=1) > OWNED, owner, -1).astype(np.int64)


def recombine(
    factors: Factors, data: Dataset, weights: npt.ArrayLike, count: int, seed: int
) -> Recombinations:
    """Draw sources and targets and make the true answers, about as many for each part.

    Parameters
    ----------
    factors : of the source of the faces
    data : the data set, in whose frame the faces are put by the rigid transform of their source
    weights : float (V, K), which tell the parts
    count : how many in all; fewer where parts own no factor
    seed : of the draw
    """
    weights = np.asarray(weights, np.float64)
    owners = owners_of(factors.fields, weights)
    parts = sorted(set(owners.tolist()) - {-1})
    wanted = {part: -(-count // len(parts)) for part in parts} if parts else {}
    found: list[tuple[Faces, Faces, Faces, int]] = []
    for draw in range(_DRAWS):
        if not any(wanted.values()):
            break
        common, source, target = factors.draw(max(count, 8), seed * _DRAWS + draw)
        target = np.where(owners == -1, source, target)
        for row in range(len(source)):
            differ = {int(part) for part in owners[source[row] != target[row]]}
            part = max((p for p in differ if p in wanted), key=wanted.__getitem__, default=-1)
            if part < 0 or not wanted[part]:
                continue
            mixed = np.where(owners == part, target[row], source[row])
            three = np.stack([source[row], target[row], mixed])
            faces = factors.make(np.repeat(common[row : row + 1], 3, axis=0), three)
            if np.linalg.norm(faces[2] - faces[0], axis=1).max() < SMALLEST_CHANGE_MM:
                continue
            wanted[part] -= 1
            found.append((*_placed(faces, data), part))
    found.sort(key=lambda each: each[3])
    shape = (0, len(weights), 3)
    columns = [
        np.stack([each[i] for each in found]) if found else np.empty(shape, np.float32)
        for i in range(3)
    ]
    numbers = np.array([each[3] for each in found], dtype=np.int64)
    return Recombinations(columns[0], columns[1], columns[2], numbers, owners)


def _placed(faces: npt.NDArray[Any], data: Dataset) -> tuple[Faces, Faces, Faces]:
    """Return faces (3, V, 3) in the frame of the data set, all moved as the first one is."""
    faces = np.asarray(faces, np.float64)
    if isinstance(data.info.get("alignment"), dict):
        faces = faces - faces[0].mean(axis=0)
        template = np.asarray(data.template, np.float64)
        faces = faces @ nearest_rotations((template - template.mean(axis=0)).T @ faces[0]).T
        faces += template.mean(axis=0)
    source, target, truth = faces.astype(np.float32)
    return source, target, truth


def edit_errors(
    made: Recombinations, edited: Faces, weights: npt.ArrayLike, rows: npt.NDArray[np.bool_]
) -> dict[str, float | int]:
    """Return how far edits are from the truth, mm.

    Parameters
    ----------
    made : Recombinations
    edited : float32 (n, V, 3), mm
    weights : float (V, K)
    rows : bool (n,), which of them

    Returns
    -------
    dict
        `faces`, how many they are; `mean_mm` and `p95_mm` over all their vertices; `inside_mm` and
        `outside_mm` of the part, where its weight is above 0.5 and below 0.1.
    """
    distance = np.linalg.norm(edited[rows].astype(np.float64) - made.truths[rows], axis=2)
    of_part = np.asarray(weights).T[made.parts[rows]]

    def mean(of: npt.NDArray[np.bool_]) -> float:
        return float(distance[of].mean()) if of.any() else float("nan")

    return {
        "faces": int(rows.sum()),
        "mean_mm": float(distance.mean()),
        "p95_mm": float(np.percentile(distance, 95)),
        "inside_mm": mean(of_part > _INSIDE),
        "outside_mm": mean(of_part < _OUTSIDE),
    }


def edit(made: Recombinations, editor: Editor) -> Faces:
    """Return the sources with their part replaced by the targets', float32 (n, V, 3), mm."""
    edited = made.sources.copy()
    for part in sorted(set(made.parts.tolist())):
        rows = made.parts == part
        edited[rows] = editor.edit(made.sources[rows], made.targets[rows], part, 1.0)
    return edited


def measure_truth(
    dataset: Dataset | str | Path,
    local_weights: npt.ArrayLike | str | Path,
    model: FaceModel | str | Path,
    table: str | Path,
    data: DataSettings,
    truth: TruthSettings,
    editing: EditingSettings,
) -> list[dict[str, Any]]:
    """Compare the edits of a model with their true answers, and write the distances.

    Beside the model's stand those of the mask blend, of the source left as it is and of the target.
    There is a row for each part that owns factors, and one for all of them. A model whose parts do
    not belong to the columns of the local weights has none; where the source of the faces does not
    know its factors, the table is empty.

    Parameters
    ----------
    dataset : Dataset, or its folder
    local_weights : float (V, K), which tell the parts; or `local_weights.npz`
    model : a trained model, or its file or folder
    table : CSV to write
    data : of the source of the faces
    truth : TruthSettings
    editing : how the model replaces a part

    Returns
    -------
    list of dict
        The rows.

    Raises
    ------
    LwpipeError
        If data, weights, model and source do not fit each other.
    """
    dataset = open_data(dataset)
    weights = open_local_weights(local_weights, dataset)
    model = open_model(model, dataset)
    rows: list[dict[str, Any]] = []
    with one_blas_thread():
        factors = data.make_source().factors()
        if factors is not None:
            if factors.fields.shape[1] != len(weights):
                raise LwpipeError(
                    f"{dataset.path}: the faces have {len(weights)} vertices and those of the "
                    f"source '{data.source}' {factors.fields.shape[1]}: it was made by other "
                    "settings."
                )
            made = recombine(factors, dataset, weights, truth.recombinations, truth.seed)
            edits = {"source": made.sources, "target": made.targets}
            edits["mask_blend"] = edit(made, MaskBlend(weights))
            if model.part_count == weights.shape[1] > 1 and model.parts_match_weights:
                edits["model"] = edit(made, make_editor(model, weights, editing))
            parts = sorted(set(made.parts.tolist()))
            for name, edited in edits.items():
                for part in (*parts, ALL) if parts else ():
                    chosen = np.ones(len(made.parts), bool) if part == ALL else made.parts == part
                    errors = edit_errors(made, edited, weights, chosen)
                    rows.append({"edit": name, "part": part, **errors})
    rows = rounded(rows)
    write_csv(table, rows, COLUMNS)
    return rows
