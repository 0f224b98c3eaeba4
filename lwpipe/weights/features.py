"""What the faces of a data set say about each vertex: the matrix that sparse NMF factorises."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lwpipe.errors import LwpipeError

Kind = Literal["signed", "magnitude", "magnitude_std"]


def features(
    vertices: npt.NDArray[np.float32],
    mean: npt.NDArray[np.floating[Any]],
    kind: Kind,
    rows: npt.NDArray[np.int64] | None = None,
) -> npt.NDArray[np.float64]:
    """Return non-negative features, one row a vertex.

    Parameters
    ----------
    vertices : float32 (N, V, 3), mm
        Read one face at a time, so it may be memory-mapped.
    mean : float (V, 3), mm
    kind : what the columns hold, d being the displacement of a vertex from the mean face
        'magnitude': |d|, mm, (V, N).
        'magnitude_std': |d| divided by the vertex's standard deviation sqrt(E|d|^2), (V, N).
        'signed': max(d, 0) then max(-d, 0) of x, y and z, divided by the same, (V, 6N).

    rows : int64, which of the N faces to use; None for all

    Returns
    -------
    float64 (V, n), all values finite and >= 0
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
    matrix = np.empty((points, count * columns))
    square = np.zeros(points)
    for column, row in enumerate(rows):
        moved = np.asarray(vertices[row], dtype=np.float64) - mean
        squared = (moved * moved).sum(axis=1)
        square += squared
        if kind == "signed":
            block = matrix[:, column * 6 : column * 6 + 6]
            np.maximum(moved, 0.0, out=block[:, :3])
            np.maximum(-moved, 0.0, out=block[:, 3:])
        else:
            np.sqrt(squared, out=matrix[:, column])
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
