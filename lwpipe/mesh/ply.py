"""PLY files: text, and binary of either byte order, with polygons of any size."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.mesh.faults import MeshError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_Scalars = dict[str, npt.NDArray[Any]]

TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
INDEX_NAMES = ("vertex_indices", "vertex_index")
MAX_HEADER_BYTES = 100_000
FEW_CORNERS = "has a polygon of fewer than three corners: it is damaged or cut off"


@dataclass
class _Element:
    """One element of the header: properties are (name, type) or (name, count type, type)."""

    name: str
    count: int
    properties: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The name for messages: a damaged header may hold a name of any length and letters."""
        return reprlib.repr(self.name)


def parse_ply(content: bytes) -> tuple[Floats, Ints]:
    """Parse a PLY: the coordinates of its vertices, and its polygons as fans of triangles.

    Returns
    -------
    vertices : float64 (V, 3)
    triangles : int64 (F, 3)

    Raises
    ------
    MeshError
        If the file is cut off or no PLY.
    """
    order, elements, start = _header(content)
    read = _BinaryReader(content, start, order) if order else _TextReader(content[start:])
    vertices = np.empty((0, 3))
    triangles = np.empty((0, 3), dtype=np.int64)
    for element in elements:
        scalars, polygons = read.element(element)
        if element.name == "vertex" and element.count:
            if not {"x", "y", "z"} <= scalars.keys():
                raise MeshError("has vertices without x, y and z")
            vertices = np.stack([scalars[axis].astype(np.float64) for axis in "xyz"], axis=1)
        elif element.name == "face":
            triangles = polygons
    return vertices, triangles


def _header(content: bytes) -> tuple[str, list[_Element], int]:
    """Return the byte order ('' for text), the elements and where the data start."""
    end = content.find(b"end_header", 0, MAX_HEADER_BYTES)
    if not content.startswith(b"ply"):
        raise MeshError("does not start with the word ply")
    if end < 0 or b"\n" not in content[end:]:
        raise MeshError("is cut off: its header has no end")
    elements: list[_Element] = []
    order: str | None = None
    try:
        for line in content[:end].decode("latin-1").splitlines()[1:]:
            words = line.split()
            match words:
                case ["format", name, *_]:
                    order = FORMATS[name]
                case ["element", name, count]:
                    elements.append(_Element(name, int(count)))
                case ["property", "list", count_type, kind, name]:
                    elements[-1].properties.append((name, TYPES[count_type], TYPES[kind]))
                case ["property", kind, name]:
                    elements[-1].properties.append((name, TYPES[kind]))
                case [] | ["comment" | "obj_info", *_]:
                    pass
                case _:
                    raise ValueError(line)
    except (KeyError, IndexError, ValueError) as error:
        shown = reprlib.repr(str(error))
        raise MeshError(f"has a header line that is not of the PLY format ({shown})") from error
    if order is None or any(element.count < 0 for element in elements):
        raise MeshError("has a header without a format or with a negative count")
    for element in elements:
        _check_element(element)
    return order, elements, content.index(b"\n", end) + 1


def _check_element(element: _Element) -> None:
    """Raise MeshError where the properties of an element cannot be read or make no sense."""
    names = [entry[0] for entry in element.properties]
    if len(set(names)) < len(names):
        raise MeshError(f"has a property of {element.label} twice")
    if element.count and not names:
        raise MeshError(f"announces {element.count} of {element.label} without properties")
    for name, *types in element.properties:
        whole = types[:1] if len(types) == 2 else []
        if len(types) == 2 and name in INDEX_NAMES:
            whole = types
        if any(kind.startswith("f") for kind in whole):
            raise MeshError(
                f"has a list {reprlib.repr(name)} whose length or indices are not whole numbers"
            )


def _triangles(counts: Ints, indices: Ints) -> Ints:
    """Return fans of triangles from the corner counts (P,) and all corners one after another."""
    if len(counts) and counts.min() < 3:
        raise MeshError(FEW_CORNERS)
    first = np.cumsum(counts) - counts
    fans = np.repeat(np.arange(len(counts)), np.maximum(counts - 2, 0))
    step = np.arange(len(fans)) - np.repeat(
        np.cumsum(np.maximum(counts - 2, 0)) - np.maximum(counts - 2, 0),
        np.maximum(counts - 2, 0),
    )
    corner = first[fans]
    return np.stack(
        [indices[corner], indices[corner + step + 1], indices[corner + step + 2]], axis=1
    ).astype(np.int64)


def _cut_off(element: _Element) -> MeshError:
    return MeshError(
        f"is cut off: its header announces {element.count} of {element.label}, and the data end "
        "before"
    )


def _length(value: npt.NDArray[Any]) -> int:
    """Return the length of a list; of a negative one, `frombuffer` would take all there is."""
    if value[0] < 0:
        raise MeshError(FEW_CORNERS)
    return int(value[0])


