"""The products of sparse NMF with the data, V H^T and W^T V, in one reading of the data.

Between its two products a block of V stays in the cache. On the CPU the products are compiled
(`kernels`); elsewhere, or without numba, they are PyTorch's. Data in single precision are
multiplied and summed in double precision.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lwpipe.local_weights import kernels
from lwpipe.local_weights.nnls import Nnls

# Bytes of V that PyTorch multiplies at a time, far below the memory.
_BLOCK = {"cpu": 1 << 22, "cuda": 1 << 28}
# Parts of V with sums of their own. It does not depend on the number of threads, so that neither
# do the rounding errors.
_CHUNKS = 16


class Sweep:
    """Data V, (V, n), that can be read block by block; threads on the CPU live in its context.

    Parameters
    ----------
    V : float32 or float64 (V, n), contiguous
        Not copied if the device is the CPU.
    device : where to compute
    """

    def __init__(self, V: npt.NDArray[np.floating[Any]], device: torch.device) -> None:
        with warnings.catch_warnings():  # V is read only, and so may be an array that it is from
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            self.V = torch.from_numpy(V).to(device)
        self.device = device
        self._compiled = kernels.COMPILED and device.type == "cpu"
        self._rows = max(4, _BLOCK[device.type] // (V.shape[1] * V.itemsize))
        count = min(len(V), _CHUNKS) if device.type == "cpu" else 1
        edges = [len(V) * index // count for index in range(count + 1)]
        self._chunks = [slice(first, last) for first, last in pairwise(edges)]
        self._threads = torch.get_num_threads()

    def __enter__(self) -> Self:
        """Start the threads; PyTorch itself uses one until the end."""
        workers = min(self._threads, len(self._chunks))
        torch.set_num_threads(1)
        self._pool = ThreadPoolExecutor(workers, "snmf", torch.set_num_threads, (1,))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)
        torch.set_num_threads(self._threads)

    def norm_squared(self) -> float:
        """Return ||V||_F^2."""

        def share(chunk: slice) -> float:
            flat = (self.V[rows].flatten().double() for rows in self._blocks(chunk))
            return sum(float(torch.dot(values, values)) for values in flat)

        return sum(self._pool.map(share, self._chunks))

    def product(self, W: Tensor) -> Tensor:
        """Return W^T V, (K, n), of a transposed W, (K, V)."""
        return self._sum(lambda chunk: self._multiply(chunk, lambda rows: W[:, rows].contiguous()))

    def update(self, H: Tensor, problem: Nnls, sets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Solve for W and return it transposed with H V^T, both (K, V), and W^T V, (K, n).

        Parameters
        ----------
        H : (K, n)
        problem : with the Gram matrix of H and of the penalty of W
        sets : int64 (V,)
            The passive sets of the last W; they become those of the new one.
        """
        W = H.new_empty(len(H), len(sets))
        product = torch.empty_like(W)

        def solve(rows: slice) -> Tensor:
            product[:, rows] = part = self._project(H, rows)
            W[:, rows], sets[rows] = solved = problem.solve(part, sets[rows])
            return solved[0]

        def compiled(chunk: slice, matrices: tuple[Any, ...]) -> Tensor:
            share = torch.zeros_like(H)
            resists = kernels.update(
                self.V.numpy(), H.numpy(), *matrices, chunk.start, chunk.stop,
                W.numpy(), product.numpy(), sets.numpy(), share.numpy(),
            )  # fmt: skip
            rest = torch.from_numpy(resists.nonzero()[0] + chunk.start)
            if len(rest):
                found, sets[rest] = problem.search(product[:, rest], sets[rest])
                share.addmm_(found - W[:, rest], self.V[rest].double())
                W[:, rest] = found
            return share

        if self._compiled and problem.compiled is not None:
            matrices = problem.compiled
            return W, product, self._sum(lambda chunk: compiled(chunk, matrices))
        return W, product, self._sum(lambda chunk: self._multiply(chunk, solve))

    def _blocks(self, chunk: slice) -> list[slice]:
        starts = range(chunk.start, chunk.stop, self._rows)
        return [slice(start, min(start + self._rows, chunk.stop)) for start in starts]

    def _project(self, H: Tensor, rows: slice) -> Tensor:
        """Return H V^T for some vertices, float64 (K, rows)."""
        block = self.V[rows]
        if not self._compiled:
            return H @ block.double().T
        out = torch.empty(len(H), len(block), dtype=torch.float64)
        kernels.project(block.numpy(), H.numpy(), out.numpy())
        return out

    def _multiply(self, chunk: slice, make: Callable[[slice], Tensor]) -> Tensor:
        """Return X V for a chunk, (K, n), `make` giving the columns of X a block of vertices.

        What `make` has read of the block is still in the cache.
        """
        total: Tensor | None = None
        for rows in self._blocks(chunk):
            X = make(rows)
            if total is None:
                total = X.new_zeros(len(X), self.V.shape[1])
            if self._compiled:
                kernels.accumulate(self.V[rows].numpy(), X.numpy(), total.numpy())
            else:
                total.addmm_(X, self.V[rows].double())
        assert total is not None  # noqa: S101 - a chunk has a vertex at least
        return total

    def _sum(self, share: Callable[[slice], Tensor]) -> Tensor:
        """Return the sum over the chunks, in their order: it does not depend on the threads."""
        total, *others = self._pool.map(share, self._chunks)
        for other in others:
            total += other
        return total
