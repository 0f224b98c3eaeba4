"""What the faces of a data set say about each vertex: the matrix that sparse NMF factorises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError

if TYPE_CHECKING:
    from jaxtyping import Float, Float32, Int64

Kind = Literal["signed", "magnitude", "magnitude_std"]

# Faces and vertices that are worked on together: they fit a core's cache, and a run of columns is
# written at a time, since the matrix is laid out by vertex and the faces are by face.
_FACES, _VERTICES = 16, 2048


def features(
    vertices: Float32[npt.NDArray[np.float32], "N V 3"],
    mean: Float[npt.NDArray[np.floating[Any]], "V 3"],
    kind: Kind,
    rows: Int64[npt.NDArray[np.int64], " n"] | None = None,
    dtype: type[np.float32] | type[np.float64] = np.float64,
) -> Float[npt.NDArray[np.floating[Any]], "V columns"]:
    """Return non-negative features, one row a vertex.

    Parameters
    ----------
    vertices : float32 (N, V, 3), mm
        Read a few faces at a time, so it may be memory-mapped.
    mean : float (V, 3), mm
    kind : what the columns hold, d being the displacement of a vertex from the mean face
        'magnitude': |d|, mm, (V, N).
        'magnitude_std': |d| divided by the vertex's standard deviation sqrt(E|d|^2), (V, N).
        'signed': max(d, 0) then max(-d, 0) of x, y and z, divided by the same, (V, 6N).

    rows : int64, which of the N faces to use; None for all
    dtype : what the features are stored in; they are computed in double precision either way
        The coordinates are in single precision, and a displacement is the small difference of two:
        storing it in single precision adds far less error than it has already.

    Returns
    -------
    (V, n) of `dtype`, all values finite and >= 0
        A vertex that never moves has a row of zeros.

    Raises
    ------
    LwpipeError
        If the faces do not differ from the mean at all.
    """
    mean = np.asarray(mean, dtype=np.float64)
    rows = np.arange(len(vertices)) if rows is None else rows
    count, points = len(rows), vertices.shape[1]
    columns = 6 if kind == "signed" else 1
    matrix = np.empty((points, count * columns), dtype)
    square = np.zeros(points)
    for face in range(0, count, _FACES):
        faces = rows[face : face + _FACES]
        for point in range(0, points, _VERTICES):
            part = slice(point, point + _VERTICES)
            moved = np.asarray(vertices[faces, part], dtype=np.float64) - mean[part]
            squared = moved[..., 0] ** 2 + moved[..., 1] ** 2 + moved[..., 2] ** 2
            for one in squared:
                square[part] += one
            target = matrix[part, face * columns : (face + len(faces)) * columns]
            if kind == "signed":
                target = target.reshape(-1, len(faces), 6)
                np.maximum(moved.swapaxes(0, 1), 0.0, out=target[..., :3], casting="same_kind")
                np.maximum(-moved.swapaxes(0, 1), 0.0, out=target[..., 3:], casting="same_kind")
            else:
                target[:] = np.sqrt(squared).T
    deviation = np.sqrt(square / count)
    largest = float(deviation.max())
    if largest == 0.0:
        raise LwpipeError(
            "the training faces are all alike: there is no motion to derive local weights from."
        )
    if kind != "magnitude":
        # Rounding noise of a vertex at rest must not be blown up to the size of real motion.
        resting = deviation <= 1e-6 * largest
        matrix[resting] = 0.0
        matrix /= np.where(resting, 1.0, deviation)[:, None]
    return matrix


def choose_faces(train: npt.NDArray[np.int64], limit: int | None) -> npt.NDArray[np.int64]:
    """Return at most `limit` of the training rows, evenly spread; all of them for None."""
    if limit is None or limit >= len(train):
        return train
    return train[np.arange(limit) * len(train) // limit]
