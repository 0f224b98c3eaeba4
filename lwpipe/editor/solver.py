"""Least squares on the encoding of parts: what moves points where they are asked to be.

On the linear path of the decoder a change d of the encoding of the parts S moves the face by

    F(d) = w_S (.) B^T diag(s) d,    w_S = sum_{k in S} w_k,

and d is the change that costs least under the Gaussian prior of the base, whose unit is a standard
deviation of the training faces, while the equations J d = r hold to a tolerance t:

    d* = argmin |d|^2 + |r - J d|^2 / t^2 = J^T (J J^T + t^2)^-1 r.

It is the conditional mean of a Gaussian model of faces, given what is asked for, about the face
that is there (Blanz et al., *A Statistical Method for Robust 3D Surface Reconstruction from Sparse
Data*, 3DPVT 2004).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import scipy.linalg

from lwpipe.model.linear_path import LinearPath

Floats = npt.NDArray[np.float64]
Faces = npt.NDArray[np.float32]


_NEWTON_STEPS = 20
# A distance of nothing has no direction.
_SHORTEST_MM = 1e-9


class Reach:
    """What a group of parts can move.

    Parameters
    ----------
    path : the linear part of the decoder
    parts : of the group

    Attributes
    ----------
    share : float32 (V,), w_S
    """

    def __init__(self, path: LinearPath, parts: Sequence[int]) -> None:
        self.path = path
        self.share = path.weights[:, sorted(set(parts))].sum(axis=1)

    def effects(self, vertices: Sequence[int]) -> Floats:
        """Return what a unit of each number of the encoding moves, float64 (n, 3, Z), mm."""
        chosen = np.asarray(vertices, np.int64)
        columns = (3 * chosen[:, None] + np.arange(3)).reshape(-1)
        moved = self.path.basis[:, columns].T.astype(np.float64) * self.path.deviation
        shaped = moved.reshape(len(chosen), 3, -1)
        return np.asarray(self.share[chosen, None, None] * shaped, np.float64)

    def moved(self, face: Faces, change: Floats) -> Faces:
        """Return the face (V, 3), mm, with the encoding changed; bit for bit where w_S = 0."""
        scaled = (change * self.path.deviation).astype(np.float32)
        field = (scaled @ self.path.basis).reshape(-1, 3)
        share = self.share[:, None]
        return np.asarray(np.where(share == 0, face, face + share * field), np.float32)

    def pulled(self, face: Faces, places: Mapping[int, Floats], tolerance: float) -> Faces:
        """Return the face with vertices pulled to places.

        Parameters
        ----------
        face : float32 (V, 3), mm
        places : of each vertex that is pulled or held, float64 (3,), mm
        tolerance : t, mm
        """
        if not places:
            return face.copy()
        vertices = list(places)
        wanted = np.stack(list(places.values())) - face[vertices]
        effects = self.effects(vertices).reshape(wanted.size, -1)
        return self.moved(face, least_change(effects, wanted.reshape(-1), tolerance))

    def stretched(
        self, face: Faces, ends: npt.NDArray[np.int64], lengths: Floats, tolerance: float
    ) -> Faces:
        """Return the face with distances as they shall be, by Newton steps, as near as it comes.

        Parameters
        ----------
        face : float32 (V, 3), mm
        ends : int (n, 2), pairs of vertices
        lengths : float64 (n,), mm
        tolerance : t, mm
        """
        effects = self.effects(ends.reshape(-1).tolist()).reshape(len(ends), 2, 3, -1)
        across = effects[:, 1] - effects[:, 0]
        apart = face[ends[:, 1]].astype(np.float64) - face[ends[:, 0]]
        change = np.zeros(effects.shape[-1])
        for _ in range(_NEWTON_STEPS):
            now = apart + across @ change
            length = np.maximum(np.linalg.norm(now, axis=1), _SHORTEST_MM)
            rows = np.einsum("nc,ncz->nz", now / length[:, None], across)
            off = lengths - length
            if np.abs(off).max() < tolerance:
                break
            change = least_change(rows, off + rows @ change, tolerance)
        return self.moved(face, change)


def least_change(effects: Floats, wanted: Floats, tolerance: float) -> Floats:
    """Return the change of an encoding that costs least and does what is wanted.

    Parameters
    ----------
    effects : float64 (m, Z), J
    wanted : float64 (m,), r
    tolerance : t, in the unit of `wanted`

    Returns
    -------
    float64 (Z,), in standard deviations
    """
    system = effects @ effects.T + tolerance**2 * np.eye(len(wanted))
    return np.asarray(effects.T @ scipy.linalg.solve(system, wanted, assume_a="pos"))
