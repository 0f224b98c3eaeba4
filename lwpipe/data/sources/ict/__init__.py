"""Source 'ict': faces drawn from ICT-FaceKit Light, a real morphable model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from lwpipe.core.paths import files_in, user_path
from lwpipe.core.settings import Section, Share
from lwpipe.core.stage import Size
from lwpipe.data.factors import Factors
from lwpipe.data.source import Made, Opened, Source, numbered

if TYPE_CHECKING:
    from lwpipe.data.sources.ict.kit import IctKit

# Faces made at a time.
AT_ONCE = 128
# The region is the first so many vertices.
REGION_VERTICES = {"narrow_face": 6706, "full_face": 9409, "head": 11248}

Floats = npt.NDArray[np.float64]


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


class Ict(Source[IctSettings]):
    """Faces of the kit with coefficients drawn by seed; each face has its own subject.

    The first n faces of a seed are the same for every number of faces, before alignment.
    """

    name = "ict"
    place = 2
    Settings = IctSettings
    endless = True

    def inputs(self) -> list[Path]:
        """Return the shapes in the folder, or the archive, that the settings name."""
        from lwpipe.data.sources.ict.files import known_hashes, root

        if self.own.path is None:
            return []
        path = user_path("data.ict.path", self.own.path)
        if not path.is_dir():
            return [path] if path.is_file() else []
        return files_in(root(path), known_hashes())

    def size(self) -> Size:
        """Return the numbers of the settings."""
        return Size(self.faces or 0, REGION_VERTICES[self.own.region])

    def check(self) -> str:
        """Say where the kit lies."""
        from lwpipe.data.archives import is_readable, neither
        from lwpipe.data.sources.ict.files import named_place

        named = named_place(self.own.path)
        if named is None:
            return "ICT-FaceKit is downloaded with the first run, and kept"
        origin, place = named
        if not is_readable(place):
            raise neither(origin, place)
        return f"ICT-FaceKit in {place}"

    def factors(self) -> Factors | None:
        """Return the expressions; None where the faces have none."""
        from lwpipe.data.sources.ict import kit

        read = kit.read_kit(self.own)
        return Expressions(read, self.own) if len(read.expressions) else None

    def open(self) -> Opened:
        """Read the kit, and draw the coefficients."""
        from lwpipe.data.sources.ict import kit

        read = kit.read_kit(self.own)
        count = self.faces or 0
        identity, expression = kit.draw_coefficients(read, self.own, count, self.seed)
        ids = numbered("ict", count)
        return _Drawn(
            ids=ids,
            subjects=ids,
            expressions=[kit.expression_label(read.expression_names, row) for row in expression],
            triangles=read.triangles,
            vertex_count=len(read.neutral),
            at_once=AT_ONCE,
            kit=read,
            identity=identity,
            expression=expression,
            settings=self.own,
        )


class Expressions(Factors):
    """Expressions of one person: identity modes move the whole face."""

    def __init__(self, kit: IctKit, settings: IctSettings) -> None:
        self.kit, self.settings = kit, settings
        self.names, self.fields = kit.expression_names, kit.expressions

    def draw(self, count: int, seed: int) -> tuple[Floats, Floats, Floats]:
        """Draw persons, and two expressions of each."""
        from lwpipe.data.sources.ict import kit

        drawn = [
            kit.draw_coefficients(self.kit, self.settings, count, seed, stream) for stream in (2, 3)
        ]
        return drawn[0][0], drawn[0][1], drawn[1][1]

    def make(self, common: Floats, factors: Floats) -> npt.NDArray[np.floating[Any]]:
        """Return the faces of identities and expressions."""
        from lwpipe.data.sources.ict.kit import make_faces

        return make_faces(self.kit, common, factors)


@dataclass(kw_only=True)
class _Drawn(Made):
    """The faces of some coefficients."""

    kit: IctKit
    identity: npt.NDArray[np.float64]
    expression: npt.NDArray[np.float64]
    settings: IctSettings

    def make(self, rows: slice) -> npt.NDArray[np.floating[Any]]:
        """Return the faces of some rows."""
        from lwpipe.data.sources.ict.kit import make_faces

        return make_faces(self.kit, self.identity[rows], self.expression[rows])

    def provenance(self) -> dict[str, Any]:
        """Return what of the kit was used."""
        from lwpipe.data.sources.ict.files import COMMIT

        settings = self.settings
        return {
            "source_version": f"ICT-FaceKit Light, commit {COMMIT}",
            "licence": "MIT (ICT-FaceKit, Copyright (c) 2020 USC Institute for Creative "
            "Technologies)",
            "seed": None,
            "test_fraction": None,
            "region": settings.region,
            "identity_modes": len(self.kit.identities),
            "expressions": list(self.kit.expression_names) if settings.max_expressions else [],
            "max_expressions": settings.max_expressions,
            "expression_range": [settings.expression_min, settings.expression_max],
            "units_in_files": "cm",
            "alignment": None,
        }
