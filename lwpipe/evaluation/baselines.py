"""What stands beside the learned models in every table, declared once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lwpipe.data.split import unseen_groups
from lwpipe.data.store import Dataset
from lwpipe.editing import (
    Editor,
    HarmonisedMaskBlend,
    MaskBlend,
    Pca,
    PoissonPaste,
    ProjectedMaskBlend,
    RegionExchange,
    RegionPca,
)
from lwpipe.editing.base import fit_kernel
from lwpipe.evaluation.bench import SPAN_TOLERANCE
from lwpipe.evaluation.measure import Faces
from lwpipe.local_weights.make import refine_weights, sharpened
from lwpipe.local_weights.settings import REFINE, SHARPNESS, SUPPORT, LocalWeightsSettings
from lwpipe.model.kernel import MOST_COMPONENTS, KernelRegression

Weights = npt.NDArray[np.float32]

# Over what a paste fades from the target's place to its border, as a share of the template's
# diagonal: some 5 mm on a face.
_LENGTH = 0.02


@dataclass(frozen=True)
class Fitted:
    """What baselines are made of.

    Attributes
    ----------
    data : Dataset
    weights : float32 (V, K)
    span : all components of the training faces
    size : Z
    """

    data: Dataset
    weights: Weights
    span: Pca
    size: int

    @classmethod
    def to(cls, data: Dataset, weights: Weights, size: int) -> Fitted:
        """Fit to the training faces of a data set."""
        span = Pca.fit(data.vertices, data.indices("train"), tolerance=SPAN_TOLERANCE)
        return cls(data, weights, span, size)

    @cached_property
    def pca(self) -> Pca:
        """The first Z components of the training faces."""
        return self.span.first(self.size)

    @cached_property
    def kernel(self) -> KernelRegression | None:
        """What the first Z components tell of the further ones; None: nothing."""
        faces, train, size = self.data.vertices, self.data.indices("train"), self.pca.rank
        # Smaller ones than those of the span are told, too.
        groups = unseen_groups(self.data.faces["subject"], train, self.data.indices("test"))
        fitted = Pca.fit(faces, train, size + MOST_COMPONENTS)
        return fit_kernel(fitted, faces, train, size, groups)

    def on_curve(self, faces: Faces) -> Faces:
        """Return the faces (n, V, 3), mm, that the first Z components of faces tell."""
        codes = self.pca.coefficients(faces)
        if self.kernel is None:
            return self.pca.faces(codes)
        further = self.kernel.further(codes / self.pca.deviation)
        flat = further.astype(np.float32) @ self.kernel.basis
        return self.pca.faces(codes) + flat.reshape(faces.shape)

    @cached_property
    def pca_of_colors(self) -> Pca:
        """The first Z components of the colours of the training faces, L*a*b*."""
        return Pca.fit(self.data.lab, self.data.indices("train"), self.size)

    @cached_property
    def sharp(self) -> Weights:
        """Local weights that hardly overlap, float32 (V, K)."""
        return sharpened(self.weights, SHARPNESS, SUPPORT)

    @cached_property
    def refined(self) -> Weights:
        """Local weights with borders where the faces have them, float32 (V, K)."""
        return refine_weights(self.weights, self.data, LocalWeightsSettings(refine=REFINE))[0]

    @cached_property
    def regions(self) -> RegionPca:
        """As many components of each of these parts."""
        train = self.data.indices("train")
        return RegionPca.fit(self.data.vertices, train, self.sharp, self.pca.rank)

    @cached_property
    def length(self) -> float:
        """Over what a paste fades from the target's place to its border, mm."""
        return _LENGTH * self.data.diagonal


def _no_reconstruction(fitted: Fitted) -> None:
    return None


def _no_editor(fitted: Fitted) -> None:
    return None


def _no_size(fitted: Fitted) -> dict[str, Any]:
    return {}


def _parameters(pca: Pca) -> dict[str, Any]:
    return {"parameters": pca.basis.size + pca.mean.size}


