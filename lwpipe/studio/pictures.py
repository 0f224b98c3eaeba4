"""Pictures to save: of a page, and the way to the result in steps."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from lwpipe.editor import Editor, Session
from lwpipe.figures.render import FaceRenderer

Picture = npt.NDArray[np.uint8]

_STEPS = 6
_TILE = 480


def png(image: Picture) -> bytes:
    """Return a picture (h, w, 3 or 4) as PNG, on white."""
    content = io.BytesIO()
    picture = Image.fromarray(image)
    if picture.mode == "RGBA":
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture).convert("RGB")
    picture.save(content, format="png", optimize=True)
    return content.getvalue()


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
