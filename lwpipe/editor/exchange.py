"""Parts of a face exchanged for those of others, with what is costly remembered."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lwpipe.editing.editors import Codes, KeepingEditor, ModelEditor, make_editor
from lwpipe.editing.settings import KEEPING, EditingSettings, Texture
from lwpipe.model.part_model import PartModel

Faces = npt.NDArray[np.float32]

# Encoded faces that are remembered: a dial moves while the faces stay.
_REMEMBERED = 16


class Exchange:
    """The edits of a model, `lwpipe.editing.editors.KeepingEditor`, of one face at a time.

    Parameters
    ----------
    model : a trained model
    """

    def __init__(self, model: PartModel) -> None:
        self.model = model
        self._editors: dict[bool, ModelEditor | KeepingEditor] = {}
        self._codes: OrderedDict[tuple[bool, bytes], Codes] = OrderedDict()

    def _editor(self, plain: bool) -> ModelEditor | KeepingEditor:
        """Return the editor of the model, which keeps what is costly."""
        if plain not in self._editors:
            settings = EditingSettings() if plain else KEEPING
            self._editors[plain] = make_editor(self.model, self.model.weights, settings)
        return self._editors[plain]

    def encoded(self, face: Faces, plain: bool) -> Codes:
        """Return what the editor makes of a face (V, C), mm; of the last ones it is remembered."""
        key = plain, hashlib.blake2b(np.ascontiguousarray(face).data).digest()
        if key not in self._codes:
            self._codes[key] = self._editor(plain).encode(face[None])
        self._codes.move_to_end(key)
        while len(self._codes) > _REMEMBERED:
            self._codes.popitem(last=False)
        return self._codes[key]

    def joined(self, face: Faces, z: Codes, plain: bool) -> Codes:
        """Return the same of a face (V, C) whose encoding (Z,) is known: it was drawn."""
        editor = self._editor(plain)
        if isinstance(editor, KeepingEditor):
            return editor.joined(face[None], z[None])
        return self.model.parts(z[None])

    def blend(
        self,
        source: Codes,
        targets: Mapping[int, tuple[Codes, float]],
        keep: float,
        harmony: float,
        plain: bool,
        texture: Texture = "follow",
    ) -> Faces:
        """Return the source with parts exchanged, float32 (V, C), mm.

        Parameters
        ----------
        source : what `encoded` gives of it
        targets : of each part, the same of the face that gives it, and alpha
        keep, harmony, plain, texture : as in `lwpipe.Editor.edit`
        """
        editor = self._editor(plain)
        if isinstance(editor, KeepingEditor):
            dials = EditingSettings(residual=True, keep=keep, harmony=harmony, texture=texture)
            editor = editor.dialled(dials)
            self._editors[plain] = editor
        return np.asarray(editor.blend_parts(source, targets)[0])
