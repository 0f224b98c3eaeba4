"""Write a face and its blend shapes as binary glTF 2.0 (Khronos, glTF 2.0 specification)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import lwpipe
from lwpipe.core.files import write_bytes
from lwpipe.export.morphs import Morphs
from lwpipe.export.surface import vertex_normals

_FLOAT, _UNSIGNED = 5126, 5125
_VERTICES, _INDICES = 34962, 34963
_METRES = 1e-3
# Clay: a light skin without gloss.
_CLAY = (0.69, 0.58, 0.50, 1.0)


class _Buffer:
    """Arrays of a file, one view and one accessor each."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []
        self.size = 0

    def add(self, array: npt.NDArray[Any], target: int, bounds: bool = False) -> int:
        """Add an array of vectors or of numbers, and return its accessor."""
        piece = array.tobytes()
        view = {"buffer": 0, "byteOffset": self.size, "byteLength": len(piece), "target": target}
        accessor = {
            "bufferView": len(self.views),
            "componentType": _FLOAT if array.dtype == np.float32 else _UNSIGNED,
            "count": len(array),
            "type": "VEC3" if array.ndim == 2 else "SCALAR",
        }
        if bounds:
            accessor |= {"min": array.min(axis=0).tolist(), "max": array.max(axis=0).tolist()}
        self.views.append(view)
        self.accessors.append(accessor)
        # All numbers take four bytes: the next piece is aligned too.
        self.pieces.append(piece)
        self.size += len(piece)
        return len(self.accessors) - 1


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
    buffer = _Buffer()
    face = (morphs.face * _METRES).astype(np.float32)
    normals = vertex_normals(morphs.face, morphs.triangles)
    attributes = {
        "POSITION": buffer.add(face, _VERTICES, bounds=True),
        "NORMAL": buffer.add(normals, _VERTICES),
    }
    indices = buffer.add(morphs.triangles.astype(np.uint32).reshape(-1), _INDICES)
    targets = []
    for shape in morphs.shapes:
        turned = vertex_normals(morphs.face + shape, morphs.triangles) - normals
        moved = (shape * _METRES).astype(np.float32)
        targets.append(
            {
                "POSITION": buffer.add(moved, _VERTICES, bounds=True),
                "NORMAL": buffer.add(turned, _VERTICES),
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
        "materials": [_material()],
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


def _material() -> dict[str, Any]:
    return {
        "name": "clay",
        "doubleSided": True,
        "pbrMetallicRoughness": {
            "baseColorFactor": list(_CLAY),
            "metallicFactor": 0.0,
            "roughnessFactor": 0.75,
        },
    }


def _chunk(kind: bytes, data: bytes, filler: bytes) -> bytes:
    data += filler * (-len(data) % 4)
    return len(data).to_bytes(4, "little") + kind + data
