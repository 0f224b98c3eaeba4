"""The mesh convolution on the CPU: one mesh after the other, each inside the caches.

Every layer of the network is one of two dual maps between a fine mesh, with S channels, and a
coarse one, with C channels, that the pyramid's selection R (D of a downsampling, U^T of an
upsampling, or the identity) leads to:

    analysis    coarse = sum_k R T_k(L~) fine W_k
    synthesis   fine = sum_k T_k(L~) R^T coarse W_k^T

An encoder's layer is an analysis: only the vertices that are kept are ever mixed. A decoder's layer
is a synthesis: channels are mixed on the coarse mesh, and Clenshaw's recurrence runs after. The
gradient of each is the other, and both have the same gradient of W: sum over the vertices of the
terms R T_k fine times coarse. So the recurrence always runs on one set of channels, mixing always
on the coarse mesh, and no term at full resolution is kept for the backward pass.

Features are (batch, V, channels), contiguous, with channels a multiple of sixteen; only S may be
less than that (the three coordinates), and then several meshes share one row of lanes.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor
from typing_extensions import override

from lwpipe.engine import mixing
from lwpipe.engine.base import Backend, Geometry
from lwpipe.engine.mesh_layer import Layer, flat, threads
from lwpipe.engine.mesh_operator import MeshOperator, local_order
from lwpipe.engine.simd import LANES

ACTIVATIONS = {
    None: 0,
    "elu": mixing.ELU,
    "relu": mixing.RELU,
    "leaky_relu": mixing.LEAKY_RELU,
    "tanh": mixing.TANH,
}


class Analysis(torch.autograd.Function):
    """activation(sum_k R T_k(L~) x W_k + b): (batch, V, S) to (batch, V', C)."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, operator: MeshOperator, code: int
    ) -> Tensor:
        """Save the terms at the kept vertices."""
        layer = Layer(operator, weight, x.shape[0])
        out = x.new_empty(layer.batch, layer.coarse, layer.channels)
        keep = any(ctx.needs_input_grad)
        terms = x.new_empty(len(layer.groups) if keep else 0, layer.terms_size)
        fine, y, t = flat(x), flat(out), flat(terms)
        shift = layer.empty if bias is None else flat(bias)

        def task(slot: int, group: int) -> None:
            place = (t, group * layer.terms_size)
            if not keep:
                place = (layer.memory(slot, "terms", layer.terms_size), 0)
            start = layer.groups[group][0] * layer.fine_size
            layer.analyse(slot, group, (fine, start), place, y, shift, code)

        threads.run(len(layer.groups), task)
        ctx.save_for_backward(weight, terms, out)
        ctx.operator, ctx.code, ctx.size = operator, code, layer.size
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None, None, None]:
        """Run the synthesis of the gradient, mesh by mesh."""
        weight, terms, out = ctx.saved_tensors
        layer = Layer(ctx.operator, weight, out.shape[0], ctx.size)
        grad = grad.contiguous()
        wanted = ctx.needs_input_grad[0]
        grad_x = grad.new_empty(layer.batch, layer.fine, layer.side) if wanted else None
        slopes = grad.new_empty(layer.batch, layer.slopes, layer.channels)
        sums = grad.new_empty(layer.batch, layer.channels)
        g, y, t, into, summed = map(flat, (grad, out, terms, slopes, sums))
        fine = None if grad_x is None else flat(grad_x)

        def task(slot: int, group: int) -> None:
            first, meshes = layer.groups[group]
            inner = layer.memory(slot, "inner", meshes * layer.coarse_size)
            for mesh in range(meshes):
                mixing.before_activation(
                    g, y, (first + mesh) * layer.coarse_size, layer.channels, ctx.code,
                    inner, mesh * layer.coarse_size, layer.coarse,
                    summed, (first + mesh) * layer.channels,
                )  # fmt: skip
            layer.weight_gradient(group, (t, group * layer.terms_size), (inner, 0), into)
            if fine is not None:
                layer.synthesise(slot, group, (inner, 0), fine, layer.empty, 0)

        threads.run(len(layer.groups), task)
        grad_bias = sums.sum(0) if ctx.needs_input_grad[2] else None
        return grad_x, layer.sum_gradient(slopes), grad_bias, None, None


