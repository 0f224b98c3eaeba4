"""The section `data`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lwpipe.core.settings import ProperShare, Section, Seed, Share


class SyntheticSettings(Section):
    """The embedded parametric face; read with source 'synthetic'."""

    vertices: Annotated[int, Field(ge=1500, le=250_000)] = 2500
    """Resolution of the mesh; the nearest grid is taken. Unit: vertices."""
    expressions: bool = True
    """Add expressions (smile, open jaw, raised brows ...) to the identities."""


class IctSettings(Section):
    """ICT-FaceKit Light, a real morphable model; read with source 'ict'."""

    path: str | None = None
    """Folder or archive with the model; null: the environment variable LWPIPE_ICT_SOURCE,
    or else a download of some 100 files, each checked against its sha256."""
    region: Literal["narrow_face", "full_face", "head"] = "narrow_face"
    """Which vertices: 6,706 of the narrow face, 9,409 of the full face, 11,248 of the head."""
    identities: Annotated[int, Field(ge=1, le=100)] = 100
    """How many identity modes are drawn, each from N(0, 1)."""
    max_expressions: Annotated[int, Field(ge=0, le=10)] = 3
    """At most so many expressions are active in one face; 0: all faces are neutral."""
    expression_min: Share = 0.2
    """Smallest strength of an active expression. Unit: share of the full expression."""
    expression_max: Share = 0.8
    """Largest strength of an active expression. Unit: share of the full expression."""

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.expression_min > self.expression_max:
            raise ValueError("expression_min must not exceed expression_max")
        return self


class AflwSettings(Section):
    """AFLW2000-3D on the Basel Face Model, both brought by you; read with source 'aflw2000-3d'."""

    model_dir: str | None = None
    """Folder with Model_Shape.mat and Model_Exp.mat."""
    faces_dir: str | None = None
    """Folder with one .mat a face (Shape_Para, Exp_Para)."""


class MeshesSettings(Section):
    """Your own registered meshes; read with source 'meshes'."""

    path: str | None = None
    """Folder of OBJ, PLY, STL, OFF or GLB files, or one NPY or NPZ file."""
    table: str | None = None
    """CSV with the splits and subjects of the meshes; null: the split is drawn by data.seed."""
    units: Literal["auto", "mm", "cm", "m", "um"] = "auto"
    """Unit of the coordinates in the files; auto: guessed from the size, assuming a face."""


class DataSettings(Section):
    """Which faces, how many, and how they are split."""

    source: Literal["synthetic", "ict", "aflw2000-3d", "meshes"] = "synthetic"
    """Where the faces come from."""
    faces: Annotated[int, Field(ge=4, le=1_000_000)] | None = 300
    """How many faces; null: all there are (sources aflw2000-3d and meshes)."""
    test_fraction: ProperShare = 0.11
    """Share of the faces held out for testing."""
    seed: Seed = 0
    """Draws the faces and the split."""
    align: bool | None = None
    """Rigid alignment of all faces to their mean; null: for the sources ict and meshes."""
    scale: bool = False
    """Let the alignment also scale every face to the size of the mean."""
    synthetic: SyntheticSettings = SyntheticSettings()
    ict: IctSettings = IctSettings()
    aflw2000_3d: AflwSettings = AflwSettings()
    meshes: MeshesSettings = MeshesSettings()

    @model_validator(mode="after")
    def _source_is_described(self) -> Self:
        if self.source == "aflw2000-3d":
            for key in ("model_dir", "faces_dir"):
                if getattr(self.aflw2000_3d, key) is None:
                    raise ValueError(f"source 'aflw2000-3d' needs data.aflw2000_3d.{key}")
        if self.source == "meshes" and self.meshes.path is None:
            raise ValueError("source 'meshes' needs data.meshes.path")
        if self.source in ("synthetic", "ict") and self.faces is None:
            raise ValueError(f"source '{self.source}' needs a number for data.faces")
        return self
