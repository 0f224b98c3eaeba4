"""The section `data`: what all sources share, and a section of each source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from lwpipe.core.errors import LwpipeError
from lwpipe.core.plugins import classes
from lwpipe.core.settings import KeyFaultError, ProperShare, Section, Seed, composed
from lwpipe.data.source import Source

_SHARED = ("source", "faces", "test_fraction", "split_by", "seed")
_OF_COLOR = ("colors",)
_OF_ALIGNMENT = ("align", "scale")


class _Shared(Section):
    """Which faces, how many, and how they are split."""

    source: str = "synthetic"
    faces: int | None = 300
    test_fraction: ProperShare = 0.11
    """Share of the faces held out for testing."""
    split_by: Literal["subject", "expression", "face"] = "subject"
    """What is held out as a whole: subject keeps the faces of one person together."""
    seed: Seed = 0
    """Draws the faces and the split."""
    align: bool | None = None
    scale: bool = False
    """Let the alignment also scale every face to the size of the mean."""
    colors: bool = False

    @model_validator(mode="after")
    def _fits_the_source(self) -> Self:
        source = SOURCES[self.source]
        for key in source.required:
            if getattr(self.own, key) is None:
                raise ValueError(f"source '{self.source}' needs data.{source.key()}.{key}")
        if source.endless and self.faces is None:
            raise ValueError(f"source '{self.source}' needs a number for data.faces")
        # The sections of other sources lie still: one file may describe several.
        read = self.keys(self.source)
        for name in (*_OF_ALIGNMENT, *_OF_COLOR):
            if name not in read and getattr(self, name) != type(self).model_fields[name].default:
                raise KeyFaultError(name, f"is not read where `data.source` is '{self.source}'")
        return self

    @property
    def own(self) -> Section:
        """The section of the chosen source."""
        section: Section = getattr(self, SOURCES[self.source].key())
        return section

    def make_source(self) -> Source[Any]:
        """Return the chosen source."""
        source = SOURCES[self.source](self.own, self.faces, self.seed)
        source.with_colors = self.colors
        return source

    def user_files(self) -> list[Path]:
        """Return the files of the user that the chosen source reads."""
        return self.make_source().inputs()

    @property
    def aligned(self) -> bool:
        """Whether the faces are to be aligned."""
        by_default = SOURCES[self.source].alignment == "by default"
        return by_default if self.align is None else self.align

    @classmethod
    def keys(cls, choice: str | None = None) -> tuple[str, ...]:
        """Return the keys that the source `choice` reads; None: all keys."""
        if choice is None:
            return super().keys()
        source = SOURCES[choice]
        aligned = () if source.alignment == "never" else _OF_ALIGNMENT
        colored = _OF_COLOR if source.colored else ()
        return (*_SHARED, *aligned, *colored, source.key())


def _scanned() -> dict[str, type[Source[Any]]]:
    """Return the sources by name, in their order.

    Raises
    ------
    LwpipeError
        If a source takes the name or the key of another, or a key of all sources.
    """
    scanned = classes("lwpipe.data.sources", Source)  # type: ignore[type-abstract]
    found: dict[str, type[Source[Any]]] = {}
    for source in sorted(scanned, key=lambda source: (source.place, source.name)):
        key = source.key()
        if key in _Shared.model_fields or hasattr(_Shared, key):
            raise LwpipeError(
                f"{source.__module__}: source '{source.name}' needs another name: `data.{key}` is "
                "a key of all sources."
            )
        for other in found.values():
            if other.key() == key:
                raise LwpipeError(
                    f"{source.__module__}: source '{source.name}' needs another name: "
                    f"`data.{key}` is the section of {other.__module__}."
                )
        found[source.name] = source
    return found


SOURCES = _scanned()


def _composed() -> type[_Shared]:
    named: Any = Literal[tuple(SOURCES)]
    faces = Annotated[int, Field(ge=4, le=1_000_000)] | None
    counted = [name for name, source in SOURCES.items() if not source.endless]
    every = f"How many faces; null: all there are (sources {' and '.join(counted)})."
    by_default = [name for name, each in SOURCES.items() if each.alignment == "by default"]
    aligned = f"for the sources {' and '.join(by_default)}"
    colored = ", ".join(name for name, each in SOURCES.items() if each.colored)
    shared: dict[str, Any] = {
        "source": (named, Field("synthetic", description="Where the faces come from.")),
        "faces": (faces, Field(300, description=every)),
        "align": (
            bool | None,
            Field(
                None,
                description=f"Rigid alignment of all faces to their mean; null: {aligned}.",
            ),
        ),
        "colors": (
            bool,
            Field(False, description=f"Take colours of the vertices too (sources {colored})."),
        ),
    }
    own: dict[str, Any] = {
        source.key(): (source.Settings, source.Settings()) for source in SOURCES.values()
    }
    return composed("DataSettings", _Shared, shared | own)


if TYPE_CHECKING:

    class DataSettings(_Shared):
        """Which faces, how many, and how they are split."""

else:
    DataSettings = _composed()
