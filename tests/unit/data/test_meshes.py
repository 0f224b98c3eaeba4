from __future__ import annotations

import base64
import csv
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh

from lwpipe.core.errors import LwpipeError
from lwpipe.data.sources.meshes.convert import connectivity
from lwpipe.data.split import draw_split
from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.gltf import parse_gltf
from lwpipe.mesh.obj import parse_obj
from lwpipe.mesh.off import parse_off
from lwpipe.mesh.ply import parse_ply
from lwpipe.mesh.ply_file import write_ply
from lwpipe.mesh.read import read_mesh
from lwpipe.mesh.stl import parse_stl
from lwpipe.mesh.units import guess_unit
from tests.helpers.mesh_files import (
    ORDERED,
    TRIANGLES,
    VERTICES,
    WRITERS,
    convert,
    shapes,
    write_folder,
    write_obj,
    write_off,
    write_stl,
)

# --- what is read ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_gives_the_same_mesh(kind: str, tmp_path: Path) -> None:
    suffix, write = WRITERS[kind]
    face = shapes(1)[0]
    write(tmp_path / f"face{suffix}", face, TRIANGLES)
    vertices, triangles = read_mesh(tmp_path / f"face{suffix}")
    np.testing.assert_allclose(vertices[triangles], face[TRIANGLES], atol=1e-5)
    if kind in ORDERED:
        np.testing.assert_allclose(vertices, face, atol=1e-5)
        np.testing.assert_array_equal(triangles, TRIANGLES)


@pytest.mark.parametrize("kind", WRITERS)
def test_a_folder_of_every_format_becomes_a_store(kind: str, tmp_path: Path) -> None:
    faces = write_folder(tmp_path / "in", 6, kind)
    (tmp_path / "in" / "notes.txt").write_text("not a mesh")
    (tmp_path / "in" / ".hidden.obj").write_text("not a mesh")
    data = convert(tmp_path / "in", tmp_path / "out")
    assert data.vertices.shape == (6, 25, 3)
    np.testing.assert_allclose(data.vertices[:, data.triangles], faces[:, TRIANGLES], atol=1e-4)
    assert list(data.faces["id"]) == [f"face_{i:03d}" for i in range(6)]
    assert data.info["units_in_files"] == "mm"


def test_polygons_of_an_obj_become_fans() -> None:
    content = (
        b"v 0 0 0 1 0 0\nv 1 0 0 0.5 0.5 0.5\nv\t1 1 0\n"
        b"f 1 2 3\nv 0 1 0\nv 0 2 0\nf -5// -4//1 -3/1 \\\n -2/2/2 -1\nf\t2 3 4\nl 1 2\np 1\n"
    )
    vertices, triangles = parse_obj(content)
    np.testing.assert_array_equal(vertices, [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 2, 0]])
    np.testing.assert_array_equal(
        triangles, [[0, 1, 2], [0, 1, 2], [0, 2, 3], [0, 3, 4], [1, 2, 3]]
    )


def test_a_negative_index_counts_from_where_it_stands() -> None:
    block = b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\n"
    np.testing.assert_array_equal(parse_obj(block * 2)[1], [[0, 1, 2], [3, 4, 5]])


def test_vertices_with_seams_are_not_split_or_merged(tmp_path: Path) -> None:
    # Other readers give each pair of position and texture coordinate its own vertex.
    text = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 1 0\nvt 0 0\nvt 1 1\nvt 0 1\n"
    (tmp_path / "seam.obj").write_text(text + "f 1/1 2/2 3/3\nf 1/3 3/2 2/1\n")
    vertices, triangles = read_mesh(tmp_path / "seam.obj")
    assert len(vertices) == 4
    np.testing.assert_array_equal(triangles, [[0, 1, 2], [0, 2, 1]])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("mixed", [False, True])
