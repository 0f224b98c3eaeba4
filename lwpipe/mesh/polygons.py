"""Polygons of any number of corners, cut into triangles."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lwpipe.mesh.faults import MeshError

Ints = npt.NDArray[np.int64]

FEW_CORNERS = "has a polygon of fewer than three corners"


def fan(polygons: Sequence[Sequence[int]]) -> Ints:
    """Return the triangles of polygons, int64 (F, 3): a b c d gives a b c and a c d.

    A polygon of more than three corners is a cycle: wherever it starts in the file, it is cut from
    its corner of the lowest number, so that files which start it elsewhere get the same triangles.

    Raises
    ------
    MeshError
        If a polygon has fewer than three corners.

    Examples
    --------
    >>> fan([[7, 5, 6], [3, 0, 1, 2]]).tolist()
    [[7, 5, 6], [0, 1, 2], [0, 2, 3]]
    """
    triangles = []
    for corners in polygons:
        if len(corners) == 3:
            triangles.append(corners)
            continue
        if len(corners) < 3:
            raise MeshError(FEW_CORNERS)
        first = corners.index(min(corners))
        cycle = [*corners[first:], *corners[:first]]
        triangles += [(cycle[0], b, c) for b, c in pairwise(cycle[1:])]
    try:
        return np.array(triangles, dtype=np.int64).reshape(-1, 3)
    except OverflowError as error:
        raise MeshError("has a polygon with a vertex number of over 18 digits") from error


def fan_of_counts(counts: Ints, corners: Ints) -> Ints:
    """Return what `fan` does, from the corner counts (P,) and all corners one after another.

    The triangles keep the order of the polygons.
    """
    if len(counts) == 0:
        return np.empty((0, 3), dtype=np.int64)
    if counts.min() < 3:
        raise MeshError(FEW_CORNERS)
    starts = np.cumsum(counts) - counts
    # Where each polygon's triangles stand among all.
    places = np.cumsum(counts - 2) - (counts - 2)
    triangles = np.empty((int((counts - 2).sum()), 3), dtype=np.int64)
    for size in np.unique(counts):
        rows = np.flatnonzero(counts == size)
        cycles = corners[starts[rows][:, None] + np.arange(size)]
        if size > 3:
            first = np.argmin(cycles, axis=1)[:, None]
            cycles = np.take_along_axis(cycles, (first + np.arange(size)) % size, axis=1)
        for step in range(size - 2):
            triangles[places[rows] + step] = cycles[:, [0, step + 1, step + 2]]
    return triangles


def strip(corners: Ints) -> Ints:
    """Return the triangles of a strip, int64 (n - 2, 3): every other one is turned round.

    Examples
    --------
    >>> strip(np.array([0, 1, 2, 3])).tolist()
    [[0, 1, 2], [1, 3, 2]]
    """
    first, second, third = corners[:-2], corners[1:-1], corners[2:]
    odd = np.arange(len(first)) % 2 == 1
    return np.stack([first, np.where(odd, third, second), np.where(odd, second, third)], axis=1)
