"""What the dials of edits trade: locality, truth and likeness against passing for real faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lwpipe.core.files import write_csv
from lwpipe.core.rounding import rounded
from lwpipe.core.threads import one_blas_thread
from lwpipe.data.store import Dataset
from lwpipe.editing import (
    ChannelEditor,
    EditingSettings,
    Editor,
    FaceModel,
    HarmonisedMaskBlend,
    KeepingEditor,
)
from lwpipe.evaluation.baselines import Fitted
from lwpipe.evaluation.detection import MODEL, DetectionBench
from lwpipe.evaluation.fresh import FreshFaces, open_fresh_faces
from lwpipe.evaluation.inputs import (
    Weights,
    editor_of,
    open_data,
    open_local_weights,
    open_model,
)
from lwpipe.evaluation.measure import Rows
from lwpipe.evaluation.recombine import Recombinations, read_recombinations
from lwpipe.evaluation.settings import DialSettings
from lwpipe.evaluation.truth import edit, edit_errors
from lwpipe.model.settings import LatentSettings

COLUMNS = (
    "edit", "keep", "harmony", "detect_worst", "detect_border", "likeness", "leak_mean",
    "edit_error_mm", "edit_error_share",
)  # fmt: skip
# The blends of vertices whose dials are turned.
BLEND, REFINED = "mask_blend_harmony", "mask_blend_refined_harmony"

_OF_PARTS = {
    "worst": "detect_worst",
    "border": "detect_border",
    "likeness": "likeness",
    "leak": "leak_mean",
}

# What an editor needs in any position it has in full harmony.
_FULL = EditingSettings(residual=True, harmony=1.0)


def measure_dials(
    dataset: Dataset | str | Path,
    local_weights: Weights | str | Path,
    model: FaceModel | str | Path,
    fresh: FreshFaces | str | Path,
    recombinations: Recombinations | str | Path,
    table: str | Path,
    detection: DialSettings,
) -> Rows:
    """Turn the dials of a model's edits, and measure each position; write a table.

    Harmony goes from 0 to 1 while nothing is kept, keep from 0 to 1 in full harmony, and harmony
    back to 0 while all is kept. The table is empty for a model whose parts do not belong to the
    columns of the local weights; what cannot be measured (of too few faces, or where the source of
    the faces does not know their factors) is.

    Parameters
    ----------
    dataset : Dataset, or its folder
    local_weights : float (V, K), which tell the parts; or `local_weights.npz`
    model : a trained model, or its file or folder
    fresh : FreshFaces, or the file of `draw_fresh_faces`
    recombinations : of `make_recombinations`, or their file
    table : CSV to write
    detection : DialSettings

    Returns
    -------
    list of dict
        The rows: means over the parts.

    Raises
    ------
    LwpipeError
        If data, weights, model and faces do not fit each other.
    """
    dataset = open_data(dataset)
    weights = open_local_weights(local_weights, dataset)
    found = open_model(model, dataset)
    editors: dict[str, Editor] = {}
    if found.part_count == weights.shape[1] and found.parts_match_weights:
        editors[MODEL] = editor_of(found, weights, _FULL)
    return _measure(editors, dataset, weights, fresh, recombinations, table, detection)


def measure_dials_of_baselines(
    dataset: Dataset | str | Path,
    local_weights: Weights | str | Path,
    fresh: FreshFaces | str | Path,
    recombinations: Recombinations | str | Path,
    table: str | Path,
    detection: DialSettings,
    model: LatentSettings,
) -> Rows:
    """Turn the dials of the blends of vertices, as `measure_dials` does those of a model.

    Parameters
    ----------
    dataset : Dataset, or its folder
    local_weights : float (V, K), or `local_weights.npz`
    fresh : FreshFaces, or the file of `draw_fresh_faces`
    recombinations : of `make_recombinations`, or their file
    table : CSV to write
    detection : DialSettings
    model : LatentSettings
        The latent size Z of the models that they stand beside.

    Returns
    -------
    list of dict
        The rows.

    Raises
    ------
    LwpipeError
        If data, weights and faces do not fit each other.
    """
    dataset = open_data(dataset)
    weights = open_local_weights(local_weights, dataset)
    fitted = Fitted.to(dataset, weights, model.latent_size)
    editors: dict[str, Editor] = {
        name: HarmonisedMaskBlend(which, fitted.pca, dataset.triangles)
        for name, which in ((BLEND, weights), (REFINED, fitted.refined))
    }
    return _measure(editors, dataset, weights, fresh, recombinations, table, detection)


def positions(values: Sequence[float]) -> list[EditingSettings]:
    """Return the positions: harmony where nothing is kept, keep in full harmony, harmony kept."""
    steps = sorted(set(values))
    turned = [(0.0, harmony) for harmony in steps]
    turned += [(keep, 1.0) for keep in steps]
    turned += [(1.0, harmony) for harmony in reversed(steps)]
    return [
        EditingSettings(residual=True, keep=keep, harmony=harmony)
        for keep, harmony in dict.fromkeys(turned)
    ]


def _measure(
    editors: Mapping[str, Editor],
    dataset: Dataset,
    weights: Weights,
    fresh: FreshFaces | str | Path,
    recombinations: Recombinations | str | Path,
    table: str | Path,
    detection: DialSettings,
) -> Rows:
    faces = open_fresh_faces(fresh, dataset)
    made = read_recombinations(recombinations, dataset).asked_of(weights)
    # Probabilities are those of the stage of detection.
    bench = DetectionBench(
        dataset, weights, faces, detection.model_copy(update={"permutations": 1})
    )
    rows: Rows = []
    with one_blas_thread():
        for name, first in editors.items():
            for dials in positions(detection.dials):
                editor = first
                if isinstance(first, KeepingEditor | ChannelEditor):
                    editor = first.dialled(dials)
                row = {"edit": name, "keep": dials.keep, "harmony": dials.harmony}
                rows.append(row | tested(bench, editor) | judged(made, editor, weights))
    rows = rounded(rows)
    write_csv(table, rows, COLUMNS)
    return rows


def tested(bench: DetectionBench, editor: Editor) -> dict[str, float]:
    """Return how surely edits are told, how much arrives and what leaks: means over the parts."""
    if not bench.possible:
        return {}
    bench.add_edits(MODEL, editor, sets=False)
    found = bench.summed()
    bench.tests.clear()
    means = {}
    for key, column in _OF_PARTS.items():
        known = [row[key] for row in found if np.isfinite(row.get(key, np.nan))]
        means[column] = float(np.mean(known)) if known else float("nan")
    return means


def judged(made: Recombinations, editor: Editor, weights: Weights) -> dict[str, float]:
    """Return how far the edits are from the truth."""
    if len(made.parts) == 0:
        return {}
    every = np.ones(len(made.parts), bool)
    error, left = (
        edit_errors(made, edited, weights, every)["mean_mm"]
        for edited in (edit(made, editor), made.sources)
    )
    return {"edit_error_mm": error, "edit_error_share": error / left}
