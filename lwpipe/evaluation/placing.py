"""Faces that a source makes anew, brought into the frame of a data set."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.data.align import nearest_rotations
from lwpipe.data.store import Dataset
from lwpipe.evaluation.measure import Faces


def placed(faces: npt.NDArray[Any], data: Dataset, together: bool = False) -> Faces:
    """Return faces in the frame of the data set, as its own faces were aligned.

    Parameters
    ----------
    faces : float (n, V, 3), mm
    data : Dataset
    together : move all of them as the first one is moved

    Returns
    -------
    float32 (n, V, 3), mm
    """
    points = np.asarray(faces, np.float64)
    about = data.info.get("alignment")
    if isinstance(about, dict):
        leaders = points[:1] if together else points
        middle = leaders.mean(axis=1, keepdims=True)
        leaders = leaders - middle
        template = np.asarray(data.template, np.float64)
        centre = template.mean(axis=0)
        turns = nearest_rotations((template - centre).T @ leaders)
        if about.get("scale"):
            turns = turns * (_size(data.vertices[:1]) / _size(leaders))[:, None, None]
        points = (points - middle) @ turns.transpose(0, 2, 1) + centre
    return points.astype(np.float32)


def _size(faces: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the root of the summed squared distances from the centroid, float64 (n,), mm."""
    centred = faces - faces.mean(axis=1, keepdims=True, dtype=np.float64)
    return np.asarray(np.sqrt(np.einsum("nvc,nvc->n", centred, centred)))
