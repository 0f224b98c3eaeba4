"""Our readers and trimesh's read files of every format; where they differ, it is said why."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh

from lwpipe.mesh.read import READERS, parse_mesh, read_mesh
from tests.helpers.gltf_scene import Scene, skinned, smile
from tests.helpers.mesh_files import ORDERED, TRIANGLES, WRITERS, shapes

FACE = shapes(1)[0]
# All cells of the grid, every other of which starts at another corner.
QUADS = [
    [[i, i + 1, i + 6, i + 5], [i + 6, i + 5, i, i + 1]][i % 2] for i in range(20) if i % 5 < 4
]


def read_both(kind: str, folder: Path) -> tuple[np.ndarray, np.ndarray, trimesh.Trimesh]:
    suffix, write = WRITERS[kind]
    path = folder / f"face{suffix}"
    write(path, FACE, TRIANGLES)
    vertices, triangles = read_mesh(path)
    return vertices, triangles, trimesh.load_mesh(path, process=False)


def test_every_format_is_compared() -> None:
    assert {suffix.lower() for suffix, _ in WRITERS.values()} == set(READERS)


@pytest.mark.parametrize("kind", ORDERED)
def test_vertices_and_triangles_in_their_order(kind: str, tmp_path: Path) -> None:
    vertices, triangles, other = read_both(kind, tmp_path)
    assert np.array_equal(vertices, other.vertices)
    assert np.array_equal(triangles, other.faces)


@pytest.mark.parametrize("kind", sorted(set(WRITERS) - set(ORDERED)))
def test_corners_of_triangles_where_vertices_are_welded(kind: str, tmp_path: Path) -> None:
    vertices, triangles, other = read_both(kind, tmp_path)
    assert np.array_equal(vertices[triangles], other.triangles)


# --- a corpus of what programs write ------------------------------------------------------------

Corpus = dict[str, tuple[str, bytes]]


def _text(rows: np.ndarray, prefix: str = "") -> str:
    return "".join(prefix + " ".join(map(repr, map(float, row))) + "\n" for row in rows)


def _polygons(kind: str, polygons: list[list[int]]) -> bytes:
    if kind == "obj":
        faces = "".join("f " + " ".join(str(i + 1) for i in p) + "\n" for p in polygons)
        return (_text(FACE, "v ") + faces).encode()
    lines = "".join(f"{len(p)} {' '.join(map(str, p))}\n" for p in polygons)
    if kind == "off":
        return f"OFF\n{len(FACE)} {len(polygons)} 0\n{_text(FACE)}{lines}".encode()
    head = (
        f"ply\nformat ascii 1.0\nelement vertex {len(FACE)}\nproperty double x\nproperty double y\n"
        f"property double z\nelement face {len(polygons)}\n"
        "property list uchar int vertex_indices\nend_header\n"
    )
    return f"{head}{_text(FACE)}{lines}".encode()


def _exports() -> Corpus:
    """Return what trimesh writes."""
    mesh = trimesh.Trimesh(FACE, TRIANGLES, process=False)
    colored = mesh.copy()
    colored.visual.vertex_colors = np.tile([255, 0, 0, 255], (len(FACE), 1))
    found: Corpus = {}
    for name, which in (("plain", mesh), ("with colours", colored)):
        for kind, more in (
            ("obj", {}), ("off", {}), ("stl", {}), ("stl_ascii", {}), ("glb", {}),
            ("ply", {"encoding": "ascii"}), ("ply", {"encoding": "binary"}),
            ("ply", {"encoding": "binary", "vertex_normal": True}),
        ):  # fmt: skip
            content = which.export(file_type=kind, **more)
            label = " ".join([name, kind, *map(str, more.values())])
            content = content.encode() if isinstance(content, str) else content
            found[label] = (f".{kind.removesuffix('_ascii')}", content)
    moved = trimesh.Scene()
    turn = trimesh.transformations.rotation_matrix(0.7, [1, 2, 3])
    turn[:3, 3] = [1, 2, 3]
    moved.add_geometry(mesh, transform=turn)
    found["turned node glb"] = (".glb", moved.export(file_type="glb"))
    mirrored = trimesh.Scene()
    mirrored.add_geometry(mesh, transform=np.diag([-1.0, 1, 1, 1]))
    found["mirrored node glb"] = (".glb", mirrored.export(file_type="glb"))
    return found


def _variants(folder: Path) -> Corpus:
    """Return text as other programs write it, and shapes as a glTF shows them."""
    edits: dict[str, Callable[[bytes], bytes]] = {
        "byte order mark": lambda c: b"\xef\xbb\xbf" + c,
        "indented": lambda c: b"\n".join(b"  " + line for line in c.split(b"\n")),
        "CR LF": lambda c: c.replace(b"\n", b"\r\n"),
        "CR only": lambda c: c.replace(b"\n", b"\r"),
        "UTF-16": lambda c: c.decode().encode("utf-16"),
        "blank lines": lambda c: c.replace(b"\n", b"\n\n"),
    }
    found: Corpus = {}
    for kind in ("obj", "text ply", "text stl", "off"):
        suffix, write = WRITERS[kind]
        write(folder / f"a{suffix}", FACE, TRIANGLES)
        content = (folder / f"a{suffix}").read_bytes()
        for name, edit in edits.items():
            found[f"{name} {kind}"] = (suffix, edit(content))
    for kind in ("obj", "ply", "off"):
        found[f"quads {kind}"] = (f".{kind}", _polygons(kind, QUADS))
    found["loose vertices obj"] = (".obj", _polygons("obj", TRIANGLES[:9].tolist()))
    seams = _polygons("obj", TRIANGLES.tolist()).replace(b"\nf ", b"\nvt 0 0\nvt 1 1\nf ", 1)
    found["seams obj"] = (".obj", seams.replace(b"f 1 2 7", b"f 1/1 2/2 7/1"))
    glued = _polygons("off", TRIANGLES.tolist()).replace(b"OFF\n", b"OFF", 1)
    found["glued counts off"] = (".off", glued)
    strip = _polygons("ply", [[0, 1, 5, 6, 10, 11]]).replace(b"face 1", b"tristrips 1")
    found["strips ply"] = (".ply", strip)
    for change in (smile, skinned):
        scene = Scene()
        change(scene)
        if change is smile:
            scene.header["nodes"][0]["weights"] = [1, 0, 1]
        found[f"{change.__name__} gltf"] = (".gltf", scene.content())
    return found


def _opinion(suffix: str, content: bytes) -> str:
    """Return how what trimesh reads differs from what we read; '' where it does not."""
    vertices, triangles = parse_mesh(content, suffix)
    try:
        file = io.BytesIO(content)
        other = trimesh.load(file, file_type=suffix[1:], process=False, force="mesh")
        corners = np.asarray(other.triangles)
    except Exception as error:
        return f"refuses: {type(error).__name__}"
    ours = vertices[triangles]
    area = (
        np.linalg.norm(np.cross(ours[:, 1] - ours[:, 0], ours[:, 2] - ours[:, 0]), axis=1).sum() / 2
    )
    if len(other.vertices) != len(vertices) and suffix != ".stl":
        return "other vertices"
    if len(corners) != len(ours) or not np.isclose(other.area, area, rtol=1e-5):
        return "another shape"
    if suffix == ".stl":
        return "" if np.allclose(corners, ours, atol=1e-4) else "other triangles"
    if not np.allclose(other.vertices, vertices, atol=1e-4):
        return "other places"
    same = np.array_equal(_cycles(other.faces), _cycles(triangles))
    return "" if same else "other triangles"


def _cycles(triangles: np.ndarray) -> np.ndarray:
    """Return triangles that begin with their lowest corner."""
    first = np.argmin(triangles, axis=1)[:, None]
    return np.take_along_axis(np.asarray(triangles), (first + np.arange(3)) % 3, axis=1)


# How trimesh differs (as `_opinion` says it), and why we read the file as we do.
EXPLAINED: dict[str, tuple[str, str]] = {
    "CR only obj": ("other vertices", "old line ends are line ends"),
    "CR only off": ("refuses: ValueError", "old line ends are line ends"),
    "CR only text ply": ("refuses: IndexError", "old line ends are line ends"),
    "CR only text stl": ("refuses: ValueError", "old line ends are line ends"),
    "UTF-16 text ply": ("refuses: ValueError", "the encoding is told by its mark"),
    "blank lines text ply": ("refuses: IndexError", "a text PLY is a stream of words"),
    "indented obj": ("other vertices", "white space before a key word says nothing"),
    "loose vertices obj": ("other vertices", "a vertex of no face keeps its number"),
    "quads obj": ("other triangles", "a polygon is a cycle, cut from its corner of lowest number"),
    "quads off": ("other triangles", "a polygon is a cycle, cut from its corner of lowest number"),
    "quads ply": ("other triangles", "a polygon is a cycle, cut from its corner of lowest number"),
    "smile gltf": ("another shape", "blend shapes are shown by their weights"),
    "skinned gltf": ("another shape", "a skin is shown by its joints, not by its node"),
    "strips ply": ("other vertices", "strips are triangles"),
}


def test_differences_are_those_that_are_explained(tmp_path: Path) -> None:
    corpus = {**_exports(), **_variants(tmp_path)}
    assert {suffix for suffix, _ in corpus.values()} == set(READERS)
    found = {name: said for name, file in corpus.items() if (said := _opinion(*file))}
    assert found == {name: said for name, (said, _) in EXPLAINED.items()}
