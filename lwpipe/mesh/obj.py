"""OBJ files: the `v` and the `f` lines."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.polygons import fan

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def parse_obj(content: bytes) -> tuple[Floats, Ints]:
    """Parse an OBJ: all `v` lines in their order, and all `f` lines."""
    if b"\\" in content:
        content = content.replace(b"\\\r\n", b" ").replace(b"\\\n", b" ")
    rows, polygons, seen = [], [], []
    for line in content.splitlines():
        if line.startswith((b"v ", b"v\t")):
            rows.append(line.split()[1:4])
        elif line.startswith((b"f ", b"f\t")):
            polygons.append(line)
            seen.append(len(rows))
    try:
        vertices = np.array(rows, dtype=np.float64).reshape(len(rows), 3)
    except ValueError as error:
        raise MeshError("has a vertex line (v) without three numbers") from error
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
        [int(corner.split(b"/", 1)[0]) for corner in line.split()[1:]]
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