class Synthesis(torch.autograd.Function):
    """activation(sum_k T_k(L~) R^T x W_k + b): (batch, V', C) to (batch, V, S)."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, operator: MeshOperator, code: int
    ) -> Tensor:
        """Save the input, and the output for the slope of the activation."""
        layer = Layer(operator, weight.transpose(1, 2), x.shape[0])
        out = x.new_empty(layer.batch, layer.fine, layer.side)
        coarse, y = flat(x), flat(out)
        shift = layer.empty if bias is None else flat(bias)

        # Few meshes leave threads idle: then each mesh is cut among several of them.
        cuts = torch.get_num_threads() // len(layer.groups) if layer.groups else 1
        spans = operator.spans(cuts, layer.terms)

        def task(slot: int, index: int) -> None:
            group, span = divmod(index, len(spans))
            start = layer.groups[group][0] * layer.coarse_size
            layer.synthesise(slot, group, (coarse, start), y, shift, code, spans[span])

        threads.run(len(layer.groups) * len(spans), task)
        ctx.save_for_backward(x, weight, out if code else None)
        ctx.operator, ctx.code = operator, code
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None, None]:
        """Run the analysis of the gradient, mesh by mesh."""
        x, weight, out = ctx.saved_tensors
        layer = Layer(ctx.operator, weight.transpose(1, 2), x.shape[0])
        grad = grad.contiguous()
        grad_x = torch.empty_like(x)
        slopes = grad.new_empty(layer.batch, layer.slopes, layer.channels)
        sums = grad.new_zeros(layer.batch, layer.side)
        g, coarse, into, summed, gx = map(flat, (grad, x, slopes, sums, grad_x))
        y = g if out is None else flat(out)

        def task(slot: int, group: int) -> None:
            first, meshes = layer.groups[group]
            source = (g, first * layer.fine_size)
            if not layer.narrow:
                source = (layer.memory(slot, "inner", meshes * layer.fine_size), 0)
                for mesh in range(meshes):
                    mixing.before_activation(
                        g, y, (first + mesh) * layer.fine_size, layer.side, ctx.code,
                        source[0], mesh * layer.fine_size, layer.fine,
                        summed, (first + mesh) * layer.side,
                    )  # fmt: skip
            terms = (layer.memory(slot, "terms", layer.terms_size), 0)
            layer.analyse(slot, group, source, terms, gx, layer.empty, 0, coarse, into)

        threads.run(len(layer.groups), task)
        grad_bias = sums.sum(0) if ctx.needs_input_grad[2] else None
        return grad_x, layer.sum_gradient(slopes).transpose(1, 2), grad_bias, None, None


def _padded(weight: Tensor, inputs: int, outputs: int) -> Tensor:
    """Widen (K, C_in, C_out) with zeros."""
    missing = (0, outputs - weight.shape[2], 0, inputs - weight.shape[1])
    return torch.nn.functional.pad(weight, missing) if any(missing) else weight


def _wide(channels: int) -> int:
    return -(-channels // LANES) * LANES


class MeshMajor(Backend):
    """The network's convolutions on the CPU in compiled loops.

    Inside, vertices are ordered for locality and channels are padded to multiples of sixteen with
    zeros, which all activations keep.
    """

    def __init__(self, geometry: Geometry, activation: str) -> None:
        super().__init__(geometry, activation)
        self._code = ACTIVATIONS[activation]
        # The coarsest level, which linear layers read vertex by vertex, keeps the public order.
        finest = local_order(geometry.laplacian[0])
        orders = [finest]
        for down in geometry.down:
            place = np.empty(down.shape[1], np.int64)
            place[orders[-1]] = np.arange(len(place))
            orders.append(np.argsort(place[down.indices], kind="stable"))
        orders[-1] = np.arange(len(orders[-1]))
        moved = [
            sp.csr_matrix(matrix[order][:, order])
            for matrix, order in zip(geometry.laplacian, orders, strict=True)
        ]
        pairs = list(itertools.pairwise(orders))
        downs = [d[coarse][:, fine] for d, (fine, coarse) in zip(geometry.down, pairs, strict=True)]
        ups = [u[fine][:, coarse] for u, (fine, coarse) in zip(geometry.up, pairs, strict=True)]
        faces = [finest] + [None] * geometry.levels
        self._downs = [
            MeshOperator(moved[level], sp.csr_matrix(down), faces[level])
            for level, down in enumerate(downs)
        ]
        self._ups = [
            MeshOperator(moved[level], sp.csr_matrix(up.T)) for level, up in enumerate(ups)
        ]
        self._whole = MeshOperator(moved[0], None, finest)

    @override
    def enter(self, x: Tensor) -> Tensor:
        return x.contiguous()

    @override
    def down(self, level: int, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return self._layer(Analysis, self._downs[level], x, weight, bias)

    def _layer(
        self, function: Any, operator: MeshOperator, x: Tensor, weight: Tensor, bias: Tensor
    ) -> Tensor:
        """Apply one of the two maps with weights and bias as wide as the lanes."""
        outputs = _wide(weight.shape[2])
        weight = _padded(weight, x.shape[2], outputs)
        bias = torch.nn.functional.pad(bias, (0, outputs - len(bias)))
        out: Tensor = function.apply(x, weight, bias, operator, self._code)
        return out

    @override
    def flatten(self, x: Tensor, channels: int) -> Tensor:
        return x[:, :, :channels].flatten(1)

    @override
    def unflatten(self, h: Tensor) -> Tensor:
        missing = _wide(h.shape[2]) - h.shape[2]
        return torch.nn.functional.pad(h, (0, missing)).contiguous() if missing else h.contiguous()

    @override
    def up(self, level: int, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return self._layer(Synthesis, self._ups[level], x, weight, bias)

    @override
    def last(self, x: Tensor, weight: Tensor) -> Tensor:
        weight = _padded(weight, x.shape[2], weight.shape[2])
        out: Tensor = Synthesis.apply(x, weight, None, self._whole, 0)  # type: ignore[no-untyped-call]
        return out
