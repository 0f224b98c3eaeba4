"""All measures of a trained model, and of the closed-form rivals, on the test faces."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import write_csv, write_json
from lwpipe.core.rounding import rounded
from lwpipe.data.store import Dataset
from lwpipe.editing import Editor, FaceModel, MaskBlend, ModelEditor, Pca, ProjectedMaskBlend
from lwpipe.evaluation.locality import edit_profiles, locality
from lwpipe.evaluation.plausibility import SPAN_TOLERANCE, plausibility
from lwpipe.evaluation.reconstruction import reconstruction_distances, reconstruction_error
from lwpipe.evaluation.sampling import draw_composites, draw_pairs, draw_rows
from lwpipe.evaluation.settings import EvaluationSettings
from lwpipe.evaluation.specificity import NearestFace
from lwpipe.evaluation.validity import border_triangles, validity

PART_COLUMNS = (
    "edit",
    "part",
    "weights_column",
    "r",
    "leak",
    "inside_mm",
    "outside_mm",
    "composites",
    "span_mm",
    "mahalanobis",
    "stretch_p95",
    "flipped",
    "specificity_mm",
)
NO_PARTS = (
    "the model has one part: nothing can be edited by parts, so locality and the measures of "
    "composites are not defined"
)

Faces = npt.NDArray[np.float32]
Rows = list[dict[str, Any]]


def evaluate_model(
    data: Dataset,
    weights: npt.ArrayLike,
    model: FaceModel,
    output_json: str | Path,
    parts_csv: str | Path,
    settings: EvaluationSettings,
) -> dict[str, Any]:
    """Measure a trained model: reconstruction, and edits in which one part is replaced.

    Writes `output_json`, a mapping with the keys reconstruction, locality, plausibility,
    validity, specificity (the last four null for a model with one part), model, and what was
    measured on; and `parts_csv`, one row a part. What is not defined is null, or empty.

    Parameters
    ----------
    data : Dataset
    weights : float (V, K)
        Local weights, against which locality is measured.
    model : FaceModel
    output_json, parts_csv : path
    settings : EvaluationSettings

    Returns
    -------
    dict
        What `output_json` holds.

    Raises
    ------
    LwpipeError
        If weights, model and data have different numbers of vertices, or there are less than
        two test faces.
    """
    if model.vertex_count != data.vertices.shape[1]:
        raise LwpipeError(
            f"{data.path}: the faces have {data.vertices.shape[1]} vertices, the model "
            f"{model.vertex_count}: it was trained on other data."
        )
    with _one_blas_thread():
        bench = _Bench(data, weights, settings)
        reconstruction = bench.reconstruction(model.reconstruct)
        measures, rows = bench.edits("model", ModelEditor(model), not model.parts_match_weights)
    about = {key: model.info.get(key) for key in ("parameters", "seconds", "epochs")}
    result = rounded(
        {"reconstruction": reconstruction, **measures, "model": about, **bench.about()}
    )
    write_csv(parts_csv, rounded(rows), PART_COLUMNS)
    write_json(output_json, result)
    return dict(result)


def evaluate_baselines(
    data: Dataset,
    weights: npt.ArrayLike,
    output_json: str | Path,
    parts_csv: str | Path,
    settings: EvaluationSettings,
    components: int,
) -> dict[str, Any]:
    """Measure what stands beside the learned models, with the same faces and the same draws.

    Writes `output_json` with one mapping like that of `evaluate_model` each for `pca`
    (reconstruction by the first components), `mask_blend` (source + w_k (target - source)),
    `mask_blend_pca` (that, projected on the span of the first components) and `real_test` (the
    test faces themselves); and `parts_csv`, one row a part of each edit.

    Parameters
    ----------
    data : Dataset
    weights : float (V, K)
    output_json, parts_csv : path
    settings : EvaluationSettings
    components : int
        Z, the latent size of the models that the PCA stands beside.

    Returns
    -------
    dict
        What `output_json` holds.

    Raises
    ------
    LwpipeError
        If weights and data have different numbers of vertices, or there are less than two test
        faces.
    """
    nothing = dict.fromkeys(("locality", "plausibility", "validity", "specificity", "remark"))
    with _one_blas_thread():
        bench = _Bench(data, weights, settings)
        pca = bench.pca.first(components)
        reconstruction = bench.reconstruction(pca.project)
        blend, blend_rows = bench.edits("mask_blend", MaskBlend(bench.weights))
        projected, projected_rows = bench.edits(
            "mask_blend_pca", ProjectedMaskBlend(bench.weights, pca)
        )
        real = {
            **nothing,
            "plausibility": bench.reference(),
            "specificity": {"mean_mm": bench.nearest.distances(bench.test).mean()},
        }
    size = {"parameters": pca.basis.size + pca.mean.size, "seconds": None, "epochs": None}
    no_model = dict.fromkeys(size)
    result = rounded(
        {
            "pca": {
                "reconstruction": reconstruction,
                **nothing,
                "model": {**size, "components": pca.rank},
            },
            "mask_blend": {"reconstruction": None, **blend, "model": no_model},
            "mask_blend_pca": {"reconstruction": None, **projected, "model": size},
            "real_test": {"reconstruction": None, **real, "model": no_model},
            **bench.about(),
        }
    )
    write_csv(parts_csv, rounded(blend_rows + projected_rows), PART_COLUMNS)
    write_json(output_json, result)
    return dict(result)


def _one_blas_thread() -> AbstractContextManager[object]:
    """Run BLAS on one thread, so that the digits do not depend on the number of cores.

    On matrices of this size little is lost, and two busy processes no longer wait for each other.
    The model's own threads are torch's: they stay.
    """
    limits: AbstractContextManager[object] = threadpool_limits(limits=1, user_api="blas")
    return limits


class _Bench:
    """The faces, draws and yardsticks that every row of the results table shares."""

    def __init__(self, data: Dataset, weights: npt.ArrayLike, settings: EvaluationSettings) -> None:
        self.data, self.settings = data, settings
        self.weights = np.asarray(weights, np.float32)
        if self.weights.ndim != 2 or len(self.weights) != data.vertices.shape[1]:
            raise LwpipeError(
                f"{data.path}: the faces have {data.vertices.shape[1]} vertices, the local "
                f"weights are {self.weights.shape}: they were made for other data."
            )
        self.train, test = data.indices("train"), data.indices("test")
        self.pairs = draw_pairs(len(test), settings.pairs, settings.seed)
        self.test_rows = test
        self.test: Faces = np.asarray(data.vertices[test])
        self.pca = Pca.fit(data.vertices, self.train, tolerance=SPAN_TOLERANCE)
        self.nearest = NearestFace(data.vertices, self.train, data.template)
        self.border = border_triangles(data.triangles, self.weights)

    def about(self) -> dict[str, Any]:
        """Return what was measured on."""
        return {
            "seed": self.settings.seed,
            "test_faces": len(self.test),
            "train_faces": len(self.train),
            "pairs": len(self.pairs),
            "weights_columns": self.weights.shape[1],
            "data_sha256": self.data.info.get("content_sha256"),
        }

    def reference(self) -> dict[str, Any]:
        """Return the plausibility of the real test faces."""
        mahalanobis, outside = plausibility(self.pca, self.test, self.settings.components)
        return {"outside_mm": outside.mean(), "mahalanobis": mahalanobis.mean()}

    def reconstruction(self, reconstruct: Callable[[Faces], Faces]) -> dict[str, Any]:
        """Return the error on the test faces, and its mean on as many training faces."""
        vertices = self.data.vertices
        error = reconstruction_error(
            reconstruction_distances(reconstruct, vertices, self.test_rows)
        )
        rows = draw_rows(self.train, len(self.test), self.settings.seed)
        train = reconstruction_distances(reconstruct, vertices, rows)
        return {**error, "train_mean": train.mean(dtype=np.float64), "train_sample": len(rows)}

    def edits(self, name: str, editor: Editor, match: bool = False) -> tuple[dict[str, Any], Rows]:
        """Return all measures of an editor, and its rows of `parts_csv`."""
        parts: Rows = [{"edit": name, "part": k} for k in range(editor.part_count)]
        if editor.part_count == 1:
            nothing = dict.fromkeys(("locality", "plausibility", "validity", "specificity"))
            return {**nothing, "remark": NO_PARTS}, parts
        codes = editor.encode(self.test)
        remark, local = None, None
        if editor.part_count == self.weights.shape[1]:
            local = locality(edit_profiles(editor, codes, self.pairs), self.weights, match)
            for row, part in zip(parts, local["parts"], strict=True):
                row.update(part)
        else:
            remark = (
                f"the model has {editor.part_count} parts and the local weights "
                f"{self.weights.shape[1]}: locality is not defined"
            )
        measures, values = self._composites(editor, codes)
        for row, value in zip(parts, values, strict=True):
            row.update(value)
        return {"locality": local, **measures, "remark": remark}, parts

    def _composites(
        self, editor: Editor, codes: npt.NDArray[np.float32]
    ) -> tuple[dict[str, Any], Rows]:
        """Measure sources with one part replaced, in all and part by part."""
        draws = draw_composites(
            len(self.test), editor.part_count, self.settings.composites, self.settings.seed
        )
        pieces = []
        for part, pairs in enumerate(draws):
            sources, targets = pairs.T
            faces = editor.blend(codes[sources], codes[targets], part, 1.0)
            mahalanobis, outside = plausibility(self.pca, faces, self.settings.components)
            sound = validity(faces, self.test[sources], self.test[targets], self.border)
            near = self.nearest.distances(faces)
            pieces.append(np.stack([outside, mahalanobis, *sound, near]))
        every = np.concatenate(pieces, axis=1)
        outside_mm, mahalanobis_mean, stretch_p95, _, flipped, near_mm = every.mean(axis=1)
        measures = {
            "plausibility": {
                "outside_mm": outside_mm,
                "mahalanobis": mahalanobis_mean,
                "components": min(self.settings.components, self.pca.rank),
                "span_components": self.pca.rank,
                "reference": self.reference(),
            },
            "validity": {
                "stretch_p95": stretch_p95,
                "stretch_max": every[3].max(),
                "flipped": flipped,
                "border_triangles": len(self.border),
            },
            "specificity": {"mean_mm": near_mm},
            "composites": every.shape[1],
        }
        rows: Rows = []
        for piece in pieces:
            # With fewer composites than parts, some parts have none.
            means = piece.mean(axis=1) if piece.shape[1] else np.full(len(piece), np.nan)
            rows.append(
                {
                    "composites": piece.shape[1],
                    "span_mm": means[0],
                    "mahalanobis": means[1],
                    "stretch_p95": means[2],
                    "flipped": means[4],
                    "specificity_mm": means[5],
                }
            )
        return measures, rows
