"""Source 'aflw2000-3d': the faces of AFLW2000-3D on the Basel Face Model, both the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.core.paths import files_in, searched, user_path
from lwpipe.core.settings import Section
from lwpipe.core.stage import Size
from lwpipe.data.source import Colors, Made, Opened, Source

if TYPE_CHECKING:
    from lwpipe.data.sources.aflw.model import BaselModel, BaselTexture

SHAPE_FILE = "Model_Shape.mat"
# As the code of AFLW2000-3D calls it, and that of 3DDFA.
EXPRESSION_FILES = ("Model_Exp.mat", "Model_Expression.mat")
# Colours of its vertices, where the file of shapes does not hold them.
TEXTURE_FILE = "Model_Tex.mat"
# The Basel Face Model as the University of Basel gives it, from which the file of shapes is made.
_BASEL_FILE = "01_MorphableModel.mat"
# The Basel Face Model as AFLW2000-3D crops it.
_VERTICES, _FACES = 53_215, 2_000
# Faces made at a time: 32 of 53,215 vertices take 41 MB in double precision.
AT_ONCE = 32


class AflwSettings(Section):
    """AFLW2000-3D on the Basel Face Model, both brought by you; read with source 'aflw2000-3d'."""

    model_dir: str | None = None
    """Folder with Model_Shape.mat and Model_Exp.mat or Model_Expression.mat; for data.colors with
    texMU and texPC too, in Model_Shape.mat or in Model_Tex.mat."""
    faces_dir: str | None = None
    """Folder with one .mat a face (Shape_Para, Exp_Para; for data.colors also Tex_Para)."""


def model_files(folder: Path) -> tuple[Path, Path]:
    """Return the files of the shapes and of the expressions.

    Raises
    ------
    LwpipeError
        If one is not there.
    """
    key = "data.aflw2000_3d.model_dir"
    if not folder.is_dir():
        raise LwpipeError(f"{key}: {searched(folder)} is not a folder.")
    shape = folder / SHAPE_FILE
    expressions = [folder / name for name in EXPRESSION_FILES if (folder / name).exists()]
    if not shape.exists() and (folder / _BASEL_FILE).exists():
        raise LwpipeError(
            f"{key}: {folder} has {_BASEL_FILE}, but no {SHAPE_FILE}: ModelGeneration/"
            "ModelGenerate.m of the code of 3DDFA makes it from that."
        )
    if not shape.exists():
        raise LwpipeError(f"{key}: {folder} has no {SHAPE_FILE}.")
    if not expressions:
        raise LwpipeError(f"{key}: {folder} has no {' or '.join(EXPRESSION_FILES)}.")
    return shape, expressions[0]


class Aflw(Source[AflwSettings]):
    """Faces sorted by file name, the first so many where there are more.

    They are not aligned unless asked: without pose they share the frame of the model.
    """

    name = "aflw2000-3d"
    place = 3
    Settings = AflwSettings
    required = ("model_dir", "faces_dir")
    alignment = "on request"
    colored = True

    def _folder(self, key: str) -> Path:
        return user_path(f"data.aflw2000_3d.{key}", getattr(self.own, key))

    def inputs(self) -> list[Path]:
        """Return the two files of the model and those of the faces."""
        from lwpipe.data.sources.aflw.model import face_files

        names = (SHAPE_FILE, *EXPRESSION_FILES, *([TEXTURE_FILE] if self.with_colors else []))
        model = files_in(self._folder("model_dir"), names)
        # Where both names of one file are there, the first is read.
        unread = EXPRESSION_FILES[1] if EXPRESSION_FILES[0] in {f.name for f in model} else None
        model = [file for file in model if file.name != unread]
        folder = self._folder("faces_dir")
        used = [file.name for file in face_files(folder)[: self.faces]]
        return [*model, *files_in(folder, used)]

    def size(self) -> Size:
        """Return the size of the published data."""
        return Size(self.faces or _FACES, _VERTICES)

    def check(self) -> str:
        """Say where the model lies and how many faces there are."""
        from lwpipe.data.sources.aflw.model import list_faces

        folder = self._folder("model_dir")
        model_files(folder)
        return f"{folder}, and {len(list_faces(self.own.faces_dir or ''))} faces"

    def open(self) -> Opened:
        """Read the model and the parameters of the faces."""
        from lwpipe.data.sources.aflw import model as basel

        model = basel.read_model(self.own.model_dir or "")
        files = basel.list_faces(self.own.faces_dir or "")
        used = files[: self.faces]
        ids = [file.stem for file in used]
        texture, tones = None, np.empty((len(used), 0))
        if self.with_colors:
            texture = basel.read_texture(self.own.model_dir or "", len(model.mean))
            tones = np.stack([basel.read_tone(file, texture) for file in used])
        return _Parametric(
            ids=ids,
            subjects=ids,
            expressions=[""] * len(used),
            triangles=model.triangles,
            vertex_count=len(model.mean) // 3,
            at_once=AT_ONCE,
            model=model,
            parameters=np.stack([basel.read_face(file, model) for file in used]),
            files=used,
            found=len(files),
            texture=texture,
            tones=tones,
        )


@dataclass(kw_only=True)
class _Parametric(Made):
    """The faces of some files of parameters."""

    model: BaselModel
    parameters: npt.NDArray[np.float64]
    files: list[Path]
    found: int
    texture: BaselTexture | None
    tones: npt.NDArray[np.float64]

    def make(self, rows: slice) -> npt.NDArray[np.floating[Any]]:
        """Return the faces of some rows."""
        from lwpipe.data.sources.aflw.model import check_faces, make_faces

        faces = make_faces(self.model, self.parameters[rows])
        check_faces(faces, self.files[rows])
        return faces

    def paint(self, rows: slice) -> Colors:
        """Return the colours of the faces of some rows."""
        from lwpipe.data.sources.aflw.model import paint_faces

        return paint_faces(cast("BaselTexture", self.texture), self.tones[rows])

    def provenance(self) -> dict[str, Any]:
        """Return what of the model was used."""
        of_colors = (
            {} if self.texture is None else {"texture_components": self.texture.basis.shape[1]}
        )
        return {
            "licence": "Basel Face Model and AFLW2000-3D: the user's own, under the licences of "
            "their owners",
            "seed": None,
            "test_fraction": None,
            "faces_found": self.found,
            "shape_components": self.model.shape_count,
            "expression_components": self.model.expression_count,
            **of_colors,
            "units_in_files": "um",
            "alignment": None,
        }
