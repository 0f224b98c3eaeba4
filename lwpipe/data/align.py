"""Generalised Procrustes alignment: bring all faces into one frame.

Every training face is rotated and moved (and, if asked, scaled) to the mean of the training
faces, the mean is formed anew, and so on until it stays (Gower 1975, with proper rotations from
the singular value decomposition as in Kabsch 1978). Test faces are only brought to that mean: they
have no part in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError

Floats = npt.NDArray[np.float64]

TOLERANCE_MM = 1e-4
MAX_ITERATIONS = 100
# Faces are worked on in pieces of this many coordinates (float64), so that a memory-mapped set
# of any size needs the same memory.
CHUNK_COORDINATES = 8_000_000


@dataclass(frozen=True)
class Alignment:
    """What an alignment did.

    Attributes
    ----------
    iterations : int
        How often the mean was formed.
    converged : bool
        Whether the last change of the mean was below the tolerance.
    before_mm, after_mm : float
        Root mean square distance of the training faces' vertices from their mean, with only the
        centroids brought together, and after the alignment.
    scale : bool
        Whether faces were scaled.
    """

    iterations: int
    converged: bool
    before_mm: float
    after_mm: float
    scale: bool

    def describe(self) -> dict[str, Any]:
        """Return the entry for `dataset.json`."""
        return {
            "method": "generalised Procrustes, proper rotations",
            "scale": self.scale,
            "iterations": self.iterations,
            "converged": self.converged,
            "rms_from_mean_before_mm": round(self.before_mm, 6),
            "rms_from_mean_after_mm": round(self.after_mm, 6),
        }


def nearest_rotations(matrices: npt.ArrayLike) -> Floats:
    """Return the proper rotation R that maximises tr(R^T M), for each matrix M.

    Parameters
    ----------
    matrices : float (..., 3, 3)

    Returns
    -------
    rotations : float64 (..., 3, 3), determinant +1

    Notes
    -----
    With M = sum_v m_v x_v^T, R brings the points x_v closest to m_v (Kabsch 1978; Umeyama 1991,
    equation 40: the last singular direction is flipped where a reflection would fit better).
    """
    u, _, vt = np.linalg.svd(np.asarray(matrices, dtype=np.float64))
    sign = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    u[..., :, 2] *= sign[..., None]
    return np.asarray(u @ vt, dtype=np.float64)


def align_faces(
    vertices: npt.NDArray[np.float32],
    train: npt.NDArray[np.int64],
    *,
    scale: bool = False,
    tolerance: float = TOLERANCE_MM,
    max_iterations: int = MAX_ITERATIONS,
) -> Alignment:
    """Align all faces, in place, to the mean of the training faces.

    The centroid of every face comes to the origin. The common frame is turned so that the faces
    are turned as little as possible on the whole.

    Parameters
    ----------
    vertices : float32 (N, V, 3), mm
        Changed in place; may be memory-mapped.
    train : int64 (n,)
        Rows that form the mean.
    scale : bool
        Also scale every face to the mean size (root of the summed squared distances from the
        centroid) of the training faces.
    tolerance : float, mm
        The mean stands when its vertices move less than this (root mean square).

    Returns
    -------
    Alignment

    Raises
    ------
    LwpipeError
        If there is no training face, or all vertices of a face lie in one point.
    """
    if len(train) == 0:
        raise LwpipeError("the data set has no training face to align the others to.")
    count, vertex_count = vertices.shape[:2]
    centroids = np.empty((count, 3))
    sizes = np.empty(count)
    for rows in _chunks(np.arange(count), vertex_count):
        block = vertices[rows].astype(np.float64)
        centroids[rows] = block.mean(axis=1)
        block -= centroids[rows][:, None]
        sizes[rows] = np.sqrt(np.einsum("nvc,nvc->n", block, block))
    if not (sizes > 0).all():
        row = int(np.flatnonzero(~(sizes > 0))[0])
        raise LwpipeError(f"face number {row + 1}: all its vertices lie in one point.")
    scales = sizes[train].mean() / sizes if scale else np.ones(count)

    def centred(rows: npt.NDArray[np.int64]) -> Floats:
        block = vertices[rows].astype(np.float64)
        block -= centroids[rows][:, None]
        block *= scales[rows][:, None, None]
        return block

    # The first training face starts it: a mean of faces that are turned every way may be a blob.
    mean = centred(train[:1])[0]
    plain_mean = np.zeros_like(mean)
    for rows in _chunks(train, vertex_count):
        plain_mean += centred(rows).sum(axis=0)
    plain_mean /= len(train)
    power = float((scales[train] * sizes[train]) @ (scales[train] * sizes[train]))

    rotations = np.empty((count, 3, 3))
    converged, iterations = False, 0
    while not converged and iterations < max_iterations:
        iterations += 1
        new_mean = np.zeros_like(mean)
        for rows in _chunks(train, vertex_count):
            block = centred(rows)
            rotations[rows] = _rotations_to(mean, block)
            new_mean += np.einsum("nvc,ndc->vd", block, rotations[rows])
        new_mean /= len(train)
        change = np.sqrt(np.mean(np.sum((new_mean - mean) ** 2, axis=1)))
        mean = new_mean
        converged = bool(change < tolerance)

    frame = nearest_rotations(rotations[train].transpose(0, 2, 1).sum(axis=0))
    for rows in _chunks(np.arange(count), vertex_count):
        block = centred(rows)
        turns = frame @ _rotations_to(mean, block)
        vertices[rows] = block @ turns.transpose(0, 2, 1)

    points = len(train) * vertex_count
    return Alignment(
        iterations=iterations,
        converged=converged,
        before_mm=_rms(power, plain_mean, len(train), points),
        after_mm=_rms(power, mean, len(train), points),
        scale=scale,
    )


def _rotations_to(mean: Floats, faces: Floats) -> Floats:
    """Return the rotations (n, 3, 3) that bring centred faces (n, V, 3) closest to the mean."""
    return nearest_rotations(mean.T @ faces)


def _rms(power: float, mean: Floats, faces: int, points: int) -> float:
    """Return the root mean square distance from a mean, from the faces' summed squares."""
    return float(np.sqrt(max(power - faces * float(np.sum(mean * mean)), 0.0) / points))


def _chunks(rows: npt.NDArray[np.int64], vertex_count: int) -> Iterator[npt.NDArray[np.int64]]:
    """Cut `rows` into pieces of bounded memory."""
    step = max(1, CHUNK_COORDINATES // (3 * vertex_count))
    for start in range(0, len(rows), step):
        yield rows[start : start + step]
