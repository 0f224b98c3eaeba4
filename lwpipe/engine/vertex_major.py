"""The mesh convolution in tensor operations: PyTorch's sparse product, or a Triton kernel.

Features are (V, batch, channels), so that one sparse product an order serves the whole batch. The
two dual maps, analysis and synthesis, are those of `mesh_major`: the recurrence runs on the fine
mesh, channels are mixed on the coarse one, and the gradient of each map is the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import scipy.sparse as sp
import torch
from torch import Tensor, nn
from typing_extensions import override

from lwpipe.engine.base import Backend, Geometry
from lwpipe.engine.sparse import CsrMatrix

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "elu": nn.functional.elu,
    "relu": nn.functional.relu,
    "leaky_relu": nn.functional.leaky_relu,
    "tanh": torch.tanh,
}


# In a region of mixed precision on a GPU the features and weights of a layer are bfloat16.
_FORWARD: Any = torch.amp.custom_fwd(device_type="cuda", cast_inputs=torch.bfloat16)
_BACKWARD: Any = torch.amp.custom_bwd(device_type="cuda")


class Matrix(Protocol):
    """A constant sparse matrix."""

    def product(
        self,
        x: Tensor,
        alpha: float = ...,
        y: Tensor | None = ...,
        beta: float = ...,
        z: Tensor | None = ...,
    ) -> Tensor:
        """Return alpha A x + beta y + z."""


def chebyshev_terms(laplacian: Matrix, x: Tensor, order: int) -> list[Tensor]:
    """Return [T_0(L~) x, ..., T_{order-1}(L~) x], each (V, n) as `x`.

    T_0 = 1, T_1 = L~, T_k = 2 L~ T_{k-1} - T_{k-2} (Defferrard et al., 2016).
    """
    terms = [x]
    if order > 1:
        terms.append(laplacian.product(x))
    for _ in range(2, order):
        terms.append(laplacian.product(terms[-1], 2.0, terms[-2], -1.0))
    return terms


def clenshaw(laplacian: Matrix, coefficients: Sequence[Tensor]) -> Tensor:
    """Return sum_k T_k(L~) c_k by Clenshaw's recurrence, (V, n), from c_0, ..., each (V, n)."""
    if len(coefficients) == 1:
        return coefficients[0]
    before, last = None, coefficients[-1]
    for c in reversed(coefficients[1:-1]):
        before, last = last, laplacian.product(last, 2.0, before, -1.0, c)
    return laplacian.product(last, 1.0, before, -1.0, coefficients[0])


class Step(nn.Module):
    """The matrices of one layer: L~ of the fine mesh, R that leads to the coarse one, and R^T."""

    def __init__(
        self,
        laplacian: sp.csr_matrix,
        select: sp.csr_matrix | None,
        matrix: Callable[[sp.csr_matrix], nn.Module],
    ) -> None:
        super().__init__()
        self.laplacian: Any = matrix(laplacian)
        self.select: Any = None if select is None else matrix(select)
        self.inject: Any = None if select is None else matrix(sp.csr_matrix(select.T))

    def analyse(self, fine: Tensor, order: int) -> Tensor:
        """Return the terms R T_k(L~) fine side by side, (V' x batch, K x S)."""
        vertices, batch, channels = fine.shape
        terms = chebyshev_terms(self.laplacian, fine.reshape(vertices, -1), order)
        if self.select is not None:
            terms = [self.select.product(term) for term in terms]
        return torch.stack([term.view(-1, batch, channels) for term in terms], 2).view(
            -1, order * channels
        )

    def synthesise(self, mixed: Tensor, batch: int, order: int) -> Tensor:
        """Return sum_k T_k(L~) R^T c_k, (V, batch, S), from the c_k side by side."""
        channels = mixed.shape[1] // order
        split = mixed.view(-1, batch, order, channels).permute(2, 0, 1, 3)
        c = split.reshape(order, -1, batch * channels).unbind(0)
        if self.inject is not None:
            c = tuple(self.inject.product(one) for one in c)
        return clenshaw(self.laplacian, c).view(-1, batch, channels)


