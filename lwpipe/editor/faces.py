"""Faces by their names: of the data set, of files, the mean, and those that are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.data.signals import positions, read_face
from lwpipe.data.store import Dataset
from lwpipe.editor.draws import Draws, drawn_of
from lwpipe.editor.session import MAX_MM
from lwpipe.mesh.faults import MeshError
from lwpipe.model.part_model import PartModel

Faces = npt.NDArray[np.float32]

MEAN = "mean"


class FaceBook:
    """The faces that have names.

    Parameters
    ----------
    model : whose vertices they have
    data : a data set; None: there is none
    draws : what random faces are drawn from

    Raises
    ------
    LwpipeError
        If model and data set have other vertices.
    """

    def __init__(self, model: PartModel, data: Dataset | None, draws: Draws) -> None:
        self.model, self.data, self.draws = model, data, draws
        if data is not None and data.vertices.shape[1] != model.vertex_count:
            raise LwpipeError(
                f"{data.path}: has {data.vertices.shape[1]} vertices, the model has "
                f"{model.vertex_count}."
            )

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each id of the data set."""
        if self.data is None:
            return {}
        return {str(name): row for row, name in enumerate(self.data.faces["id"])}

    def knows(self, name: str) -> bool:
        """Say whether a name is the mean, drawn, or an id of the data set."""
        drawn = drawn_of(name)
        return name == MEAN or name in self.rows or (drawn is not None and not drawn.given_rest)

    def face(self, name: str, others: Mapping[str, Faces]) -> Faces:
        """Return a face, (V, C) in mm: see `lwpipe.Editor.face`."""
        if name in others:
            return self.checked(others[name], name)
        if name == MEAN:
            return self.model.average.copy()
        if (drawn := drawn_of(name)) is not None:
            if drawn.given_rest:
                raise LwpipeError(f"{name}: is no face, but a part given the rest of one.")
            return self.draws.face(drawn)
        if self.data is not None and (name in self.rows or not Path(name).suffix):
            return self.data.face(name, self.model.channels)
        try:
            return self.checked(read_face(name, self.model.channels > 3), name)
        except MeshError as error:
            raise LwpipeError(f"{name}: {error}.") from error

    def checked(self, face: npt.ArrayLike, name: str) -> Faces:
        """Return a face of the model's vertices as float32.

        Raises
        ------
        LwpipeError
            If it is none.
        """
        vertices = np.asarray(face, np.float32)
        channels = self.model.channels
        if channels > 3 and vertices.shape[1:] == (3,):
            raise LwpipeError(f"{name}: has no colours, and the model was trained with colours.")
        return self._fitting(vertices, name, channels)

    def places(self, face: npt.ArrayLike, name: str) -> Faces:
        """Return the positions (V, 3), mm, of a face with colours or without, as `checked` does."""
        vertices = np.asarray(face, np.float32)
        if vertices.shape[1:] == (3,):
            return self._fitting(vertices, name, 3)
        return positions(self.checked(vertices, name))

    def _fitting(self, vertices: Faces, name: str, channels: int) -> Faces:
        count = self.model.vertex_count
        if vertices.ndim != 2 or vertices.shape[1] != channels:
            raise LwpipeError(f"{name}: is no array (V, {channels}) but {vertices.shape}.")
        if len(vertices) != count:
            raise LwpipeError(f"{name}: has {len(vertices)} vertices, the model has {count}.")
        if not (np.abs(vertices) < MAX_MM).all():
            raise LwpipeError(f"{name}: has coordinates that no face in mm has.")
        return vertices
