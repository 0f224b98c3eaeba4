"""Write a face and its blend shapes as binary glTF 2.0 (Khronos, glTF 2.0 specification)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import lwpipe
from lwpipe.core.color import linear_of_srgb
from lwpipe.core.files import write_bytes
from lwpipe.export.morphs import Morphs
from lwpipe.export.surface import vertex_normals

_COMPONENTS = {"f4": 5126, "u4": 5125, "u2": 5123}
_KINDS = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
VERTICES, _INDICES = 34962, 34963
METRES = 1e-3
# Clay: a light skin without gloss.
_CLAY = (0.69, 0.58, 0.50, 1.0)


class Buffer:
    """Arrays of a file, one view and one accessor each; and images, one view each."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []
        self.size = 0

    def add(
        self, array: npt.NDArray[Any], target: int, bounds: bool = False, normalized: bool = False
    ) -> int:
        """Add an array of vectors or of numbers, and return its accessor."""
        accessor = {
            "bufferView": self._add_view(array.tobytes(), target),
            "componentType": _COMPONENTS[array.dtype.str[1:]],
            "count": len(array),
            "type": _KINDS[array.shape[1] if array.ndim == 2 else 1],
        }
        if normalized:
            accessor["normalized"] = True
        if bounds:
            accessor |= {"min": array.min(axis=0).tolist(), "max": array.max(axis=0).tolist()}
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def add_indices(self, triangles: npt.NDArray[np.int64]) -> int:
        """Add triangles (F, 3), and return their accessor."""
        return self.add(triangles.astype(np.uint32).reshape(-1), _INDICES)

    def add_bytes(self, content: bytes) -> int:
        """Add the bytes of an image, and return their view."""
        return self._add_view(content, None)

    def _add_view(self, piece: bytes, target: int | None) -> int:
        view = {"buffer": 0, "byteOffset": self.size, "byteLength": len(piece)}
        self.views.append(view if target is None else {**view, "target": target})
        # Numbers take four bytes, or four of them eight: only images need to be filled up.
        piece += bytes(-len(piece) % 4)
        self.pieces.append(piece)
        self.size += len(piece)
        return len(self.views) - 1


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
    buffer = Buffer()
    face = (morphs.face * METRES).astype(np.float32)
    normals = vertex_normals(morphs.face, morphs.triangles)
    attributes = {
        "POSITION": buffer.add(face, VERTICES, bounds=True),
        "NORMAL": buffer.add(normals, VERTICES),
    }
    if morphs.colors is not None:
        painted = painted_attribute(morphs.colors)
        attributes["COLOR_0"] = buffer.add(painted, VERTICES, normalized=True)
    indices = buffer.add_indices(morphs.triangles)
    targets = []
    for shape in morphs.shapes:
        turned = vertex_normals(morphs.face + shape, morphs.triangles) - normals
        moved = (shape * METRES).astype(np.float32)
        targets.append(
            {
                "POSITION": buffer.add(moved, VERTICES, bounds=True),
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
    header = {
        "asset": {"version": "2.0", "generator": f"lwpipe {lwpipe.__version__}"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": morphs.subject}],
        "meshes": [mesh],
        "materials": [_CLAY_MATERIAL if morphs.colors is None else _SKIN_MATERIAL],
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": buffer.size}],
    }
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    write_bytes(output, container(text, b"".join(buffer.pieces)))


def container(text: bytes, binary: bytes) -> bytes:
    """Return the JSON of a glTF and what it describes as one GLB."""
    chunks = _chunk(b"JSON", text, b" ") + _chunk(b"BIN\0", binary, b"\0")
    start = b"glTF" + (2).to_bytes(4, "little") + (12 + len(chunks)).to_bytes(4, "little")
    return start + chunks


def painted_attribute(colors: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    """Return colours (V, 3), sRGB, as COLOR_0 has them: linear, opaque, of 16 bits, (V, 4)."""
    light = np.rint(65535 * linear_of_srgb(colors / 255)).astype(np.uint16)
    return np.concatenate([light, np.full((len(light), 1), 65535, np.uint16)], axis=1)


def _material(name: str, color: tuple[float, ...]) -> dict[str, Any]:
    return {
        "name": name,
        "doubleSided": True,
        "pbrMetallicRoughness": {
            "baseColorFactor": list(color),
            "metallicFactor": 0.0,
            "roughnessFactor": 0.75,
        },
    }


_CLAY_MATERIAL = _material("clay", _CLAY)
_SKIN_MATERIAL = _material("skin", (1.0, 1.0, 1.0, 1.0))


def _chunk(kind: bytes, data: bytes, filler: bytes) -> bytes:
    data += filler * (-len(data) % 4)
    return len(data).to_bytes(4, "little") + kind + data