def test_binary_ply_with_polygons_and_other_elements(order: str, mixed: bool) -> None:
    name = "binary_little_endian" if order == "<" else "binary_big_endian"
    head = (
        f"ply\nformat {name} 1.0\ncomment x\nelement camera 1\nproperty list uchar float view\n"
        "element vertex 5\nproperty float x\nproperty float y\nproperty float z\n"
        "property uchar alpha\nelement face 2\nproperty ushort flags\n"
        "property list uchar uint vertex_indices\nproperty list uchar float texcoord\n"
        "element edge 1\nproperty int a\nend_header\n"
    )
    body = struct.pack(f"{order}B2f", 2, 1, 2)
    points = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 2, 0)]
    body += b"".join(struct.pack(f"{order}3fB", *p, 7) for p in points)
    polygons = [[0, 1, 2, 3], [0, 3, 4] if mixed else [1, 2, 3, 4]]
    for corners in polygons:
        n = len(corners)
        body += struct.pack(f"{order}HB{n}IB2f", 1, n, *corners, 2, 0, 0)
    body += struct.pack(f"{order}i", 3)
    vertices, triangles = parse_ply(head.encode() + body)
    np.testing.assert_array_equal(vertices, points)
    second = [[0, 3, 4]] if mixed else [[1, 2, 3], [1, 3, 4]]
    np.testing.assert_array_equal(triangles, [[0, 1, 2], [0, 2, 3], *second])
    for cut in range(len(head), len(head) + len(body) - 4):
        with pytest.raises(MeshError, match="is cut off"):
            parse_ply((head.encode() + body)[:cut])


def test_stl_vertices_are_numbered_by_first_appearance(tmp_path: Path) -> None:
    face = shapes(1)[0]
    face[3] = [0.0, -0.0, 5.0]
    write_stl(tmp_path / "a.stl", face)
    vertices, triangles = parse_stl((tmp_path / "a.stl").read_bytes())
    _, first = np.unique(TRIANGLES.reshape(-1), return_index=True)
    order = TRIANGLES.reshape(-1)[np.sort(first)]
    np.testing.assert_allclose(vertices, face[order], atol=1e-6)
    np.testing.assert_array_equal(order[triangles], TRIANGLES)


def test_off_headers() -> None:
    body = b"0 0 0 255 0 0\n1 0 0 1 1 1\n1 1 0 1 1 1\n0 1 0 1 1 1\n4 0 1 2 3 0.5 0.5\n"
    for head in (b"OFF 4 1 0\n", b"COFF\n4 1 0\n", b"#c\nOFF\n# c\n4 1\n"):
        vertices, triangles = parse_off(head + body)
        np.testing.assert_array_equal(vertices[2], [1, 1, 0])
        np.testing.assert_array_equal(triangles, [[0, 1, 2], [0, 2, 3]])


def test_nodes_of_a_glb_are_placed(tmp_path: Path) -> None:
    scene = trimesh.Scene()
    scene.add_geometry(trimesh.Trimesh(VERTICES, TRIANGLES, process=False), node_name="a")
    scene.add_geometry(
        trimesh.Trimesh(VERTICES[:4], [[0, 1, 2]], process=False),
        node_name="b",
        transform=trimesh.transformations.translation_matrix([7, 0, 0]),
    )
    scene.export(tmp_path / "two.glb")
    vertices, triangles = read_mesh(tmp_path / "two.glb")
    assert len(vertices) == 29
    assert len(triangles) == len(TRIANGLES) + 1
    corners = {tuple(c) for c in vertices[triangles].round(3).reshape(-1, 9)}
    expected = [*VERTICES[TRIANGLES], VERTICES[[0, 1, 2]] + [7, 0, 0]]
    assert corners == {tuple(c) for c in np.round(expected, 3).reshape(-1, 9)}


def test_gltf_does_not_open_other_files(tmp_path: Path) -> None:
    files = trimesh.exchange.gltf.export_gltf(
        trimesh.Trimesh(VERTICES, TRIANGLES, process=False).scene()
    )
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert len(list(tmp_path.iterdir())) > 1
    with pytest.raises(MeshError, match=r"buffer in another file \('gltf_buffer_1\.bin'\)"):
        read_mesh(tmp_path / "model.gltf")


def gltf(scene: dict[str, object], points: np.ndarray, indices: list[int]) -> bytes:
    """Return a text glTF with one buffer: the points, then the indices as shorts."""
    data = points.astype("<f4").tobytes() + np.array(indices, "<u2").tobytes()
    views = [(0, points.size * 4), (points.size * 4, 2 * len(indices))]
    header = {
        "asset": {"version": "2.0"},
        "buffers": [
            {
                "byteLength": len(data),
                "uri": "data:application/gltf-buffer;base64," + base64.b64encode(data).decode(),
            }
        ],
        "bufferViews": [{"buffer": 0, "byteOffset": a, "byteLength": n} for a, n in views],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": len(points), "type": "VEC3"},
            {"bufferView": 1, "componentType": 5123, "count": len(indices), "type": "SCALAR"},
        ],
        **scene,
    }
    return json.dumps(header).encode()


