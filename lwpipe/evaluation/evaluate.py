"""All measures of a trained model, and of the closed-form rivals, on the test faces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy.typing as npt

from lwpipe.core.files import write_csv, write_json
from lwpipe.core.rounding import rounded
from lwpipe.core.threads import one_blas_thread
from lwpipe.data.signals import COLOR
from lwpipe.data.store import Dataset
from lwpipe.editing import EditingSettings, Editor, FaceModel
from lwpipe.evaluation.baselines import BASELINES, Fitted
from lwpipe.evaluation.bench import PART_COLUMNS, Bench
from lwpipe.evaluation.inputs import (
    editor_of,
    faces_for,
    open_data,
    open_local_weights,
    open_model,
)
from lwpipe.evaluation.measure import Faces, OfColor, OfModel, OfReconstruction, Rows, of_kind
from lwpipe.evaluation.measures import MEASURES
from lwpipe.evaluation.settings import EvaluationSettings
from lwpipe.model.settings import LatentSettings

_OF_RECONSTRUCTION: list[OfReconstruction] = of_kind(OfReconstruction, MEASURES)
_OF_MODEL: list[OfModel] = of_kind(OfModel, MEASURES)
_OF_COLOR: list[OfColor] = of_kind(OfColor, MEASURES)


def evaluate_model(
    data: Dataset | str | Path,
    local_weights: npt.ArrayLike | str | Path,
    model: FaceModel | str | Path,
    measures: str | Path,
    parts: str | Path,
    evaluation: EvaluationSettings,
    editing: EditingSettings | None = None,
) -> dict[str, Any]:
    """Measure a trained model: reconstruction, and edits in which one part is replaced.

    Writes `measures`, a mapping with a section a measure (those of edits null for a model with one
    part), and what was measured on; and `parts`, one row a part. What is not defined is null, or
    empty.

    Parameters
    ----------
    data : Dataset, or its folder
    local_weights : float (V, K), against which locality is measured; or `local_weights.npz`
    model : a trained model, or its file or folder
    measures, parts : `measures.json` and `parts.csv`
    evaluation : EvaluationSettings
    editing : how parts are replaced; None: as in the paper

    Returns
    -------
    dict
        What `measures` holds.

    Raises
    ------
    LwpipeError
        If weights, model and data have different numbers of vertices, or there are less than
        two test faces.
    """
    data = open_data(data)
    weights = open_local_weights(local_weights, data)
    model = open_model(model, data)
    with one_blas_thread():
        inputs = None if model.channels == 3 else faces_for(model, data)
        bench = Bench(data, weights, evaluation, inputs)
        editing = editing or EditingSettings()
        editor = editor_of(model, weights, editing)
        reconstructed = _reconstruction(bench, model.reconstruct)
        if model.channels > 3:
            local = model.parts_match_weights
            painter = editor_of(model, weights, editing, COLOR) if local else None
            reconstructed |= _colors(bench, model.reconstruct, painter)
        edited, rows = bench.edits("model", editor, not model.parts_match_weights)
    about = {measure.name: measure.measure(model.info) for measure in _OF_MODEL}
    result = {**reconstructed, **edited, **about, **bench.about()}
    return _write(result, rows, measures, parts)


def evaluate_baselines(
    data: Dataset | str | Path,
    local_weights: npt.ArrayLike | str | Path,
    measures: str | Path,
    parts: str | Path,
    evaluation: EvaluationSettings,
    model: LatentSettings,
) -> dict[str, Any]:
    """Measure what stands beside the learned models, with the same faces and the same draws.

    Writes `measures` with one mapping like that of `evaluate_model` for each of
    `lwpipe.evaluation.baselines.BASELINES`; and `parts`, one row a part of each edit.

    Parameters
    ----------
    data : Dataset, or its folder
    local_weights : float (V, K), or `local_weights.npz`
    measures, parts : `measures.json` and `parts.csv`
    evaluation : EvaluationSettings
    model : LatentSettings
        The latent size Z of the models that the PCA stands beside.

    Returns
    -------
    dict
        What `measures` holds.

    Raises
    ------
    LwpipeError
        If weights and data have different numbers of vertices, or there are less than two test
        faces.
    """
    data = open_data(data)
    weights = open_local_weights(local_weights, data)
    result: dict[str, Any] = {}
    rows: Rows = []
    with one_blas_thread():
        bench = Bench(data, weights, evaluation)
        fitted = Fitted(data, bench.weights, bench.pca, model.latent_size)
        for baseline in BASELINES:
            reconstruct = baseline.reconstruct(fitted)
            editor = baseline.editor(fitted)
            edited = bench.real_faces() if baseline.real else bench.no_edits()
            if editor is not None:
                edited, more = bench.edits(baseline.name, editor)
                rows += more
            about = {measure.name: measure.measure({}) for measure in _OF_MODEL}
            about["model"] |= baseline.size(fitted)
            of_colors = baseline.recolor(fitted) if data.colors is not None else None
            result[baseline.name] = {
                **_reconstruction(bench, reconstruct),
                **(_colors(bench, of_colors, None) if of_colors is not None else {}),
                **edited,
                **about,
            }
    return _write({**result, **bench.about()}, rows, measures, parts)


def _reconstruction(bench: Bench, reconstruct: Callable[[Faces], Faces] | None) -> dict[str, Any]:
    """Return the sections of what gives back whole faces; None for what does not."""
    return {
        measure.name: None if reconstruct is None else measure.measure(bench, reconstruct)
        for measure in _OF_RECONSTRUCTION
    }


def _colors(
    bench: Bench, reconstruct: Callable[[Faces], Faces], editor: Editor | None
) -> dict[str, Any]:
    """Return the sections of colours."""
    return {measure.name: measure.measure(bench, reconstruct, editor) for measure in _OF_COLOR}


def _write(
    result: dict[str, Any], rows: Rows, measures: str | Path, parts: str | Path
) -> dict[str, Any]:
    result = dict(rounded(result))
    write_csv(parts, rounded(rows), PART_COLUMNS)
    write_json(measures, result)
    return result
