"""glTF scenes that are put together array by array."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

from lwpipe.mesh.gltf import parse_gltf

POINTS = np.array([[0, 0, 0], [2, 0, 0], [0, 2, 0], [2, 2, 0]], np.float32)
CORNERS = np.array([0, 1, 2, 1, 3, 2], np.uint16)
_COMPONENTS = {"u1": 5121, "u2": 5123, "u4": 5125, "f4": 5126}


class Scene:
    """A glTF that is put together array by array."""

    def __init__(self) -> None:
        self.data = b""
        self.header: dict[str, Any] = {
            "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}],
            "nodes": [{"mesh": 0}], "accessors": [], "bufferViews": [],
        }  # fmt: skip
        self.primitive = {
            "attributes": {"POSITION": self.add(POINTS)},
            "indices": self.add(CORNERS),
        }
        self.header["meshes"] = [{"primitives": [self.primitive]}]

    def view(self, array: np.ndarray) -> int:
        """Add a view of the buffer."""
        data = np.ascontiguousarray(array).tobytes()
        self.data += b"\0" * (-len(self.data) % 4)
        view = {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(data)}
        self.header["bufferViews"].append(view)
        self.data += data
        return len(self.header["bufferViews"]) - 1

    def add(self, array: np.ndarray, **more: object) -> int:
        """Add an accessor."""
        shape = {1: "SCALAR", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
        columns = array.size // len(array)
        self.header["accessors"].append(
            {
                "bufferView": self.view(array),
                "count": len(array),
                "type": shape[columns],
                "componentType": _COMPONENTS[array.dtype.str[1:]],
                **more,
            }
        )
        return len(self.header["accessors"]) - 1

    def sparse(self, count: int, rows: np.ndarray, values: np.ndarray, **more: object) -> int:
        """Add an accessor of which only some rows are told."""
        self.header["accessors"].append(
            {
                "count": count,
                "type": "VEC3",
                "componentType": 5126,
                **more,
                "sparse": {
                    "count": len(rows),
                    "indices": {
                        "bufferView": self.view(rows),
                        "componentType": _COMPONENTS[rows.dtype.str[1:]],
                    },
                    "values": {"bufferView": self.view(values)},
                },
            }
        )
        return len(self.header["accessors"]) - 1

    def content(self) -> bytes:
        """Return the file."""
        uri = "data:application/gltf-buffer;base64," + base64.b64encode(self.data).decode()
        buffers = [{"byteLength": len(self.data), "uri": uri}]
        return json.dumps({**self.header, "buffers": buffers}).encode()

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what is read of it."""
        return parse_gltf(self.content())


def smile(scene: Scene) -> None:
    """Give it three blend shapes, the second of which moves nothing."""
    up, aside = np.zeros_like(POINTS), np.zeros_like(POINTS)
    up[0, 1], aside[3, 0] = 1, 4
    scene.primitive["targets"] = [
        {"POSITION": scene.add(up)},
        {"NORMAL": 0},
        {"POSITION": scene.add(aside)},
    ]


def skinned(scene: Scene, kind: str = "f4") -> None:
    """Tie the left half to a joint that stands still and the right half to one that is moved."""
    shares = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0.5, 0.5, 0, 0]])
    more: dict[str, object] = {}
    if kind != "f4":
        shares, more = np.round(shares * np.iinfo(kind).max), {"normalized": True}
    joints = np.tile(np.array([0, 1, 0, 0], np.uint8), (4, 1))
    scene.primitive["attributes"] |= {
        "JOINTS_0": scene.add(joints),
        "WEIGHTS_0": scene.add(shares.astype(kind), **more),
    }
    bind = np.tile(np.eye(4, dtype=np.float32), (2, 1, 1))
    bind[1, :3, 3] = [-2, 0, 0]
    matrices = scene.add(bind.transpose(0, 2, 1).reshape(2, 16))
    scene.header["skins"] = [{"joints": [1, 2], "inverseBindMatrices": matrices}]
    scene.header["scenes"] = [{"nodes": [0, 1]}]
    # The second joint stands one higher than where it was bound, at (2, 0, 0).
    scene.header["nodes"] = [
        {"mesh": 0, "skin": 0, "scale": [0.01, 0.01, 0.01], "translation": [5, 5, 5]},
        {"children": [2]},
        {"translation": [2, 1, 0]},
    ]
