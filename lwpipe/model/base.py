"""The linear base of a model: principal components that the network corrects.

With the basis B (Z, 3V, orthonormal rows) and the deviations s (Z) of the training faces,

    z = diag(1/s) B (x - mean) + enc(x),    D(p) = mean + sum_k w_k (.) (B^T diag(s) p_k) + dec(p).

The base is fixed. Where enc and dec begin at zero and every P_k at 1, the model begins as the PCA,
and the exchange of a part as the blend of vertices by the local weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from jaxtyping import Float

Floats = npt.NDArray[np.float32]

_BLOCK = 2**19


@dataclass(frozen=True)
class Components:
    """Principal components of the training faces.

    Attributes
    ----------
    basis : float32 (Z, 3V), orthonormal rows
    deviation : float32 (Z,), mm
        Standard deviation of the faces along each row.
    """

    basis: Floats
    deviation: Floats

    @classmethod
    def padded(cls, basis: npt.ArrayLike, deviation: npt.ArrayLike, size: int) -> Components:
        """Return components of `size` rows; where there are fewer, the others do nothing."""
        rows = np.asarray(basis, np.float32)[:size]
        whole = np.zeros((size, rows.shape[1]), np.float32)
        whole[: len(rows)] = rows
        ones = np.ones(size, np.float32)
        ones[: len(rows)] = np.asarray(deviation, np.float32)[:size]
        return cls(whole, ones)


class LinearBase(nn.Module):
    """The base of a network, on standardised coordinates. It learns nothing.

    The basis is read once a pass, however many parts there are: with few faces a pass, reading it
    is what takes the time.

    Parameters
    ----------
    components : Components
    weights : float32 (V, K)
        How much of each part's base each vertex gets; rows sum to 1.
    scale : float32 (1, 1) or (V, 1), mm
        Millimetres of a standardised unit.
    """

    basis: Tensor
    deviation: Tensor
    shares: Tensor
    scale: Tensor

    def __init__(self, components: Components, weights: Floats, scale: Floats) -> None:
        super().__init__()
        # A number for each coordinate, or one for all.
        scales = np.repeat(scale.reshape(-1), 3) if scale.size > 1 else scale.reshape(-1)
        buffers = {
            "basis": components.basis,
            "deviation": components.deviation,
            "shares": np.repeat(weights.T, 3, axis=1),
            "scale": scales,
        }
        for name, array in buffers.items():
            tensor = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
            self.register_buffer(name, tensor, persistent=False)

    def encode(self, x: Float[Tensor, "batch V 3"]) -> Float[Tensor, "batch Z"]:
        """Return the components of standardised faces, in their deviations."""
        with _in_full(x):
            flat = x.float().flatten(1)
            if self.scale.numel() > 1:
                flat = flat * self.scale
                return nn.functional.linear(flat, self.basis) / self.deviation
            z = nn.functional.linear(flat, self.basis)
            return z * (self.scale / self.deviation)

    def decode(self, parts: Float[Tensor, "batch K Z"]) -> Float[Tensor, "batch V 3"]:
        """Return sum_k w_k (.) B^T diag(s) p_k, standardised."""
        with _in_full(parts):
            codes = parts.float() * self.deviation
            mixed: Tensor = _Mixed.apply(  # type: ignore[no-untyped-call]
                codes, self.basis, self.shares
            )
            faces: Tensor = (mixed / self.scale).unflatten(1, (-1, 3))
            return faces


class _Mixed(torch.autograd.Function):
    """sum_k w_k (.) B^T p_k, block by block: what the parts make of all vertices is never held."""

    @staticmethod
    def forward(ctx: Any, codes: Tensor, basis: Tensor, shares: Tensor) -> Tensor:
        """Mix what the codes (batch, K, Z) make of the basis (Z, N) by the shares (K, N)."""
        ctx.save_for_backward(basis, shares)
        flat = codes.flatten(0, 1)
        mixed = codes.new_empty(len(codes), basis.shape[1])
        for block in _blocks(flat, basis):
            made = (flat @ basis[:, block]).unflatten(0, codes.shape[:2])
            out = torch.mul(made[:, 0], shares[0, block], out=mixed[:, block])
            for part in range(1, len(shares)):
                out.addcmul_(made[:, part], shares[part, block])
        return mixed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """Return the gradient of the codes; the basis and the shares are fixed."""
        basis, shares = ctx.saved_tensors
        (gradient,) = gradients
        rows = len(gradient), len(shares)
        total = gradient.new_zeros(rows[0] * rows[1], len(basis))
        for block in _blocks(total, basis):
            each = gradient[:, None, block] * shares[:, block]
            total.addmm_(each.flatten(0, 1), basis[:, block].T)
        return total.unflatten(0, rows), None, None


def _blocks(rows: Tensor, basis: Tensor) -> Iterator[slice]:
    """Cut the columns of the basis so that what the rows make of one stays in a CPU's cache."""
    count = basis.shape[1]
    step = count if rows.is_cuda else max(2048, _BLOCK // len(rows))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def _in_full(x: Tensor) -> torch.autocast:
    """Compute in single precision: a hundredth of a deviation is what the network is to correct."""
    return torch.autocast(x.device.type, enabled=False)
