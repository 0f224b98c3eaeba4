"""Small meshes, and writers of every format that lwpipe reads."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import trimesh

from lwpipe.data.make import make_dataset
from lwpipe.data.settings import DataSettings
from lwpipe.data.sources.meshes import MeshesSettings
from lwpipe.data.store import Dataset
from lwpipe.mesh.ply_file import write_ply

SIDE = 5


def grid() -> tuple[np.ndarray, np.ndarray]:
    """Return a bent square of 25 vertices, some 200 mm wide, and its 32 triangles."""
    y, x = np.divmod(np.arange(SIDE * SIDE), SIDE)
    vertices = np.stack([35.0 * x, 35.0 * y, 3.0 * x * y + 10.0 * (x > 2)], axis=1)
    index = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    triangles = np.concatenate(
        [np.stack([a, b, d], -1).reshape(-1, 3), np.stack([a, d, c], -1).reshape(-1, 3)]
    )
    return vertices, triangles


VERTICES, TRIANGLES = grid()


def shapes(count: int, seed: int = 1) -> np.ndarray:
    """Return noisy copies of the grid, float32-exact float64 (count, 25, 3)."""
    random = np.random.default_rng(seed)
    noisy = VERTICES + random.normal(size=(count, len(VERTICES), 3))
    return noisy.astype(np.float32).astype(np.float64)


def write_obj(path: Path, vertices: np.ndarray, triangles: np.ndarray = TRIANGLES) -> None:
    lines = ["mtllib /etc/passwd", "o thing"]
    lines += ["v " + " ".join(map(repr, map(float, v))) for v in vertices]
    lines += ["vt 0 0", "vn 0 0 1", "usemtl m", "s 1"]
    lines += ["f " + " ".join(f"{i + 1}/1/1" for i in t) for t in triangles]
    path.write_text("\n".join(lines) + "\n")


def write_text_ply(path: Path, vertices: np.ndarray, triangles: np.ndarray = TRIANGLES) -> None:
    head = f"ply\nformat ascii 1.0\nelement vertex {len(vertices)}\n"
    head += "property float nx\nproperty double x\nproperty double y\nproperty double z\n"
    head += f"element face {len(triangles)}\nproperty uchar red\n"
    head += "property list uchar int vertex_index\nend_header\n"
    body = ["9 " + " ".join(map(repr, map(float, v))) for v in vertices]
    body += ["255 3 " + " ".join(map(str, t)) for t in triangles]
    path.write_text(head + "\n".join(body) + "\n")


def write_stl(path: Path, vertices: np.ndarray, triangles: np.ndarray = TRIANGLES) -> None:
    records = b"".join(
        struct.pack("<12fH", 0, 0, 0, *vertices[t].reshape(-1), 0) for t in triangles
    )
    path.write_bytes(b"solid binary too".ljust(80) + struct.pack("<I", len(triangles)) + records)


def write_text_stl(path: Path, vertices: np.ndarray, triangles: np.ndarray = TRIANGLES) -> None:
    lines = ["solid face"]
    for t in triangles:
        lines += ["facet normal 0 0 1", "outer loop"]
        lines += ["vertex " + " ".join(map(repr, map(float, vertices[i]))) for i in t]
        lines += ["endloop", "endfacet"]
    path.write_text("\n".join([*lines, "endsolid face"]) + "\n")


def write_off(path: Path, vertices: np.ndarray, triangles: np.ndarray = TRIANGLES) -> None:
    lines = ["OFF # text", f"{len(vertices)} {len(triangles)} 0", ""]
    lines += [" ".join(map(repr, map(float, v))) for v in vertices]
    lines += ["3 " + " ".join(map(str, t)) + " 255 0 0" for t in triangles]
    path.write_text("\n".join(lines) + "\n")


def write_trimesh(path: Path, vertices: np.ndarray, triangles: np.ndarray = TRIANGLES) -> None:
    mesh = trimesh.Trimesh(vertices, triangles, process=False)
    if path.suffix == ".gltf":
        files = trimesh.exchange.gltf.export_gltf(mesh.scene(), embed_buffers=True)
        path.write_bytes(files["model.gltf"])
    else:
        mesh.export(path)


WRITERS: dict[str, tuple[str, Callable[..., None]]] = {
    "obj": (".obj", write_obj),
    "ply": (".ply", write_ply),
    "text ply": (".ply", write_text_ply),
    "trimesh ply": (".PLY", lambda p, v, t=TRIANGLES: write_trimesh(p, v, t)),
    "stl": (".stl", write_stl),
    "text stl": (".stl", write_text_stl),
    "off": (".off", write_off),
    "glb": (".glb", write_trimesh),
    "gltf": (".gltf", write_trimesh),
}
# Those that keep the order of the vertices.
ORDERED = [name for name in WRITERS if "stl" not in name]


def write_folder(folder: Path, count: int, kind: str = "obj") -> np.ndarray:
    suffix, write = WRITERS[kind]
    folder.mkdir(parents=True, exist_ok=True)
    faces = shapes(count)
    for row, face in enumerate(faces):
        write(folder / f"face_{row:03d}{suffix}", face, TRIANGLES)
    return faces


def convert(path: Path, output: Path, **more: object) -> Dataset:
    """Convert own meshes; keys of their section and of `data` may be given together."""
    own = {key: more.pop(key) for key in MeshesSettings.model_fields if key in more}
    settings = DataSettings(
        source="meshes",
        meshes=MeshesSettings(path=str(path), **own),
        **{"test_fraction": 0.2, "faces": None, "align": False, **more},
    )
    return make_dataset(settings, output)
