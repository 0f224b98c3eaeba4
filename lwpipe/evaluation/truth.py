"""How far edits are from their true answers, where the source of the faces knows their factors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.arrays import check_arrays, read_npz, write_npz
from lwpipe.core.files import write_csv
from lwpipe.core.rounding import rounded
from lwpipe.core.threads import one_blas_thread
from lwpipe.data.store import Dataset
from lwpipe.editing import EditingSettings, Editor, FaceModel, MaskBlend
from lwpipe.evaluation.baselines import BASELINES, Fitted
from lwpipe.evaluation.inputs import editor_of, open_data, open_local_weights, open_model
from lwpipe.evaluation.recombine import Recombinations, read_recombinations
from lwpipe.model.settings import LatentSettings

Faces = npt.NDArray[np.float32]

COLUMNS = ("edit", "part", "faces", "mean_mm", "p95_mm", "inside_mm", "outside_mm")
ALL = "all"
# Rows of the tables that are no edit, the blend by the weights of a model, and the model.
SOURCE, TARGET, BLEND, MODEL = "source", "target", "mask_blend", "model"
_INSIDE, _OUTSIDE = 0.5, 0.1


@dataclass(frozen=True)
class Examples:
    """Of each part that owns factors, the recombination that changes most, and a model's edit.

    Attributes
    ----------
    parts : int64 (n,)
    sources, targets, truths, edits : float32 (n, V, 3), mm
    dials : the settings of the edits, in words
    """

    parts: npt.NDArray[np.int64]
    sources: Faces
    targets: Faces
    truths: Faces
    edits: Faces
    dials: str


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
    recombinations: Recombinations | str | Path,
    local_weights: npt.ArrayLike | str | Path,
    model: FaceModel | str | Path,
    table: str | Path,
    examples: str | Path,
    editing: EditingSettings,
) -> list[dict[str, Any]]:
    """Compare the edits of a model with their true answers, and write the distances.

    Beside the model's stand those of the mask blend, of the source left as it is and of the target.
    There is a row for each part that owns factors, and one for all of them. A model whose parts do
    not belong to the columns of the local weights has none; where the source of the faces does not
    know its factors, or the local weights have other parts than were asked for, the table is empty.

    Parameters
    ----------
    dataset : Dataset, or its folder
    recombinations : of `make_recombinations`, or their file
    local_weights : float (V, K), which tell the model's parts; or `local_weights.npz`
    model : a trained model, or its file or folder
    table : CSV to write
    examples : NPZ to write, for `read_examples`
    editing : how the model replaces a part

    Returns
    -------
    list of dict
        The rows.

    Raises
    ------
    LwpipeError
        If data, recombinations, weights and model do not fit each other.
    """
    dataset = open_data(dataset)
    weights = open_local_weights(local_weights, dataset)
    model = open_model(model, dataset)
    made = read_recombinations(recombinations, dataset).asked_of(weights)
    with one_blas_thread():
        edits = {BLEND: edit(made, MaskBlend(weights))}
        if model.part_count == weights.shape[1] > 1 and model.parts_match_weights:
            edits[MODEL] = edit(made, editor_of(model, weights, editing))
    _write_examples(examples, made, edits.get(MODEL), editing.words())
    return _write_table(table, made, edits, weights)


def measure_truth_of_baselines(
    dataset: Dataset | str | Path,
    recombinations: Recombinations | str | Path,
    local_weights: npt.ArrayLike | str | Path,
    table: str | Path,
    model: LatentSettings,
) -> list[dict[str, Any]]:
    """Compare the closed-form edits with their true answers, as `measure_truth` does a model's.

    Parameters
    ----------
    dataset : Dataset, or its folder
    recombinations : of `make_recombinations`, or their file
    local_weights : float (V, K), or `local_weights.npz`
    table : CSV to write
    model : LatentSettings
        The latent size Z of the models that they stand beside.

    Returns
    -------
    list of dict
        The rows.

    Raises
    ------
    LwpipeError
        If data, recombinations and weights do not fit each other.
    """
    dataset = open_data(dataset)
    weights = open_local_weights(local_weights, dataset)
    made = read_recombinations(recombinations, dataset).asked_of(weights)
    edits: dict[str, Faces] = {}
    with one_blas_thread():
        if len(made.parts):
            fitted = Fitted.to(dataset, weights, model.latent_size)
            for baseline in BASELINES:
                editor = baseline.editor(fitted)
                if editor is not None:
                    edits[baseline.name] = edit(made, editor)
    return _write_table(table, made, edits, weights)


def _write_table(
    table: str | Path, made: Recombinations, edits: dict[str, Faces], weights: npt.ArrayLike
) -> list[dict[str, Any]]:
    edits = {SOURCE: made.sources, TARGET: made.targets, **edits}
    parts = sorted(set(made.parts.tolist()))
    rows: list[dict[str, Any]] = []
    for name, edited in edits.items():
        for part in (*parts, ALL) if parts else ():
            chosen = np.ones(len(made.parts), bool) if part == ALL else made.parts == part
            errors = edit_errors(made, edited, weights, chosen)
            rows.append({"edit": name, "part": part, **errors})
    rows = rounded(rows)
    write_csv(table, rows, COLUMNS)
    return rows


def _write_examples(
    path: str | Path, made: Recombinations, edits: Faces | None, dials: str
) -> None:
    change = np.linalg.norm(made.truths - made.sources, axis=2).mean(axis=1)
    rows = []
    if edits is not None:
        for part in sorted(set(made.parts.tolist())):
            of_part = np.flatnonzero(made.parts == part)
            rows.append(int(of_part[change[of_part].argmax()]))
    arrays: dict[str, npt.NDArray[Any]] = {
        "parts": made.parts[rows],
        "sources": made.sources[rows],
        "targets": made.targets[rows],
        "truths": made.truths[rows],
        "edits": made.sources[:0] if edits is None else edits[rows],
        "dials": np.array(dials),
    }
    write_npz(path, arrays)


def read_examples(path: str | Path, data: Dataset) -> Examples:
    """Read the examples that `measure_truth` has written.

    Raises
    ------
    LwpipeError
        If the file is missing or damaged, or was made of other data.
    """
    faces = ("sources", "targets", "truths", "edits")
    read = read_npz(path, "examples of edits", ("parts", *faces, "dials"))
    parts, dials = read["parts"], read["dials"]
    vertices = len(data.template)
    kinds = {"parts": ("i", (parts.size,)), "dials": ("U", ())}
    kinds |= dict.fromkeys(faces, ("f", (parts.size, vertices, 3)))
    check_arrays(path, read, kinds, f"is no file of examples of faces of {vertices} vertices")
    sources, targets, truths, edits = (np.asarray(read[name], np.float32) for name in faces)
    return Examples(parts.astype(np.int64), sources, targets, truths, edits, str(dials))
