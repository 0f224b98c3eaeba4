"""Source 'ict': faces drawn from ICT-FaceKit Light, a real morphable model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from lwpipe.core.paths import files_in, user_path
from lwpipe.core.settings import Bounded, Section, Share
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
    people: Bounded | None = None
    """So many persons share the faces, and each performs the same sequences, in a way of their own;
    null: each face is another person with expressions drawn anew."""
    sequences: Annotated[int, Field(ge=1, le=1000)] = 4
    """Sequences of each person, from rest to max_expressions expressions at once; read with
    people."""
    turning_jaw: bool = False
    """Let the jaw turn about its hinge as it opens, rather than move along straight lines."""

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.expression_min > self.expression_max:
            raise ValueError("expression_min must not exceed expression_max")
        if self.people is not None and self.max_expressions == 0:
            raise ValueError("people perform expressions: max_expressions must be at least 1")
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
        return Expressions(read, self.own, self.seed) if len(read.expressions) else None

    def open(self) -> Opened:
        """Read the kit, and draw the coefficients."""
        from lwpipe.data.sources.ict import kit
        from lwpipe.data.sources.ict.draw import draw_faces, expression_label

        read = kit.read_kit(self.own)
        count = self.faces or 0
        drawn = draw_faces(read, self.own, count, (self.seed, 1), self.seed)
        ids = numbered("ict", count)
        return _Drawn(
            ids=ids,
            subjects=ids if self.own.people is None else [f"person_{n:03d}" for n in drawn.persons],
            expressions=[expression_label(read.expression_names, row) for row in drawn.expression],
            triangles=read.triangles,
            vertex_count=len(read.neutral),
            at_once=AT_ONCE,
            kit=read,
            identity=drawn.identity,
            expression=drawn.expression,
            settings=self.own,
        )


class Expressions(Factors):
    """Expressions of one person: identity modes move the whole face."""

    def __init__(self, kit: IctKit, settings: IctSettings, seed: int) -> None:
        self.kit, self.settings, self.seed = kit, settings, seed
        self.names, self.fields = kit.expression_names, kit.expressions

    def draw(self, count: int, seed: int) -> tuple[Floats, Floats, Floats]:
        """Draw persons, and two expressions of each; where people share the faces, of theirs."""
        from lwpipe.data.sources.ict.draw import draw_faces

        drawn = [
            draw_faces(self.kit, self.settings, count, (seed, stream), self.seed)
            for stream in (2, 3)
        ]
        return drawn[0].identity, drawn[0].expression, drawn[1].expression

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
            "people": settings.people,
            "turning_jaw": settings.turning_jaw,
            "expression_range": [settings.expression_min, settings.expression_max],
            "units_in_files": "cm",
            "alignment": None,
        }
