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

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lwpipe.model.linear_path import LinearPath

Floats = npt.NDArray[np.float64]
Changes = dict[int, Floats]

# What a vertex of the rest counts beside one of the part: at a half, half of the part arrives.
OUTSIDE = 0.5
# Shares of the mean of E, and of the largest eigenvalue.
_UNSEEN, _FLOOR = 1e-6, 1e-14


@dataclass(frozen=True)
class Harmony:
    """Whole faces that take one part after a target.

    Attributes
    ----------
    inside : float64 (K, Z, Z)
        E_k of each part.
    unseen : float64 (Z, Z)
        What is added to E_o, so that what no vertex shows stays the source's.
    """

    inside: Floats
    unseen: Floats

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
            spread = (path.basis.T * path.deviation).astype(np.float64)
            spread = spread.reshape(vertices, path.channels, size)
            columns = path.weights.T.astype(np.float64)
            faces = sum(
                column[:, None, None] * (spread @ matrix)
                for column, matrix in zip(columns, matrices, strict=True)
            ).reshape(-1, size)
            inside = np.stack(
                [faces.T @ (np.repeat(each, path.channels)[:, None] * faces) for each in columns]
            )
        return cls(inside, _UNSEEN * np.trace(inside.sum(axis=0)) / size * np.eye(size))

    def maps(self, parts: Iterable[int]) -> list[Floats]:
        """Return E_o beside some parts, and E_k of each of them, float64 (Z, Z)."""
        inside = [self.inside[part] for part in parts]
        return [OUTSIDE * (self.inside.sum(axis=0) - sum(inside)) + self.unseen, *inside]

    def changes(self, sources: npt.ArrayLike, targets: Mapping[int, npt.ArrayLike]) -> Changes:
        """Return what each part's exchange does to the encodings; z* is the source and their sum.

        Several parts may be exchanged at once, for other targets each: then E_o and E_k of all of
        them stand side by side, and the correlations of all faces between them.

        Parameters
        ----------
        sources : float (n, Z), encodings
        targets : of each part k, encodings (n, Z)

        Returns
        -------
        dict of part to float64 (n, Z)
        """
        source = np.asarray(sources, np.float64)
        faces = [source, *(np.asarray(z, np.float64) for z in targets.values())]
        maps = self.maps(targets)
        square = np.zeros((len(source), *maps[0].shape))
        for i, first in enumerate(maps):
            square += first @ first
            for j in range(i):
                together = first @ maps[j]
                rho = _correlation(faces[i], faces[j])[:, None, None]
                square += rho * (together + together.T)
        lengths, vectors = roots(square)

        def normalised(z: Floats) -> Floats:
            turned = np.einsum("nij,ni->nj", vectors, z) / lengths
            return np.asarray(np.einsum("nij,nj->ni", vectors, turned))

        own = normalised(source @ sum(maps)) - source
        return {
            part: normalised((target - source) @ matrix) + own / len(targets)
            for part, target, matrix in zip(targets, faces[1:], maps[1:], strict=True)
        }


def roots(squares: Floats) -> tuple[Floats, Floats]:
    """Return square roots of the eigenvalues (..., Z), and the eigenvectors, of (..., Z, Z)."""
    values, vectors = np.linalg.eigh(squares)
    return np.sqrt(np.maximum(values, _FLOOR * values[..., -1:])), vectors


def _correlation(first: Floats, second: Floats) -> Floats:
    """Return that of each pair, from 0 to 1, float64 (n,); 0 where one of them is the mean."""
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    product = np.einsum("ni,ni->n", first, second)
    share = np.divide(product, lengths, np.zeros_like(product), where=lengths > 0)
    return np.asarray(np.clip(share, 0, 1))
