"""Harmony: whole faces that take a part after one face and the rest after another.

Let encodings of faces be distributed as N(0, 1), as those of standardised principal components are,
and z_s and z_t be those of a source and a target with the correlation rho. Among all
z* = A z_s + B z_t that are distributed as faces are, the nearest to the target within part k and to
the source beyond it, in the mean over faces of

    sum_v w_k(v) |L(z* - z_t)(v)|^2 + OUTSIDE sum_v (1 - w_k(v)) |L(z* - z_s)(v)|^2,

L being the linear path of the decoder, is a Procrustes problem, solved by

    [A B] = (E_o^2 + E_k^2 + rho (E_o E_k + E_k E_o))^(-1/2) [E_o E_k],
    E_k = sum_v w_k(v) L(v)^T L(v),    E_o = OUTSIDE sum_v (1 - w_k(v)) L(v)^T L(v).

With rho = 1 it is the least-squares answer, A + B = 1, and a target that is the source changes
nothing. With rho = 0, two people, least squares would take away variance that faces have: their
average is no face. rho is that of the pair, from 0 on. Without a linear path encodings are
compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lwpipe.model.linear_path import LinearPath

Floats = npt.NDArray[np.float64]

# What a vertex of the rest counts beside one of the part: at a half, half of the part arrives.
OUTSIDE = 0.5
# What no vertex shows stays the source's.
_UNSEEN = 1e-6


@dataclass(frozen=True)
class Harmony:
    """Whole faces that take one part after a target.

    Attributes
    ----------
    inside, outside : float64 (K, Z, Z)
        E_k and E_o of each part.
    """

    inside: Floats
    outside: Floats

    @classmethod
    def of(cls, projections: npt.ArrayLike, path: LinearPath | None) -> Harmony:
        """Prepare all parts.

        Parameters
        ----------
        projections : float (K, Z, Z), P_k
        path : of the decoder; None: compare encodings
        """
        matrices = np.asarray(projections, np.float64)
        size = matrices.shape[1]
        if path is None:
            inside = np.einsum("kij,kil->kjl", matrices, matrices)
        else:
            vertices = len(path.weights)
            spread = (path.basis.T * path.deviation).astype(np.float64).reshape(vertices, 3, size)
            columns = path.weights.T.astype(np.float64)
            faces = sum(
                column[:, None, None] * (spread @ matrix)
                for column, matrix in zip(columns, matrices, strict=True)
            ).reshape(-1, size)
            inside = np.stack([faces.T @ (np.repeat(each, 3)[:, None] * faces) for each in columns])
        whole = inside.sum(axis=0)
        unseen = _UNSEEN * np.trace(whole) / size * np.eye(size)
        return cls(inside, OUTSIDE * (whole - inside) + unseen)

    def whole(self, sources: npt.ArrayLike, targets: npt.ArrayLike, part: int) -> Floats:
        """Return z*, float64 (n, Z).

        Parameters
        ----------
        sources, targets : float (n, Z), encodings
        part : k
        """
        source, target = (np.asarray(z, np.float64) for z in (sources, targets))
        inside, outside = self.inside[part], self.outside[part]
        together = outside @ inside
        apart = outside @ outside + inside @ inside
        rho = _correlation(source, target)[:, None, None]
        values, vectors = np.linalg.eigh(apart + rho * (together + together.T))
        wanted = source @ outside + target @ inside
        turned = np.einsum("nij,ni->nj", vectors, wanted) / np.sqrt(values)
        return np.asarray(np.einsum("nij,nj->ni", vectors, turned))


def _correlation(sources: Floats, targets: Floats) -> Floats:
    """Return that of each pair, from 0 to 1, float64 (n,); 0 where one of them is the mean."""
    lengths = np.linalg.norm(sources, axis=1) * np.linalg.norm(targets, axis=1)
    product = np.einsum("ni,ni->n", sources, targets)
    share = np.divide(product, lengths, np.zeros_like(product), where=lengths > 0)
    return np.asarray(np.clip(share, 0, 1))
