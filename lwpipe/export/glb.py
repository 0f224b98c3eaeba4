"""Write a face and its blend shapes as binary glTF 2.0 (Khronos, glTF 2.0 specification)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import lwpipe
from lwpipe.core.color import linear_of_srgb
from lwpipe.core.files import write_bytes
from lwpipe.export.morphs import Morphs
from lwpipe.export.surface import vertex_normals

Floats = npt.NDArray[np.float32]

METRES_PER_MM = 1e-3
# Of glTF 2.0: what a view is for, the types of numbers, and of elements by their shape.
VERTICES, INDICES = 34962, 34963
_COMPONENTS = {"float32": 5126, "uint32": 5125, "uint16": 5123}
_KINDS = {(): "SCALAR", (2,): "VEC2", (3,): "VEC3", (4,): "VEC4"}
# A light skin without gloss; and what leaves colours as they are.
CLAY, WHITE = (0.69, 0.58, 0.50), (1.0, 1.0, 1.0)


class GlbBuffer:
    """Arrays of a GLB, one view and one accessor each; and images, one view each."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []
        self.size = 0

    def add(self, array: npt.NDArray[Any], target: int, **more: Any) -> int:
        """Add an array of vectors or of numbers, and return its accessor.

        Parameters
        ----------
        array : float32 or uint32, (n,), (n, 2) or (n, 3); or uint16 (n, 4)
        target : `VERTICES` or `INDICES`
        **more : keys of the accessor
        """
        accessor = {
            "bufferView": self._add_view(np.ascontiguousarray(array).tobytes(), target=target),
            "componentType": _COMPONENTS[array.dtype.name],
            "count": len(array),
            "type": _KINDS[array.shape[1:]],
            **more,
        }
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def add_image(self, content: bytes) -> int:
        """Add the bytes of an image, and return their view."""
        return self._add_view(content)

    def _add_view(self, piece: bytes, **more: int) -> int:
        self.views.append({"buffer": 0, "byteOffset": self.size, "byteLength": len(piece), **more})
        # Elements of arrays take a multiple of four bytes: only images need to be filled up.
        piece += bytes(-len(piece) % 4)
        self.pieces.append(piece)
        self.size += len(piece)
        return len(self.views) - 1

    def add_points(self, points: Floats) -> int:
        """Add places (n, 3) with their bounds, which glTF asks for."""
        low, high = (edge.tolist() for edge in (points.min(axis=0), points.max(axis=0)))
        return self.add(points.astype(np.float32), VERTICES, min=low, max=high)

    def add_colors(self, colors: npt.NDArray[np.uint8]) -> int:
        """Add colours of vertices, sRGB (n, 3); glTF's are linear, and here of 16 bits."""
        light = np.rint(65535 * linear_of_srgb(colors / 255)).astype(np.uint16)
        opaque = np.full((len(colors), 1), 65535, np.uint16)
        return self.add(np.concatenate([light, opaque], axis=1), VERTICES, normalized=True)

    def packed(
        self, mesh: Mapping[str, Any], material: Mapping[str, Any], name: str, **more: Any
    ) -> bytes:
        """Return the GLB of a scene of one mesh, with more keys of the scene."""
        header = {
            "asset": {"version": "2.0", "generator": f"lwpipe {lwpipe.__version__}"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [{"mesh": 0, "name": name}],
            "meshes": [mesh],
            "materials": [material],
            **more,
            "accessors": self.accessors,
            "bufferViews": self.views,
            "buffers": [{"byteLength": self.size}],
        }
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        return _container(text, b"".join(self.pieces))


def write_glb(morphs: Morphs, output: str | Path) -> None:
    """Write a face with its blend shapes, atomically; equal faces give equal bytes.

    Lengths are metres, y is up and the face looks along +z, as glTF asks for. The names of the
    blend shapes are `extras.targetNames` of the mesh, where Blender, three.js, Unity and Godot look
    for them; at first all are at 0.

    Parameters
    ----------
    morphs : Morphs
    output : the file

    Raises
    ------
    LwpipeError
        If it cannot be written.
    """
    buffer = GlbBuffer()
    normals = vertex_normals(morphs.face, morphs.triangles)
    attributes = {
        "POSITION": buffer.add_points(morphs.face * np.float32(METRES_PER_MM)),
        "NORMAL": buffer.add(normals, VERTICES),
    }
    if morphs.colors is not None:
        attributes["COLOR_0"] = buffer.add_colors(morphs.colors)
    indices = buffer.add(morphs.triangles.astype(np.uint32).reshape(-1), INDICES)
    targets = []
    for shape in morphs.shapes:
        turned = vertex_normals(morphs.face + shape, morphs.triangles) - normals
        targets.append(
            {
                "POSITION": buffer.add_points(shape * np.float32(METRES_PER_MM)),
                "NORMAL": buffer.add(turned, VERTICES),
            }
        )
    mesh: dict[str, Any] = {
        "name": morphs.subject,
        "primitives": [{"attributes": attributes, "indices": indices, "material": 0}],
    }
    if targets:
        mesh["primitives"][0]["targets"] = targets
        mesh["weights"] = [0.0] * len(targets)
        mesh["extras"] = {"targetNames": list(morphs.names)}
    plain = morphs.colors is None
    made = material("clay", CLAY, 0.75) if plain else material("skin", WHITE, 0.75)
    write_bytes(output, buffer.packed(mesh, made, morphs.subject))


def material(name: str, color: tuple[float, float, float], roughness: float) -> dict[str, Any]:
    """Return a material without metal, seen from both sides; the colour is linear, from 0 to 1."""
    return {
        "name": name,
        "doubleSided": True,
        "pbrMetallicRoughness": {
            "baseColorFactor": [*color, 1.0],
            "metallicFactor": 0.0,
            "roughnessFactor": roughness,
        },
    }


def _container(text: bytes, binary: bytes) -> bytes:
    """Return the JSON of a glTF and what it describes as one GLB."""
    chunks = _chunk(b"JSON", text, b" ") + _chunk(b"BIN\0", binary, b"\0")
    start = b"glTF" + (2).to_bytes(4, "little") + (12 + len(chunks)).to_bytes(4, "little")
    return start + chunks


def _chunk(kind: bytes, data: bytes, filler: bytes) -> bytes:
    data += filler * (-len(data) % 4)
    return len(data).to_bytes(4, "little") + kind + data
