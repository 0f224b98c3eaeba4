"""One layer of the mesh convolution as calls of the compiled sweeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor

from lwpipe.model.backends import sweeps
from lwpipe.model.backends.simd import LANES
from lwpipe.model.backends.threads import Threads

Array = npt.NDArray[Any]
# First block, end block, first row, end row, first coarse row: what the sweeps call `span`.
Span = tuple[int, int, int, int, int]
threads = Threads()
# Rows of a block are at least so many, where the mesh would allow fewer.
_SMALLEST_BLOCK = 128
_EMPTY: dict[Any, Array] = {np.dtype(d): np.empty(0, d) for d in (np.float32, np.float64)}


def flat(tensor: Tensor) -> Array:
    """Return the numbers of a contiguous tensor, shared."""
    array: Array = tensor.detach().numpy().reshape(-1)
    return array


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


class Layer:
    """One call of a layer: sizes, weights laid out for the sweeps, and groups of meshes.

    Parameters
    ----------
    operator : MeshOperator
    weight : (K, S, C)
        S channels on the fine mesh, C on the coarse one.
    batch : number of meshes
    size : meshes of a group, where S is small; by default what suits the number of threads
    """

    def __init__(
        self, operator: MeshOperator, weight: Tensor, batch: int, size: int | None = None
    ) -> None:
        self.operator, self.batch = operator, batch
        self.terms, self.side, self.channels = weight.shape
        self.narrow = self.side < LANES
        self.size = self._group_size() if size is None else size
        self.width = -(-self.size * self.side // LANES) * LANES
        weight = weight.detach()
        self.dtype = weight.numpy().dtype
        self.empty: Array = _EMPTY[self.dtype]
        # For analysis the channels C stand in the lanes, for synthesis the channels S.
        self.by_coarse = flat(weight.contiguous())
        self.columns = 0
        if self.narrow:
            columns = self.terms * self.side
            self.columns = -(-(columns - self.side + LANES) // LANES) * LANES
            beside = weight.permute(2, 0, 1).reshape(self.channels, columns)
            beside = torch.nn.functional.pad(beside, (0, self.columns - columns))
            self.by_side = flat(beside.contiguous())
        else:
            self.by_side = flat(weight.transpose(1, 2).contiguous())
        self.groups = [
            (first, min(self.size, batch - first)) for first in range(0, batch, self.size)
        ]
        self.mesh = operator.arguments(self.dtype)
        self.fine, self.coarse = operator.fine, operator.coarse
        self.fine_size, self.coarse_size = self.fine * self.side, self.coarse * self.channels
        self.terms_size = self.terms * self.coarse * self.width
        # Rows of the weight's gradient, (k, s), rounded up to what the loop does at once.
        self.slopes = -(-self.terms * self.side // 8) * 8
        self._places: dict[int, npt.NDArray[np.int64]] = {}

    def _group_size(self) -> int:
        """Return how many meshes share a row, so that all threads have equally many groups."""
        room = 2 * LANES // self.side
        if self.narrow and self.batch <= LANES // self.side * torch.get_num_threads():
            room = LANES // self.side
        cores = torch.get_num_threads()
        groups = -(-self.batch // max(room, 1))
        groups = min(self.batch, -(-groups // cores) * cores)
        return -(-self.batch // groups)

    def memory(self, slot: int, name: str, size: int) -> Array:
        """Return memory that a thread may overwrite."""
        return threads.memory(slot, name, size, self.dtype)

    def _offsets(self, meshes: int) -> npt.NDArray[np.int64]:
        """Return where t_k(v)[s] of each mesh lies from the start of row v of t_0."""
        if meshes not in self._places:
            self._places[meshes] = self._compute_offsets(meshes)
        return self._places[meshes]

    def _compute_offsets(self, meshes: int) -> npt.NDArray[np.int64]:
        places = self.coarse * self.width * np.arange(self.terms)[:, None] + np.arange(self.side)
        offsets = np.zeros((meshes, self.slopes), dtype=np.int64)
        offsets[:, : places.size] = places.ravel()
        offsets[:, : places.size] += self.side * np.arange(meshes)[:, None]
        return offsets.reshape(-1)

    def analyse(
        self,
        slot: int,
        group: int,
        fine: tuple[Array, int],
        terms: tuple[Array, int],
        out: Array | None,
        bias: Array,
        code: int,
        coarse: Array | None = None,
        slopes: Array | None = None,
    ) -> None:
        """Sweep a group from fine to coarse.

        Parameters
        ----------
        fine : features and where the group's start
        terms : where t goes
        out : all coarse features, or None to leave channels unmixed
        coarse, slopes : with both, the weight's gradient is written to slopes, (batch, rows, C)
        """
        first, meshes = self.groups[group]
        start = first * self.coarse_size
        gradient = (self.empty, 0, np.empty(0, np.int64), 0, self.empty, 0)
        if coarse is not None and slopes is not None:
            row = self.slopes * self.channels
            slopes[first * row : (first + meshes) * row] = 0
            gradient = (coarse, start, self._offsets(meshes), self.slopes, slopes, first * row)
        sweeps.analyse(
            self.mesh,
            (*fine, self.operator.rows, self.side, meshes),
            (*terms, self.terms, self.width),
            (self.by_coarse, 0 if out is None else self.channels,
             self.empty if out is None else out, start, bias, code),
            gradient,
            self.memory(slot, "work", 2 * self.fine * self.width),
        )  # fmt: skip

    def synthesise(
        self,
        slot: int,
        group: int,
        coarse: tuple[Array, int],
        out: Array,
        bias: Array,
        code: int,
        span: Span | None = None,
    ) -> None:
        """Sweep a group, or a span of its rows, from coarse features to all fine ones in `out`."""
        first, meshes = self.groups[group]
        sweeps.synthesise(
            self.mesh,
            self.operator.spans(1, self.terms)[0] if span is None else span,
            (*coarse, self.channels),
            (self.by_side, self.columns, self.terms, bias, code),
            (out, first * self.fine_size, self.operator.rows, self.side, meshes, self.width),
            self.memory(slot, "work", 2 * self.fine * self.width),
            self.memory(slot, "mixed", self.terms * (self.coarse + 1) * self.width),
            self.memory(slot, "rows", 32 * meshes * self.columns),
        )  # fmt: skip

    def weight_gradient(
        self, group: int, terms: tuple[Array, int], coarse: tuple[Array, int], slopes: Array
    ) -> None:
        """Write sum_v t_k(v)^T coarse(v) of each mesh of a group to slopes, (batch, rows, C)."""
        first, meshes = self.groups[group]
        row = self.slopes * self.channels
        slopes[first * row : (first + meshes) * row] = 0
        sweeps.weight_gradient(
            (*terms, self.width), self.coarse, self.channels, self._offsets(meshes), self.slopes,
            meshes, *coarse, slopes, first * row,
        )  # fmt: skip

    def sum_gradient(self, slopes: Tensor) -> Tensor:
        """Sum (batch, rows, C) over the meshes to (K, S, C)."""
        total = slopes.sum(0)[: self.terms * self.side]
        return total.view(self.terms, self.side, self.channels)
