"""Principal components a part: the segmented linear model of faces."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lwpipe.editing.editors import Codes, Editor, Faces
from lwpipe.editing.pca import Pca

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RegionPca:
    """Faces as a sum of parts, each with principal components of its own.

    A face is x = mean + sum_k w_k (.) (x - mean), and each of the K fields of that sum is given by
    its own components (Blanz and Vetter, *A Morphable Model for the Synthesis of 3D Faces*, 1999,
    who blend segments at their borders; Tena et al., *Interactive Region-Based Linear
    3D Face Models*, 2011).

    Attributes
    ----------
    mean : float32 (V, 3), mm
    weights : float32 (V, K), rows sum to 1
    supports : of each part, int64 (S_k,), the vertices with w_k > 0
    components : of each part, those of the fields w_k (.) (x - mean) on its support
    """

    mean: Faces
    weights: npt.NDArray[np.float32]
    supports: tuple[Ints, ...]
    components: tuple[Pca, ...]

    @classmethod
    def fit(
        cls,
        vertices: npt.NDArray[np.float32],
        rows: npt.NDArray[np.int64],
        weights: npt.ArrayLike,
        components: int | None = None,
    ) -> RegionPca:
        """Fit on the faces `vertices[rows]`; the memory is that of the largest part of them.

        Parameters
        ----------
        vertices : float32 (M, V, 3), mm
            May be memory-mapped.
        rows : int (N,)
        weights : float (V, K), rows sum to 1
        components : int, optional
            At most so many a part; without it all that the data hold.
        """
        local = np.asarray(weights, np.float32)
        total = np.zeros(vertices.shape[1:])
        for row in rows:
            total += vertices[row]
        mean = (total / len(rows)).astype(np.float32)
        supports = tuple(np.flatnonzero(column > 0) for column in local.T)
        every = np.arange(len(rows))
        fitted = []
        for support, column in zip(supports, local.T, strict=True):
            fields = np.empty((len(rows), len(support), 3), np.float32)
            for row, face in zip(rows, fields, strict=True):
                face[:] = column[support, None] * (vertices[row][support] - mean[support])
            fitted.append(Pca.fit(fields, every, components))
        return cls(mean, local, supports, tuple(fitted))

    @property
    def part_count(self) -> int:
        """Number of parts K."""
        return len(self.supports)

    @property
    def parameters(self) -> int:
        """Number of numbers that the model holds."""
        return self.mean.size + sum(pca.basis.size + pca.mean.size for pca in self.components)

    def coefficients(self, faces: Faces, part: int) -> npt.NDArray[np.float64]:
        """Return the coordinates (n, R_k), mm, of part `part` of faces (n, V, 3), mm."""
        support = self.supports[part]
        column = self.weights[support, part, None]
        return self.components[part].coefficients(column * (faces[:, support] - self.mean[support]))

    def project(self, faces: Faces) -> Faces:
        """Return the nearest faces, part by part, float32 (n, V, 3), mm."""
        made = np.repeat(self.mean[None], len(faces), axis=0)
        for part, (support, pca) in enumerate(zip(self.supports, self.components, strict=True)):
            made[:, support] += pca.faces(self.coefficients(faces, part))
        return made


class RegionExchange(Editor):
    """Exchange the coefficients of a part of a region PCA; no vertex without a share in it moves.

    Parameters
    ----------
    model : RegionPca
    residual : keep what the components cannot represent of the source; without it the source is
        projected
    """

    def __init__(self, model: RegionPca, residual: bool) -> None:
        self.model, self.residual = model, residual
        self.part_count = model.part_count
        ends = np.cumsum([model.mean.size, *(pca.rank for pca in model.components)])
        self._places = [slice(a, b) for a, b in itertools.pairwise(ends)]

    def encode(self, faces: Faces) -> Codes:
        """Return faces, or their projections, and all coefficients, float32 (n, 3V + sum R_k)."""
        start = faces if self.residual else self.model.project(faces)
        coefficients = [self.model.coefficients(faces, part) for part in range(self.part_count)]
        numbers = np.concatenate(coefficients, axis=1).astype(np.float32)
        return np.concatenate([start.reshape(len(faces), -1), numbers], axis=1)

    def blend(self, sources: Codes, targets: Codes, part: int, alpha: float) -> Faces:
        """Return the sources with part `part` exchanged, (n, V, 3), mm, of what `encode` gives."""
        edited = sources[:, : self.model.mean.size].reshape(-1, *self.model.mean.shape).copy()
        if alpha == 0:
            return edited
        change = alpha * (targets - sources)[:, self._places[part]]
        support = self.model.supports[part]
        field = change.astype(np.float32) @ self.model.components[part].basis
        edited[:, support] += field.reshape(len(edited), -1, 3)
        return edited
