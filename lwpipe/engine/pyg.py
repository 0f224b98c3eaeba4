"""The same network from torch_geometric's own ChebConv: slow, and the reference for all others."""

from __future__ import annotations

from collections.abc import Callable

import scipy.sparse as sp
import torch
from torch import Tensor, nn
from typing_extensions import override

from lwpipe.engine.base import Backend, Geometry
from lwpipe.engine.vertex_major import ACTIVATIONS


class PygBackend(Backend):
    """torch_geometric's ChebConv on features (batch, V, channels).

    Each layer is called with the network's weights in place of its own, so that a model can be
    trained with one backend and used with another. Down- and upsampling are the products of CoMA's
    PyTorch ports: rows are picked, and barycentric weights gathered.
    """

    def __init__(self, geometry: Geometry, activation: str) -> None:
        super().__init__(geometry, activation)
        from torch_geometric.nn import ChebConv

        self._layer: Callable[..., nn.Module] = ChebConv
        self._layers: dict[tuple[int, int, int], nn.Module] = {}
        self._activate = ACTIVATIONS[activation]
        for level, matrix in enumerate(geometry.laplacian):
            pairs = sp.coo_matrix(matrix)
            edges = torch.stack([torch.from_numpy(i.astype("int64")) for i in pairs.coords])
            self.register_buffer(f"edges_{level}", edges, False)
        for level, (down, up) in enumerate(zip(geometry.down, geometry.up, strict=True)):
            self.register_buffer(
                f"keep_{level}", torch.from_numpy(down.indices.astype("int64")), False
            )
            triple = sp.coo_matrix(up)
            for name, values in (("row", triple.row), ("col", triple.col)):
                index = torch.from_numpy(values.astype("int64"))
                self.register_buffer(f"up_{name}_{level}", index, False)
            self.register_buffer(f"up_value_{level}", torch.from_numpy(triple.data), False)

    def _convolve(self, level: int, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        order, inputs, outputs = weight.shape
        key = order, inputs, outputs
        if key not in self._layers:
            self._layers[key] = self._layer(inputs, outputs, order, bias=False)
        given = {f"lins.{k}.weight": weight[k].T for k in range(order)}
        edges = getattr(self, f"edges_{level}")
        options = {"lambda_max": torch.tensor(2.0, dtype=x.dtype, device=x.device)}
        out: Tensor = torch.func.functional_call(self._layers[key], given, (x, edges), options)
        return out if bias is None else out + bias

    @override
    def enter(self, x: Tensor) -> Tensor:
        return x

    @override
    def down(self, level: int, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        out = self._activate(self._convolve(level, x, weight, bias))
        return out.index_select(1, getattr(self, f"keep_{level}"))

    @override
    def flatten(self, x: Tensor, channels: int) -> Tensor:
        return x.flatten(1)

    @override
    def unflatten(self, h: Tensor) -> Tensor:
        return h

    @override
    def up(self, level: int, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        row, col, value = (getattr(self, f"up_{n}_{level}") for n in ("row", "col", "value"))
        spread = x.index_select(1, col) * value.to(x.dtype)[:, None]
        fine = x.new_zeros(len(x), self.geometry.vertex_count(level), x.shape[2])
        fine = fine.index_add(1, row, spread)
        return self._activate(self._convolve(level, fine, weight, bias))

    @override
    def last(self, x: Tensor, weight: Tensor) -> Tensor:
        return self._convolve(0, x, weight, None)
