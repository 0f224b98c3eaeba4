"""Weights that people bring: arrays, tables, and colours painted on the template."""

from __future__ import annotations

import csv
import re
import reprlib
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lwpipe.core.arrays import read_npy, read_npz
from lwpipe.core.errors import LwpipeError, short_reason
from lwpipe.local_weights.archive import load_names
from lwpipe.mesh.ply_file import read_ply_colors
from lwpipe.mesh.topology import edges

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_PARTS = 64
_LONGEST_NAME = 100
# Regions of 0 and 1 compress by far more than other arrays do.
_HARMLESS = 64 * 2**20
_WHAT = "weights of vertices"
_WHOLE = re.compile(r"[+-]?\d{1,9}")
# Nearer to 1, the sum of a row differs by rounding to single precision.
_WHOLE_SUM = 1e-5
# Of quads that are all cut along the other diagonal, two edges in three are the template's.
_LEAST_SHARED_EDGES = 0.6


class Painted(NamedTuple):
    """What a file holds.

    Attributes
    ----------
    weights : float (V, K)
    names : of the columns, where they have some
    ordered : whether the columns stand in an order of their own
    triangles : int64 (F, 3), where the file has some
    """

    weights: npt.NDArray[np.floating]
    names: list[str] | None = None
    ordered: bool = True
    triangles: Ints | None = None

    def rarest(self, parts: int) -> str:
        """Say which colour has fewest vertices, where there are more colours than parts."""
        if self.triangles is None or self.names is None or len(self.names) <= parts:
            return ""
        counts = self.weights.sum(axis=0)
        return (
            f", or paint over {self.names[counts.argmin()]}, the rarest colour "
            f"({counts.min():.0f} vertices), if a soft brush left it"
        )


def read_painted(path: str | Path, vertex_count: int, triangles: Ints) -> Painted:
    """Read the weights of the template's vertices from a file of one of the kinds in `READERS`.

    They are float32, rows sum to 1: those of rows that do already are left as they are.

    Parameters
    ----------
    path : the file
    vertex_count : V of the template
    triangles : int64 (F, 3), of the template

    Raises
    ------
    LwpipeError
        If the file is missing, damaged or of another kind, is for other vertices or in another
        order, or has weights that are negative or not finite, a vertex or a part without any.
    """
    path = Path(path)
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise LwpipeError(f"{path}: is none of the formats {', '.join(sorted(READERS))}.")
    found = read(path)
    for name in found.names or ():
        if not name.isprintable() or len(name) > _LONGEST_NAME:
            raise LwpipeError(
                f"{path}: names a part {reprlib.repr(name)}: names have at most {_LONGEST_NAME} "
                "characters, and none of control."
            )
    if len(found.weights) != vertex_count:
        raise LwpipeError(
            f"{path}: is for {len(found.weights)} vertices and the template has {vertex_count}: it "
            "needs every vertex of template.ply once, in that order."
        )
    if found.triangles is not None and len(found.triangles):
        _check_order(path, found.triangles, triangles)
    # A signalling NaN warns when it is cast; it is told of as any other.
    with np.errstate(invalid="ignore", over="ignore"):
        shares = _shares(path, found.weights.astype(np.float64))
    empty = ~shares.any(axis=0)
    if empty.any():
        part = int(empty.argmax())
        name = str(part) if found.names is None else reprlib.repr(found.names[part])
        raise LwpipeError(f"{path}: the part {name} has no vertex: all its weights are 0.")
    return found._replace(weights=shares)


def _check_order(path: Path, own: Ints, wanted: Ints) -> None:
    """Raise LwpipeError where the triangles do not join the vertices that the template's join."""
    base = int(max(own.max(), wanted.max())) + 1
    pairs, known = (edges(triangles) @ (base, 1) for triangles in (own, wanted))
    shared = float(np.isin(pairs, known).mean()) if len(pairs) else 0.0
    if shared < _LEAST_SHARED_EDGES:
        raise LwpipeError(
            f"{path}: only {shared:.0%} of its edges are edges of the template: its vertices stand "
            "in another order, or it is another mesh."
        )


def _shares(path: Path, weights: Floats) -> npt.NDArray[np.float32]:
    """Return the weights of each vertex as shares of their sum."""
    faults = (
        (~np.isfinite(weights).all(axis=1), "has a weight that is not finite"),
        ((weights < 0).any(axis=1), "has a negative weight"),
        (~weights.any(axis=1), "has no weight: each must belong to a part"),
    )
    for wrong, fault in faults:
        if wrong.any():
            count = int(wrong.sum())
            more = f" (and {count - 1} more)" if count > 1 else ""
            raise LwpipeError(
                f"{path}: vertex {int(wrong.argmax())}{more}, counted from 0, {fault}."
            )
    # Divided by the largest, no sum is too large.
    parts_of_largest = weights / weights.max(axis=1, keepdims=True)
    whole = np.abs(weights.sum(axis=1, keepdims=True) - 1) < _WHOLE_SUM
    shares = parts_of_largest / parts_of_largest.sum(axis=1, keepdims=True)
    return np.where(whole, weights, shares).astype(np.float32)


