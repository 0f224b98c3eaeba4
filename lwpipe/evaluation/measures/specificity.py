"""How far a generated face is from the nearest training face."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from lwpipe.evaluation.measure import Column, Composites, OfComposites, Section, Values
from lwpipe.evaluation.measures.reconstruction import vertex_distances

if TYPE_CHECKING:
    from lwpipe.evaluation.bench import Bench


class NearestFace:
    """Exact search for the nearest face in mean distance per vertex.

    The mean over a block of vertices of the distances is at least the length of the block's mean
    displacement (Jensen), so a few hundred blocks give a lower bound on the distance to every
    training face; only faces whose bound is below the best distance found are compared in full.

    Parameters
    ----------
    vertices : float32 (N, V, 3), mm
        May be memory-mapped.
    rows : int (n,)
        The faces to search.
    template : float (V, 3), mm
        Where the vertices are about: blocks of neighbours make the bound tight.
    blocks : int
        At most so many blocks; without it one for 50 vertices, but at least 128.
    """

    def __init__(
        self,
        vertices: npt.NDArray[np.float32],
        rows: npt.NDArray[np.int64],
        template: npt.ArrayLike,
        blocks: int | None = None,
    ) -> None:
        self._vertices, self._rows = vertices, rows
        self._template = np.asarray(template, np.float64)
        blocks = max(128, len(self._template) // 50) if blocks is None else blocks
        self._order, self._starts = spatial_blocks(self._template, blocks)
        counts = np.diff(np.append(self._starts, len(self._order)))
        self._counts = counts.astype(np.float64)[:, None]
        self._share = (counts / counts.sum()).astype(np.float32)
        # Coordinates first: the distances below then run along memory.
        self._means = np.empty((3, len(rows), len(counts)), np.float32)
        for i, row in enumerate(rows):
            self._means[:, i] = self._block_means(vertices[row])
        self._slack = 32 * float(np.finfo(np.float32).eps) * float(np.abs(self._means).max())

    def distance(self, face: npt.NDArray[np.float32]) -> tuple[float, int]:
        """Return the mean distance per vertex to the nearest face, mm, and that face's row.

        Parameters
        ----------
        face : float32 (V, 3), mm
        """
        means = self._block_means(face)
        squares = np.zeros(self._means.shape[1:], np.float32)
        for axis in range(3):
            squares += np.square(self._means[axis] - means[axis])
        bounds = np.sqrt(squares, out=squares) @ self._share
        best, nearest = np.inf, -1
        for i in np.argsort(bounds, kind="stable"):
            if bounds[i] - self._slack > best:
                break
            row = int(self._rows[i])
            distance = float(vertex_distances(self._vertices[row], face).mean(dtype=np.float64))
            if distance < best:
                best, nearest = distance, row
        return best, nearest

    def distances(self, faces: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return `distance` of each of the faces (n, V, 3), float64 (n,), mm."""
        return np.array([self.distance(face)[0] for face in faces])

    def _block_means(self, face: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        moved = (face - self._template)[self._order]
        means: npt.NDArray[np.float32] = (
            (np.add.reduceat(moved, self._starts, axis=0) / self._counts).T
        ).astype(np.float32)
        return means


def spatial_blocks(
    points: npt.NDArray[np.float64], blocks: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Split points into blocks of neighbours by halving the longest side again and again.

    Parameters
    ----------
    points : float64 (V, 3)
    blocks : int
        At most so many (a power of two is filled), none empty.

    Returns
    -------
    order : int64 (V,)
        The points, block by block.
    starts : int64 (B,)
        Where each block starts in `order`.
    """
    pieces = [np.arange(len(points))]
    while 2 * len(pieces) <= min(blocks, len(points)):
        halves = []
        for piece in pieces:
            axis = int(np.ptp(points[piece], axis=0).argmax())
            ranked = piece[np.argsort(points[piece, axis], kind="stable")]
            halves += [ranked[: len(ranked) // 2], ranked[len(ranked) // 2 :]]
        pieces = halves
    starts = np.cumsum([0, *(len(piece) for piece in pieces[:-1])])
    return np.concatenate(pieces).astype(np.int64), starts.astype(np.int64)


class Specificity(OfComposites):
    """Distance of composites to the nearest training face, mm."""

    name = "specificity"
    place = 5
    columns = (Column("specificity_mm", "mean_mm", "specificity, mm", unit="mm", better="real"),)
    part_columns: ClassVar = {"specificity_mm": "mean_mm"}

    def values(self, bench: Bench, composites: Composites) -> Values:
        """Return the distance of each composite."""
        return {"mean_mm": _nearest(bench).distances(composites.faces)}

    def section(self, bench: Bench, values: Values) -> Section:
        """Return the mean."""
        return {name: found.mean() for name, found in values.items()}

    def of_real(self, bench: Bench) -> Section:
        """Return the mean of the real test faces."""
        return {"mean_mm": _nearest(bench).distances(bench.test).mean()}


def _nearest(bench: Bench) -> NearestFace:
    data = bench.data
    return bench.once("nearest", lambda: NearestFace(data.vertices, bench.train, data.template))
