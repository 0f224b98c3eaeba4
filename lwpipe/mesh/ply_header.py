"""The header of a PLY file: what follows it, and how."""

from __future__ import annotations

import re
import reprlib
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy.typing as npt

from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.text import BLANK

TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
POLYGONS, STRIPS = "face", "tristrips"
# Names of the list of a polygon's corners, the usual one first.
INDEX_NAMES = ("vertex_indices", "vertex_index", "vertices", "indices")
MAX_HEADER_BYTES = 100_000
_LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r)")


class Values(NamedTuple):
    """The values of an element.

    Attributes
    ----------
    scalars : of each property that is no list, by its name, (n,)
    counts : (n,) lengths of the index lists; empty where it has none
    corners : the index lists one after another
    """

    scalars: dict[str, npt.NDArray[Any]]
    counts: npt.NDArray[Any]
    corners: npt.NDArray[Any]


@dataclass
class Element:
    """One element of the header: properties are (name, type) or (name, count type, type)."""

    name: str
    count: int
    properties: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The name for messages: a damaged header may hold a name of any length and letters."""
        return reprlib.repr(self.name)

    @property
    def scalars(self) -> list[str]:
        """The names of the properties that are no lists."""
        return [entry[0] for entry in self.properties if len(entry) == 2]

    @property
    def index_list(self) -> str | None:
        """The name of the list of corners; None where there is none.

        A list of another name is taken where it is the only one that could be meant.
        """
        if self.name not in (POLYGONS, STRIPS):
            return None
        lists = {entry[0]: entry[2] for entry in self.properties if len(entry) == 3}
        for name in INDEX_NAMES:
            if name in lists:
                return name
        whole = [name for name, kind in lists.items() if not kind.startswith("f")]
        return whole[0] if len(whole) == 1 else None

    def cut_off(self) -> MeshError:
        """Return the fault of a file that ends before the element does."""
        return MeshError(
            f"is cut off: its header announces {self.count} of {self.label}, and the data end "
            "before"
        )


def read_header(content: bytes) -> tuple[str, list[Element], int]:
    """Return the byte order ('' for text), the elements, and where the data start.

    Raises
    ------
    MeshError
        If it has no end or is none of a PLY.
    """
    lines, start = _lines(content)
    elements: list[Element] = []
    order: str | None = None
    try:
        for line in lines:
            match line.decode("latin-1").split():
                case ["format", name, *_]:
                    order = FORMATS[name]
                case ["element", name, count]:
                    elements.append(Element(name, int(count)))
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
        _check(element)
    return order, elements, start


def _lines(content: bytes) -> tuple[list[bytes], int]:
    """Return the lines between the word ply and the line end_header, and where the data start."""
    lines: list[bytes] = []
    place, line_end = 0, _LINE
    while found := line_end.match(content, place, MAX_HEADER_BYTES):
        line, place = found[1].strip(BLANK), found.end()
        if not lines:
            if line != b"ply":
                break
            if found[2] == b"\r":
                # Then a line feed behind the header belongs to the data.
                line_end = re.compile(rb"([^\r]*)(\r)")
        if line == b"end_header":
            return lines[1:], place
        lines.append(line)
    if not content.lstrip(BLANK + b"\n").startswith(b"ply"):
        raise MeshError("does not start with the word ply")
    raise MeshError("is cut off: its header has no end")


def _check(element: Element) -> None:
    """Raise MeshError where the properties of an element cannot be read or make no sense."""
    names = [entry[0] for entry in element.properties]
    if len(set(names)) < len(names):
        raise MeshError(f"has a property of {element.label} twice")
    if element.count and not names:
        raise MeshError(f"announces {element.count} of {element.label} without properties")
    for name, *types in element.properties:
        if len(types) == 2 and types[0].startswith("f"):
            raise MeshError(
                f"has a list {reprlib.repr(name)} whose length or indices are not whole numbers"
            )
    if element.count and element.name == POLYGONS and element.index_list is None:
        lists = ", ".join(entry[0] for entry in element.properties if len(entry) == 3)
        raise MeshError(
            f"has faces whose list of vertices is none of {', '.join(INDEX_NAMES)} (it has "
            f"{reprlib.repr(lists) if lists else 'no list'})"
        )
