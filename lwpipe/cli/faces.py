"""Faces that a command is told."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.data.store import Dataset
from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.read import read_mesh


def read_face(word: str, folder: str | None) -> npt.NDArray[np.float32]:
    """Read a mesh file, or a face of a data set by its id, (V, 3) in mm."""
    if folder is None:
        try:
            return read_mesh(word)[0].astype(np.float32)
        except MeshError as error:
            raise LwpipeError(f"{word}: {error}.") from error
    return Dataset.open(folder).face(word)
