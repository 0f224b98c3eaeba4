"""Meshes as the bytes of files: OBJ, PLY, STL and GLB."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lwpipe.data.signals import colors_of, positions
from lwpipe.export.glb import INDICES, METRES_PER_MM, VERTICES, GlbBuffer, material
from lwpipe.export.surface import vertex_normals
from lwpipe.export.textured import obj_text
from lwpipe.mesh.ply_file import write_ply

Faces = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Colors = npt.NDArray[np.uint8]


def obj(face: Faces, triangles: Ints) -> bytes:
    """Return an OBJ, mm; the vertices keep their order, and single precision its digits."""
    return obj_text(positions(face), triangles, colors_of(face)).encode("ascii")


def ply(face: Faces, triangles: Ints) -> bytes:
    """Return a binary PLY, mm, as `lwpipe edit` writes it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "face.ply"
        write_ply(file, positions(face), triangles, colors_of(face))
        return file.read_bytes()


def stl(face: Faces, triangles: Ints) -> bytes:
    """Return a binary STL, mm; it has no vertices but corners of triangles, and no colours."""
    vertices = positions(face)
    records = np.zeros(
        len(triangles), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("", "<u2")]
    )
    corners = vertices[triangles]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(across, axis=1, keepdims=True)
    records["normal"] = across / np.maximum(length, 1e-30)
    records["corners"] = corners
    return b"units: mm".ljust(80) + struct.pack("<I", len(triangles)) + records.tobytes()


def glb(
    vertices: Faces,
    triangles: Ints,
    colors: Colors | None = None,
    color: tuple[float, float, float] = (1.0, 1.0, 1.0),
    scale: float = METRES_PER_MM,
) -> bytes:
    """Return a GLB of one mesh with normals.

    Parameters
    ----------
    vertices : float32 (V, 3), mm
    triangles : int (F, 3)
    colors : uint8 (V, 3), of the vertices, sRGB; None: `color` everywhere
    color : of the material, from 0 to 1, linear
    scale : of the coordinates; glTF's unit is the metre
    """
    buffer = GlbBuffer()
    attributes = {
        "POSITION": buffer.add_points(vertices * np.float32(scale)),
        "NORMAL": buffer.add(vertex_normals(vertices, triangles), VERTICES),
    }
    if colors is not None:
        attributes["COLOR_0"] = buffer.add_colors(colors)
    indices = buffer.add(triangles.reshape(-1).astype(np.uint32), INDICES)
    primitive = {"attributes": attributes, "indices": indices, "material": 0}
    mesh = {"name": "face", "primitives": [primitive]}
    return buffer.packed(mesh, material("face", color, 0.65), "face")


FORMATS: dict[str, Callable[[Faces, Ints], bytes]] = {
    "obj": obj,
    "ply": ply,
    "stl": stl,
    "glb": lambda face, triangles: glb(positions(face), triangles, colors_of(face)),
}
