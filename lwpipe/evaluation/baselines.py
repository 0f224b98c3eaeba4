"""What stands beside the learned models in every table, declared once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lwpipe.editing import Editor, HarmonisedMaskBlend, MaskBlend, Pca, ProjectedMaskBlend
from lwpipe.evaluation.measure import Faces
from lwpipe.local_weights.make import sharpened
from lwpipe.local_weights.settings import SHARPNESS, SUPPORT

Weights = npt.NDArray[np.float32]
Triangles = npt.NDArray[np.int64]


def _no_reconstruction(pca: Pca) -> None:
    return None


def _no_editor(weights: Weights, pca: Pca, triangles: Triangles) -> None:
    return None


def _no_size(pca: Pca) -> dict[str, Any]:
    return {}


def _parameters(pca: Pca) -> dict[str, Any]:
    return {"parameters": pca.basis.size + pca.mean.size}


def _sharp_blend(weights: Weights, pca: Pca, triangles: Triangles) -> Editor:
    return MaskBlend(sharpened(weights, SHARPNESS, SUPPORT))


@dataclass(frozen=True)
class Baseline:
    """A row of the tables that is no learned model.

    Attributes
    ----------
    name : of the row
    kind : a closed-form 'baseline', or the 'reference' of real faces
    reconstruct : from the first Z components to how whole faces are given back, if they are
    editor : from local weights, the first Z components and triangles to the edits, if there are
        some
    size : from the first Z components to what is said of the model
    real : the row is that of the real test faces
    """

    name: str
    kind: Literal["baseline", "reference"] = "baseline"
    reconstruct: Callable[[Pca], Callable[[Faces], Faces] | None] = _no_reconstruction
    editor: Callable[[Weights, Pca, Triangles], Editor | None] = _no_editor
    size: Callable[[Pca], dict[str, Any]] = _no_size
    real: bool = False


BASELINES = (
    Baseline(
        "pca",
        reconstruct=lambda pca: pca.project,
        size=lambda pca: {**_parameters(pca), "components": pca.rank},
    ),
    # source + w_k (target - source)
    Baseline("mask_blend", editor=lambda weights, pca, triangles: MaskBlend(weights)),
    # that, with weights that hardly overlap
    Baseline("mask_blend_sharp", editor=_sharp_blend),
    # the blend, projected on the span of the first components
    Baseline(
        "mask_blend_pca",
        editor=lambda weights, pca, triangles: ProjectedMaskBlend(weights, pca),
        size=_parameters,
    ),
    # the rest follows as far as faces of the first components do
    Baseline("mask_blend_harmony", editor=HarmonisedMaskBlend, size=_parameters),
    Baseline("real_test", "reference", real=True),
)
