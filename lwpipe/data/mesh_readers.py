"""Reading one mesh file so that its vertices keep the order they have in the file.

Vertex i of one file must be vertex i of the next, so nothing is merged, split or sorted, and
nothing outside the file (materials, textures, buffers) is opened. Only coordinates and polygons
are read.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lwpipe.data.gltf_reader import parse_glb, parse_gltf
from lwpipe.data.mesh_faults import MeshError
from lwpipe.data.ply_reader import parse_ply
from lwpipe.data.stl_reader import parse_stl

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Beyond these, squares of coordinates in any unit leave the range of single precision.
MAX_COORDINATE, MIN_SIZE = 1e12, 1e-12
# Texture coordinates, colours and normals may follow each vertex; other dimensions are not read.
OFF_WORD = re.compile(rb"(ST)?C?N?OFF")


def read_mesh(path: str | Path) -> tuple[Floats, Ints]:
    """Read an OBJ, PLY, STL, OFF, GLB or glTF file and check it.

    Polygons become fans of triangles around their first corner. The vertices of an STL, which
    stores each triangle by itself, are welded where coordinates are exactly equal and numbered
    by first appearance.

    Returns
    -------
    vertices : float64 (V, 3), in the file's units
    triangles : int64 (F, 3)

    Raises
    ------
    MeshError
        If the file is empty, cut off or of another format, if a coordinate is not finite, if it
        has no triangle, or if a triangle names a vertex that is not there. The message says the
        fault without the file.
    """
    path = Path(path)
    if path.suffix.lower() not in READERS:
        raise MeshError(f"is none of the formats {', '.join(sorted(READERS))}")
    try:
        # A pipe would be waited for, and a device may never end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise MeshError("is no file" if path.is_dir() else "is no regular file")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise MeshError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return parse_mesh(content, path.suffix.lower())


def parse_mesh(content: bytes, suffix: str) -> tuple[Floats, Ints]:
    """Read a mesh as `read_mesh` does, from the content of its file."""
    if not content.strip():
        raise MeshError("is empty")
    # A signalling NaN warns when it is cast; it is told of as any other.
    with np.errstate(invalid="ignore", over="ignore"):
        vertices, triangles = READERS[suffix](content)
    check_mesh(vertices, triangles)
    return vertices, triangles


def check_mesh(vertices: npt.ArrayLike, triangles: Ints) -> None:
    """Raise MeshError unless the arrays are a mesh: see `read_mesh`."""
    vertices = np.asarray(vertices)
    check_coordinates(vertices)
    if len(triangles) == 0:
        raise MeshError("has no triangle")
    if triangles.min() < 0 or triangles.max() >= len(vertices):
        wrong = int(triangles.max()) if triangles.max() >= len(vertices) else int(triangles.min())
        raise MeshError(
            f"has a triangle of vertex {wrong} (counted from 0), but {len(vertices)} vertices: "
            "it is damaged or cut off"
        )


def check_coordinates(vertices: npt.NDArray[np.floating]) -> None:
    """Raise MeshError unless vertices (V, 3) are some, finite, not huge, and not in one point."""
    if len(vertices) == 0:
        raise MeshError("has no vertex")
    finite = np.isfinite(vertices).all(axis=1)
    if not finite.all():
        raise MeshError(
            f"has NaN or infinite coordinates ({int((~finite).sum())} vertices, the first is "
            f"number {int(np.flatnonzero(~finite)[0])} counted from 0)"
        )
    large = (np.abs(vertices) > MAX_COORDINATE).any(axis=1)
    if large.any():
        raise MeshError(
            f"has coordinates larger than {MAX_COORDINATE:g} (the first at vertex number "
            f"{int(np.flatnonzero(large)[0])} counted from 0)"
        )
    if np.ptp(vertices, axis=0).max() < MIN_SIZE:
        raise MeshError("has all its vertices in one point")


def fan(polygons: list[list[int]]) -> Ints:
    """Return the triangles of polygons, int64 (F, 3): a b c d gives a b c and a c d."""
    if any(len(corners) < 3 for corners in polygons):
        raise MeshError("has a polygon of fewer than three corners: it is damaged or cut off")
    triangles = [
        (corners[0], corners[i], corners[i + 1])
        for corners in polygons
        for i in range(1, len(corners) - 1)
    ]
    try:
        return np.array(triangles, dtype=np.int64).reshape(-1, 3)
    except OverflowError as error:
        raise MeshError("has a polygon with a vertex number of over 18 digits") from error


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


def parse_off(content: bytes) -> tuple[Floats, Ints]:
    """Parse a text OFF (also COFF, NOFF and STOFF, of which only the coordinates are read)."""
    lines = [line.split(b"#", 1)[0].split() for line in content.splitlines()]
    lines = [line for line in lines if line]
    if not lines or not OFF_WORD.fullmatch(lines[0][0]) or b"BINARY" in lines[0]:
        raise MeshError("is no text file that starts with OFF (or COFF, NOFF, STOFF)")
    # The counts stand on the first line or on the next.
    lines[0] = lines[0][1:]
    lines = lines if lines[0] else lines[1:]
    try:
        vertex_count, face_count = int(lines[0][0]), int(lines[0][1])
        body = lines[1:]
        if vertex_count < 0 or face_count < 0:
            raise MeshError("announces a negative number of vertices or faces")
        if len(body) < vertex_count + face_count:
            raise MeshError(
                f"is cut off: it announces {vertex_count} vertices and {face_count} faces, and "
                f"has {len(body)} lines for them"
            )
        vertices = np.array([line[:3] for line in body[:vertex_count]], dtype=np.float64)
        polygons = []
        for line in body[vertex_count : vertex_count + face_count]:
            corners = [int(index) for index in line[1 : 1 + int(line[0])]]
            if len(corners) != int(line[0]):
                raise MeshError("has a face with fewer corners than announced: it is cut off")
            polygons.append(corners)
        return vertices.reshape(vertex_count, 3), fan(polygons)
    except (ValueError, IndexError) as error:
        raise MeshError("has a line that is not of the OFF format") from error


READERS: dict[str, Callable[[bytes], tuple[Floats, Ints]]] = {
    ".obj": parse_obj,
    ".ply": parse_ply,
    ".stl": parse_stl,
    ".off": parse_off,
    ".glb": parse_glb,
    ".gltf": parse_gltf,
}
