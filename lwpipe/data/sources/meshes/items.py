"""The single meshes of a place, each to be read when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lwpipe.data.sources.meshes.arrays import read_array, read_array_colors
from lwpipe.data.sources.meshes.places import Place
from lwpipe.mesh.read import check_coordinates, read_mesh
from lwpipe.mesh.read_colors import read_colors

Ints = npt.NDArray[np.int64]
Colors = npt.NDArray[np.uint8]
Mesh = tuple[npt.NDArray[np.floating], Ints]


@dataclass(frozen=True)
class MeshItem:
    """One mesh that can be read.

    Attributes
    ----------
    name : str
        As the table names it: the path of the file below the folder, or the id of a row.
    id : str
        As `faces.csv` shall name it.
    label : str
        As messages name it.
    read : callable
        Returns vertices (V, 3) and triangles int64 (F, 3); raises MeshError.
    colors : callable
        Returns the colours of the vertices, uint8 (V, 3), sRGB; raises MeshError.
    subject, expression, split : str or None
        As the folders above it or the name of its array tell.
    file : Path or None
        Of a mesh that is a file of its own.
    """

    name: str
    id: str
    label: str
    read: Callable[[], Mesh]
    colors: Callable[[], Colors]
    subject: str | None = None
    expression: str | None = None
    split: str | None = None
    file: Path | None = None


def list_meshes(place: Place) -> list[MeshItem]:
    """List the meshes of a place, or the rows of its arrays, in their order.

    Raises
    ------
    LwpipeError
        If an array cannot be read, or has another shape or type.
    """
    if place.arrays:
        return [item for path in place.arrays for item in _rows(path, len(place.arrays) > 1)]
    found = []
    for file in place.meshes:
        name = place.name(file)
        told = dict(zip(place.levels, name.split("/"), strict=False))
        found.append(
            MeshItem(
                name=name,
                id=name.removesuffix(file.suffix),
                label=str(file),
                read=partial(read_mesh, file),
                colors=partial(read_colors, file),
                subject=told.get("subject"),
                expression=told.get("expression"),
                file=file,
            )
        )
    return found


def _rows(path: Path, told: bool) -> list[MeshItem]:
    """List the rows of an array; `told`: its name is that of a split."""
    vertices, triangles = read_array(path)

    def read(row: int) -> Mesh:
        # A signalling NaN warns when it is cast; it is told of as any other.
        with np.errstate(invalid="ignore", over="ignore"):
            face = np.asarray(vertices[row], dtype=np.float64)
        check_coordinates(face)
        return face, triangles

    colors: list[Colors] = []

    def painted(row: int) -> Colors:
        if not colors:
            colors.append(read_array_colors(path, vertices.shape))
        return np.asarray(colors[0][row])

    width = max(5, len(str(len(vertices) - 1)))
    return [
        MeshItem(
            name=f"{path.stem}_{row:0{width}d}",
            id=f"{path.stem}_{row:0{width}d}",
            label=f"{path}: face {row} (counted from 0)",
            read=partial(read, row),
            colors=partial(painted, row),
            split=path.stem.lower() if told else None,
        )
        for row in range(len(vertices))
    ]
