"""Whether an edited face could be one of the training faces' kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from lwpipe.editing import Pca
from lwpipe.evaluation.measure import Column, Composites, OfComposites, Section, Values
from lwpipe.evaluation.measures.reconstruction import vertex_distances

if TYPE_CHECKING:
    from lwpipe.evaluation.bench import Bench


def plausibility(
    pca: Pca, faces: npt.NDArray[np.float32], components: int = 100, batch: int = 32
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Measure faces in the PCA of the training faces.

    Parameters
    ----------
    pca : Pca
        All components of the training faces, down to `bench.SPAN_TOLERANCE` of the first's
        deviation.
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


class Plausibility(OfComposites):
    """Distances of composites in, and to, the span of the training faces."""

    name = "plausibility"
    place = 3
    columns = (
        Column(
            "outside_mm",
            "outside_mm",
            "outside the span, mm",
            unit="mm",
            better="low",
            panel=("Outside the span", "distance (mm)"),
            beside_leak="distance outside the span of the data (mm)",
        ),
        Column(
            "mahalanobis",
            "mahalanobis",
            "Mahalanobis",
            better="real",
            beside_leak="Mahalanobis distance",
        ),
    )
    part_columns: ClassVar = {"span_mm": "outside_mm", "mahalanobis": "mahalanobis"}

    def values(self, bench: Bench, composites: Composites) -> Values:
        """Return both distances of each composite."""
        return _both(bench, composites.faces)

    def section(self, bench: Bench, values: Values) -> Section:
        """Return their means, and those of the real test faces."""
        return {
            **{name: found.mean() for name, found in values.items()},
            "components": min(bench.settings.components, bench.pca.rank),
            "span_components": bench.pca.rank,
            "reference": self.of_real(bench),
        }

    def of_real(self, bench: Bench) -> Section:
        """Return the means of the real test faces."""
        return {name: found.mean() for name, found in _both(bench, bench.test).items()}


def _both(bench: Bench, faces: npt.NDArray[np.float32]) -> Values:
    mahalanobis, outside = plausibility(bench.pca, faces, bench.settings.components)
    return {"outside_mm": outside, "mahalanobis": mahalanobis}
