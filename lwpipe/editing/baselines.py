"""The closed-form rivals of a learned model's edits: blending vertices by the local weights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lwpipe.editing.editors import Codes, Editor, Faces, KeepingEditor
from lwpipe.editing.edits import mask_blend
from lwpipe.editing.linear_model import LinearModel
from lwpipe.editing.pca import Pca
from lwpipe.editing.settings import EditingSettings


class MaskBlend(Editor):
    """Blend the vertices: source + alpha w_k (target - source).

    Parameters
    ----------
    weights : float (V, K)
    """

    def __init__(self, weights: npt.ArrayLike) -> None:
        self.weights = np.asarray(weights, np.float32)
        self.part_count = self.weights.shape[1]

    def encode(self, faces: Faces) -> Codes:
        """Return the faces: a blend of vertices needs no code."""
        return faces

    def blend(self, sources: Codes, targets: Codes, part: int, alpha: float) -> Faces:
        """Blend faces (n, V, 3), mm."""
        return mask_blend(sources, targets, self.weights[:, part], alpha)


class ProjectedMaskBlend(MaskBlend):
    """Blend the vertices, then take the nearest face in the span of a PCA.

    Parameters
    ----------
    weights : float (V, K)
    pca : Pca
    """

    def __init__(self, weights: npt.ArrayLike, pca: Pca) -> None:
        super().__init__(weights)
        self.pca = pca

    def blend(self, sources: Codes, targets: Codes, part: int, alpha: float) -> Faces:
        """Blend faces (n, V, 3), mm, and project them."""
        return self.pca.project(super().blend(sources, targets, part, alpha))


class HarmonisedMaskBlend(KeepingEditor):
    """Blend the vertices, and let the rest follow as far as faces do: harmony without a network.

    Parameters
    ----------
    weights : float (V, K)
    pca : Pca
    triangles : int (F, 3)
    harmony : share in [0, 1]; at 0 it is the blend of vertices
    keep : share in [0, 1]; at 1 nothing outside the part follows
    """

    def __init__(
        self,
        weights: npt.ArrayLike,
        pca: Pca,
        triangles: npt.NDArray[np.int64],
        harmony: float = 1.0,
        keep: float = 0.0,
    ) -> None:
        dials = EditingSettings(residual=True, keep=keep, harmony=harmony)
        super().__init__(LinearModel(weights, pca, triangles), weights, dials)
