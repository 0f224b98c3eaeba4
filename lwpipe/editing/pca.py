"""Principal components of a set of faces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.data.signals import LazyFaces
from lwpipe.editing.editors import Faces

# Bounds the float64 working copy of a block of columns; the basis itself is float32.
_CHUNK_BYTES = 64 * 2**20
# Deviations below this share of the first are no components: float32 coordinates do not hold
# them, and the Gram matrix, which squares them, cannot tell their directions apart.
RANK_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Pca:
    """Principal components of a set of faces.

    Attributes
    ----------
    mean : ndarray, float64, (CV,), mm
    basis : ndarray, float32, (R, CV)
        Orthonormal rows, the largest variance first.
    deviation : ndarray, float64, (R,), mm
        Standard deviation of the faces along each component (over N, not N - 1).
    variance : float, mm^2
        Mean variance of a coordinate of the faces, whatever the components hold of it.
    channels : int
        C: 3, or 6 for faces with colours.
    units : ndarray, float32, (C,), optional
        What the channels of faces are multiplied by, in which mean and basis are.
    """

    mean: npt.NDArray[np.float64]
    basis: npt.NDArray[np.float32]
    deviation: npt.NDArray[np.float64]
    variance: float
    channels: int = 3
    units: npt.NDArray[np.float32] | None = None

    @classmethod
    def fit(
        cls,
        vertices: npt.NDArray[np.float32] | LazyFaces,
        rows: npt.NDArray[np.int64],
        components: int | None = None,
        tolerance: float = RANK_TOLERANCE,
        units: npt.NDArray[np.float32] | None = None,
    ) -> Pca:
        """Fit on the faces `vertices[rows]`, exactly, through the Gram matrix of the N faces.

        Reads the faces twice, a block of columns at a time; the memory is that of the basis.

        Parameters
        ----------
        vertices : float32 (M, V, C), mm
            May be memory-mapped.
        rows : int (N,)
        components : int, optional
            At most so many; without it all that the data hold.
        tolerance : float
            Components whose deviation is below this share of the first's are left out.
        units : float (C,), optional
            What the channels are multiplied by; without it by 1.
        """
        channels = vertices.shape[2]
        count, size = len(rows), vertices.shape[1] * channels
        step = max(1, _CHUNK_BYTES // (8 * channels * count))
        blocks = [slice(i, i + step) for i in range(0, vertices.shape[1], step)]
        gram = np.zeros((count, count))
        mean = np.empty((vertices.shape[1], channels))
        for block in blocks:
            part = _scaled(vertices[rows, block].astype(np.float64), units)
            mean[block] = part.mean(axis=0)
            part = (part - mean[block]).reshape(count, -1)
            gram += part @ part.T
        values, vectors = np.linalg.eigh(gram)
        values, vectors = values[::-1], vectors[:, ::-1]
        floor = max(float(values[0]), 0.0) * tolerance**2
        rank = int(np.count_nonzero(values > floor))
        rank = rank if components is None else min(rank, components)
        values, vectors = values[:rank], vectors[:, :rank]
        # An eigenvector's sign is the solver's whim.
        signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(rank)])
        projector = (vectors * (signs / np.sqrt(values))).T
        basis = np.empty((rank, size), np.float32)
        for block in blocks:
            part = (_scaled(vertices[rows, block], units) - mean[block]).reshape(count, -1)
            start = block.start * channels
            basis[:, start : start + part.shape[1]] = projector @ part
        variance = float(np.trace(gram)) / max(count * size, 1)
        return cls(mean.reshape(-1), basis, np.sqrt(values / count), variance, channels, units)

    @property
    def rank(self) -> int:
        """The number R of components."""
        return len(self.basis)

    def first(self, components: int) -> Pca:
        """Return the PCA of the first `components` components (a view)."""
        return replace(self, basis=self.basis[:components], deviation=self.deviation[:components])

    def coefficients(self, faces: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return the faces' coordinates, float64 (n, R), mm, for faces (n, V, C), mm."""
        flat = _scaled(faces, self.units).reshape(len(faces), -1)
        centred = (flat - self.mean).astype(np.float32)
        return (centred @ self.basis.T).astype(np.float64)

    def faces(self, coefficients: npt.NDArray[np.float64]) -> Faces:
        """Return the faces, float32 (n, V, C), mm, that have these coordinates (n, R), mm."""
        flat = coefficients.astype(np.float32) @ self.basis
        flat += self.mean
        faces = flat.reshape(len(coefficients), -1, self.channels)
        return faces if self.units is None else faces / self.units

    def project(self, faces: npt.NDArray[np.float32]) -> Faces:
        """Return the nearest faces in the span, float32 (n, V, C), mm."""
        return self.faces(self.coefficients(faces))


def _scaled(faces: npt.NDArray[Any], units: npt.NDArray[np.float32] | None) -> npt.NDArray[Any]:
    return faces if units is None else faces * units
