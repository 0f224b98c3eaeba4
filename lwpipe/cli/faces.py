"""Faces that a command is told."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.data.signals import joined
from lwpipe.data.store import Dataset
from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.read import read_mesh
from lwpipe.mesh.read_colors import read_colors


def read_face(word: str, folder: str | None, channels: int = 3) -> npt.NDArray[np.float32]:
    """Read a mesh file, or a face of a data set by its id, (V, C) in mm, with its colours or not.

    Raises
    ------
    LwpipeError
        If there is none, or it has no colours that are asked for.
    """
    if folder is None:
        try:
            points = read_mesh(word)[0].astype(np.float32)
            colors = read_colors(word) if channels > 3 else None
            if colors is not None and len(colors) != len(points):
                raise MeshError(f"has {len(colors)} colours for {len(points)} vertices")
            return joined(points, colors)
        except MeshError as error:
            raise LwpipeError(f"{word}: {error}.") from error
    return Dataset.open(folder).face(word, channels)
