"""PLY files: text, and binary of either byte order, with polygons of any size."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.ply_data import read_binary, read_text
from lwpipe.mesh.ply_header import POLYGONS, STRIPS, Element, read_header
from lwpipe.mesh.polygons import fan_of_counts, strip
from lwpipe.mesh.text import plain

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Colors = npt.NDArray[np.uint8]
Scalars = dict[str, npt.NDArray[Any]]

_COLORS = ("red", "green", "blue")


def parse_ply(content: bytes) -> tuple[Floats, Ints]:
    """Parse a PLY: the coordinates of its vertices, and its polygons as fans of triangles.

    Triangle strips (element `tristrips`) are cut into their triangles. Other properties, lists of
    vertices among them, and other elements are passed over.

    Returns
    -------
    vertices : float64 (V, 3)
    triangles : int64 (F, 3)

    Raises
    ------
    MeshError
        If the file is cut off or no PLY.
    """
    scalars, triangles, _ = _parsed(content)
    return _places(scalars), triangles


def parse_ply_colors(content: bytes) -> tuple[Colors, Ints]:
    """Parse a PLY as `parse_ply` does: the colours of its vertices instead of coordinates.

    Colours of floating point, from 0 to 1, and of 16 bits are rounded to 8 bits.

    Returns
    -------
    colors : uint8 (V, 3), red, green and blue
    triangles : int64 (F, 3)

    Raises
    ------
    MeshError
        If the file is cut off or no PLY, or its vertices have no such colours.
    """
    scalars, triangles, elements = _parsed(content)
    if not {*_COLORS} <= scalars.keys():
        raise MeshError("has no colours of vertices (red, green, blue)")
    return _colors(scalars, elements), triangles


def parse_painted_ply(content: bytes) -> tuple[Floats, Ints, Colors | None]:
    """Parse a PLY as `parse_ply` does, with the colours of its vertices; None where it has none."""
    scalars, triangles, elements = _parsed(content)
    colors = _colors(scalars, elements) if {*_COLORS} <= scalars.keys() else None
    return _places(scalars), triangles, colors


def _places(scalars: Scalars) -> Floats:
    if not scalars:
        return np.empty((0, 3))
    if not {"x", "y", "z"} <= scalars.keys():
        raise MeshError("has vertices without x, y and z")
    return np.stack([scalars[axis].astype(np.float64) for axis in "xyz"], axis=1)


def _colors(scalars: Scalars, elements: list[Element]) -> Colors:
    kinds = {
        name: kind
        for element in elements
        if element.name == "vertex"
        for name, kind in (entry for entry in element.properties if len(entry) == 2)
    }
    values = np.stack(
        [255 / _full(kinds[name]) * scalars[name].astype(np.float64) for name in _COLORS], axis=1
    )
    if not ((values >= 0) & (values <= 255)).all():
        raise MeshError("has colours out of range: 0 to 1 in floating point, else 0 to 255")
    return np.rint(values).astype(np.uint8)


def _full(kind: str) -> int:
    """Return the number that full light has in a type."""
    return 1 if kind.startswith("f") else 65_535 if kind == "u2" else 255


def _parsed(content: bytes) -> tuple[Scalars, Ints, list[Element]]:
    """Return the scalars of the vertices, the triangles of polygons and strips, and the header."""
    content = plain(content)
    order, elements, start = read_header(content)
    if order:
        found = read_binary(content, start, order, elements)
    else:
        found = read_text(content[start:], elements)
    vertices: Scalars = {}
    triangles = [np.empty((0, 3), dtype=np.int64)]
    for element, (scalars, counts, corners) in zip(elements, found, strict=True):
        if element.name == "vertex" and element.count:
            vertices = scalars
        elif element.name == POLYGONS:
            triangles.append(fan_of_counts(counts, _whole(corners)))
        elif element.name == STRIPS:
            triangles += _strips(counts, corners)
    return vertices, np.concatenate(triangles), elements


def _whole(values: npt.NDArray[Any]) -> Ints:
    """Return indices as whole numbers, of whatever type the file writes them."""
    whole = values.astype(np.int64)
    if values.dtype.kind == "f" and not np.array_equal(whole, values):
        raise MeshError("has a face of vertices that are not whole numbers")
    return whole


def _strips(counts: Ints, corners: npt.NDArray[Any]) -> list[Ints]:
    """Return the triangles of strips, each of which may start anew behind a -1."""
    found = []
    indices = _whole(corners)
    if corners.dtype.kind == "u":
        indices[corners == np.iinfo(corners.dtype).max] = -1
    for piece in np.split(indices, np.cumsum(counts)[:-1]):
        for run in np.split(piece, np.flatnonzero(piece == -1)):
            cut = strip(run[1:] if len(run) and run[0] == -1 else run)
            # A corner that is repeated turns the strip, and makes triangles without area.
            a, b, c = cut.T
            found.append(cut[(a != b) & (b != c) & (c != a)])
    return found