class _BinaryReader:
    """Read the elements of a binary PLY, one after another."""

    def __init__(self, content: bytes, start: int, order: str) -> None:
        self.content, self.place, self.order = content, start, order

    def element(self, element: _Element) -> tuple[_Scalars, Ints]:
        """Return the scalar properties by name, and the triangles of the index list if any."""
        lists = [entry for entry in element.properties if len(entry) == 3]
        if element.count == 0:
            return {}, np.empty((0, 3), dtype=np.int64)
        # Mostly every polygon has as many corners as the first: then one record type reads all.
        try:
            lengths = self._first_lengths(element)
            records = self._records(element, lengths)
        except ValueError as error:
            raise _cut_off(element) from error
        if records is None:
            return {}, self._uneven(element)
        self.place += records.nbytes
        scalars = {e[0]: records[e[0]] for e in element.properties if len(e) == 2}
        for name, _, _ in (entry for entry in lists if entry[0] in INDEX_NAMES):
            corners = records[name].astype(np.int64)
            counts = np.full(element.count, corners.shape[1])
            return scalars, _triangles(counts, corners.reshape(-1))
        return scalars, np.empty((0, 3), dtype=np.int64)

    def _first_lengths(self, element: _Element) -> dict[str, int]:
        place, lengths = self.place, {}
        for entry in element.properties:
            if len(entry) == 2:
                place += np.dtype(entry[1]).itemsize
            else:
                kind = np.dtype(self.order + entry[1])
                lengths[entry[0]] = _length(np.frombuffer(self.content, kind, 1, place))
                place += kind.itemsize + lengths[entry[0]] * np.dtype(entry[2]).itemsize
        return lengths

    def _records(self, element: _Element, lengths: dict[str, int]) -> npt.NDArray[np.void] | None:
        """Read all records with lists of the given lengths; None where the lengths differ."""
        fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
        for entry in element.properties:
            if len(entry) == 2:
                fields.append((entry[0], self.order + entry[1]))
            else:
                fields.append((f"{entry[0]} count", self.order + entry[1]))
                fields.append((entry[0], self.order + entry[2], (lengths[entry[0]],)))
        kind = np.dtype(fields)
        room = (len(self.content) - self.place) // kind.itemsize
        records = np.frombuffer(self.content, kind, min(room, element.count), self.place)
        same = all((records[f"{name} count"] == n).all() for name, n in lengths.items())
        if not same:
            return None
        if room < element.count:
            raise _cut_off(element)
        return records

    def _uneven(self, element: _Element) -> Ints:
        """Read lists of different lengths, one by one."""
        counts, indices = [], []
        place = self.place
        try:
            for _ in range(element.count):
                for entry in element.properties:
                    if len(entry) == 2:
                        place += np.dtype(entry[1]).itemsize
                        continue
                    kind = np.dtype(self.order + entry[1])
                    length = _length(np.frombuffer(self.content, kind, 1, place))
                    place += kind.itemsize
                    kind = np.dtype(self.order + entry[2])
                    values = np.frombuffer(self.content, kind, length, place)
                    place += values.nbytes
                    if entry[0] in INDEX_NAMES:
                        counts.append(length)
                        indices.append(values)
        except ValueError as error:
            raise _cut_off(element) from error
        self.place = place
        if not indices:
            return np.empty((0, 3), dtype=np.int64)
        return _triangles(np.array(counts), np.concatenate(indices).astype(np.int64))


class _TextReader:
    """Read the elements of a text PLY, one line each."""

    def __init__(self, content: bytes) -> None:
        self.lines = [line for line in content.splitlines() if line.strip()]
        self.place = 0

    def element(self, element: _Element) -> tuple[_Scalars, Ints]:
        """Return the scalar properties by name, and the triangles of the index list if any."""
        lines = self.lines[self.place : self.place + element.count]
        if len(lines) < element.count:
            raise _cut_off(element)
        self.place += element.count
        rows = [line.split() for line in lines]
        try:
            if all(len(entry) == 2 for entry in element.properties):
                width = len(element.properties)
                table = np.array([row[:width] for row in rows], dtype=np.float64)
                table = table.reshape(element.count, width)
                scalars: _Scalars = {e[0]: table[:, i] for i, e in enumerate(element.properties)}
                return scalars, np.empty((0, 3), dtype=np.int64)
            counts, indices = [], []
            for row in rows:
                place = 0
                for entry in element.properties:
                    length = int(row[place]) if len(entry) == 3 else 0
                    if length < 0:
                        raise MeshError(FEW_CORNERS)
                    if entry[0] in INDEX_NAMES:
                        corners = [int(index) for index in row[place + 1 : place + 1 + length]]
                        if len(corners) != length:
                            raise _cut_off(element)
                        counts.append(length)
                        indices.extend(corners)
                    place += 1 + length
            return {}, _triangles(np.array(counts, np.int64), np.array(indices, np.int64))
        except (ValueError, IndexError, OverflowError) as error:
            raise MeshError(
                f"has a line of {element.label} that does not fit its header: it is damaged or "
                "cut off"
            ) from error