def _of_kernel(fitted: Fitted) -> dict[str, Any]:
    size, kernel = _parameters(fitted.pca)["parameters"], fitted.kernel
    if kernel is not None:
        size += sum(array.size for array in kernel.arrays.values())
    return {"parameters": size, "components": fitted.pca.rank}


def _of_regions(fitted: Fitted) -> dict[str, Any]:
    return {"parameters": fitted.regions.parameters, "components": fitted.pca.rank}


def _poisson(fitted: Fitted, length: float | None = None) -> Editor:
    return PoissonPaste(fitted.sharp, fitted.data.template, fitted.data.triangles, length)


def _harmonised(fitted: Fitted) -> Editor:
    return HarmonisedMaskBlend(fitted.weights, fitted.pca, fitted.data.triangles)


@dataclass(frozen=True)
class Baseline:
    """A row of the tables that is no learned model.

    Attributes
    ----------
    name : of the row
    kind : a closed-form 'baseline', or the 'reference' of real faces
    reconstruct : from what it is made of to how whole faces are given back, if they are
    editor : likewise to the edits, if there are some
    size : likewise to what is said of the model
    real : the row is that of the real test faces
    recolor : from what it is made of to how colours (n, V, 3), L*a*b*, are given back, if they are
    """

    name: str
    kind: Literal["baseline", "reference"] = "baseline"
    reconstruct: Callable[[Fitted], Callable[[Faces], Faces] | None] = _no_reconstruction
    editor: Callable[[Fitted], Editor | None] = _no_editor
    size: Callable[[Fitted], dict[str, Any]] = _no_size
    real: bool = False
    recolor: Callable[[Fitted], Callable[[Faces], Faces] | None] = _no_reconstruction


BASELINES = (
    Baseline(
        "pca",
        reconstruct=lambda fitted: fitted.pca.project,
        size=lambda fitted: {**_parameters(fitted.pca), "components": fitted.pca.rank},
        recolor=lambda fitted: fitted.pca_of_colors.project,
    ),
    # those, and what they tell of the further ones
    Baseline(
        "kernel_pca",
        reconstruct=lambda fitted: fitted.on_curve,
        size=_of_kernel,
    ),
    # source + w_k (target - source)
    Baseline("mask_blend", editor=lambda fitted: MaskBlend(fitted.weights)),
    # that, with weights that hardly overlap
    Baseline("mask_blend_sharp", editor=lambda fitted: MaskBlend(fitted.sharp)),
    # that, with borders where the faces have them
    Baseline("mask_blend_refined", editor=lambda fitted: MaskBlend(fitted.refined)),
    # each vertex belongs to the part of its largest weight
    Baseline("hard_paste", editor=lambda fitted: MaskBlend(sharpened(fitted.weights, np.inf))),
    # the target's Laplacian coordinates on the support of the sharp weights
    Baseline("poisson_paste", editor=_poisson),
    # that, near the target's place
    Baseline("poisson_paste_placed", editor=lambda fitted: _poisson(fitted, fitted.length)),
    # Z components of each sharp part, exchanged
    Baseline(
        "region_pca",
        reconstruct=lambda fitted: fitted.regions.project,
        editor=lambda fitted: RegionExchange(fitted.regions, residual=False),
        size=_of_regions,
    ),
    # that, with what the components do not hold of the source
    Baseline(
        "region_pca_residual",
        editor=lambda fitted: RegionExchange(fitted.regions, residual=True),
        size=_of_regions,
    ),
    # the blend, projected on the span of the first components
    Baseline(
        "mask_blend_pca",
        editor=lambda fitted: ProjectedMaskBlend(fitted.weights, fitted.pca),
        size=lambda fitted: _parameters(fitted.pca),
    ),
    # on that of all
    Baseline(
        "mask_blend_full_span",
        editor=lambda fitted: ProjectedMaskBlend(fitted.weights, fitted.span),
        size=lambda fitted: _parameters(fitted.span),
    ),
    # the rest follows as far as faces of the first components do
    Baseline("mask_blend_harmony", editor=_harmonised, size=lambda fitted: _parameters(fitted.pca)),
    Baseline("real_test", "reference", real=True),
)
