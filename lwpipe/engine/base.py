"""What an implementation of the mesh convolutions offers to the network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from torch import Tensor, nn

from lwpipe.template import Pyramid


@dataclass(frozen=True)
class Geometry:
    """The matrices of a mesh pyramid, finest level first.

    Attributes
    ----------
    laplacian : L~ of every level, (V_l, V_l), symmetric
    down : D of every step, 0/1, (V_{l+1}, V_l)
    up : U of every step, (V_l, V_{l+1})
    """

    laplacian: Sequence[sp.csr_matrix]
    down: Sequence[sp.csr_matrix]
    up: Sequence[sp.csr_matrix]

    @classmethod
    def of(cls, pyramid: Pyramid) -> Geometry:
        """Return the matrices of `pyramid`."""
        down = [
            selection(keep, matrix.shape[0])
            for keep, matrix in zip(pyramid.keep, pyramid.laplacian, strict=False)
        ]
        return cls(pyramid.laplacian, down, pyramid.up)

    @property
    def levels(self) -> int:
        """Number of steps between levels."""
        return len(self.up)

    def vertex_count(self, level: int) -> int:
        """Return the number of vertices of a level."""
        return int(self.laplacian[level].shape[0])


def selection(keep: npt.NDArray[np.int64], count: int) -> sp.csr_matrix:
    """Return D, (len(keep), count): row i is 1 at keep[i]."""
    rows = np.arange(len(keep) + 1)
    return sp.csr_matrix((np.ones(len(keep), np.float32), keep, rows), (len(keep), count))


class Backend(nn.Module, ABC):
    """The convolutions of the network on one geometry, in a layout of their own.

    `enter` and `unflatten` lead into the layout, `last` and `flatten` out of it; the others stay
    inside. A backend has no parameters, and all backends compute the same function to rounding.

    Parameters
    ----------
    geometry : Geometry
    activation : 'elu', 'relu', 'leaky_relu' or 'tanh'
    """

    def __init__(self, geometry: Geometry, activation: str) -> None:
        super().__init__()
        self.geometry, self.activation = geometry, activation

    @abstractmethod
    def enter(self, x: Tensor) -> Tensor:
        """Take standardised faces (batch, V, 3)."""

    @abstractmethod
    def down(self, level: int, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Return activation(D (sum_k T_k(L~) x W_k + b)): from `level` to `level + 1`.

        weight : (K, C_in, C_out); bias : (C_out,)
        """

    @abstractmethod
    def flatten(self, x: Tensor, channels: int) -> Tensor:
        """Return features of the coarsest level as (batch, V_L x channels)."""

    @abstractmethod
    def unflatten(self, h: Tensor) -> Tensor:
        """Take features of the coarsest level, (batch, V_L, channels)."""

    @abstractmethod
    def up(self, level: int, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Return activation(sum_k T_k(L~) U x W_k + b): from `level + 1` to `level`."""

    @abstractmethod
    def last(self, x: Tensor, weight: Tensor) -> Tensor:
        """Return sum_k T_k(L~) x W_k at the finest level as standardised faces (batch, V, 3)."""
