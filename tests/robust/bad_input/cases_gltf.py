"""GLB and glTF files that cannot be used."""

from __future__ import annotations

import base64
import copy
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.helpers.mesh_files import TRIANGLES, VERTICES

from .case import Case
from .cases_meshes import arguments

Scene = dict[str, Any]
FLOAT, UINT = 5126, 5125


def scene() -> tuple[Scene, bytes]:
    """Return the JSON of a scene with the grid, and its buffer."""
    points = VERTICES.astype("<f4").tobytes()
    corners = TRIANGLES.astype("<u4").tobytes()
    return {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {"bufferView": 0, "componentType": FLOAT, "count": len(VERTICES), "type": "VEC3"},
            {"bufferView": 1, "componentType": UINT, "count": TRIANGLES.size, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": len(points)},
            {"buffer": 0, "byteOffset": len(points), "byteLength": len(corners)},
        ],
        "buffers": [{"byteLength": len(points + corners)}],
    }, points + corners


def glb(header: Scene | bytes, buffer: bytes) -> bytes:
    """Return a GLB of a JSON header and a buffer."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text
    body += struct.pack("<I4s", len(buffer), b"BIN\0") + buffer
    return b"glTF" + struct.pack("<II", 2, 12 + len(body)) + body


def _folder(folder: Path, content: bytes, suffix: str) -> list[str]:
    (folder / "in").mkdir()
    for row in range(4):
        good, buffer = scene()
        if suffix == ".gltf":
            good["buffers"][0]["uri"] = _data_uri(buffer)
            (folder / "in" / f"face_{row}.gltf").write_text(json.dumps(good))
        else:
            (folder / "in" / f"face_{row}.glb").write_bytes(glb(good, buffer))
    (folder / "in" / f"face_2{suffix}").write_bytes(content)
    return arguments()


def _data_uri(buffer: bytes) -> str:
    return "data:application/octet-stream;base64," + base64.b64encode(buffer).decode()


def changed(name: str, fault: str, edit: Callable[[Scene], object]) -> Case:
    """Return a case of four GLB files of which one has another JSON header."""

    def build(folder: Path) -> list[str]:
        header, buffer = copy.deepcopy(scene())
        edit(header)
        return _folder(folder, glb(header, buffer), ".glb")

    return Case(name, "meshes", build, "face_2.glb", fault)


def raw(name: str, fault: str, content: Callable[[bytes], bytes], suffix: str = ".glb") -> Case:
    """Return a case of four files of which one has other bytes."""

    def build(folder: Path) -> list[str]:
        return _folder(folder, content(glb(*scene())), suffix)

    return Case(name, "meshes", build, f"face_2{suffix}", fault)


def _text(**buffer: object) -> Callable[[bytes], bytes]:
    def content(_: bytes) -> bytes:
        header, data = scene()
        header["buffers"] = [{"byteLength": len(data), **buffer}]
        return json.dumps(header).encode()

    return content


def _accessor(index: int, **values: object) -> Callable[[Scene], object]:
    return lambda s: s["accessors"][index].update(values)


def _view(index: int, **values: object) -> Callable[[Scene], object]:
    return lambda s: s["bufferViews"][index].update(values)


def _node(**values: object) -> Callable[[Scene], object]:
    return lambda s: s["nodes"][0].update(values)


def _without_view(scene: Scene) -> None:
    scene["accessors"][0] = {"componentType": FLOAT, "count": 10**9, "type": "VEC3"}


def _sparse(scene: Scene) -> None:
    scene["accessors"][0]["sparse"] = {"count": 1, "indices": {"bufferView": 1}}


def _many_nodes(scene: Scene) -> None:
    scene["nodes"] = [{"mesh": 0}] * 2000
    scene["scenes"] = [{"nodes": list(range(2000))}]
    # One mesh shown often: a small file stands for a mesh of any size.
    scene["meshes"] = [{"primitives": scene["meshes"][0]["primitives"] * 500}]


def _cycle(scene: Scene) -> None:
    scene["nodes"] = [{"children": [1]}, {"mesh": 0, "children": [0]}]


def _draco(scene: Scene) -> None:
    scene["extensionsRequired"] = scene["extensionsUsed"] = ["KHR_draco_mesh_compression"]
    scene["meshes"][0]["primitives"][0]["extensions"] = {
        "KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {"POSITION": 0}}
    }
    del scene["accessors"][0]["bufferView"]


def _chunk(length: int) -> Callable[[bytes], bytes]:
    return lambda c: c[:12] + struct.pack("<I", length) + c[16:]


def _nan(content: bytes) -> bytes:
    header, buffer = scene()
    values = np.frombuffer(buffer, "<f4").copy()
    values[7] = np.nan
    return glb(header, values.tobytes())


def cases() -> list[Case]:
    """Return the cases."""
    refers = "other file"
    return [
        raw("gltf-buffer-in-another-file", refers, _text(uri="buffer.bin"), ".gltf"),
        raw("gltf-buffer-by-path-traversal", refers, _text(uri="../../../etc/passwd"), ".gltf"),
        raw("gltf-buffer-by-absolute-path", refers, _text(uri="/etc/passwd"), ".gltf"),
        raw("gltf-buffer-by-file-url", refers, _text(uri="file:///etc/passwd"), ".gltf"),
        raw("gltf-buffer-by-http-url", refers, _text(uri="http://127.0.0.1:9/a"), ".gltf"),
        raw("gltf-buffer-of-bad-base64", "GLTF|glTF", _text(uri="data:;base64,@@@"), ".gltf"),
        raw("gltf-buffer-without-uri", "GLTF|glTF", _text(), ".gltf"),
        changed(
            "glb-buffer-in-another-file",
            refers,
            lambda s: s["buffers"].insert(0, {"byteLength": 99, "uri": "../secret.bin"}),
        ),
        raw("gltf-is-a-glb", "JSON", lambda c: c, ".gltf"),
        raw("gltf-of-nested-brackets", "JSON", lambda c: b"[" * 100_000, ".gltf"),
        raw("gltf-is-a-list", "JSON|GLTF|glTF", lambda c: b"[]", ".gltf"),
        raw("gltf-of-version-1", "version", lambda c: b'{"asset": {"version": "1.0"}}', ".gltf"),
        raw("glb-is-json", "GLB|glTF", lambda c: json.dumps(scene()[0]).encode()),
        raw("glb-is-a-png", "GLB|glTF", lambda c: b"\x89PNG\r\n\x1a\n" + bytes(200)),
        raw("glb-empty", "is empty", lambda c: b""),
        raw("glb-of-version-1", "version", lambda c: c[:4] + struct.pack("<I", 1) + c[8:]),
        raw("glb-huge-json-chunk", "cut off|GLB|glTF", _chunk(2**32 - 1)),
        raw("glb-json-chunk-too-short", "JSON", _chunk(40)),
        raw("glb-only-header", "cut off|GLB|glTF", lambda c: c[:12]),
        raw("glb-binary-chunk-first", "JSON", lambda c: c[:16] + b"BIN\0" + c[20:]),
        raw("glb-broken-json", "JSON", lambda c: glb(b"{'asset': 2}", b"")),
        raw("glb-nan", "NaN or infinite", _nan),
        changed("glb-huge-accessor-without-data", "accessor|buffer", _without_view),
        changed("glb-huge-accessor-count", "accessor", _accessor(0, count=10**12)),
        changed("glb-negative-accessor-count", "accessor", _accessor(0, count=-1)),
        changed("glb-text-as-count", "accessor", _accessor(0, count="25")),
        changed("glb-accessor-past-its-view", "accessor", _accessor(0, byteOffset=12)),
        changed("glb-negative-accessor-offset", "accessor", _accessor(0, byteOffset=-12)),
        changed("glb-sparse-accessor", "sparse", _sparse),
        changed("glb-positions-of-two-numbers", "POSITION", _accessor(0, type="VEC2", count=37)),
        changed("glb-positions-of-integers", "POSITION", _accessor(0, componentType=UINT)),
        changed("glb-indices-of-floats", "ind", _accessor(1, componentType=FLOAT)),
        changed("glb-indices-not-by-three", "three", _accessor(1, count=95)),
        changed("glb-index-out-of-range", "vertex 24, .*24 vert", _accessor(0, count=24)),
        changed("glb-zero-vertices", "has no vertex|vertex", _accessor(0, count=0)),
        changed("glb-zero-indices", "has no triangle", _accessor(1, count=0)),
        changed("glb-view-past-its-buffer", "buffer", _view(0, byteLength=10**9)),
        changed("glb-negative-view-offset", "buffer|accessor", _view(0, byteOffset=-10)),
        changed("glb-zero-stride", "byteStride", _view(0, byteStride=0)),
        changed("glb-overlapping-stride", "byteStride", _view(0, byteStride=1)),
        changed("glb-view-of-no-buffer", "buffer", _view(0, buffer=7)),
        changed("glb-primitive-of-no-accessor", "accessor", lambda s: s["accessors"].clear()),
        changed("glb-primitive-without-positions", "POSITION",
                lambda s: s["meshes"][0]["primitives"][0].update(attributes={})),
        changed("glb-only-lines", "triangle",
                lambda s: s["meshes"][0]["primitives"][0].update(mode=1)),
        changed("glb-without-meshes", "has no triangle|mesh", lambda s: s.pop("meshes")),
        changed("glb-without-nodes", "node|triangle", lambda s: s.pop("nodes")),
        changed("glb-draco", "KHR_draco", _draco),
        changed("glb-node-of-itself", "node", _cycle),
        changed("glb-mesh-shown-a-million-times", "node|time", _many_nodes),
        changed("glb-nan-in-a-matrix", "NaN|matrix", _node(matrix=[float("nan")] * 16)),
        changed("glb-matrix-of-three-numbers", "matrix", _node(matrix=[1, 2, 3])),
        changed("glb-scale-of-words", "scale", _node(scale=["a", "b", "c"])),
        changed("glb-other-topology", "differently", _accessor(1, count=93)),
    ]  # fmt: skip
