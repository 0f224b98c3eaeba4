"""OBJ files: the `v` and the `f` lines."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.polygons import fan
from lwpipe.mesh.text import lines_of, numbers, plain, wholes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# A line goes on after a backslash, but not a comment: it may end with the path of a folder.
_GOES_ON = re.compile(rb"(?m)^([^#\n\r]*)\\[ \t]*(\r\n|\n|\r)")


def parse_obj(content: bytes) -> tuple[Floats, Ints]:
    """Parse an OBJ: all `v` lines in their order, and all `f` lines."""
    content = plain(content)
    if b"\\" in content:
        content = _GOES_ON.sub(rb"\1 ", content)
    rows, polygons, seen = [], [], []
    for line in lines_of(content):
        key = line[:2]
        if key in (b"v ", b"v\t", b"V ", b"V\t"):
            rows.append(line.split()[1:4])
        elif key in (b"f ", b"f\t", b"F ", b"F\t"):
            polygons.append(line)
            seen.append(len(rows))
    vertices = numbers(rows, 3, "has a vertex line (v) without three numbers")
    try:
        # The meshes of a data set mostly have the very same faces: parse these once.
        relative = any(b" -" in line or b"\t-" in line for line in polygons)
        triangles = _obj_triangles(b"\n".join(polygons), tuple(seen) if relative else None)
    except ValueError as error:
        raise MeshError(
            "has a face line (f) that names its vertices by other than numbers"
        ) from error
    return vertices, triangles


@lru_cache(maxsize=1)
def _obj_triangles(lines: bytes, seen: tuple[int, ...] | None) -> Ints:
    """Parse `f` lines; a negative index counts back from the vertices seen before the line."""
    polygons = [
        wholes([corner.split(b"/", 1)[0] for corner in line.split(b"#", 1)[0].split()[1:]])
        for line in lines.split(b"\n")
        if line
    ]
    if any(0 in corners for corners in polygons):
        raise MeshError("has a face of vertex 0, but the vertices of an OBJ count from 1")
    if seen is None:
        return fan(polygons) - 1
    return fan(
        [
            [index - 1 if index > 0 else before + index for index in corners]
            for corners, before in zip(polygons, seen, strict=True)
        ]
    )
