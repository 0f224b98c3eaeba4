"""Edits of faces with colours, of which the positions or the colours alone are looked at."""

from __future__ import annotations

import numpy as np

from lwpipe.editing.editors import Codes, Editor, Faces, KeepingEditor
from lwpipe.editing.settings import EditingSettings


class ChannelEditor(Editor):
    """An editor whose edits show some of the channels only.

    Parameters
    ----------
    editor : of faces (n, V, 6)
    channels : those that `blend` returns: `lwpipe.data.signals.POSITION` or `COLOR`
    colors : float32 (V, 3), L*a*b*
        Of faces that are given without.
    """

    def __init__(self, editor: Editor, channels: slice, colors: Faces) -> None:
        self.editor, self.channels, self.colors = editor, channels, colors
        self.part_count = editor.part_count

    def dialled(self, editing: EditingSettings) -> ChannelEditor:
        """Return an editor with other dials, where its editor has some."""
        editor = self.editor
        if isinstance(editor, KeepingEditor):
            editor = editor.dialled(editing)
        return ChannelEditor(editor, self.channels, self.colors)

    def encode(self, faces: Faces) -> Codes:
        """Return what the editor makes of faces (n, V, 6), or of positions (n, V, 3)."""
        if faces.shape[-1] == 3:
            colors = np.broadcast_to(self.colors, faces.shape)
            faces = np.concatenate([faces, colors], axis=-1)
        return self.editor.encode(faces)

    def blend(self, sources: Codes, targets: Codes, part: int, alpha: float) -> Faces:
        """Return the channels of the edited faces, float32 (n, V, 3)."""
        edited = self.editor.blend(sources, targets, part, alpha)
        return np.ascontiguousarray(edited[..., self.channels])
