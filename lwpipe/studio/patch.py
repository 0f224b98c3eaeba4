"""A part of a surface, cut along the line where its share has one value."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


def cut_out(vertices: Floats, triangles: Ints, share: Floats, level: float) -> tuple[Floats, Ints]:
    """Return what lies where a share is at least a level; triangles across the line are cut.

    Parameters
    ----------
    vertices : float32 (V, 3)
    triangles : int64 (F, 3)
    share : float32 (V,)
    level : of the line

    Returns
    -------
    float32 (n, 3) and int64 (m, 3), which may be empty

    Examples
    --------
    >>> corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    >>> cut_out(corners, np.array([[0, 1, 2]]), np.array([1, 0, 0], np.float32), 0.5)[0].tolist()
    [[0.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.5, 0.0]]
    """
    inside = share >= level
    count = inside[triangles].sum(axis=1)
    pieces = [triangles[count == 3]]
    ends: list[Ints] = []
    for number, alone in ((1, True), (2, False)):
        crossed = triangles[count == number]
        # The corner that is alone on its side comes first; the turn stays.
        first = (inside[crossed] == alone).argmax(axis=1)
        turned = crossed[np.arange(len(crossed))[:, None], (first[:, None] + np.arange(3)) % 3]
        lone, left, right = turned.T
        start = len(share) + sum(map(len, ends))
        one, other = start + np.arange(len(lone)), start + len(lone) + np.arange(len(lone))
        ends += [np.stack([lone, left], axis=1), np.stack([lone, right], axis=1)]
        if alone:
            pieces.append(np.stack([lone, one, other], axis=1))
        else:
            pieces.append(np.stack([one, left, right], axis=1))
            pieces.append(np.stack([one, right, other], axis=1))
    edges = np.sort(np.concatenate(ends), axis=1)
    # An edge is cut once, for both of its triangles.
    known, place = np.unique(edges, axis=0, return_inverse=True)
    a, b = known.T
    along = ((level - share[a]) / (share[b] - share[a]))[:, None]
    points = np.concatenate([vertices, vertices[a] + along * (vertices[b] - vertices[a])])
    number_of = np.concatenate([np.arange(len(share)), len(share) + place.reshape(-1)])
    used, corners = np.unique(number_of[np.concatenate(pieces)], return_inverse=True)
    return points[used].astype(np.float32), corners.reshape(-1, 3).astype(np.int64)
