"""What may be odd about faces although each is a sound mesh: copies, mirror images, turns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from lwpipe.data.store import Dataset

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# The same face written with other digits, or aligned from another place.
SAME_MM = 0.01
# Faces are compared at so many vertices first.
_COMPARED = 64
# A mirror image is suspected where it halves the distance; a turn from so many degrees on.
_MIRROR_GAIN, TURNED_DEG = 0.5, 20.0
# An open mesh such as a face looks where its area does; that of a closed one looks nowhere.
_OPEN_SHARE, _ALONG = 0.2, 0.8


def same_faces(data: Dataset) -> list[list[int]]:
    """Return the rows of faces of which no vertex is farther than `SAME_MM` apart, set by set."""
    count, vertices = data.vertices.shape[:2]
    compared = np.unique(np.linspace(0, vertices - 1, _COMPARED).astype(int))
    places = np.asarray(data.vertices[:, compared], np.float64).reshape(count, -1)
    tree = cKDTree(places)
    taken = np.zeros(count, dtype=bool)
    found = []
    for row in range(count):
        if taken[row]:
            continue
        near = [
            other
            for other in tree.query_ball_point(places[row], SAME_MM, p=np.inf, return_sorted=True)
            if other > row and not taken[other] and _apart(data, row, other) <= SAME_MM
        ]
        if near:
            taken[near] = True
            found.append([row, *near])
    return found


def _apart(data: Dataset, one: int, other: int) -> float:
    """Return the largest distance of a vertex, mm."""
    difference = data.vertices[one].astype(np.float64) - data.vertices[other]
    return float(np.sqrt((difference**2).sum(axis=1)).max())


def poses(data: Dataset, reference: int) -> tuple[Flags, Floats]:
    """Compare how each face stands with how the others do.

    Parameters
    ----------
    data : Dataset
    reference : row of the face that all are compared with

    Returns
    -------
    mirrored : bool (N,)
        Those few that fit the others better as their mirror images.
    angles : float64 (N,)
        Degrees by which the best rotation turns each face from the reference.
    """
    base = _centred(data, reference)
    power = (base**2).sum()
    mirrored = np.zeros(len(data.vertices), dtype=bool)
    angles = np.zeros(len(data.vertices))
    for row in range(len(data.vertices)):
        face = _centred(data, row)
        u, s, vt = np.linalg.svd(base.T @ face)
        sign = np.sign(np.linalg.det(u @ vt)) or 1.0
        both = power + (face**2).sum()
        turned = both - 2 * (s[0] + s[1] + sign * s[2])
        reflected = both - 2 * (s[0] + s[1] - sign * s[2])
        mirrored[row] = reflected < _MIRROR_GAIN**2 * turned
        rotation = u @ np.diag([1, 1, sign]) @ vt
        angles[row] = np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1)))
    if mirrored.mean() > 0.5:
        mirrored = ~mirrored
    return mirrored, angles


def _centred(data: Dataset, row: int) -> Floats:
    face = data.vertices[row].astype(np.float64)
    return np.asarray(face - face.mean(axis=0))


def turned(angles: Floats, mirrored: Flags) -> Flags:
    """Return which faces are turned by more than `TURNED_DEG` from most others, bool (N,)."""
    away = angles > TURNED_DEG
    if away[~mirrored].mean() > 0.5:
        away = ~away
    return np.asarray(away & ~mirrored)


def looks_along(vertices: npt.ArrayLike, triangles: Ints) -> str | None:
    """Return the axis along which an open mesh looks, such as '+z'; None where it has none.

    The sum of the triangles' area vectors, that is the direction in which the mesh shows most of
    its front.

    Examples
    --------
    >>> looks_along([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.array([[0, 1, 2]]))
    '+z'
    """
    corners = np.asarray(vertices, np.float64)[np.asarray(triangles)]
    areas = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    front = areas.sum(axis=0)
    length, whole = np.linalg.norm(front), np.linalg.norm(areas, axis=1).sum()
    if length <= _OPEN_SHARE * whole:
        return None
    axis = int(np.abs(front).argmax())
    if abs(front[axis]) < _ALONG * length:
        return None
    return f"{'+' if front[axis] > 0 else '-'}{'xyz'[axis]}"


def look_remark(axis: str | None) -> str:
    """Say what is odd where faces look along another axis than z; '' where nothing is."""
    match axis:
        case None | "+z":
            return ""
        case "-y":
            return "the faces look down: z points up in the files? data.meshes.up: z turns them"
        case "+y":
            return "the faces lie on their back: turn them until they look along +z, with y up"
        case "-z":
            return "the faces look away, or their triangles are inside out"
    return "the faces look sideways: turn them until they look along +z, with y up"


def some(names: Sequence[str]) -> str:
    """Return the first names of a list as text."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
