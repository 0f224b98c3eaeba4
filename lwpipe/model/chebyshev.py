"""Chebyshev spectral convolution on a mesh (Defferrard et al., 2016; CoMA, Ranjan et al., 2018).

y = sum_k T_k(L~) x W_k + b, T_0 = 1, T_1 = L~, T_k = 2 L~ T_{k-1} - T_{k-2}, where L~ is the
symmetric normalised Laplacian scaled to lambda_max = 2. Features are [V, batch x channels], so
that one sparse product an order serves the whole batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lwpipe.model.sparse import SparseMatrix


def chebyshev_terms(laplacian: SparseMatrix, x: Tensor, order: int) -> list[Tensor]:
    """Return [T_0(L~) x, ..., T_{order-1}(L~) x], each (V, n) as `x`."""
    terms = [x]
    if order > 1:
        terms.append(laplacian.product(x))
    for _ in range(2, order):
        terms.append(laplacian.product(terms[-1], 2.0, terms[-2], -1.0))
    return terms


def clenshaw(
    laplacian: SparseMatrix, coefficients: Sequence[Tensor], keep: Tensor | None = None
) -> Tensor:
    """Return sum_k T_k(L~) c_k by Clenshaw's recurrence, (V, n).

    Parameters
    ----------
    laplacian : SparseMatrix, (V, V)
    coefficients : c_0, ..., c_{K-1}, each (V, n)
    keep : int (V',), optional
        The coefficients are (V', n): zero everywhere but at these vertices.
    """

    def whole(c: Tensor) -> Tensor:
        if keep is None:
            return c
        return c.new_zeros(laplacian.shape[0], c.shape[1]).index_copy_(0, keep, c)

    def step(alpha: float, x: Tensor, before: Tensor | None, c: Tensor) -> Tensor:
        if keep is None:
            return laplacian.product(x, alpha, before, -1.0, c)
        out = laplacian.product(x, alpha, before, -1.0)
        # The kept vertices are distinct: a plain copy is right, and far faster than index_add_.
        return out.index_copy_(0, keep, out.index_select(0, keep).add_(c))

    if len(coefficients) == 1:
        return whole(coefficients[0])
    before, last = None, whole(coefficients[-1])
    for c in reversed(coefficients[1:-1]):
        before, last = last, step(2.0, last, before, c)
    return step(1.0, last, before, coefficients[0])


def _pack(terms: Sequence[Tensor], batch: int) -> Tensor:
    """Lay K terms (V, batch x C) side by side as (V x batch, K x C), for one wide product."""
    shape = (terms[0].shape[0], batch, -1)
    return torch.stack([term.view(shape) for term in terms], dim=2).flatten(2).flatten(0, 1)


def _unpack(packed: Tensor, vertices: int, order: int) -> Sequence[Tensor]:
    """Undo `_pack`."""
    batch, channels = packed.shape[0] // vertices, packed.shape[1] // order
    split = packed.view(vertices, batch, order, channels).permute(2, 0, 1, 3)
    return split.reshape(order, vertices, batch * channels).unbind(0)


class _Convolve(torch.autograd.Function):
    """The convolution, with the cheaper order of its two commuting steps in each direction.

    Mixing channels commutes with the Laplacian, so the recurrence runs on whichever side has fewer
    channels. L~ is symmetric, so that with the terms T_k g of the output gradient g the gradients
    are dx = sum_k T_k g W_k^T and dW_k = x^T T_k g: only x has to be saved. Where the layer widens,
    or only some vertices' outputs are wanted, the terms T_k x at those vertices are saved instead.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, laplacian: SparseMatrix, keep: Tensor | None
    ) -> Tensor:
        order, inputs, outputs = weight.shape
        vertices, batch = x.shape[0], x.shape[1]
        ctx.laplacian, ctx.keep = laplacian, keep
        if keep is None and outputs < inputs:
            ctx.save_for_backward(x, weight)
            mixed = x.reshape(-1, inputs) @ _wide(weight)
            out = clenshaw(laplacian, _unpack(mixed, vertices, order))
            return out.view(vertices, batch, outputs)
        terms = chebyshev_terms(laplacian, x.reshape(vertices, -1), order)
        if keep is None and outputs == inputs:
            ctx.save_for_backward(x, weight)
            out = terms[0].view(-1, inputs) @ weight[0]
            for k in range(1, order):
                out.addmm_(terms[k].view(-1, inputs), weight[k])
            return out.view(vertices, batch, outputs)
        if keep is not None:
            terms = [term.index_select(0, keep) for term in terms]
        packed = _pack(terms, batch)
        ctx.save_for_backward(x, weight, packed)
        return (packed @ weight.reshape(order * inputs, outputs)).view(-1, batch, outputs)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, None, None]:
        x, weight, *saved = ctx.saved_tensors
        order, inputs, outputs = weight.shape
        batch = x.shape[1]
        flat = grad.reshape(-1, outputs)
        grad_x: Tensor | None = None
        if saved:
            grad_weight = (saved[0].T @ flat).view_as(weight)
            if ctx.needs_input_grad[0]:
                mixed = flat @ weight.reshape(order * inputs, outputs).T
                grad_x = clenshaw(ctx.laplacian, _unpack(mixed, grad.shape[0], order), ctx.keep)
        else:
            terms = chebyshev_terms(ctx.laplacian, grad.reshape(grad.shape[0], -1), order)
            flat_x = x.reshape(-1, inputs)
            if outputs < inputs:
                packed = _pack(terms, batch)
                grad_weight = (flat_x.T @ packed).view(inputs, order, outputs).transpose(0, 1)
                if ctx.needs_input_grad[0]:
                    grad_x = packed @ _wide(weight).T
            else:
                columns = [term.view(-1, outputs) for term in terms]
                grad_weight = torch.stack([flat_x.T @ column for column in columns])
                if ctx.needs_input_grad[0]:
                    grad_x = columns[0] @ weight[0].T
                    for k in range(1, order):
                        grad_x.addmm_(columns[k], weight[k].T)
        return None if grad_x is None else grad_x.view_as(x), grad_weight, None, None