@pytest.mark.parametrize(
    ("mode", "indices", "triangles"),
    [
        (4, [0, 1, 2, 1, 3, 2], [[0, 1, 2], [1, 3, 2]]),
        (5, [0, 1, 2, 3], [[0, 1, 2], [1, 3, 2]]),
        (6, [0, 1, 3, 2], [[1, 3, 0], [3, 2, 0]]),
    ],
)
def test_lists_strips_and_fans_of_a_gltf(
    mode: int, indices: list[int], triangles: list[list[int]]
) -> None:
    primitive = {"attributes": {"POSITION": 0}, "indices": 1, "mode": mode}
    lines = {"attributes": {"POSITION": 0}, "mode": 1}
    scene = {"nodes": [{"mesh": 0}], "meshes": [{"primitives": [lines, primitive]}]}
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]])
    vertices, found = parse_gltf(gltf(scene, points, indices))
    np.testing.assert_array_equal(vertices, points)
    np.testing.assert_array_equal(found, triangles)


def test_nodes_of_a_gltf_turn_scale_and_move() -> None:
    half = float(np.sqrt(0.5))
    scene = {
        "scenes": [{"nodes": [0]}],
        "nodes": [
            {"translation": [10, 0, 0], "children": [1]},
            # A quarter turn about z after doubling: x becomes y.
            {"mesh": 0, "rotation": [0, 0, half, half], "scale": [2, 2, 2]},
        ],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
    }
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    vertices, _ = parse_gltf(gltf(scene, points, [0, 1, 2]))
    np.testing.assert_allclose(vertices, [[10, 0, 0], [10, 2, 0], [8, 0, 0]], atol=1e-6)


def test_words_in_the_name_of_an_stl_are_no_corners(tmp_path: Path) -> None:
    face = shapes(1)[0]
    WRITERS["text stl"][1](tmp_path / "a.stl", face, TRIANGLES)
    text = (tmp_path / "a.stl").read_text().replace("solid face", "solid my vertex facet model")
    vertices, triangles = parse_stl(text.encode())
    np.testing.assert_allclose(vertices[triangles], face[TRIANGLES])


# --- arrays ---------------------------------------------------------------------------------


def test_npz_and_npy_give_the_same(tmp_path: Path) -> None:
    faces = shapes(5)
    np.savez(tmp_path / "faces.npz", vertices=faces, triangles=TRIANGLES.astype(np.int32))
    one = convert(tmp_path / "faces.npz", tmp_path / "a")
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in" / "faces.npy", faces)
    write_obj(tmp_path / "in" / "template.obj", VERTICES)
    for path in (tmp_path / "in" / "faces.npy", tmp_path / "in"):
        other = convert(path, tmp_path / "b")
        np.testing.assert_array_equal(one.vertices, other.vertices)
        np.testing.assert_array_equal(one.triangles, other.triangles)
    np.testing.assert_allclose(one.vertices, faces)
    assert list(one.faces["id"][:2]) == ["faces_00000", "faces_00001"]


def test_an_npy_prefers_the_mesh_of_its_name(tmp_path: Path) -> None:
    np.save(tmp_path / "faces.npy", shapes(4))
    with pytest.raises(LwpipeError, match=r"put a mesh beside it, named faces\.ply"):
        convert(tmp_path / "faces.npy", tmp_path / "out")
    write_off(tmp_path / "template.off", VERTICES[:9], np.array([[0, 1, 2]]))
    with pytest.raises(LwpipeError, match=r"template\.off: has 9 vertices, .* have 25"):
        convert(tmp_path / "faces.npy", tmp_path / "out")
    write_off(tmp_path / "faces.off", VERTICES)
    assert len(convert(tmp_path / "faces.npy", tmp_path / "out").vertices) == 4


