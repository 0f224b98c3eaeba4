"""The linear base of a model: principal components that the network corrects.

With the basis B (Z, CV, orthonormal rows) and the deviations s (Z) of the training faces,

    z = diag(1/s) B (x - mean) + enc(x),    D(p) = mean + sum_k w_k (.) (B^T diag(s) p_k) + dec(p).

The base is fixed. enc and dec begin at zero and every P_k at 1, so that the model begins as the
PCA, and the exchange of a part as the blend of vertices by the local weights. What the network adds
is measured in what the components leave: with their residual r (root mean square of a coordinate),
dec is multiplied by r, and enc and P_k - 1 by r over what a deviation moves a coordinate, but at
most by 1. Steps of the optimiser are then as large for the base's small error as they are for the
whole shape of a face without one.

Where the base has a regression of the further components on the first (`lwpipe.model.kernel`),
these are added to each part's: D(p) = mean + sum_k w_k (.) (B^T diag(s) p_k + C^T f(p_k)) + dec(p).

Faces with colours have one base of both, in which a colour counts as a position does that varies as
much: `lwpipe.model.part_model.channel_units`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lwpipe.model.kernel import KernelRegression

if TYPE_CHECKING:
    from jaxtyping import Float

Floats = npt.NDArray[np.float32]

_BLOCK = 2**19
_SMALLEST_MM = 1e-4


@dataclass(frozen=True)
class Components:
    """Principal components of the training faces.

    Attributes
    ----------
    basis : float32 (Z, CV), orthonormal rows
    deviation : float32 (Z,), mm
        Standard deviation of the faces along each row.
    residual : float32 (1,), mm
        Root mean square of what they leave of a coordinate.
    kernel : what they tell of further components; None: nothing
    """

    basis: Floats
    deviation: Floats
    residual: Floats
    kernel: KernelRegression | None = None

    @classmethod
    def padded(
        cls,
        basis: npt.ArrayLike,
        deviation: npt.ArrayLike,
        size: int,
        variance: float,
        kernel: KernelRegression | None = None,
    ) -> Components:
        """Return components of `size` rows; where there are fewer, the others do nothing.

        Parameters
        ----------
        basis, deviation : as they were fitted, the further ones of the kernel among them
        size : Z
        variance : mean variance of a coordinate of the faces, mm^2
        kernel : of the further components
        """
        rows = np.asarray(basis, np.float32)[:size]
        whole = np.zeros((size, rows.shape[1]), np.float32)
        whole[: len(rows)] = rows
        ones = np.ones(size, np.float32)
        ones[: len(rows)] = np.asarray(deviation, np.float32)[:size]
        squares = np.asarray(deviation, np.float64) ** 2
        left = variance - float(squares[:size].sum()) / whole.shape[1]
        if kernel is not None:
            known = squares[size : size + len(kernel.basis)].sum() / whole.shape[1]
            left -= (1 - kernel.left) * float(known)
        # Single precision holds no smaller residual of faces of some hundred millimetres.
        residual = np.sqrt(max(left, _SMALLEST_MM**2))
        return cls(whole, ones, np.full(1, residual, np.float32), kernel)

    @property
    def arrays(self) -> dict[str, Floats]:
        """Everything that they are, by the names that files have for it."""
        found = {"basis": self.basis, "deviation": self.deviation, "residual": self.residual}
        if self.kernel is None:
            return found
        return found | {f"kernel.{name}": array for name, array in self.kernel.arrays.items()}

    @classmethod
    def of(cls, arrays: Mapping[str, Floats]) -> Components:
        """Return the components of such arrays."""
        kernel = None
        if "kernel.values" in arrays:
            kernel = KernelRegression(
                arrays["kernel.basis"],
                arrays["kernel.centers"],
                arrays["kernel.values"],
                arrays["kernel.length"],
            )
        return cls(arrays["basis"], arrays["deviation"], arrays["residual"], kernel)


class LinearBase(nn.Module):
    """The base of a network, on standardised coordinates. It learns nothing.

    The basis is read once a pass, however many parts there are: with few faces a pass, reading it
    is what takes the time.

    Parameters
    ----------
    components : Components
    weights : float32 (V, K)
        How much of each part's base each vertex gets; rows sum to 1.
    scale : float32 (1, 1), (V, 1) or (V, C), mm
        Millimetres of a standardised unit; of a colour, in the base's units of it.

    Attributes
    ----------
    reach : float (1,)
        The residual, standardised: the unit of what the decoder adds.
    room : float (Z,)
        The residual over what a deviation moves: the unit of what encoder and projections add.
    """

    basis: Tensor
    deviation: Tensor
    shares: Tensor
    scale: Tensor
    reach: Tensor
    room: Tensor
    centers: Tensor
    values: Tensor
    length: Tensor

    def __init__(self, components: Components, weights: Floats, scale: Floats) -> None:
        super().__init__()
        self.channels = components.basis.shape[1] // len(weights)
        # A number for each coordinate, or one for all.
        repeats = self.channels if scale.size > 1 and scale.shape[1] == 1 else 1
        scales = np.repeat(scale.reshape(-1), repeats)
        size = np.float32(components.basis.shape[1] ** 0.5)
        kernel = components.kernel
        self.curved = kernel is not None
        basis = components.basis
        if kernel is not None:
            basis = np.concatenate([basis, kernel.basis])
            # The terms of the regression are far larger than their sum.
            for name in ("centers", "values", "length"):
                double = torch.from_numpy(kernel.arrays[name].astype(np.float64))
                self.register_buffer(name, double, persistent=False)
        buffers = {
            "reach": components.residual / scale.mean(),
            "room": np.minimum(components.residual * size / components.deviation, 1),
            "basis": basis,
            "deviation": components.deviation,
            "shares": np.repeat(weights.T, self.channels, axis=1),
            "scale": scales,
        }
        for name, array in buffers.items():
            tensor = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
            self.register_buffer(name, tensor, persistent=False)

    def encode(self, x: Float[Tensor, "batch V C"]) -> Float[Tensor, "batch Z"]:
        """Return the components of standardised faces, in their deviations."""
        with _in_full(x):
            flat = x.float().flatten(1)
            first = self.basis[: len(self.deviation)]
            if self.scale.numel() > 1:
                flat = flat * self.scale
                return nn.functional.linear(flat, first) / self.deviation
            z = nn.functional.linear(flat, first)
            return z * (self.scale / self.deviation)

    def decode(self, parts: Float[Tensor, "batch K Z"]) -> Float[Tensor, "batch V C"]:
        """Return sum_k w_k (.) (B^T diag(s) p_k + C^T f(p_k)), standardised."""
        with _in_full(parts):
            codes = parts.float() * self.deviation
            if self.curved:
                codes = torch.cat([codes, self._further(parts)], dim=2)
            mixed: Tensor = _Mixed.apply(  # type: ignore[no-untyped-call]
                codes, self.basis, self.shares
            )
            faces: Tensor = (mixed / self.scale).unflatten(1, (-1, self.channels))
            return faces

    def _further(self, parts: Float[Tensor, "batch K Z"]) -> Float[Tensor, "batch K R"]:
        """Return f(p_k), mm, computed in double precision."""
        z, centers = parts.double(), self.centers
        squares = z.square().sum(2, keepdim=True) + centers.square().sum(1) - 2 * z @ centers.T
        near = torch.exp(-squares.clamp(min=0) / (2 * self.length**2))
        return (near @ self.values).float()


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
