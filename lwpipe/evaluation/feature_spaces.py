"""The spaces in which faces are compared with real ones.

Vertices show gross faults and components faults of proportion; Laplacian coordinates and edges show
seams and noise, which the eye finds first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from lwpipe.data.store import Dataset
from lwpipe.editing import Pca
from lwpipe.evaluation.measure import Faces
from lwpipe.mesh.topology import adjacency, edges

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

COMPONENTS = 100
# A feature that hardly varies counts as if its deviation were this share of their root mean square:
# what rounding does to a coordinate that is the same in all faces is no difference.
FLOOR = 0.01
# So many vertices or edges are worked on at a time, and so many training faces.
_PIECE, _BATCH = 4096, 64


class FeatureSpace(ABC):
    """A space of features of faces.

    Attributes
    ----------
    name : of the space
    """

    name: ClassVar[str]

    @abstractmethod
    def restricted(self, region: Bools) -> Self:
        """Return the space of the features within some vertices, bool (V,)."""

    @abstractmethod
    def blocks(self, faces: Faces) -> Iterator[npt.NDArray[Any]]:
        """Yield the features of faces (n, V, 3), mm, some columns at a time, float (n, d_i)."""


@dataclass(frozen=True)
class Vertices(FeatureSpace):
    """Coordinates, mm.

    Attributes
    ----------
    chosen : int64 (m,), the vertices
    """

    name = "vertices"
    chosen: Ints

    def restricted(self, region: Bools) -> Self:
        """Keep the vertices of the region."""
        return replace(self, chosen=self.chosen[region[self.chosen]])

    def blocks(self, faces: Faces) -> Iterator[npt.NDArray[Any]]:
        """Yield coordinates."""
        for piece in _pieces(len(self.chosen)):
            yield faces[:, self.chosen[piece]].reshape(len(faces), -1)


@dataclass(frozen=True)
class Components(FeatureSpace):
    """The first principal components of the training faces, each divided by its deviation.

    Attributes
    ----------
    data : Dataset
    chosen : int64 (m,), the vertices
    pca : of them
    """

    name = "components"
    data: Dataset
    chosen: Ints
    pca: Pca

    @classmethod
    def fit(cls, data: Dataset, chosen: Ints) -> Self:
        """Fit the components of some vertices."""
        vertices = data.vertices
        if len(chosen) < vertices.shape[1]:
            vertices = vertices[:, chosen]
        return cls(data, chosen, Pca.fit(vertices, data.indices("train"), COMPONENTS))

    def restricted(self, region: Bools) -> Self:
        """Fit anew, in the region."""
        return self.fit(self.data, self.chosen[region[self.chosen]])

    def blocks(self, faces: Faces) -> Iterator[npt.NDArray[Any]]:
        """Yield whitened coefficients."""
        yield self.pca.coefficients(faces[:, self.chosen]) / self.pca.deviation


@dataclass(frozen=True)
class Laplacian(FeatureSpace):
    """Differences of vertices from the mean of their neighbours, standardised.

    Attributes
    ----------
    rows : sparse (m, V), I - D^-1 A at the chosen vertices
    chosen : int64 (m,), the vertices
    mean, deviation : float64 (m, 3), mm, of the training faces
    """

    name = "laplacian"
    rows: sp.csr_matrix
    chosen: Ints
    mean: Floats
    deviation: Floats

    @classmethod
    def fit(cls, data: Dataset) -> Self:
        """Standardise by the training faces."""
        count = data.vertices.shape[1]
        graph = adjacency(data.triangles, count)
        neighbours = np.maximum(np.asarray(graph.sum(axis=1)).reshape(-1), 1.0)
        rows = sp.csr_matrix(sp.identity(count) - sp.diags(1 / neighbours) @ graph)
        mean, deviation = _moments(data, lambda faces: _differences(rows, faces))
        return cls(rows, np.arange(count), mean, deviation)

    def restricted(self, region: Bools) -> Self:
        """Keep the vertices of the region, whose neighbours may be beyond."""
        kept = np.flatnonzero(region[self.chosen])
        return replace(
            self, rows=self.rows[kept], chosen=self.chosen[kept], mean=self.mean[kept],
            deviation=self.deviation[kept],
        )  # fmt: skip

    def blocks(self, faces: Faces) -> Iterator[npt.NDArray[Any]]:
        """Yield standardised differences."""
        for piece in _pieces(len(self.chosen)):
            away = _differences(self.rows[piece], faces) - self.mean[piece]
            yield (away / self.deviation[piece]).reshape(len(faces), -1)


@dataclass(frozen=True)
class Edges(FeatureSpace):
    """Lengths of edges, standardised.

    Attributes
    ----------
    pairs : int64 (m, 2), their ends
    mean, deviation : float64 (m,), mm, of the training faces
    """

    name = "edges"
    pairs: Ints
    mean: Floats
    deviation: Floats

    @classmethod
    def fit(cls, data: Dataset) -> Self:
        """Standardise by the training faces."""
        pairs = edges(data.triangles)
        return cls(pairs, *_moments(data, lambda faces: _lengths(pairs, faces)))

    def restricted(self, region: Bools) -> Self:
        """Keep the edges with both ends in the region."""
        kept = region[self.pairs].all(axis=1)
        return replace(
            self, pairs=self.pairs[kept], mean=self.mean[kept], deviation=self.deviation[kept]
        )

    def blocks(self, faces: Faces) -> Iterator[npt.NDArray[Any]]:
        """Yield standardised lengths."""
        for piece in _pieces(len(self.pairs)):
            away = _lengths(self.pairs[piece], faces) - self.mean[piece]
            yield away / self.deviation[piece]


SPACES = (Vertices.name, Components.name, Laplacian.name, Edges.name)


def fit_spaces(data: Dataset) -> list[FeatureSpace]:
    """Return the four spaces of whole faces, whose yardsticks are the training faces."""
    every = np.arange(data.vertices.shape[1])
    return [Vertices(every), Components.fit(data, every), Laplacian.fit(data), Edges.fit(data)]


def border(weights: npt.ArrayLike, part: int, triangles: Ints) -> Bools:
    """Return the vertices along the border of a part, bool (V,).

    They have 0.1 < w_k < 0.9, or are the ends of an edge that leads from vertices whose largest
    weight is w_k to others: so a part that is cut out sharply has a border too.

    Parameters
    ----------
    weights : float (V, K)
    part : k
    triangles : int (F, 3)
    """
    weights = np.asarray(weights)
    band: Bools = (weights[:, part] > 0.1) & (weights[:, part] < 0.9)
    owned = weights.argmax(axis=1) == part
    pairs = edges(triangles)
    band[pairs[owned[pairs[:, 0]] != owned[pairs[:, 1]]]] = True
    return band


def _pieces(count: int) -> Iterator[slice]:
    for start in range(0, count, _PIECE):
        yield slice(start, min(start + _PIECE, count))


def _differences(rows: sp.csr_matrix, faces: Faces) -> Floats:
    """Return the products of sparse (m, V) with faces, float64 (n, m, 3)."""
    used, columns = np.unique(rows.indices, return_inverse=True)
    small = sp.csr_matrix((rows.data, columns, rows.indptr), shape=(rows.shape[0], len(used)))
    points = faces[:, used].transpose(1, 0, 2).reshape(len(used), -1).astype(np.float64)
    product = np.asarray(small @ points).reshape(-1, len(faces), 3)
    return np.ascontiguousarray(product.transpose(1, 0, 2))


def _lengths(pairs: Ints, faces: Faces) -> Floats:
    """Return the lengths of edges, float64 (n, m), mm."""
    used, ends = np.unique(pairs, return_inverse=True)
    ends = ends.reshape(pairs.shape)
    points = np.ascontiguousarray(faces[:, used].transpose(1, 2, 0))
    away = points[ends[:, 0]] - points[ends[:, 1]]
    return np.asarray(np.sqrt((away**2).sum(axis=1)).T, np.float64)


def _moments(data: Dataset, features: Callable[[Faces], Floats]) -> tuple[Floats, Floats]:
    """Return mean and deviation, at least the floor, of features of the training faces."""
    train = data.indices("train")
    # About the template sums of squares are small, and exact.
    centre = features(data.template[None].astype(np.float32))[0]
    total, squares = np.zeros_like(centre), np.zeros_like(centre)
    for start in range(0, len(train), _BATCH):
        away = features(np.asarray(data.vertices[train[start : start + _BATCH]])) - centre
        total += away.sum(axis=0)
        squares += (away**2).sum(axis=0)
    mean = total / len(train)
    deviation = np.sqrt(np.maximum(squares / len(train) - mean**2, 0.0))
    floor = FLOOR * float(np.sqrt(np.mean(deviation**2)))
    return centre + mean, np.maximum(deviation, floor or 1.0)
