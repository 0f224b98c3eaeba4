"""The linear part of a decoder, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class LinearPath:
    """The part of a decoder that is linear: sum_k w_k (.) (B^T diag(s) p_k).

    Attributes
    ----------
    basis : float32 (Z, 3V), orthonormal rows
    deviation : float32 (Z,), mm
    weights : float32 (V, K), rows sum to 1
    triangles : int64 (F, 3)
    """

    basis: npt.NDArray[np.float32]
    deviation: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]
    triangles: npt.NDArray[np.int64]

    def decode(self, parts: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return what it makes of part encodings (n, K, Z), float32 (n, V, 3), mm."""
        count, vertices = len(parts), len(self.weights)
        moved = (parts * self.deviation).reshape(-1, len(self.basis)) @ self.basis
        fields = moved.reshape(count, -1, vertices, 3)
        return np.asarray(np.einsum("vk,nkvc->nvc", self.weights, fields, optimize=True))
