"""How far a face is from its reconstruction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lwpipe.data.signals import positions
from lwpipe.evaluation.measure import Column, OfReconstruction
from lwpipe.evaluation.sampling import draw_rows

if TYPE_CHECKING:
    from lwpipe.evaluation.bench import Bench

Faces = npt.NDArray[np.float32]


def vertex_distances(a: Faces, b: Faces) -> npt.NDArray[np.float32]:
    """Return the Euclidean distance of corresponding vertices, (..., V), mm.

    Parameters
    ----------
    a, b : float32 (..., V, 3), mm
        Of faces with colours, (..., V, 6), the positions count.
    """
    difference = positions(a) - positions(b)
    distances: npt.NDArray[np.float32] = np.sqrt(
        np.einsum("...c,...c->...", difference, difference)
    )
    return distances


def reconstruction_distances(
    reconstruct: Callable[[Faces], Faces],
    vertices: Faces,
    rows: npt.NDArray[np.int64],
    batch: int = 32,
) -> npt.NDArray[np.float32]:
    """Return each vertex's distance to its reconstruction, float32 (n, V), mm.

    Parameters
    ----------
    reconstruct : from faces (b, V, C) to faces (b, V, C), mm
    vertices : float32 (N, V, C), mm
        May be memory-mapped.
    rows : int (n,)
        The faces to measure.
    batch : int
        Faces a call.
    """
    distances = np.empty((len(rows), vertices.shape[1]), np.float32)
    for start in range(0, len(rows), batch):
        faces = vertices[rows[start : start + batch]]
        distances[start : start + batch] = vertex_distances(reconstruct(faces), faces)
    return distances


def reconstruction_error(distances: npt.NDArray[np.float32]) -> dict[str, float]:
    """Return mean, median and 95th percentile over all vertices of all faces, mm.

    Parameters
    ----------
    distances : float32 (n, V), mm
    """
    median, p95 = np.percentile(distances, [50, 95])
    return {
        "mean": float(distances.mean(dtype=np.float64)),
        "median": float(median),
        "p95": float(p95),
    }


class Reconstruction(OfReconstruction):
    """Distance of the vertices from their reconstruction, mm."""

    name = "reconstruction"
    place = 1
    columns = (
        Column(
            "reconstruction_mean_mm",
            "mean",
            "test error, mean mm",
            unit="mm",
            better="low",
            panel=("Test error", "mean vertex distance (mm)"),
        ),
        Column("reconstruction_median_mm", "median", unit="mm", better="low"),
        Column("reconstruction_p95_mm", "p95", unit="mm", better="low"),
    )

    def measure(self, bench: Bench, reconstruct: Callable[[Faces], Faces]) -> dict[str, Any]:
        """Return the error on the test faces, and its mean on as many training faces."""
        vertices = bench.inputs
        error = reconstruction_error(
            reconstruction_distances(reconstruct, vertices, bench.test_rows)
        )
        rows = draw_rows(bench.train, len(bench.test), bench.settings.seed)
        train = reconstruction_distances(reconstruct, vertices, rows)
        return {**error, "train_mean": train.mean(dtype=np.float64), "train_sample": len(rows)}