@pytest.mark.parametrize("dtype", ["<f2", ">f4", "<f8", ">f8", "g"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_kind_of_float_array_is_read(dtype: str, order: str, tmp_path: Path) -> None:
    faces = np.asarray(shapes(4).round(1), dtype=dtype, order=order)
    np.save(tmp_path / "faces.npy", faces)
    write_obj(tmp_path / "template.obj", VERTICES)
    np.testing.assert_allclose(
        convert(tmp_path / "faces.npy", tmp_path / "a").vertices, faces.astype(np.float32)
    )


class Boom:
    def __reduce__(self):
        return (Path.touch, (Path("pickled_code_ran"),))


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_pickled_objects_are_refused(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    objects = np.array([Boom()], dtype=object)
    if suffix == ".npy":
        np.save("faces.npy", objects, allow_pickle=True)
    else:
        np.savez("faces.npz", vertices=objects, triangles=TRIANGLES)
    with pytest.raises(LwpipeError, match=rf"faces\{suffix}: "):
        convert(tmp_path / f"faces{suffix}", tmp_path / "out")
    assert not (tmp_path / "pickled_code_ran").exists()


def test_arrays_that_do_not_fit_are_named(tmp_path: Path) -> None:
    path = tmp_path / "faces.npz"
    good = shapes(4)
    bad = good.copy()
    bad[1, 3, 2] = np.nan
    bad[3, 0, 0] = np.inf
    cases = [
        ({"vertices": bad, "triangles": TRIANGLES}, r"face 1 .*NaN or infinite"),
        ({"vertices": good, "triangles": TRIANGLES + 1}, r"has triangles of vertices 1 to 25"),
        ({"vertices": good, "triangles": TRIANGLES * 1.0}, r"'triangles' is float64"),
        ({"vertices": good, "triangles": TRIANGLES[:0]}, r"'triangles' is empty"),
        ({"vertices": good[0], "triangles": TRIANGLES}, r"the vertices are float64 \(25, 3\)"),
        ({"vertices": good.astype(int), "triangles": TRIANGLES}, r".* must be floating-point"),
        ({"vertices": good}, r"has no array 'triangles'"),
    ]
    for arrays, fault in cases:
        np.savez(path, **arrays)
        with pytest.raises(LwpipeError, match=rf"faces\.npz: .*{fault}") as caught:
            convert(path, tmp_path / "out")
        assert len(str(caught.value).split("\n")) == (2 if arrays["vertices"] is bad else 1)
    np.savez(path, vertices=good, triangles=TRIANGLES)
    content = path.read_bytes()
    for length in (0, 10, len(content) // 2, len(content) - 5):
        path.write_bytes(content[:length])
        with pytest.raises(
            LwpipeError, match=r"faces\.npz: cannot be read as an archive of meshes"
        ):
            convert(path, tmp_path / "out")
    # Named as the other kind.
    np.save(tmp_path / "array.npy", good)
    (tmp_path / "array.npy").rename(path)
    with pytest.raises(LwpipeError, match=r"faces\.npz: cannot be read"):
        convert(path, tmp_path / "out")
    np.savez(path, vertices=good, triangles=TRIANGLES)
    path.rename(tmp_path / "cut.npy")
    with pytest.raises(LwpipeError, match=r"cut\.npy: is no array of numbers"):
        convert(tmp_path / "cut.npy", tmp_path / "out")
    np.save(tmp_path / "cut.npy", good)
    content = (tmp_path / "cut.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(content[:-100])
    with pytest.raises(LwpipeError, match=r"cut\.npy: is no array of numbers, or is cut off"):
        convert(tmp_path / "cut.npy", tmp_path / "out")
    assert not (tmp_path / "out").exists()


# --- what is refused ------------------------------------------------------------------------


def test_two_bad_meshes_of_a_hundred_are_two_sentences_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    faces = write_folder(tmp_path / "in", 100)
    write_obj(tmp_path / "in" / "face_000.obj", faces[0][:20], TRIANGLES[:4])
    broken = faces[41].copy()
    broken[7, 1] = np.nan
    write_obj(tmp_path / "in" / "face_041.obj", broken)
    with pytest.raises(LwpipeError) as caught:
        convert(tmp_path / "in", tmp_path / "out" / "data")
    first, second = str(caught.value).split("\n")
    assert first == (f"{tmp_path}/in/face_000.obj: has 20 vertices, most meshes here have 25.")
    assert second.startswith(f"{tmp_path}/in/face_041.obj: has NaN or infinite coordinates")
    assert not (tmp_path / "out").exists()


def test_a_failed_conversion_leaves_the_store_that_was_there(tmp_path: Path) -> None:
    write_folder(tmp_path / "in", 6)
    convert(tmp_path / "in", tmp_path / "out")
    before = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}
    (tmp_path / "in" / "face_002.obj").write_text("")
    with pytest.raises(LwpipeError, match=r"face_002\.obj: is empty"):
        convert(tmp_path / "in", tmp_path / "out")
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == before


@pytest.mark.parametrize("kind", WRITERS)
def test_a_file_cut_off_anywhere_is_named(kind: str, tmp_path: Path) -> None:
    write_folder(tmp_path / "in", 4, kind)
    file = tmp_path / "in" / f"face_002{WRITERS[kind][0]}"
    content = file.read_bytes()
    # The last bytes of a text file may be a line end, or digits that still make a number: what a
    # file of its own cannot tell, the comparison with the others does, but for a comment's.
    for length in np.linspace(0, len(content) - 12, 40).astype(int):
        file.write_bytes(content[:length])
        with pytest.raises(LwpipeError, match=r"face_002\.\w+: ") as caught:
            convert(tmp_path / "in", tmp_path / "out")
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ORDERED)
def test_other_connectivity_is_named(kind: str, tmp_path: Path) -> None:
    faces = write_folder(tmp_path / "in", 5, kind)
    suffix, write = WRITERS[kind]
    other = TRIANGLES.copy()
    other[3] = other[3][[0, 2, 1]]
    write(tmp_path / "in" / f"face_000{suffix}", faces[0], other)
    with pytest.raises(LwpipeError, match=r"face_000\.\w+: .* join them differently") as caught:
        convert(tmp_path / "in", tmp_path / "out")
    assert "\n" not in str(caught.value)


def test_the_order_of_triangles_does_not_matter(tmp_path: Path) -> None:
    faces = write_folder(tmp_path / "in", 4)
    write_obj(tmp_path / "in" / "face_002.obj", faces[2], TRIANGLES[::-1][:, [1, 2, 0]])
    data = convert(tmp_path / "in", tmp_path / "out")
    np.testing.assert_array_equal(data.triangles, TRIANGLES)
    assert connectivity(TRIANGLES) != connectivity(TRIANGLES[:, [1, 0, 2]])


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"v 0 0 0\nv 1 0 0\nv 0 1 0\n", "has no triangle"),
        (b"f 1 2 3\n", "has no vertex"),
        (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 4\n", "triangle of vertex 3 .* 3 vertices"),
        (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 0 1 2\n", "count from 1"),
        (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf -9 1 2\n", "triangle of vertex -6"),
        (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2\n", "fewer than three corners"),
        (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf a b c\n", "other than numbers"),
        (b"v 0 0 0\nv 1 0\nv 0 1 0\nf 1 2 3\n", "without three numbers"),
        (b"v 0 0 0\nv 1 x 0\nv 0 1 0\nf 1 2 3\n", "without three numbers"),
        (b"v 0 0 0\nv 1 nan 0\nv 0 1 0\nf 1 2 3\n", "NaN or infinite .*first is number 1"),
        (b"v 0 0 0\nv 1 0 -inf\nv 0 1 0\nf 1 2 3\n", "NaN or infinite"),
        (b"v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n", "all its vertices in one point"),
        (bytes(range(256)) * 8, "has no vertex"),
    ],
)
def test_faults_of_an_obj(content: bytes, fault: str, tmp_path: Path) -> None:
    (tmp_path / "a.obj").write_bytes(content)
    with pytest.raises(MeshError, match=fault):
        read_mesh(tmp_path / "a.obj")


HEAD = b"ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\n"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"plx\n", "does not start with the word ply"),
        (b"ply\nformat ascii 1.0\n", "header has no end"),
        (b"ply\nend_header\n", "without a format"),
        (
            HEAD + b"property list int float z\nend_header\n0 0 0\n" * 3,
            "not of the PLY|cut off|fit",
        ),
        (HEAD + b"end_header\n0 0\n1 0\n0 1\n", "without x, y and z"),
        (HEAD + b"property quad z\nend_header\n", "not of the PLY format"),
        (HEAD.replace(b"ascii", b"zip") + b"end_header\n", "not of the PLY format"),
        (HEAD.replace(b"vertex 3", b"vertex -3") + b"end_header\n", "negative count"),
        (HEAD.replace(b"vertex 3", b"vertex 999999999999") + b"end_header\n0 0\n", "cut off"),
        (HEAD + b"property float z\nend_header\n0 0 0\n1 0 0\n0 1 q\n", "does not fit its header"),
        (HEAD + b"property float z\nend_header\n0 0 0\n1 0 0\n0 1 0\n", "has no triangle"),
    ],
)
def test_faults_of_a_ply(content: bytes, fault: str, tmp_path: Path) -> None:
    (tmp_path / "a.ply").write_bytes(content)
    with pytest.raises(MeshError, match=fault):
        read_mesh(tmp_path / "a.ply")


def test_a_ply_that_announces_too_much_takes_no_memory(tmp_path: Path) -> None:
    write_ply(tmp_path / "a.ply", VERTICES, TRIANGLES)
    content = (tmp_path / "a.ply").read_bytes()
    content = content.replace(b"element vertex 25", b"element vertex 99999999999999")
    with pytest.raises(MeshError, match="announces 99999999999999 of 'vertex'"):
        parse_ply(content)


# --- tables, splits, units ------------------------------------------------------------------


def write_table(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows(rows)
    return path


def test_the_table_gives_splits_subjects_and_expressions(tmp_path: Path) -> None:
    write_folder(tmp_path / "in", 4)
    rows = [
        [f"face_{i:03d}.obj", "test" if i == 1 else "train", f"s{i // 2}", "smile" if i else ""]
        for i in (3, 2, 1, 0)
    ]
    table = write_table(tmp_path / "table.csv", [["file", "split", "subject", "expression"], *rows])
    data = convert(tmp_path / "in", tmp_path / "out", table=str(table))
    assert list(data.faces["split"]) == ["train", "test", "train", "train"]
    assert list(data.faces["subject"]) == ["s0", "s0", "s1", "s1"]
    assert list(data.faces["expression"]) == ["", "smile", "smile", "smile"]
    assert data.info["split"] == "from the table"


def test_without_splits_subjects_are_not_torn(tmp_path: Path) -> None:
    write_folder(tmp_path / "in", 12)
    rows = [[f"face_{i:03d}.obj", f"s{i // 3}"] for i in range(12)]
    table = write_table(tmp_path / "table.csv", [["file", "subject"], *rows])
    data = convert(tmp_path / "in", tmp_path / "out", table=str(table))
    splits = data.faces.groupby("subject")["split"].nunique()
    assert (splits == 1).all()
    assert (data.faces["split"] == "test").sum() == 3


def test_split_of_subjects() -> None:
    assert draw_split(["a", "b", "c", "d"], 0.25, 1).count("test") == 1
    labels = draw_split(["a"] * 5 + ["b"] * 5, 0.99, 1)
    assert labels.count("train") == 5, "one subject always stays to train on"
    assert draw_split(["a", "a", "b"], 0.3, 0) == draw_split(["a", "a", "b"], 0.3, 0)
    with pytest.raises(LwpipeError, match=r"all faces are of one subject, .* set it to 'face'"):
        draw_split(["a", "a"], 0.5, 0)


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([["name", "split"], ["face_000.obj", "train"]], "has the columns name, split; it needs"),
        ([["file"], ["face_000.obj"]], "has the columns file; it needs"),
        ([["file", "split", "age"], ["face_000.obj", "train", "3"]], "has the columns"),
        ([], r"has the columns \(none\)"),
        ([["file", "split"], ["face_00.obj", "train"]], "line 2 names 'face_00.obj', which is not"),
        ([["file", "split"], ["face_000.obj", "val"]], "line 2 has the split 'val'; use 'train'"),
        ([["file", "split"], ["face_000.obj"]], "line 2 has not 2 values"),
        ([["file", "split"], *[["face_000.obj", "train"]] * 2], "names 'face_000.obj' 2 times"),
        ([["file", "split"], ["face_000.obj", "train"]], "has no row for 'face_001.obj'"),
        (
            [["file", "split"], *[[f"face_{i:03d}.obj", "train"] for i in range(4)]],
            "none of the 4 meshes has the split 'test'",
        ),
    ],
)
def test_faults_of_a_table(rows: list[list[str]], fault: str, tmp_path: Path) -> None:
    write_folder(tmp_path / "in", 4)
    table = write_table(tmp_path / "table.csv", rows)
    with pytest.raises(LwpipeError, match=rf"table\.csv: {fault}"):
        convert(tmp_path / "in", tmp_path / "out", table=str(table))
    assert not (tmp_path / "out").exists()


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    write_folder(tmp_path / "in", 4)
    with pytest.raises(LwpipeError, match=r"data\.meshes\.table: .*none\.csv cannot be read"):
        convert(tmp_path / "in", tmp_path / "out", table=str(tmp_path / "none.csv"))


@pytest.mark.parametrize(("factor", "unit"), [(1, "mm"), (0.1, "cm"), (0.001, "m"), (1000, "um")])
def test_units_are_guessed_from_the_size(factor: float, unit: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", vertices=shapes(4) * factor, triangles=TRIANGLES)
    data = convert(tmp_path / "a.npz", tmp_path / "out")
    np.testing.assert_allclose(data.vertices, shapes(4), rtol=1e-5, atol=1e-4)
    assert data.info["units_in_files"] == unit
    assert data.info["units_guessed"] is True


def test_units_that_are_told_are_not_guessed(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", vertices=shapes(4), triangles=TRIANGLES)
    data = convert(tmp_path / "a.npz", tmp_path / "out", units="cm")
    np.testing.assert_allclose(data.vertices, shapes(4) * 10, rtol=1e-6)
    assert data.info["units_guessed"] is False
    np.savez(tmp_path / "a.npz", vertices=shapes(4) * 50, triangles=TRIANGLES)
    with pytest.raises(LwpipeError, match=r"data\.meshes\.units: .* set it to mm, cm, m or um"):
        convert(tmp_path / "a.npz", tmp_path / "out")
    assert guess_unit(0.01) is None


# --- the store ------------------------------------------------------------------------------


def test_alignment_is_on_unless_turned_off(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    faces = shapes(8)
    turns = np.linalg.qr(random.normal(size=(8, 3, 3)))[0]
    turns *= np.linalg.det(turns)[:, None, None]
    # Far from the origin, where single precision alone would lose the shape.
    moved = faces @ turns + random.normal(size=(8, 1, 3)) * 1e7
    np.savez(tmp_path / "a.npz", vertices=moved, triangles=TRIANGLES)
    data = convert(tmp_path / "a.npz", tmp_path / "out", align=None)
    assert data.info["alignment"]["rms_from_mean_after_mm"] < 2.5
    edge = np.linalg.norm(np.diff(faces, axis=1), axis=2)
    np.testing.assert_allclose(
        np.linalg.norm(np.diff(data.vertices, axis=1), axis=2), edge, atol=1e-3
    )


def test_same_bytes_when_run_again(tmp_path: Path) -> None:
    write_folder(tmp_path / "in", 8, "ply")
    for name in "ab":
        convert(tmp_path / "in", tmp_path / name, align=None)
    for file in ("vertices.npy", "template.ply", "faces.csv", "dataset.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_takes_at_most_the_faces_asked_for(tmp_path: Path) -> None:
    write_folder(tmp_path / "in", 8)
    assert len(convert(tmp_path / "in", tmp_path / "a", faces=5).vertices) == 5
    assert len(convert(tmp_path / "in", tmp_path / "b", faces=500).vertices) == 8
    assert json.loads((tmp_path / "a" / "dataset.json").read_text())["meshes_found"] == 8


def test_names_in_any_script_are_fine(tmp_path: Path) -> None:
    names = ["Gesicht ä", "顔 1", "-rf", "وجه\u200c1", "a'b\"c", "{x} %s"]
    folder = tmp_path / "Mes données (2)"
    folder.mkdir()
    for name in names:
        write_obj(folder / f"{name}.obj", VERTICES)
    data = convert(folder, tmp_path / "out dir")
    assert sorted(data.faces["id"]) == sorted(names)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("nowhere", "does not exist"),
        ("empty", r"holds no mesh \(\.glb, "),
        ("one.obj", "is neither a folder of meshes nor"),
        ("both", r"holds both mesh files and a\.npz"),
        ("arrays", "holds several arrays"),
    ],
)
def test_places_that_hold_no_meshes(name: str, fault: str, tmp_path: Path) -> None:
    for folder in ("empty", "both", "arrays"):
        (tmp_path / folder).mkdir()
    write_obj(tmp_path / "one.obj", VERTICES)
    write_obj(tmp_path / "both" / "one.obj", VERTICES)
    for file in ("both/a.npz", "arrays/a.npz", "arrays/b.npz"):
        np.savez(tmp_path / file, vertices=shapes(4), triangles=TRIANGLES)
    with pytest.raises(LwpipeError, match=rf"data\.meshes\.path: .*{name} {fault}"):
        convert(tmp_path / name, tmp_path / "out")
