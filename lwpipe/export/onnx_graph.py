"""The network of a model as an ONNX graph, operator by operator.

A sparse matrix, such as the Laplacian of the Chebyshev convolution (Defferrard et al., 2016), is a
table of each row's neighbours padded with zeros: gather them, and multiply by the row's values. The
layout of features is (batch, vertices, channels).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from onnx import NodeProto, TensorProto, helper, numpy_helper

from lwpipe.model import PartModel
from lwpipe.model.kernel import KernelRegression

Array = npt.NDArray[Any]

_ACTIVATIONS = {"elu": "Elu", "relu": "Relu", "leaky_relu": "LeakyRelu", "tanh": "Tanh"}


class Graph:
    """Nodes and constants that are put together call by call."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: dict[tuple[str, tuple[int, ...], bytes], TensorProto] = {}

    def constant(self, array: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """Return the name of a constant; equal ones are held once."""
        values = np.ascontiguousarray(array, dtype)
        key = (values.dtype.str, values.shape, values.tobytes())
        if key not in self.constants:
            name = f"constant_{len(self.constants)}"
            self.constants[key] = numpy_helper.from_array(values, name)
        return self.constants[key].name

    def op(self, kind: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Add an operator of one output, and return the name of that."""
        return self.ops(kind, inputs, [name or f"value_{len(self.nodes)}"], **attributes)[0]

    def ops(
        self, kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any
    ) -> list[str]:
        """Add an operator of several outputs."""
        node = helper.make_node(
            kind, list(inputs), list(outputs), name=f"node_{len(self.nodes)}", **attributes
        )
        self.nodes.append(node)
        return list(outputs)

    def reshape(self, x: str, *shape: int) -> str:
        """Reshape; 0 keeps an axis, -1 takes what is left."""
        return self.op("Reshape", x, self.constant(shape, np.int64))

    def total(self, x: str, axis: int) -> str:
        """Sum over an axis."""
        return self.op("ReduceSum", x, self.constant([axis], np.int64), keepdims=0)

    def split(self, x: str, count: int, axis: int = 0) -> list[str]:
        """Cut an axis into equal pieces."""
        names = [f"value_{len(self.nodes)}_{piece}" for piece in range(count)]
        return self.ops("Split", [x], names, axis=axis, num_outputs=count)

    def sparse(self, matrix: sp.csr_matrix, x: str) -> str:
        """Multiply features (batch, columns, C) by a sparse matrix, (batch, rows, C)."""
        columns, values = padded(sp.csr_matrix(matrix))
        if columns.shape[1] == 1 and (values == 1).all():
            return self.op("Gather", x, self.constant(columns[:, 0], np.int32), axis=1)
        gathered = self.op("Gather", x, self.constant(columns, np.int32), axis=1)
        product = self.op("MatMul", self.constant(values[:, None]), gathered)
        return self.op("Squeeze", product, self.constant([2], np.int64))


def padded(matrix: sp.csr_matrix) -> tuple[Array, Array]:
    """Return the columns, int (R, P), and values, float (R, P), of the entries of each row.

    Rows of fewer than P entries end in zeros.

    Examples
    --------
    >>> padded(sp.csr_matrix([[0, 2.0], [0, 0]]))
    (array([[1],
           [0]]), array([[2.],
           [0.]]))
    """
    counts = np.diff(matrix.indptr)
    wide = max(int(counts.max(initial=0)), 1)
    columns = np.zeros((matrix.shape[0], wide), np.int64)
    values = np.zeros((matrix.shape[0], wide))
    rows = np.repeat(np.arange(len(counts)), counts)
    places = np.arange(len(rows)) - np.repeat(matrix.indptr[:-1], counts)
    columns[rows, places], values[rows, places] = matrix.indices, matrix.data
    return columns, values


class Network:
    """Adds the pieces of a model to a graph. Faces are (batch, V, C), as the model takes them.

    Parameters
    ----------
    model : PartModel
    graph : Graph
    """

    def __init__(self, model: PartModel, graph: Graph) -> None:
        self.model, self.graph = model, graph
        self.network = model.network
        self.geometry = self.network.geometry
        self.scale = model.scale.cpu().numpy()
        self.activation = _ACTIVATIONS[model.settings.activation]

    def encode(self, faces: str) -> str:
        """Return z, (batch, Z)."""
        g, components = self.graph, self.model.components
        centred = g.op("Sub", faces, g.constant(self.model.average))
        features = g.op("Div", centred, g.constant(self.scale))
        for level, layer in enumerate(self.network.encoder):
            features = self._down(level, features, layer)
        weight, bias = (_array(p) for p in self.network.to_latent.parameters())
        flat = g.reshape(features, 0, -1)
        z = g.op("Gemm", flat, g.constant(weight), g.constant(bias), transB=1)
        base = self.network.base
        if components is None or base is None:
            return z
        if self.model.units is not None:
            centred = g.op("Mul", centred, g.constant(self.model.units))
        flat = g.reshape(centred, 0, -1)
        along = g.op("Gemm", flat, g.constant(components.basis), transB=1)
        known = g.op("Div", along, g.constant(components.deviation))
        return g.op("Add", known, g.op("Mul", z, g.constant(_array(base.room))))

    def parts(self, z: str) -> str:
        """Return the part encodings (batch, K, Z) of z."""
        matrices = self.model.projections
        count, size, _ = matrices.shape
        weight = matrices.transpose(2, 0, 1).reshape(size, count * size)
        return self.graph.reshape(
            self.graph.op("MatMul", z, self.graph.constant(weight)), 0, count, size
        )

    def decode(self, parts: str) -> str:
        """Return the faces (batch, V, 3) of part encodings (batch, K, Z)."""
        g, components, base = self.graph, self.model.components, self.network.base
        size = self.scale.astype(np.float32)
        if base is not None:
            size = size * _array(base.reach)
        face = g.op("Mul", self._corrections(parts), g.constant(size))
        if components is not None:
            face = g.op("Add", face, self.along_the_base(parts, curved=True))
        return g.op("Add", face, g.constant(self.model.average))

    def along_the_base(self, parts: str, curved: bool = False) -> str:
        """Return what the linear path, or the whole base, makes of encodings, (batch, V, 3)."""
        g, components = self.graph, self.model.components
        if components is None:
            raise ValueError("the model has no base")
        codes = g.op("Mul", parts, g.constant(components.deviation))
        made = g.op("MatMul", codes, g.constant(components.basis))
        if curved and components.kernel is not None:
            further = self._further(components.kernel, parts)
            made = g.op("Add", made, g.op("MatMul", further, g.constant(components.kernel.basis)))
        channels = self.model.channels
        shares = _array(self.model.shares)[:, :, 0].repeat(channels, axis=1)
        face = g.reshape(g.total(g.op("Mul", made, g.constant(shares)), 1), 0, -1, channels)
        if self.model.units is None:
            return face
        return g.op("Div", face, g.constant(self.model.units))

    def _further(self, kernel: KernelRegression, parts: str) -> str:
        """Return f(p_k), (batch, K, R), mm."""
        g = self.graph
        double = np.float64
        z = g.op("Cast", parts, to=11)
        centers = kernel.centers.astype(double)
        own = g.op("ReduceSum", g.op("Mul", z, z), g.constant([2], np.int64), keepdims=1)
        theirs = g.constant((centers**2).sum(axis=1), double)
        across = g.op("MatMul", z, g.constant(-2 * centers.T, double))
        squares = g.op("Add", g.op("Add", own, theirs), across)
        scale = g.constant(-1 / (2 * float(kernel.length[0]) ** 2), double)
        near = g.op("Exp", g.op("Mul", g.op("Relu", squares), scale))
        return g.op("Cast", g.op("MatMul", near, g.constant(kernel.values, double)), to=1)

    def _corrections(self, parts: str) -> str:
        g, network = self.graph, self.network
        if network.decoders is None:
            return self._decoded(network, parts, self.model.part_count)
        total = ""
        shares = _array(self.model.shares)
        for part, (decoder, share) in enumerate(zip(network.decoders, shares, strict=True)):
            own = g.op("Gather", parts, g.constant([part], np.int64), axis=1)
            made = g.op("Mul", self._decoded(decoder, own, 1), g.constant(share))
            total = g.op("Add", total, made) if total else made
        return total

    def _decoded(self, decoder: Any, parts: str, count: int) -> str:
        """Return what one decoder makes of the parts that it is given, standardised."""
        g = self.graph
        weight, bias = self._coarse(decoder, count)
        flat = g.op("Gemm", g.reshape(parts, 0, -1), g.constant(weight), g.constant(bias))
        features = g.reshape(flat, 0, -1, self.network.width)
        levels = reversed(range(self.geometry.levels))
        for level, layer in zip(levels, decoder.decoder, strict=True):
            features = self._up(level, features, layer)
        weight = _array(decoder.last.weight)
        mixed = g.op("MatMul", features, g.constant(_beside(weight)))
        return self._clenshaw(0, mixed, *weight.shape[::2])

    def _coarse(self, decoder: Any, count: int) -> tuple[Array, Array]:
        """Return the affine map from part encodings to the features of the coarsest level.

        Linear layer and weighting are one map, found by what it does to each unit encoding:
        weightings are declared elsewhere.
        """
        size = count * self.model.latent_size
        units = np.concatenate([np.zeros((1, size)), np.eye(size)])
        codes = decoder.from_latent.weight.new_tensor(units).reshape(-1, count, size // count)
        features = self.network.weighting.combine(
            decoder.from_latent(codes), self.network.coarse_weights
        )
        flat = _array(features).reshape(len(units), -1)
        return flat[1:] - flat[0], flat[0]

    def _down(self, level: int, x: str, layer: Any) -> str:
        """Return activation(D (sum_k T_k(L~) x W_k + b))."""
        g, weight = self.graph, _array(layer.weight)
        terms = [x]
        for order in range(1, len(weight)):
            last = g.sparse(self.geometry.laplacian[level], terms[-1])
            if order > 1:
                twice = g.op("Mul", last, g.constant(2.0))
                last = g.op("Sub", twice, terms[-2])
            terms.append(last)
        kept = [g.sparse(self.geometry.down[level], term) for term in terms]
        flat = weight.reshape(-1, weight.shape[2])
        mixed = g.op("MatMul", g.op("Concat", *kept, axis=2), g.constant(flat))
        return g.op(self.activation, g.op("Add", mixed, g.constant(_array(layer.bias))))

    def _up(self, level: int, x: str, layer: Any) -> str:
        """Return activation(sum_k T_k(L~) U x W_k + b)."""
        g, weight = self.graph, _array(layer.weight)
        mixed = g.op("MatMul", x, g.constant(_beside(weight)))
        fine = g.sparse(self.geometry.up[level], mixed)
        made = self._clenshaw(level, fine, *weight.shape[::2])
        return g.op(self.activation, g.op("Add", made, g.constant(_array(layer.bias))))

    def _clenshaw(self, level: int, beside: str, order: int, channels: int) -> str:
        """Return sum_k T_k(L~) c_k by Clenshaw's recurrence, of the c_k side by side."""
        g, laplacian = self.graph, self.geometry.laplacian[level]
        terms = g.split(beside, order, 2) if order > 1 else [beside]
        before, last = "", terms[-1]
        for place in reversed(range(order - 1)):
            product = g.sparse(laplacian, last)
            if place > 0:
                product = g.op("Mul", product, g.constant(2.0))
            made = g.op("Add", product, terms[place])
            before, last = last, g.op("Sub", made, before) if before else made
        return last


def _beside(weight: Array) -> Array:
    """Return weights (K, C_in, C_out) side by side, (C_in, K C_out)."""
    return weight.transpose(1, 0, 2).reshape(weight.shape[1], -1)


def _array(parameter: Any) -> Array:
    """Return a tensor of the network as an array."""
    array: Array = parameter.detach().cpu().numpy()
    return array
