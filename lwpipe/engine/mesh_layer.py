"""One layer of the mesh convolution as calls of the compiled sweeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lwpipe.engine import sweeps
from lwpipe.engine.mesh_operator import MeshOperator, Span
from lwpipe.engine.simd import LANES
from lwpipe.engine.threads import Threads

Array = npt.NDArray[Any]
threads = Threads()
_EMPTY: dict[Any, Array] = {np.dtype(d): np.empty(0, d) for d in (np.float32, np.float64)}


def flat(tensor: Tensor) -> Array:
    """Return the numbers of a contiguous tensor, shared."""
    array: Array = tensor.detach().numpy().reshape(-1)
    return array


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
        out: Array,
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
        out : all coarse features
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
            (self.by_coarse, self.channels, out, start, bias, code),
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
