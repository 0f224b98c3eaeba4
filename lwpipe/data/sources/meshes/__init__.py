"""Source 'meshes': the user's own registered meshes, of faces or of anything else."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import field_validator

from lwpipe.core.errors import LwpipeError
from lwpipe.core.paths import searched, user_path
from lwpipe.core.settings import Section
from lwpipe.core.stage import Size
from lwpipe.data.source import Opened, Source

if TYPE_CHECKING:
    from lwpipe.data.sources.meshes.places import Place

# A binary PLY file holds 12 bytes a vertex and, with about two triangles a vertex, 26 for these;
# other formats take more, so that this is a bound from above.
_MESH_BYTES = 38
# What meshes with colours may name: materials and images.
_BESIDE = (".mtl", ".png", ".jpg", ".jpeg", ".bmp", ".tga")
# What is assumed of meshes that cannot be looked at.
_USUAL = Size(1000, 20_000)


# What a folder may be; `-` is neither the subject nor the expression of its meshes.
_LEVELS = ("subject", "expression", "-")
_MOST_LEVELS = 4


class MeshesSettings(Section):
    """Your own registered meshes; read with source 'meshes'."""

    path: str | None = None
    """Folder of OBJ, PLY, STL, OFF or GLB files, or of folders of them; or one NPY or NPZ file."""
    folders: str | None = None
    """What each folder above the meshes is, such as subject/expression, with - for neither; null:
    subject, or subject/expression where there are two."""
    table: str | None = None
    """CSV with the splits and subjects of the meshes; null: the split is drawn by data.seed."""
    units: Literal["auto", "mm", "cm", "m", "um"] = "auto"
    """Unit of the coordinates in the files; auto: guessed from the size, assuming a face."""
    up: Literal["y", "z"] = "y"
    """Axis of the files that points up: z turns the faces so that y does."""

    @field_validator("folders")
    @classmethod
    def _are_levels(cls, folders: str | None) -> str | None:
        levels = [] if folders is None else folders.split("/")
        twice = any(levels.count(level) > 1 for level in _LEVELS[:2])
        if twice or len(levels) > _MOST_LEVELS or not set(levels) <= set(_LEVELS):
            raise ValueError(
                f"is {folders!r}, expected up to {_MOST_LEVELS} of {', '.join(_LEVELS)} with / "
                "between them, subject and expression at most once"
            )
        return folders


class Meshes(Source[MeshesSettings]):
    """The meshes of a folder sorted by name, or the rows of an array in their order."""

    name = "meshes"
    place = 4
    Settings = MeshesSettings
    required = ("path",)
    colored = True

    def inputs(self) -> list[Path]:
        """Return the meshes, or the arrays and the meshes with their triangles; and the table.

        With colours also the materials and images that lie beside them.
        """
        from lwpipe.data.sources.meshes.places import files_of

        found = []
        user_path("data.meshes.path", self.own.path or "")
        with suppress(LwpipeError):  # what cannot be found is told of when it is opened
            found += files_of(self._place(), self.faces)
            if self.with_colors:
                folders = sorted({file.parent for file in found})
                found += [
                    file
                    for folder in folders
                    for file in sorted(folder.iterdir())
                    if file.suffix.lower() in _BESIDE and file.is_file()
                ]
        if self.own.table is not None:
            table = user_path("data.meshes.table", self.own.table)
            found += [table] if table.is_file() else []
        return found

    def _place(self) -> Place:
        from lwpipe.data.sources.meshes.places import find

        return find(self.own.path or "", self.own.folders)

    def size(self) -> Size:
        """Return what the arrays announce, or a bound from the number and size of the files."""
        from lwpipe.data.sources.meshes.arrays import array_size
        from lwpipe.data.sources.meshes.places import files_of

        usual = Size(self.faces or _USUAL.faces, _USUAL.vertices)
        try:
            place = self._place()
            if place.arrays:
                counts, vertices = zip(*map(array_size, place.arrays), strict=True)
                return Size(min(self.faces or sum(counts), sum(counts)), max(vertices))
            sizes = [file.stat().st_size for file in files_of(place, self.faces)]
            return Size(len(sizes), max(sizes) // _MESH_BYTES) if sizes else usual
        except (LwpipeError, OSError):
            return usual

    def check(self) -> str:
        """Say how many meshes there are, and what their folders are taken for."""
        from lwpipe.data.sources.meshes.items import list_meshes

        table = self.own.table
        if table is not None and not user_path("data.meshes.table", table).is_file():
            raise LwpipeError(f"data.meshes.table: {searched(table)} does not exist.")
        place = self._place()
        return "; ".join((f"{self.own.path}: {len(list_meshes(place))} meshes", *place.notes))

    def open(self) -> Opened:
        """Read the first mesh; the others follow one by one."""
        from lwpipe.data.sources.meshes.convert import open_meshes

        return open_meshes(self.own, self.faces)
