"""Meshes as the bytes of files: OBJ, PLY, STL and GLB."""

from __future__ import annotations

import json
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.data.signals import colors_of, positions
from lwpipe.export.glb import container, painted_attribute
from lwpipe.export.surface import vertex_normals
from lwpipe.export.textured import obj_text
from lwpipe.mesh.ply_file import write_ply

Faces = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Colors = npt.NDArray[np.uint8]

METRES_PER_MM = 0.001
# Of glTF 2.0, in the order of the specification's tables.
_FLOAT, _UNSIGNED_INT, _UNSIGNED_SHORT = 5126, 5125, 5123
_VERTICES, _INDICES = 34962, 34963


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
    points = np.ascontiguousarray(vertices * np.float32(scale), "<f4")
    arrays: list[tuple[npt.NDArray[Any], dict[str, Any], int]] = [
        (
            points,
            {"componentType": _FLOAT, "type": "VEC3", "min": points.min(0).tolist(),
             "max": points.max(0).tolist()},
            _VERTICES,
        ),
        (
            vertex_normals(vertices, triangles).astype("<f4"),
            {"componentType": _FLOAT, "type": "VEC3"},
            _VERTICES,
        ),
    ]  # fmt: skip
    attributes = {"POSITION": 0, "NORMAL": 1}
    if colors is not None:
        about = {"componentType": _UNSIGNED_SHORT, "type": "VEC4", "normalized": True}
        attributes["COLOR_0"] = len(arrays)
        arrays.append((painted_attribute(colors), about, _VERTICES))
    arrays.append(
        (
            triangles.reshape(-1).astype("<u4"),
            {"componentType": _UNSIGNED_INT, "type": "SCALAR"},
            _INDICES,
        )
    )
    binary, views, accessors = b"", [], []
    for place, (array, about, target) in enumerate(arrays):
        content = array.tobytes()
        views.append(
            {"buffer": 0, "byteOffset": len(binary), "byteLength": len(content), "target": target}
        )
        accessors.append({"bufferView": place, "count": len(array), **about})
        binary += content
    material = {
        "name": "face",
        "pbrMetallicRoughness": {
            "baseColorFactor": [*color, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.65,
        },
    }  # fmt: skip
    primitive = {"attributes": attributes, "indices": len(arrays) - 1, "material": 0}
    scene = {
        "asset": {"version": "2.0", "generator": "lwpipe"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "face"}],
        "meshes": [{"name": "face", "primitives": [primitive]}],
        "materials": [material],
        "buffers": [{"byteLength": len(binary)}],
        "bufferViews": views,
        "accessors": accessors,
    }
    text = json.dumps(scene, separators=(",", ":")).encode()
    return container(text, binary)


FORMATS: dict[str, Callable[[Faces, Ints], bytes]] = {
    "obj": obj,
    "ply": ply,
    "stl": stl,
    "glb": lambda face, triangles: glb(positions(face), triangles, colors_of(face)),
}
