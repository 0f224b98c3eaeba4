"""Text OFF files, also COFF, NOFF and STOFF."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.polygons import fan

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Texture coordinates, colours and normals may follow each vertex; other dimensions are not read.
OFF_WORD = re.compile(rb"(ST)?C?N?OFF")


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
