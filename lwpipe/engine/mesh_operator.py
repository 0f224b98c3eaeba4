"""The matrices of a layer as the compiled sweeps want them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.csgraph import reverse_cuthill_mckee

Array = npt.NDArray[Any]
# First block, end block, first row, end row, first coarse row: what the sweeps call `span`.
Span = tuple[int, int, int, int, int]
# Rows of a block are at least so many, where the mesh would allow fewer.
_SMALLEST_BLOCK = 128


def bandwidth(matrix: sp.csr_matrix) -> int:
    """Return the largest distance between the numbers of two neighbours."""
    entries = sp.coo_matrix(matrix)
    return int(np.abs(entries.row - entries.col).max()) if entries.nnz else 0


def _triples(matrix: sp.csr_matrix, dtype: npt.DTypeLike) -> tuple[Array, Array, Array]:
    """Return (starts, columns, values) with rows padded to multiples of three entries."""
    matrix = sp.csr_matrix(matrix)
    matrix.sort_indices()
    counts = np.diff(matrix.indptr)
    starts = np.concatenate([[0], np.cumsum(-(-counts // 3))])
    # Each entry's place: three times the triples before its row, then one after the other.
    within = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], counts)
    place = 3 * np.repeat(starts[:-1], counts) + within
    # A padded entry is a zero in the column of its row's first entry, which is read anyway.
    used = counts > 0
    columns = np.repeat(matrix.indices[matrix.indptr[:-1][used]], 3 * np.diff(starts)[used])
    values = np.zeros(len(columns), dtype)
    columns[place], values[place] = matrix.indices, matrix.data
    return starts.astype(np.int32), columns.astype(np.int32), values


def local_order(laplacian: sp.csr_matrix) -> npt.NDArray[np.int64]:
    """Return an order of the vertices in which neighbours are near each other.

    Reverse Cuthill-McKee (1969), unless the vertices already stand closer as they are.
    """
    order = np.asarray(reverse_cuthill_mckee(sp.csr_matrix(laplacian), symmetric_mode=True))
    if bandwidth(laplacian[order][:, order]) < bandwidth(laplacian):
        return order.astype(np.int64)
    return np.arange(laplacian.shape[0], dtype=np.int64)


@dataclass
class MeshOperator:
    """What a layer needs of its meshes.

    Attributes
    ----------
    laplacian : L~ of the fine mesh, (V, V)
    select : R, (V', V); None for the identity
    order : int64 (V,), optional
        The vertices of a mesh of coordinates in the order of the rows of `laplacian`.
    """

    laplacian: sp.csr_matrix
    select: sp.csr_matrix | None = None
    order: npt.NDArray[np.int64] | None = None
    _arguments: dict[Any, tuple[Any, ...]] = field(default_factory=dict, repr=False)
    _spans: dict[tuple[int, int], list[Span]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._block = max(bandwidth(self.laplacian), _SMALLEST_BLOCK)
        # The vertices of a mesh of coordinates in the order of the rows.
        self.rows = np.arange(self.fine) if self.order is None else self.order

    @property
    def fine(self) -> int:
        """Vertices V of the fine mesh."""
        return int(self.laplacian.shape[0])

    @property
    def coarse(self) -> int:
        """Vertices V' of the coarse mesh."""
        return self.fine if self.select is None else int(self.select.shape[0])

    def spans(self, count: int, terms: int) -> list[Span]:
        """Cut the fine mesh into `count` runs of rows that can be computed on their own.

        What a row needs lies within `terms - 1` blocks of it, so that each run computes so many
        blocks more on either side; short meshes are not cut.

        Returns
        -------
        list of (first block, end block, first row, end row, first coarse row), for the sweeps
        """
        if (count, terms) not in self._spans:
            self._spans[count, terms] = self._cut(count, terms - 1)
        return self._spans[count, terms]

    def _cut(self, count: int, halo: int) -> list[Span]:
        block = self._block
        blocks = -(-self.fine // block)
        if count < 2 or blocks < 4 * halo * count:
            return [(0, blocks, 0, self.fine, 0)]
        lowest = np.arange(self.fine)
        if self.select is not None:
            entries = sp.coo_matrix(self.select)
            lowest = np.full(self.fine, self.coarse)
            np.minimum.at(lowest, entries.col, entries.row)
        lowest = np.minimum.accumulate(lowest[::-1])[::-1]
        spans = []
        for i in range(count):
            start, stop = blocks * i // count, blocks * (i + 1) // count
            first = max(0, start - halo)
            reads = int(min(lowest[first * block], self.coarse))
            spans.append(
                (
                    first,
                    min(blocks, stop + halo),
                    start * block,
                    min(stop * block, self.fine),
                    reads,
                )
            )
        return spans

    def arguments(self, dtype: npt.DTypeLike) -> tuple[Any, ...]:
        """Return what the sweeps call `mesh`."""
        key = np.dtype(dtype)
        if key not in self._arguments:
            block = self._block
            ends = np.minimum(np.arange(block, self.fine + block, block), self.fine)
            opened, complete = ends, ends
            inject = (np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, key))
            if self.select is not None:
                entries = sp.coo_matrix(self.select)
                inject = _triples(sp.csr_matrix(self.select.T), key)
                # Coarse rows that the blocks so far have reached, and those that no later one will.
                highest = np.full(self.fine, -1)
                np.maximum.at(highest, entries.col, entries.row)
                opened = np.maximum.accumulate(highest)[ends - 1] + 1
                opened[-1] = self.coarse
                latest = np.full(self.coarse, -1)
                np.maximum.at(latest, entries.row, entries.col)
                complete = np.searchsorted(np.maximum.accumulate(latest), ends, side="left")
            self._arguments[key] = (
                _triples(self.laplacian, key),
                _triples(2 * self.laplacian, key),
                inject,
                opened.astype(np.int64),
                complete.astype(np.int64),
                self.fine,
                self.coarse,
                block,
            )
        return self._arguments[key]
