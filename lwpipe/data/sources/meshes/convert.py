"""Source 'meshes': the user's own registered meshes, of faces or of anything else."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.data.align import align_faces
from lwpipe.data.settings import DataSettings
from lwpipe.data.sources.meshes.items import MeshItem, list_meshes
from lwpipe.data.sources.meshes.table import MeshTable, draw_split, read_table
from lwpipe.data.store import Dataset, DatasetWriter
from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.units import MM_PER_UNIT, guess_unit

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Shape:
    """Of one mesh, what tells whether it fits the others."""

    vertex_count: int
    connectivity: str


def convert_meshes(settings: DataSettings, output: str | Path) -> Dataset:
    """Write the store `output` from the meshes at `settings.meshes.path`.

    All meshes must have the same vertices in the same order, joined by the same triangles.
    `settings.faces` takes the first so many, where there are more. Without a column `split` in the
    table, whole subjects are held out.

    Raises
    ------
    LwpipeError
        If meshes cannot be used: one sentence for each of them, a line each. Nothing is written
        then.
    """
    if settings.meshes.path is None:
        raise LwpipeError("data.meshes.path: the source 'meshes' needs a folder or an array.")
    found = list_meshes(settings.meshes.path)
    if len(found) < 2:
        raise LwpipeError(
            f"data.meshes.path: {settings.meshes.path} holds one mesh; at least two are needed, to "
            "train on and to test on."
        )
    table = MeshTable()
    if settings.meshes.table is not None:
        table = read_table(settings.meshes.table, [item.name for item in found])
    items = found if settings.faces is None else found[: settings.faces]
    subjects = [(table.subject or {}).get(item.name) or item.id for item in items]
    splits = _splits(table, items, subjects, settings)
    align = settings.align is None or settings.align

    store = _FirstStore(output, len(items))
    try:
        diagonals = _read_all(items, store, centre=align)
        diagonal = float(np.median(diagonals))
        guessed = settings.meshes.units == "auto"
        unit: str = _guess(diagonal) if guessed else settings.meshes.units
        writer = store.writer
        if MM_PER_UNIT[unit] != 1.0:
            for row in range(len(items)):
                writer.vertices[row] *= np.float32(MM_PER_UNIT[unit])
        alignment = None
        if align:
            train = np.flatnonzero(np.array(splits) == "train")
            alignment = align_faces(writer.vertices, train, scale=settings.scale).describe()
        faces = [
            {
                "id": item.id,
                "split": splits[row],
                "subject": subjects[row],
                "expression": (table.expression or {}).get(item.name, ""),
                "source": "meshes",
            }
            for row, item in enumerate(items)
        ]
        info: dict[str, Any] = {
            "source": "meshes",
            "licence": "the user's own data",
            "seed": settings.seed,
            "test_fraction": settings.test_fraction,
            "split": "from the table" if table.split else "drawn by seed, whole subjects",
            "meshes_found": len(found),
            "units_in_files": unit,
            "units_guessed": guessed,
            "median_diagonal_in_files": diagonal,
            "alignment": alignment,
        }
        return writer.close(faces, info)
    except BaseException as error:
        store.drop(error)
        raise


def connectivity(triangles: Ints) -> str:
    """Return a hash of the triangles that ignores their order and their first corners."""
    first = np.argmin(triangles, axis=1)[:, None]
    turned = np.take_along_axis(triangles, (first + np.arange(3)) % 3, axis=1)
    ordered = turned[np.lexsort(turned.T[::-1])]
    return hashlib.sha256(np.ascontiguousarray(ordered).data).hexdigest()


class _FirstStore:
    """A store that is opened when the first mesh tells its size."""

    def __init__(self, output: str | Path, count: int) -> None:
        self.output, self.count = output, count
        self._writer: DatasetWriter | None = None

    @property
    def writer(self) -> DatasetWriter:
        assert self._writer is not None  # noqa: S101 - meshes that all fail have raised before
        return self._writer

    def put(self, row: int, vertices: npt.NDArray[np.floating], triangles: Ints) -> None:
        """Store a mesh; one that does not fit the first is left out, and will be reported."""
        if self._writer is None:
            self._writer = DatasetWriter(self.output, self.count, triangles, len(vertices))
        if len(vertices) == self._writer.vertices.shape[1]:
            self._writer[row] = vertices

    def drop(self, error: BaseException) -> None:
        """Leave nothing behind."""
        if self._writer is not None:
            self._writer.__exit__(type(error), error, error.__traceback__)


def _read_all(items: Sequence[MeshItem], store: _FirstStore, *, centre: bool) -> list[float]:
    """Read, check and store all meshes; return the diagonals of their bounding boxes.

    Raises
    ------
    LwpipeError
        With one line for each mesh that cannot be used.
    """
    faults: dict[int, str] = {}
    shapes: dict[int, _Shape] = {}
    diagonals = []
    last: tuple[Ints, str] | None = None
    for row, item in enumerate(items):
        try:
            vertices, triangles = item.read()
        except MeshError as error:
            faults[row] = str(error)
            continue
        if last is None or not np.array_equal(triangles, last[0]):
            last = (triangles, connectivity(triangles))
        shapes[row] = _Shape(len(vertices), last[1])
        diagonals.append(float(np.linalg.norm(np.ptp(vertices, axis=0))))
        if centre:
            # Alignment brings the centroid to the origin anyway; done before the coordinates are
            # rounded to single precision, those far from the origin keep their digits.
            vertices = vertices - vertices.mean(axis=0, dtype=np.float64)
        store.put(row, vertices, triangles)
    if shapes:
        common = Counter(shapes.values()).most_common(1)[0][0]
        for row, shape in shapes.items():
            if shape.vertex_count != common.vertex_count:
                faults[row] = (
                    f"has {shape.vertex_count} vertices, most meshes here have "
                    f"{common.vertex_count}"
                )
            elif shape != common:
                faults[row] = (
                    f"has {shape.vertex_count} vertices as the other meshes, but its triangles "
                    "join them differently"
                )
    if faults:
        raise LwpipeError(*(f"{items[row].label}: {faults[row]}." for row in sorted(faults)))
    return diagonals


def _splits(
    table: MeshTable, items: Sequence[MeshItem], subjects: Sequence[str], settings: DataSettings
) -> list[str]:
    if table.split is None:
        return draw_split(subjects, settings.test_fraction, settings.seed)
    splits = [table.split[item.name] for item in items]
    for name in ("train", "test"):
        if name not in splits:
            raise LwpipeError(
                f"{settings.meshes.table}: none of the {len(items)} meshes has the split '{name}'."
            )
    return splits


def _guess(diagonal: float) -> str:
    unit = guess_unit(diagonal)
    if unit is None:
        raise LwpipeError(
            f"data.meshes.units: the meshes measure {diagonal:.4g} from corner to corner, which is "
            "a face in no unit; set it to mm, cm, m or um."
        )
    return unit
