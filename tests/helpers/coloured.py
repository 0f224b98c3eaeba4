"""Small meshes with colours, and writers of the formats that hold some."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from lwpipe.export.textured import face_glb
from lwpipe.mesh.ply_file import write_ply
from lwpipe.mesh.texture import UvMap
from tests.helpers.mesh_files import SIDE, TRIANGLES, VERTICES

COUNT = len(VERTICES)


def colours(count: int, seed: int = 2) -> np.ndarray:
    """Return colours of `count` grids, uint8 (count, 25, 3), that go over smoothly."""
    random = np.random.default_rng(seed)
    y, x = np.divmod(np.arange(COUNT), SIDE)
    ramp = np.stack([40 + 40 * x, 200 - 30 * y, 60 + 15 * (x + y)], axis=1)
    return np.clip(ramp + random.integers(-30, 30, size=(count, 1, 3)), 0, 255).astype(np.uint8)


def uv_of_grid() -> UvMap:
    """Return the UV map that lays the grid flat into an image, a little inside its edges."""
    y, x = np.divmod(np.arange(COUNT), SIDE)
    uv = 0.1 + 0.8 * np.stack([x, y], axis=1) / (SIDE - 1)
    return UvMap(uv, TRIANGLES)


def picture(width: int = 64, height: int = 64) -> np.ndarray:
    """Return an image: red grows to the right, green upwards."""
    y, x = np.mgrid[0:height, 0:width]
    red, green = 255 * x / (width - 1), 255 * (1 - y / (height - 1))
    return np.stack([red, green, np.full_like(red, 90)], axis=-1).round().astype(np.uint8)


def png(image: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    return content.getvalue()


def write_coloured_ply(path: Path, vertices: np.ndarray, painted: np.ndarray) -> None:
    write_ply(path, vertices, TRIANGLES, painted)


def write_coloured_obj(path: Path, vertices: np.ndarray, painted: np.ndarray) -> None:
    rows = zip(vertices.tolist(), (painted / 255).tolist(), strict=True)
    lines = ["v " + " ".join(map(repr, [*place, *color])) for place, color in rows]
    lines += ["f " + " ".join(str(i + 1) for i in t) for t in TRIANGLES]
    path.write_text("\n".join(lines) + "\n")


def write_coloured_glb(path: Path, vertices: np.ndarray, painted: np.ndarray) -> None:
    path.write_bytes(face_glb(vertices.astype(np.float32), TRIANGLES, painted))


def write_pictured_obj(path: Path, vertices: np.ndarray, image: bytes) -> None:
    """Write an OBJ with an image beside it."""
    uv = uv_of_grid().uv
    lines = [f"mtllib {path.stem}.mtl", "usemtl skin"]
    lines += ["v " + " ".join(map(repr, map(float, v))) for v in vertices]
    lines += [f"vt {u!r} {v!r}" for u, v in uv.tolist()]
    lines += ["f " + " ".join(f"{i + 1}/{i + 1}" for i in t) for t in TRIANGLES]
    path.write_text("\n".join(lines) + "\n")
    path.with_suffix(".mtl").write_text(f"newmtl skin\nKd 1 1 1\nmap_Kd {path.stem}.png\n")
    path.with_suffix(".png").write_bytes(image)


def pictured_gltf(vertices: np.ndarray, image: bytes, uri: str | None = None) -> bytes:
    """Return a text glTF with an image in it, or elsewhere."""
    uv = uv_of_grid().uv * [1, -1] + [0, 1]
    arrays = [
        vertices.astype("<f4").tobytes(),
        uv.astype("<f4").tobytes(),
        TRIANGLES.astype("<u4").reshape(-1).tobytes(),
    ]
    starts = np.cumsum([0, *map(len, arrays)]).tolist()
    held = base64.b64encode(b"".join(arrays)).decode()
    about = ((5126, COUNT, "VEC3"), (5126, COUNT, "VEC2"), (5125, TRIANGLES.size, "SCALAR"))
    shown = uri or "data:image/png;base64," + base64.b64encode(image).decode()
    attributes = {"POSITION": 0, "TEXCOORD_0": 1}
    scene = {
        "asset": {"version": "2.0"},
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": attributes, "indices": 2, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        "textures": [{"source": 0}],
        "images": [{"uri": shown}],
        "accessors": [
            {"bufferView": i, "componentType": kind, "count": count, "type": shape}
            for i, (kind, count, shape) in enumerate(about)
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": start, "byteLength": len(array)}
            for start, array in zip(starts, arrays, strict=False)
        ],
        "buffers": [
            {
                "byteLength": starts[-1],
                "uri": f"data:application/octet-stream;base64,{held}",
            }
        ],
    }
    return json.dumps(scene).encode()
