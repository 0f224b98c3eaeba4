"""Harmony: how the rest of a face follows when a part of it is replaced.

The exchange of a part changes the encodings by D, which is zero but for that part. Its harmonised
change H D = (P_1 z*, ..., P_K z*) is the whole face's that is most like it,

    z* = argmin_z sum_v |T L(D)(v) - T L(P z)(v)|^2 + lambda |z|^2,

L being the linear path of the decoder. T measures in Laplacian coordinates (differences from the
mean of the neighbours) and a little in positions: in positions alone the answer loses detail. With
a base of principal components and T = 1 this is the conditional mean of a Gaussian model of faces.
Without a linear path encodings are compared.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse as sp

from lwpipe.mesh.topology import adjacency
from lwpipe.model.linear_path import LinearPath

Floats = npt.NDArray[np.float64]

POSITIONS = 0.1
LAMBDA = 1.0


def followers(projections: npt.ArrayLike, path: LinearPath | None) -> Floats:
    """Return what each part's change does to z*, float64 (K, Z, Z): z* = F_k D_k.

    Parameters
    ----------
    projections : float (K, Z, Z), P_k
    path : of the decoder; None: compare encodings
    """
    matrices = np.asarray(projections, np.float64)
    size = matrices.shape[1]
    if path is None:
        whole = np.einsum("kij,kil->jl", matrices, matrices) + LAMBDA * np.eye(size)
        changes = matrices.transpose(0, 2, 1)
    else:
        vertices = len(path.weights)
        graph = adjacency(path.triangles, vertices)
        spread = (path.basis.T * path.deviation).astype(np.float64).reshape(vertices, 3, size)
        faces = sum(
            column[:, None, None] * (spread @ matrix)
            for column, matrix in zip(path.weights.T.astype(np.float64), matrices, strict=True)
        )
        measured = _measured(faces, graph)
        whole = measured.T @ measured + LAMBDA * np.eye(size)
        changes = np.stack(
            [
                measured.T @ _measured(column[:, None, None] * spread, graph)
                for column in path.weights.T.astype(np.float64)
            ]
        )
    factor = scipy.linalg.cho_factor(whole)
    return np.stack([scipy.linalg.cho_solve(factor, change) for change in changes])


def _measured(fields: Floats, graph: sp.csr_matrix) -> Floats:
    """Return fields (V, 3, Z) in Laplacian coordinates and a little in positions, (2 V 3, Z)."""
    vertices, _, size = fields.shape
    neighbours = np.maximum(np.asarray(graph.sum(axis=1)).reshape(-1), 1.0)
    flat = fields.reshape(vertices, -1)
    laplacian = flat - sp.diags(1 / neighbours) @ (graph @ flat)
    return np.concatenate([laplacian, POSITIONS * flat]).reshape(-1, size)
