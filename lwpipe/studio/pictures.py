"""Pictures to save: of a page, and the way to the result in steps."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from lwpipe.editor import Editor, Session
from lwpipe.figures.render import FaceRenderer

Picture = npt.NDArray[np.uint8]
Faces = npt.NDArray[np.float32]

_STEPS = 6
_TILE = 480
_THUMBNAIL = 150
_KEPT = 200


def png(image: Picture) -> bytes:
    """Return a picture (h, w, 3 or 4) as PNG, on white."""
    content = io.BytesIO()
    picture = Image.fromarray(image)
    if picture.mode == "RGBA":
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture).convert("RGB")
    picture.save(content, format="png", optimize=True)
    return content.getvalue()


class Thumbnails:
    """Small pictures of faces by name; of the last ones they are kept. Of one thread alone.

    Parameters
    ----------
    editor : Editor
    """

    def __init__(self, editor: Editor) -> None:
        self.editor = editor
        self._kept: dict[str, Picture] = {}
        self._renderer: FaceRenderer | None = None

    def of(self, names: Sequence[str], session: Session) -> Picture:
        """Return faces side by side, uint8 (h, w, 3).

        Raises
        ------
        LwpipeError
            If the machine has no library to render with, or there is no such face.
        """
        return np.concatenate([self.one(name, session) for name in names], axis=1)

    def one(self, name: str, session: Session) -> Picture:
        """Return one face, uint8 (h, w, 3).

        Raises
        ------
        LwpipeError
            As `of`.
        """
        own = session.faces.get(name)
        key = name if own is None else hashlib.blake2b(own.data).hexdigest()
        return self._drawn(key, lambda: self.editor.face(name, session.faces))

    def result(self, session: Session) -> Picture:
        """Return what a session makes, uint8 (h, w, 3).

        Raises
        ------
        LwpipeError
            As `of`.
        """
        key = hashlib.blake2b(json.dumps(session.to_json("")).encode()).hexdigest()
        return self._drawn(key, lambda: self.editor.vertices(session))

    def _drawn(self, key: str, face: Callable[[], Faces]) -> Picture:
        if key not in self._kept:
            if self._renderer is None:
                mean = self.editor.mean
                reference = np.stack([0.94 * mean, 1.06 * mean])
                self._renderer = FaceRenderer(self.editor.triangles, reference, _THUMBNAIL)
            while len(self._kept) >= _KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = self._renderer.render(face())
        return self._kept[key]


def strip_of_steps(editor: Editor, session: Session) -> Picture:
    """Return the way from the source to the result, uint8 (h, w, 3).

    All alphas grow together, then handles and measurements come.
    """
    source = editor.face(session.source, session.faces)
    faces = [
        editor.vertices(
            replace(
                session,
                parts={
                    part: (name, alpha * step / (_STEPS - 1))
                    for part, (name, alpha) in session.parts.items()
                },
                handles=(),
                measures={},
            )
        )
        for step in range(_STEPS)
    ]
    if session.handles or session.measures:
        faces.append(editor.vertices(session))
    with FaceRenderer(editor.triangles, np.stack([source, *faces]), _TILE) as renderer:
        return np.concatenate([renderer.render(face) for face in faces], axis=1)
