"""One interface for every way to edit a part of a face, learned or closed-form."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lwpipe.editing.edits import blend_part

Faces = npt.NDArray[np.float32]
Codes = npt.NDArray[np.float32]


class FaceModel(Protocol):
    """What editing and measures need of a trained model; its methods take any number of faces."""

    @property
    def vertex_count(self) -> int:
        """Number of vertices V."""

    @property
    def part_count(self) -> int:
        """Number of parts K; 1 for a model without parts."""

    @property
    def parts_match_weights(self) -> bool:
        """Whether part k belongs to column k of the local weights."""

    @property
    def info(self) -> dict[str, Any]:
        """Facts about the training: parameters, seconds, epochs."""

    def encode(self, vertices: Faces, /) -> Codes:
        """Encode faces (n, V, 3), mm, to z (n, Z)."""

    def parts(self, z: Codes, /) -> Codes:
        """Project z (n, Z) to part encodings (n, K, Z)."""

    def decode(self, parts: Codes, /) -> Faces:
        """Decode part encodings (n, K, Z) to faces (n, V, 3), mm."""

    def reconstruct(self, vertices: Faces, /) -> Faces:
        """Encode and decode faces (n, V, 3), mm."""


class Editor(ABC):
    """A way to replace a part of a face by another face's.

    Attributes
    ----------
    part_count : int
        K.
    """

    part_count: int

    @abstractmethod
    def encode(self, faces: Faces) -> Codes:
        """Turn faces (n, V, 3), mm, into what `blend` works on, (n, ...).

        Apart from `blend` so that a face which takes part in many edits is encoded once.
        """

    @abstractmethod
    def blend(self, sources: Codes, targets: Codes, part: int, alpha: float) -> Faces:
        """Return faces (n, V, 3), mm, whose part is `alpha` of the way from source to target."""

    def edit(self, sources: Faces, targets: Faces, part: int, alpha: float) -> Faces:
        """Edit one part of each source.

        Parameters
        ----------
        sources, targets : float32 (n, V, 3), mm
        part : int
            k, from 0 to K - 1.
        alpha : float
            0 keeps the source's part, 1 gives the target's.

        Returns
        -------
        float32 (n, V, 3), mm
        """
        return self.blend(self.encode(sources), self.encode(targets), part, alpha)


class ModelEditor(Editor):
    """Edit with a trained model: p_k = (1 - alpha) source + alpha target, then decode.

    Parameters
    ----------
    model : FaceModel
    """

    def __init__(self, model: FaceModel) -> None:
        self.model = model
        self.part_count = model.part_count

    def encode(self, faces: Faces) -> Codes:
        """Return the part encodings, float32 (n, K, Z), of faces (n, V, 3), mm."""
        return self.model.parts(self.model.encode(faces))

    def blend(self, sources: Codes, targets: Codes, part: int, alpha: float) -> Faces:
        """Decode the sources' encodings (n, K, Z) with part `part` blended, (n, V, 3), mm."""
        return self.model.decode(blend_part(sources, targets, part, alpha))
