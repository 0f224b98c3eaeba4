"""Products of a constant sparse matrix with features of a batch of meshes, (V, batch x channels).

One product serves the whole batch, and every row of the operand is read as one run of memory.
"""

from __future__ import annotations

import warnings

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn


class CsrMatrix(nn.Module):
    """A constant sparse matrix that moves with the module that holds it; PyTorch's CSR product.

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
        self.register_buffer("crow", torch.from_numpy(csr.indptr.astype(np.int64)), False)
        self.register_buffer("col", torch.from_numpy(csr.indices.astype(np.int64)), False)
        self.register_buffer("values", torch.from_numpy(csr.data.astype(np.float64)), False)
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

        Raises
        ------
        ValueError
            If the shapes do not fit.
        """
        if x.shape[0] != self.shape[1]:
            raise ValueError(f"matrix {self.shape} cannot multiply features {tuple(x.shape)}")
        result = torch.mm(self._matrix(x), x)
        if alpha != 1.0:
            result *= alpha
        if y is not None:
            result.add_(y, alpha=beta)
        if z is not None:
            result += z
        return result

    def _matrix(self, like: Tensor) -> Tensor:
        if self._cache is None or self._cache[:2] != (like.device, like.dtype):
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
                matrix = torch.sparse_csr_tensor(
                    self.crow, self.col, self.values.to(like.dtype), self.shape,
                    check_invariants=False,
                )  # fmt: skip
            self._cache = (like.device, like.dtype, matrix)
        return self._cache[2]