class Analysis(torch.autograd.Function):
    """sum_k R T_k(L~) x W_k: (V, batch, S) to (V', batch, C)."""

    @staticmethod
    @_FORWARD  # type: ignore[untyped-decorator]
    def forward(ctx: Any, x: Tensor, weight: Tensor, step: Step) -> Tensor:
        """Save the terms at the kept vertices."""
        order, _, outputs = weight.shape
        terms = step.analyse(x, order)
        ctx.step, ctx.batch = step, x.shape[1]
        ctx.save_for_backward(weight, terms)
        return (terms @ weight.flatten(0, 1)).view(-1, x.shape[1], outputs)

    @staticmethod
    @_BACKWARD  # type: ignore[untyped-decorator]
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, None]:
        """Run the synthesis of the gradient."""
        weight, terms = ctx.saved_tensors
        flat = grad.reshape(-1, grad.shape[2])
        grad_x = None
        if ctx.needs_input_grad[0]:
            mixed = flat @ weight.flatten(0, 1).T
            grad_x = ctx.step.synthesise(mixed, ctx.batch, weight.shape[0])
        return grad_x, (terms.T @ flat).view_as(weight), None


class Synthesis(torch.autograd.Function):
    """sum_k T_k(L~) R^T x W_k: (V', batch, C) to (V, batch, S)."""

    @staticmethod
    @_FORWARD  # type: ignore[untyped-decorator]
    def forward(ctx: Any, x: Tensor, weight: Tensor, step: Step) -> Tensor:
        """Save the input only."""
        ctx.step = step
        ctx.save_for_backward(x, weight)
        mixed = x.reshape(-1, x.shape[2]) @ weight.transpose(0, 1).flatten(1)
        return step.synthesise(mixed, x.shape[1], weight.shape[0])

    @staticmethod
    @_BACKWARD  # type: ignore[untyped-decorator]
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, None]:
        """Run the analysis of the gradient."""
        x, weight = ctx.saved_tensors
        order, inputs, outputs = weight.shape
        terms = ctx.step.analyse(grad, order)
        grad_weight = (x.reshape(-1, inputs).T @ terms).view(inputs, order, outputs)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = (terms @ weight.transpose(1, 2).flatten(0, 1)).view_as(x)
        return grad_x, grad_weight.transpose(0, 1), None


class VertexMajor(Backend):
    """The network's convolutions in tensor operations, on any device.

    Parameters
    ----------
    geometry, activation : as for every backend
    matrix : makes the sparse matrices: `CsrMatrix`, or the one with a Triton kernel
    """

    def __init__(
        self,
        geometry: Geometry,
        activation: str,
        matrix: Callable[[sp.csr_matrix], nn.Module] = CsrMatrix,
    ) -> None:
        super().__init__(geometry, activation)
        laplacian = geometry.laplacian
        self.downs = nn.ModuleList(
            Step(laplacian[level], down, matrix) for level, down in enumerate(geometry.down)
        )
        self.ups = nn.ModuleList(
            Step(laplacian[level], sp.csr_matrix(up.T), matrix)
            for level, up in enumerate(geometry.up)
        )
        self.whole = Step(laplacian[0], None, matrix)
        self._activate = ACTIVATIONS[activation]

    @override
    def enter(self, x: Tensor) -> Tensor:
        return x.transpose(0, 1).contiguous()

    @override
    def down(self, level: int, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        out: Tensor = Analysis.apply(x, weight, self.downs[level])  # type: ignore[no-untyped-call]
        return self._activate(out + bias)

    @override
    def flatten(self, x: Tensor, channels: int) -> Tensor:
        return x.transpose(0, 1).flatten(1)

    @override
    def unflatten(self, h: Tensor) -> Tensor:
        return h.transpose(0, 1).contiguous()

    @override
    def up(self, level: int, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        out: Tensor = Synthesis.apply(x, weight, self.ups[level])  # type: ignore[no-untyped-call]
        return self._activate(out + bias)

    @override
    def last(self, x: Tensor, weight: Tensor) -> Tensor:
        out: Tensor = Synthesis.apply(x, weight, self.whole)  # type: ignore[no-untyped-call]
        return out.transpose(0, 1)
