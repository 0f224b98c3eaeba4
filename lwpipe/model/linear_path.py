"""The linear part of a decoder, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lwpipe.data.signals import POSITION


@dataclass(frozen=True)
class LinearPath:
    """The part of a decoder that is linear: sum_k w_k (.) (B^T diag(s) p_k).

    Attributes
    ----------
    basis : float32 (Z, CV), orthonormal rows
    deviation : float32 (Z,), mm
    weights : float32 (V, K), rows sum to 1
    triangles : int64 (F, 3)
    units : float32 (C,), what the channels of faces are multiplied by in the basis; None: by 1
    """

    basis: npt.NDArray[np.float32]
    deviation: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]
    triangles: npt.NDArray[np.int64]
    units: npt.NDArray[np.float32] | None = None

    @property
    def channels(self) -> int:
        """Number of channels C of its faces: 3, or 6 with colours."""
        return int(self.basis.shape[1]) // len(self.weights)

    @property
    def of_positions(self) -> LinearPath:
        """What it does to positions, whose basis is not orthonormal; itself without colours."""
        if self.channels == 3:
            return self
        basis = self.basis.reshape(len(self.basis), len(self.weights), -1)[..., POSITION]
        flat = np.ascontiguousarray(basis.reshape(len(basis), -1))
        return LinearPath(flat, self.deviation, self.weights, self.triangles)

    def decode(self, parts: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return what it makes of part encodings (n, K, Z), float32 (n, V, C)."""
        count, vertices = len(parts), len(self.weights)
        moved = (parts * self.deviation).reshape(-1, len(self.basis)) @ self.basis
        fields = moved.reshape(count, -1, vertices, self.channels)
        made = np.asarray(np.einsum("vk,nkvc->nvc", self.weights, fields, optimize=True))
        return made if self.units is None else np.asarray(made / self.units, np.float32)
