"""Borders of the parts where the motion of the faces has them.

Sparse NMF tells where the parts are, and leaves open where one ends. The core of a part foretells
the motion of the vertices around it: each vertex goes to the part whose core does so best, there
and nearby.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from lwpipe.mesh.topology import adjacency

if TYPE_CHECKING:
    from jaxtyping import Float32, Float64, Int64

Floats = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float32]

# A vertex is of a part's core if its weight is so many times that of any other part.
_CORE = 2.0
# More components than a quarter of the faces would explain noise.
_FACES_A_COMPONENT = 4
# Less than anything explained: the part is closed to a vertex.
_CLOSED = -1.0
# Deviations below this share of the first's are noise of single precision.
_TOLERANCE = 1e-5
# Less than this share of the most that is explained of a vertex is nothing.
_RESTING = 1e-12
# Bounds the working copy of a block of vertices.
_BLOCK_BYTES = 64 * 2**20


def refined(
    weights: Float32[Weights, "V K"],
    faces: Float32[npt.NDArray[np.float32], "N V 3"],
    rows: Int64[npt.NDArray[np.int64], " n"],
    triangles: Int64[npt.NDArray[np.int64], "F 3"],
    components: int,
    nearby: Callable[[Floats], Floats] | None = None,
) -> Float32[Weights, "V K"]:
    """Return one part a vertex, as weights of 0 and 1: the one whose core explains most of it.

    The core of a part are the vertices whose weight is at least twice that of any other part; of a
    part that has none, those where it has the largest, or its largest one. What it explains of a
    vertex is the variance of its motion that a linear regression on the first principal components
    of the core's motion gives, and of the motion nearby. Where nothing moves a vertex stays in the
    part of its largest weight, and a piece of a part that holds nothing of its core goes to the
    next best.

    Parameters
    ----------
    weights : (V, K), rows sum to 1
    faces : (N, V, 3), mm
        May be memory-mapped.
    rows : the faces to learn from
    triangles : (F, 3)
    components : of each core; at most a quarter of the faces are taken
    nearby : takes what the cores explain of each vertex, (V, K), and returns the mean about it
        None: the vertex alone counts.
    """
    cores = _cores(weights)
    most = max(1, min(components, len(rows) // _FACES_A_COMPONENT))
    scores = [_scores(faces, rows, np.flatnonzero(core), most) for core in cores.T]
    explained = _explained(faces, rows, scores)
    if nearby is not None:
        explained = nearby(explained)
    total = explained.sum(axis=1)
    resting = total <= _RESTING * total.max()
    explained[resting] = weights[resting]
    part = _in_one_piece(explained, cores, adjacency(triangles, len(weights)))
    made: Weights = np.eye(weights.shape[1], dtype=np.float32)[part]
    return made


def _in_one_piece(
    explained: Floats, cores: npt.NDArray[np.bool_], graph: sp.csr_matrix
) -> npt.NDArray[np.int64]:
    """Return the best part of each vertex, (V,), in pieces that hold some of the part's core."""
    open_to = explained.copy()
    start, end = graph.nonzero()
    while True:
        part: npt.NDArray[np.int64] = open_to.argmax(axis=1)
        alike = part[start] == part[end]
        edges = (np.ones(alike.sum(), np.int8), (start[alike], end[alike]))
        count, piece = connected_components(sp.csr_array(edges, shape=graph.shape))
        held = np.zeros(count, bool)
        held[piece[cores[np.arange(len(part)), part]]] = True
        astray = ~held[piece] & (open_to.max(axis=1) > _CLOSED)
        if not astray.any():
            # What no part would have, as a vertex without triangles, goes where it is best.
            lost = open_to.max(axis=1) == _CLOSED
            part[lost] = explained[lost].argmax(axis=1)
            return part
        open_to[astray, part[astray]] = _CLOSED


def _cores(weights: Weights) -> npt.NDArray[np.bool_]:
    """Return which vertices are of the core of each part, (V, K)."""
    largest = weights.max(axis=1, keepdims=True)
    first = weights.argmax(axis=1)[:, None] == np.arange(weights.shape[1])
    others = np.where(first, 0, weights).max(axis=1, keepdims=True)
    cores = np.asarray(first & (largest >= _CORE * others))
    for part in np.flatnonzero(~cores.any(axis=0)):
        cores[:, part] = first[:, part]
        if not first[:, part].any():
            cores[weights[:, part].argmax(), part] = True
    return cores


def _scores(
    faces: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int64],
    core: npt.NDArray[np.int64],
    most: int,
) -> Floats:
    """Return the faces' standardised scores on the components of a core, orthonormal (n, q)."""
    gram = np.zeros((len(rows), len(rows)))
    for block in _blocks(core, len(rows)):
        moved = _moved(faces, rows, block)
        gram += moved @ moved.T
    values, vectors = np.linalg.eigh(gram)
    count = min(most, int(np.count_nonzero(values > values[-1] * _TOLERANCE**2)))
    scores: Floats = vectors[:, len(rows) - count :]
    return scores


def _explained(
    faces: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int64],
    scores: list[Floats],
) -> Float64[Floats, "V K"]:
    """Return the variance of each vertex that each core explains, times n, mm^2."""
    count = faces.shape[1]
    explained = np.empty((count, len(scores)))
    every = np.concatenate(scores, axis=1).T
    ends = np.cumsum([of_core.shape[1] for of_core in scores])[:-1]
    for block in _blocks(np.arange(count), len(rows)):
        squares = (every @ _moved(faces, rows, block)) ** 2
        by_core = np.stack([piece.sum(axis=0) for piece in np.split(squares, ends)])
        explained[block] = by_core.reshape(len(scores), -1, 3).sum(axis=2).T
    return explained


def _moved(
    faces: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int64],
    block: npt.NDArray[np.int64],
) -> Floats:
    """Return how far vertices are from their mean, (n, 3b), mm."""
    moved: Floats = faces[rows[:, None], block].astype(np.float64)
    moved -= moved.mean(axis=0)
    return moved.reshape(len(rows), -1)


def _blocks(vertices: npt.NDArray[np.int64], count: int) -> list[npt.NDArray[np.int64]]:
    step = max(1, _BLOCK_BYTES // (24 * count))
    return [vertices[start : start + step] for start in range(0, len(vertices), step)]