def _of_array(path: Path, array: npt.NDArray[Any], names: list[str] | None = None) -> Painted:
    if array.ndim != 2 or array.size == 0 or array.dtype.kind not in "fiub":
        raise LwpipeError(
            f"{path}: the weights are {array.dtype} {array.shape}, expected numbers (V, K)."
        )
    _check_count(path, array.shape[1])
    return Painted(array, names)


def _check_count(path: Path, parts: int) -> None:
    if parts > MOST_PARTS:
        raise LwpipeError(f"{path}: holds {parts} parts, more than {MOST_PARTS}.")


def _read_npy(path: Path) -> Painted:
    return _of_array(path, read_npy(path, _WHAT))


def _read_npz(path: Path) -> Painted:
    """Read `weights`, and `names` if they are there, as in an archive of lwpipe."""
    weights = read_npz(path, _WHAT, ("weights",), _HARMLESS)["weights"]
    parts = weights.shape[1] if weights.ndim == 2 else 0
    return _of_array(path, weights, load_names(path, parts))


def _of_regions(
    path: Path, regions: Ints, names: Sequence[str], ordered: bool, triangles: Ints | None = None
) -> Painted:
    """Return weights of 0 and 1 from the region of each vertex, (V,)."""
    _check_count(path, len(names))
    return Painted(np.eye(len(names))[regions], list(names), ordered, triangles)


def _read_ply(path: Path) -> Painted:
    """Read one region for each colour."""
    colors, triangles = read_ply_colors(path)
    distinct, regions, counts = np.unique(colors, axis=0, return_inverse=True, return_counts=True)
    if len(distinct) > MOST_PARTS:
        common = np.sort(counts)[-8:].sum() / counts.sum()
        raise LwpipeError(
            f"{path}: has {len(distinct)} colours, more than {MOST_PARTS} regions; the commonest 8 "
            f"have {common:.0%} of the vertices: a soft brush, or colours of corners of faces "
            "that were averaged, leave blends."
        )
    names = ["#{:02x}{:02x}{:02x}".format(*color) for color in distinct.tolist()]
    return _of_regions(path, regions.reshape(-1), names, False, triangles)


def _read_csv(path: Path) -> Painted:
    """Read a column a region, or one column with the region of each vertex."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        head = text.partition("\n")[0]
        delimiter = next((each for each in ",;\t" if each in head), ",")
        rows = list(csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or short_reason(error)
        raise LwpipeError(f"{path}: cannot be read as CSV: {reason}.") from error
    while rows and not any(map(str.strip, rows[-1])):
        rows.pop()
    if len(rows) < 2:
        raise LwpipeError(f"{path}: needs a line of names, and one for each vertex.")
    names = [name.strip() for name in rows.pop(0)]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(names) or not all(map(str.strip, row)):
            raise LwpipeError(f"{path}: line {number} has not {len(names)} values.")
    return _regions(path, rows) if len(names) == 1 else _columns(path, names, rows)


def _regions(path: Path, rows: Sequence[Sequence[str]]) -> Painted:
    """Return the regions that one column names; those of whole numbers stand in their order."""
    labels = [row[0].strip() for row in rows]
    numbered = all(map(_WHOLE.fullmatch, labels))
    names = sorted(set(labels), key=int if numbered else None)
    place = {name: number for number, name in enumerate(names)}
    return _of_regions(path, np.array([place[label] for label in labels]), names, numbered)


def _columns(path: Path, names: list[str], rows: Sequence[Sequence[str]]) -> Painted:
    if not all(names) or len(set(names)) < len(names):
        shown = reprlib.repr(", ".join(names))
        raise LwpipeError(f"{path}: has a column without a name, or one twice ({shown}).")
    _check_count(path, len(names))
    try:
        return Painted(np.array(rows, dtype=np.float64), names)
    except ValueError:
        for number, row in enumerate(rows, start=2):
            for name, value in zip(names, row, strict=True):
                try:
                    float(value)
                except ValueError:
                    raise LwpipeError(
                        f"{path}: line {number} has {reprlib.repr(value)} in the column "
                        f"{reprlib.repr(name)}, "
                        "which is no number."
                    ) from None
        raise


READERS: dict[str, Callable[[Path], Painted]] = {
    ".csv": _read_csv,
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".ply": _read_ply,
}
