"""A trained model with all that an editor is opened with: data, measurements, prior."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.data.store import Dataset
from lwpipe.editor.draws import Draws, drawn_of
from lwpipe.editor.exchange import Exchange
from lwpipe.editor.faces import FaceBook, Faces
from lwpipe.editor.measures import Measure, read_measures, shipped
from lwpipe.model import load
from lwpipe.model.part_model import PartModel
from lwpipe.run.trained import find_prior, find_trained


class Opened:
    """A trained model, and the faces that have names; its words are those of `lwpipe.Editor`."""

    def __init__(
        self,
        model: PartModel,
        data: Dataset | None = None,
        measures: str | Path | None = None,
        prior: str | Path | None = None,
    ) -> None:
        self.model, self.data = model, data
        self.draws = Draws(model, data, prior)
        self.book = FaceBook(model, data, self.draws)
        self._exchange = Exchange(model)
        if measures is None and data is not None:
            measures = shipped(data.info.get("source"), model.vertex_count)
        self.measures: dict[str, Measure] = {}
        if measures is not None:
            self.measures = read_measures(measures, self.mean)

    @classmethod
    def load(
        cls,
        path: str | Path,
        variant: str = "on_pca",
        data: str | Path | None = None,
        measures: str | Path | None = None,
    ) -> Self:
        """Open a run, or a model.

        Parameters
        ----------
        path : folder of a run, `results/<run>`, of a variant or of a model, or `model.safetensors`
        variant : which one of a run
        data : folder of a data set; None: the run's, if it is there
        measures : file of measurements; None: those that lwpipe ships for the source of the data

        Raises
        ------
        LwpipeError
            If there is no such model, or a file is missing, damaged or does not fit.
        """
        place, found = find_trained(path, variant)
        folder, prior = found if data is None else data, find_prior(place)
        return cls(
            load(place),
            None if folder is None else Dataset.open(folder),
            measures,
            prior if prior.is_file() else None,
        )

    @property
    def part_count(self) -> int:
        """Number of parts K."""
        return self.model.part_count

    @property
    def triangles(self) -> npt.NDArray[np.int64]:
        """The one topology, int64 (F, 3)."""
        return self.model.triangles

    @property
    def mean(self) -> Faces:
        """Mean of the training faces, float32 (V, 3), mm."""
        return self.model.template

    @cached_property
    def weights(self) -> Faces:
        """Local weights, float32 (V, K); rows sum to 1."""
        return self.model.weights

    @cached_property
    def digest(self) -> str:
        """What tells the model from others: SHA-256 of its arrays."""
        found = hashlib.sha256()
        arrays = [self.mean, self.weights, self.triangles]
        if self.model.components is not None:
            known = self.model.components.arrays
            arrays += [known[name] for name in sorted(known) if name != "residual"]
        state = self.model.network.state_dict()
        for array in [*arrays, *(each.cpu().numpy() for each in state.values())]:
            found.update(np.ascontiguousarray(array).data)
        return found.hexdigest()

    def face(self, name: str, faces: Mapping[str, Faces] | None = None) -> Faces:
        """Return a face by its name.

        Parameters
        ----------
        name : 'mean', 'random:SEED' or 'random:SEED@TEMPERATURE', the id of a face of the data set,
            or the path of a mesh
        faces : others, which come before these

        Raises
        ------
        LwpipeError
            If there is no such face, or it has other vertices.
        """
        return self.book.face(name, faces or {})

    @property
    def names(self) -> list[str]:
        """The ids of the faces of the data set."""
        return list(self.book.rows)

    def knows(self, name: str) -> bool:
        """Say whether a name is 'mean', 'random:SEED' or the id of a face: of no file."""
        return self.book.knows(name)

    def takes(self, name: str) -> bool:
        """Say whether a part can be taken from a name: what is known, or 'given-rest:SEED'."""
        return self.knows(name) or drawn_of(name) is not None

    def check_part(self, part: int) -> None:
        """Raise LwpipeError if there is no such part."""
        if isinstance(part, bool) or not 0 <= part < self.part_count:
            raise LwpipeError(f"part {part}: the model has the parts 0 to {self.part_count - 1}.")

    def _vertex(self, vertex: int) -> int:
        if not 0 <= vertex < self.model.vertex_count:
            raise LwpipeError(
                f"vertex {vertex}: the model has the vertices 0 to {self.model.vertex_count - 1}."
            )
        return int(vertex)
