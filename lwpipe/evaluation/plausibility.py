"""Whether an edited face could be one of the training faces' kind."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lwpipe.editing import Pca
from lwpipe.evaluation.reconstruction import vertex_distances

# Alignment bends the span of a linear model a little, so that the PCA grows a long tail of
# directions in which faces hardly vary. A composite may go far along them at no cost; they are
# noise, not the span.
SPAN_TOLERANCE = 1e-3


def plausibility(
    pca: Pca, faces: npt.NDArray[np.float32], components: int = 100, batch: int = 32
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Measure faces in the PCA of the training faces.

    Parameters
    ----------
    pca : Pca
        All components of the training faces, down to `SPAN_TOLERANCE` of the first's deviation.
    faces : float32 (n, V, 3), mm
    components : int
        Components of the Mahalanobis distance, at most the rank.
    batch : int
        Faces at a time.

    Returns
    -------
    mahalanobis : float64 (n,)
        sqrt(mean_i z_i^2) over the first components, z_i being the coordinate divided by its
        standard deviation over the training faces: about 1 for a real face. NaN if the training
        faces are all alike.
    outside : float64 (n,), mm
        Mean distance per vertex to the nearest face in the span of all components.
    """
    used = min(components, pca.rank)
    mahalanobis = np.full(len(faces), np.nan)
    outside = np.empty(len(faces))
    for start in range(0, len(faces), batch):
        rows = slice(start, start + batch)
        coefficients = pca.coefficients(faces[rows])
        if used:
            z = coefficients[:, :used] / pca.deviation[:used]
            mahalanobis[rows] = np.sqrt(np.mean(z**2, axis=1))
        distances = vertex_distances(faces[rows], pca.faces(coefficients))
        outside[rows] = distances.mean(axis=1, dtype=np.float64)
    return mahalanobis, outside