def _wide(weight: Tensor) -> Tensor:
    """Lay the matrices W_k (K, C_in, C_out) side by side as (C_in, K x C_out)."""
    return weight.transpose(0, 1).reshape(weight.shape[1], -1)


class ChebConv(nn.Module):
    """Chebyshev convolution of order K on a fixed mesh.

    Parameters
    ----------
    laplacian : SparseMatrix, (V, V)
        L~, symmetric.
    inputs, outputs : channels
    order : number K of Chebyshev terms
    bias : whether a bias an output channel is added
    keep : int (V',), optional
        Compute the output at these vertices only: the ones that a downsampling after it keeps.
    """

    keep: Tensor | None

    def __init__(
        self,
        laplacian: SparseMatrix,
        inputs: int,
        outputs: int,
        order: int,
        bias: bool = True,
        keep: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.laplacian = laplacian
        self.weight = nn.Parameter(torch.empty(order, inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.register_buffer("keep", keep, persistent=False)
        # Glorot's bound over the whole stencil: all K terms feed an output.
        bound = math.sqrt(6.0 / (order * inputs + outputs))
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve features (V, batch, inputs) to (V or V', batch, outputs).

        Raises
        ------
        ValueError
            If the shape does not fit the Laplacian or the number of input channels.
        """
        vertices, inputs = self.laplacian.shape[0], self.weight.shape[1]
        if x.ndim != 3 or x.shape[0] != vertices or x.shape[2] != inputs:
            raise ValueError(
                f"features have shape {tuple(x.shape)}, expected ({vertices}, batch, {inputs})"
            )
        out: Tensor = _Convolve.apply(  # type: ignore[no-untyped-call]
            x, self.weight, self.laplacian, self.keep
        )
        return out if self.bias is None else out + self.bias
