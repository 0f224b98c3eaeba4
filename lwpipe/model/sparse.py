"""Products of a sparse matrix with features of a batch of meshes.

Features are kept as [V, batch x channels]: one product serves the whole batch, and every row of
the operand is read as one contiguous run of memory. On the CPU a fused numba kernel computes
`alpha A x + y + z` in one pass; elsewhere, or without numba, PyTorch's own CSR product is used.
"""

from __future__ import annotations

import warnings
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor, nn

try:
    import numba
except ImportError:  # pragma: no cover - numba is a dependency, yet not on every platform
    numba = None  # type: ignore[assignment]


def _fused(  # type: ignore[no-untyped-def]  # compiled by numba, which reads no annotations
    indptr, indices, values, x, alpha, y, beta, z, out
):
    columns = x.shape[1]
    with_y = y.shape[0] > 0
    with_z = z.shape[0] > 0
    for row in numba.prange(indptr.shape[0] - 1):
        target = out[row]
        if with_y and with_z:
            for c in range(columns):
                target[c] = beta * y[row, c] + z[row, c]
        elif with_y:
            for c in range(columns):
                target[c] = beta * y[row, c]
        elif with_z:
            for c in range(columns):
                target[c] = z[row, c]
        else:
            for c in range(columns):
                target[c] = 0
        entry = indptr[row]
        end = indptr[row + 1]
        # Three neighbours a sweep: fewer loads and stores of the row that is summed up.
        while entry + 3 <= end:
            a = alpha * values[entry]
            b = alpha * values[entry + 1]
            d = alpha * values[entry + 2]
            p = x[indices[entry]]
            q = x[indices[entry + 1]]
            r = x[indices[entry + 2]]
            for c in range(columns):
                target[c] += a * p[c] + b * q[c] + d * r[c]
            entry += 3
        while entry < end:
            a = alpha * values[entry]
            p = x[indices[entry]]
            for c in range(columns):
                target[c] += a * p[c]
            entry += 1


_fused_kernel = (
    None if numba is None else numba.njit(parallel=True, fastmath=True, cache=True)(_fused)
)
_EMPTY: dict[torch.dtype, npt.NDArray[Any]] = {
    torch.float32: np.empty((0, 0), np.float32),
    torch.float64: np.empty((0, 0), np.float64),
}


class SparseMatrix(nn.Module):
    """A constant sparse matrix in CSR form that moves with the module that holds it.

    Parameters
    ----------
    matrix : scipy sparse, (rows, columns)
    """

    crow: Tensor
    col: Tensor
    values: Tensor

    def __init__(self, matrix: sp.csr_matrix) -> None:
        super().__init__()
        csr = sp.csr_matrix(matrix)
        csr.sort_indices()
        self.shape: tuple[int, int] = csr.shape
        for name, array in (
            ("crow", csr.indptr.astype(np.int32)),
            ("col", csr.indices.astype(np.int32)),
            ("values", csr.data.astype(np.float32)),
        ):
            self.register_buffer(name, torch.from_numpy(array), persistent=False)
        self._cache: tuple[torch.device, torch.dtype, Tensor] | None = None

    def product(
        self,
        x: Tensor,
        alpha: float = 1.0,
        y: Tensor | None = None,
        beta: float = 1.0,
        z: Tensor | None = None,
    ) -> Tensor:
        """Return `alpha A x + beta y + z`.

        Parameters
        ----------
        x : (columns, n)
        y, z : (rows, n), optional
        """
        if x.shape[0] != self.shape[1]:
            raise ValueError(f"matrix {self.shape} cannot multiply features {tuple(x.shape)}")
        if _fused_kernel is not None and x.device.type == "cpu" and x.dtype in _EMPTY:
            return self._numba(x, alpha, y, beta, z)
        result = torch.mm(self._torch_csr(x), x)
        if alpha != 1.0:
            result *= alpha
        if y is not None:
            result.add_(y, alpha=beta)
        if z is not None:
            result += z
        return result

    def _numba(
        self, x: Tensor, alpha: float, y: Tensor | None, beta: float, z: Tensor | None
    ) -> Tensor:
        out = torch.empty((self.shape[0], x.shape[1]), dtype=x.dtype)
        empty = _EMPTY[x.dtype]
        number = empty.dtype.type

        def array(tensor: Tensor | None) -> npt.NDArray[Any]:
            return empty if tensor is None else tensor.detach().contiguous().numpy()

        available = int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
        numba.set_num_threads(min(torch.get_num_threads(), available))
        cast(Any, _fused_kernel)(
            self.crow.numpy(), self.col.numpy(), self.values.to(x.dtype).numpy(), array(x),
            number(alpha), array(y), number(beta), array(z), out.numpy(),
        )  # fmt: skip
        return out

    def _torch_csr(self, like: Tensor) -> Tensor:
        if self._cache is None or self._cache[:2] != (like.device, like.dtype):
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
                matrix = torch.sparse_csr_tensor(
                    self.crow, self.col, self.values.to(like.dtype), self.shape,
                    check_invariants=False,
                )  # fmt: skip
            self._cache = (like.device, like.dtype, matrix)
        return self._cache[2]


class _Multiply(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, matrix: SparseMatrix, transpose: SparseMatrix) -> Tensor:
        ctx.transpose = transpose
        return matrix.product(x)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return ctx.transpose.product(grad), None, None


class Upsample(nn.Module):
    """Multiply features by the pyramid's U, [V_coarse, n] -> [V_fine, n]."""

    def __init__(self, matrix: sp.csr_matrix) -> None:
        super().__init__()
        self.matrix = SparseMatrix(matrix)
        self.transpose = SparseMatrix(sp.csr_matrix(matrix.T))

    def forward(self, x: Tensor) -> Tensor:
        """Interpolate features of shape (V_coarse, n) to (V_fine, n)."""
        return cast(Tensor, _Multiply.apply(x, self.matrix, self.transpose))  # type: ignore[no-untyped-call]
