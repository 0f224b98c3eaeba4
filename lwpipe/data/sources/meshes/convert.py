"""Registered meshes of one topology, read one after the other."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.data.source import Colors, Faces, Opened, Rows
from lwpipe.data.sources.meshes import MeshesSettings
from lwpipe.data.sources.meshes.items import MeshItem, list_meshes
from lwpipe.data.sources.meshes.places import find
from lwpipe.data.sources.meshes.table import MeshTable, read_table
from lwpipe.mesh.faults import MeshError, check_count
from lwpipe.mesh.read_colors import read_uv
from lwpipe.mesh.texture import UvMap
from lwpipe.mesh.units import MM_PER_UNIT, guess_unit

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Shape:
    """Of one mesh, what tells whether it fits the others."""

    vertex_count: int
    triangle_count: int
    connectivity: str


def open_meshes(settings: MeshesSettings, faces: int | None) -> Meshes:
    """Open the meshes at `settings.path`, and read the first one that can be used.

    All meshes must have the same vertices in the same order, joined by the same triangles.

    Parameters
    ----------
    settings : MeshesSettings
    faces : take so many, where there are more; None: all

    Raises
    ------
    LwpipeError
        If there are fewer than two, or none can be used: one sentence for each of them.
    """
    place = find(settings.path or "", settings.folders)
    found = list_meshes(place)
    if len(found) < 2:
        raise LwpipeError(
            f"data.meshes.path: {settings.path} holds one mesh; at least two are needed, to "
            "train on and to test on."
        )
    table = MeshTable()
    if settings.table is not None:
        table = read_table(settings.table, [item.name for item in found])
    items = [found[row] for row in place.rows(len(found), faces)]
    splits = _splits(table, items, settings)
    faults: dict[int, str] = {}
    for row, item in enumerate(items):
        try:
            vertices, triangles = item.read()
            break
        except MeshError as error:
            faults[row] = str(error)
    else:
        raise _told(items, faults)
    subjects, expressions = table.subject or {}, table.expression or {}
    return Meshes(
        ids=[item.id for item in items],
        subjects=[subjects.get(item.name) or item.subject or item.id for item in items],
        expressions=[expressions.get(item.name) or item.expression or "" for item in items],
        splits=splits,
        triangles=triangles,
        vertex_count=len(vertices),
        notes=place.notes,
        items=items,
        found=len(found),
        settings=settings,
        levels=place.levels,
        split_from="from the table" if table.split else "from the names of the arrays",
        first=row,
        faults=faults,
    )


@dataclass(kw_only=True)
class Meshes(Opened):
    """Meshes to be read; the first that can be used has told their size."""

    items: Sequence[MeshItem]
    found: int
    settings: MeshesSettings
    levels: tuple[str, ...]
    split_from: str
    first: int
    faults: dict[int, str]
    shapes: dict[int, Shape] = field(default_factory=dict)
    diagonals: list[float] = field(default_factory=list)

    def chunks(self, centred: bool) -> Iterator[tuple[Rows, Faces]]:
        """Yield the meshes that fit the first one; raise for all that do not fit the others.

        Raises
        ------
        LwpipeError
            With one line for each mesh that cannot be used.
        """
        yield from self._fitting(centred, dict(self.faults))

    def colored_chunks(self, centred: bool) -> Iterator[tuple[Rows, Faces, Colors]]:
        """Yield the same with their colours; raise for those without as for those of other shape.

        Raises
        ------
        LwpipeError
            With one line for each mesh that cannot be used.
        """
        faults = dict(self.faults)
        for row, vertices in self._fitting(centred, faults):
            item = self.items[cast(int, row)]
            try:
                colors = item.colors()
                check_count(len(colors), len(vertices))
            except MeshError as error:
                faults[cast(int, row)] = str(error)
                continue
            yield row, vertices, colors

    def uv(self) -> UvMap | None:
        """Return the UV map of the first mesh, where it is a file with one."""
        item = self.items[self.first]
        return None if item.file is None else read_uv(item.file)

    def _fitting(self, centred: bool, faults: dict[int, str]) -> Iterator[tuple[Rows, Faces]]:
        """Yield the meshes that fit the first one; raise for what is in `faults` at the end."""
        last: tuple[Ints, str] | None = None
        for row in range(self.first, len(self.items)):
            try:
                vertices, triangles = self.items[row].read()
            except MeshError as error:
                faults[row] = str(error)
                continue
            if last is None or not np.array_equal(triangles, last[0]):
                last = (triangles, connectivity(triangles))
            self.shapes[row] = Shape(len(vertices), len(triangles), last[1])
            self.diagonals.append(float(np.linalg.norm(np.ptp(vertices, axis=0))))
            if len(vertices) != self.vertex_count:
                continue
            if self.settings.up == "z":
                vertices = vertices[:, [0, 2, 1]] * np.array([1.0, 1.0, -1.0])
            if centred:
                # Alignment brings the centroid to the origin anyway; done before the coordinates
                # are rounded to single precision, those far from the origin keep their digits.
                vertices = vertices - vertices.mean(axis=0, dtype=np.float64)
            yield row, vertices
        faults |= _misfits(self.shapes, self.items)
        if faults:
            raise _told(self.items, faults)

    def unit(self) -> float:
        """Return the millimetres of a unit in the files."""
        return MM_PER_UNIT[self._unit()]

    def _unit(self) -> str:
        units = self.settings.units
        return _guess(self._diagonal()) if units == "auto" else units

    def _diagonal(self) -> float:
        return float(np.median(self.diagonals))

    def provenance(self) -> dict[str, Any]:
        """Return what was found, and how it was read."""
        return {
            "licence": "the user's own data",
            "seed": None,
            "test_fraction": None,
            "split": self.split_from if self.splits else None,
            "meshes_found": self.found,
            "folders": "/".join(self.levels) or None,
            "up_in_files": self.settings.up,
            "units_in_files": self._unit(),
            "units_guessed": self.settings.units == "auto",
            "median_diagonal_in_files": self._diagonal(),
            "alignment": None,
        }


def _told(items: Sequence[MeshItem], faults: dict[int, str]) -> LwpipeError:
    return LwpipeError(*(f"{items[row].label}: {faults[row]}." for row in sorted(faults)))


def _misfits(shapes: dict[int, Shape], items: Sequence[MeshItem]) -> dict[int, str]:
    """Return the faults of the meshes that are not like most of them."""
    faults = {}
    common = Counter(shapes.values()).most_common(1)[0][0]
    for row, shape in shapes.items():
        if shape.vertex_count != common.vertex_count:
            faults[row] = (
                f"has {shape.vertex_count} vertices, most meshes here have {common.vertex_count}"
            )
        elif shape != common:
            faults[row] = (
                f"has {shape.vertex_count} vertices as the other meshes, but its triangles join "
                "them differently"
            )
        if row in faults and items[row].name.lower().endswith(".stl"):
            faults[row] += (
                "; an STL keeps no vertex numbers, and vertices that meet were joined: export OBJ "
                "or PLY"
            )
    return faults


def connectivity(triangles: Ints) -> str:
    """Return a hash of the triangles that ignores their order and their first corners."""
    first = np.argmin(triangles, axis=1)[:, None]
    turned = np.take_along_axis(triangles, (first + np.arange(3)) % 3, axis=1)
    ordered = turned[np.lexsort(turned.T[::-1])]
    return hashlib.sha256(np.ascontiguousarray(ordered).data).hexdigest()


def _splits(
    table: MeshTable, items: Sequence[MeshItem], settings: MeshesSettings
) -> list[str] | None:
    """Return the splits that the table tells, or else the names of the arrays, if any does."""
    if table.split is not None:
        splits, teller = [table.split[item.name] for item in items], settings.table
    else:
        told = [item.split for item in items if item.split]
        if len(told) < len(items):
            return None
        splits, teller = told, settings.path
    for name in ("train", "test"):
        if name not in splits:
            raise LwpipeError(f"{teller}: none of the {len(items)} meshes has the split '{name}'.")
    return splits


def _guess(diagonal: float) -> str:
    unit = guess_unit(diagonal)
    if unit is None:
        raise LwpipeError(
            f"data.meshes.units: the meshes measure {diagonal:.4g} from corner to corner, which is "
            "a face in no unit; set it to mm, cm, m or um."
        )
    return unit
