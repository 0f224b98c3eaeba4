"""Source 'meshes': the user's own registered meshes, of faces or of anything else."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from lwpipe.core.errors import LwpipeError
from lwpipe.core.paths import user_path
from lwpipe.core.settings import Section
from lwpipe.core.stage import Size
from lwpipe.data.source import Opened, Source

# A binary PLY file holds 12 bytes a vertex and, with about two triangles a vertex, 26 for these;
# other formats take more, so that this is a bound from above.
_MESH_BYTES = 38
# What is assumed of meshes that cannot be looked at.
_USUAL = Size(1000, 20_000)


class MeshesSettings(Section):
    """Your own registered meshes; read with source 'meshes'."""

    path: str | None = None
    """Folder of OBJ, PLY, STL, OFF or GLB files, or one NPY or NPZ file."""
    table: str | None = None
    """CSV with the splits and subjects of the meshes; null: the split is drawn by data.seed."""
    units: Literal["auto", "mm", "cm", "m", "um"] = "auto"
    """Unit of the coordinates in the files; auto: guessed from the size, assuming a face."""


class Meshes(Source[MeshesSettings]):
    """The meshes of a folder sorted by name, or the rows of an array in their order."""

    name = "meshes"
    place = 4
    Settings = MeshesSettings
    required = ("path",)

    def inputs(self) -> list[Path]:
        """Return the meshes, or the array and the mesh with its triangles; and the table."""
        from lwpipe.data.sources.meshes.items import files_of

        found = files_of(user_path("data.meshes.path", self.own.path or ""), self.faces)
        if self.own.table is not None:
            table = user_path("data.meshes.table", self.own.table)
            found += [table] if table.is_file() else []
        return found

    def size(self) -> Size:
        """Return what an array announces, or a bound from the number and size of the files."""
        from lwpipe.data.sources.meshes.items import ARRAYS, array_size, files_of

        usual = Size(self.faces or _USUAL.faces, _USUAL.vertices)
        try:
            files = files_of(user_path("data.meshes.path", self.own.path or ""), self.faces)
            array = next((file for file in files if file.suffix.lower() in ARRAYS), None)
            if array is not None:
                count, vertices = array_size(array)
                return Size(min(self.faces or count, count), vertices)
            sizes = [file.stat().st_size for file in files]
            return Size(len(sizes), max(sizes) // _MESH_BYTES) if sizes else usual
        except (LwpipeError, OSError):
            return usual

    def check(self) -> str:
        """Say how many meshes there are."""
        from lwpipe.data.sources.meshes.items import list_meshes

        table = self.own.table
        if table is not None and not user_path("data.meshes.table", table).is_file():
            raise LwpipeError(f"data.meshes.table: {table} does not exist.")
        return f"{self.own.path}: {len(list_meshes(self.own.path or ''))} meshes"

    def open(self) -> Opened:
        """Read the first mesh; the others follow one by one."""
        from lwpipe.data.sources.meshes.convert import open_meshes

        return open_meshes(self.own, self.faces)
