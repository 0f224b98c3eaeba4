"""Principal components blended by local weights: a model of parts without any training."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from lwpipe.editing.editors import Codes, Faces
from lwpipe.editing.pca import Pca
from lwpipe.model.linear_path import LinearPath


class LinearModel:
    """Encode by principal components, z = diag(1/s) B (x - mean); each part's encoding is z.

    It decodes D(p) = mean + sum_k w_k (.) (B^T diag(s) p_k), so that the exchange of a part is the
    blend of vertices, as far as the components hold them.

    Parameters
    ----------
    weights : float (V, K), rows sum to 1
    pca : Pca, of Z components
    triangles : int (F, 3)
    """

    parts_match_weights = True
    info: ClassVar[dict[str, Any]] = {}

    def __init__(self, weights: npt.ArrayLike, pca: Pca, triangles: npt.NDArray[np.int64]) -> None:
        self.pca, self.weights = pca, np.asarray(weights, np.float32)
        self.vertex_count, self.part_count = self.weights.shape
        self.channels = pca.channels
        self.projections = np.tile(np.eye(pca.rank, dtype=np.float32), (self.part_count, 1, 1))
        self.linear_path = LinearPath(
            pca.basis, pca.deviation.astype(np.float32), self.weights, triangles, pca.units
        )

    def encode(self, vertices: Faces, /) -> Codes:
        """Encode faces (n, V, 3), mm, to z (n, Z)."""
        return (self.pca.coefficients(vertices) / self.pca.deviation).astype(np.float32)

    def parts(self, z: Codes, /) -> Codes:
        """Return z (n, Z) for every part, (n, K, Z)."""
        return np.repeat(z[:, None], self.part_count, axis=1)

    def decode(self, parts: Codes, /) -> Faces:
        """Decode part encodings (n, K, Z) to faces (n, V, 3), mm."""
        faces = np.zeros((len(parts), self.vertex_count, self.pca.channels), np.float32)
        for part, column in enumerate(self.weights.T):
            whole = self.pca.faces(parts[:, part] * self.pca.deviation)
            faces += column[:, None] * whole
        return faces

    def reconstruct(self, vertices: Faces, /) -> Faces:
        """Return the nearest faces in the span, (n, V, 3), mm."""
        return self.pca.project(vertices)
