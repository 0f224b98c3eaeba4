"""Text as programs write it: encodings, white space, line ends and records in every format."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.read import parse_mesh
from tests.helpers.mesh_files import TRIANGLES, VERTICES, WRITERS

TEXT_KINDS = ["obj", "text ply", "text stl", "off"]
Edit = Callable[[bytes], bytes]


def written(kind: str, folder: Path) -> tuple[bytes, str]:
    suffix, write = WRITERS[kind]
    write(folder / f"a{suffix}", VERTICES, TRIANGLES)
    return (folder / f"a{suffix}").read_bytes(), suffix


def indented(content: bytes) -> bytes:
    return b"\n".join(b" \t" + line for line in content.split(b"\n"))


EDITS: dict[str, Edit] = {
    "byte order mark": lambda content: b"\xef\xbb\xbf" + content,
    "indented": indented,
    "indented after a mark": lambda content: b"\xef\xbb\xbf" + indented(content),
    "UTF-16, little, with a mark": lambda content: content.decode().encode("utf-16"),
    "UTF-16, big, with a mark": lambda c: b"\xfe\xff" + c.decode().encode("utf-16-be"),
    "UTF-16, little": lambda content: content.decode().encode("utf-16-le"),
    "UTF-16, big": lambda content: content.decode().encode("utf-16-be"),
    "CR LF": lambda content: content.replace(b"\n", b"\r\n"),
    "CR only": lambda content: content.replace(b"\n", b"\r"),
    "trailing blanks": lambda content: content.replace(b"\n", b" \t \n"),
    "blank lines": lambda content: content.replace(b"\n", b"\n\n"),
}


@pytest.mark.parametrize("kind", TEXT_KINDS)
@pytest.mark.parametrize("edit", EDITS)
def test_it_is_the_same_mesh(kind: str, edit: str, tmp_path: Path) -> None:
    content, suffix = written(kind, tmp_path)
    vertices, triangles = parse_mesh(content, suffix)
    changed_vertices, changed_triangles = parse_mesh(EDITS[edit](content), suffix)
    np.testing.assert_array_equal(changed_vertices, vertices)
    np.testing.assert_array_equal(changed_triangles, triangles)


def test_a_binary_ply_whose_header_ends_lines_with_cr(tmp_path: Path) -> None:
    content, suffix = written("ply", tmp_path)
    end = content.index(b"end_header\n") + len(b"end_header\n")
    # The data may begin with a line feed: then it is none of the header's.
    moved = VERTICES.copy()
    moved[0, 0] = struct.unpack("<d", b"\n\0\0\0\0\0\x10\x40")[0]
    WRITERS["ply"][1](tmp_path / "b.ply", moved, TRIANGLES)
    body = (tmp_path / "b.ply").read_bytes()[end:]
    assert body.startswith(b"\n")
    vertices, _ = parse_mesh(content[:end].replace(b"\n", b"\r") + body, suffix)
    np.testing.assert_array_equal(vertices, moved)


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_decimal_commas_are_named(kind: str, tmp_path: Path) -> None:
    content, suffix = written(kind, tmp_path)
    with pytest.raises(MeshError, match=r"decimal comma \(\d+,\d+\); export it with a decimal po"):
        parse_mesh(content.replace(b".", b","), suffix)


POINTS = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"


@pytest.mark.parametrize(
    "text",
    [
        POINTS.replace("v 1 1", " \t v 1 1") + "f 1 2 3 4\n",
        POINTS.replace("v", "V") + "F 1 2 3 4\n",
        # Files that were joined have a mark in the middle.
        "v 0 0 0\n\ufeffv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2 3 4\n",
        POINTS + "f 1 2 \\ \n 3 4 # the whole\n",
        POINTS + "f 1.0 2.0/3 3/1/1 4//2 # the whole\n",
        # Not a continued line, but the path of a folder: the vertex behind it counts.
        "# C:\\meshes\\\n" + POINTS + "f 1 2 3 4\n",
    ],
)
def test_lines_of_an_obj_begin_where_they_may(text: str) -> None:
    vertices, triangles = parse_mesh(text.encode(), ".obj")
    np.testing.assert_array_equal(vertices, [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    np.testing.assert_array_equal(triangles, [[0, 1, 2], [0, 2, 3]])


def test_a_vertex_that_no_face_names_is_kept(tmp_path: Path) -> None:
    text = "\ufeff" + POINTS + "v 9 9 9\nf 1 2 3\nf 1 3 4\n"
    vertices, triangles = parse_mesh(text.encode(), ".obj")
    assert vertices.tolist()[-1] == [9, 9, 9]
    assert triangles.tolist() == [[0, 1, 2], [0, 2, 3]]


@pytest.mark.parametrize(
    "text",
    [
        "OFF4 2 0\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n3 0 1 2\n3 0 2 3\n",
        "off\n4 2 0\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n3 0 1 2\n3 0 2 3\n",
        "OFF\n4\n2\n0\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n3 0 1 2\n3 0 2 3\n",
        "OFF 4 2\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n3 0 1 2 # first\n3 0 2 3 255 0 0\n",
        "OFF\n4 2 0\n0 0\n0 1 0 0\n1 1 0\n0 1 0\n3\n0 1 2\n3 0 2 3\n",
        "OFF\n4 2 0\n0 0 0 1 0 0 1 1 0 0 1 0\n3 0 1 2 3 0 2 3\n",
        "COFF\n4 2 0\n0 0 0 255 0 0 255\n1 0 0 255 0 0 255\n1 1 0 1 1 1 1\n0 1 0 1 1 1 1\n"
        "3.0 0.0 1.0 2.0\n3 0 2 3\n",
    ],
)
def test_an_off_is_a_stream_of_words(text: str) -> None:
    vertices, triangles = parse_mesh(text.encode(), ".off")
    np.testing.assert_array_equal(vertices, [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    np.testing.assert_array_equal(triangles, [[0, 1, 2], [0, 2, 3]])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("OFF BINARY\n4 2 0\n", "is a binary OFF, and only text is read"),
        ("OFF\nfour 2 0\n", "no numbers of vertices and faces"),
        ("4OFF\n4 2 0\n", "starts with OFF"),
        ("OFF\n4 2 0\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n3 0 1 2\n", "is cut off: it announces 4"),
        ("OFF\n3 1 0\n0 0 0\n1 0 x\n1 1 0\n3 0 1 2\n", "not of the OFF format"),
        ("OFF\n3 1 0\n0 0 0\n1 0 0\n1 1 0\n3 0 1.5 2\n", "not of the OFF format"),
        ("OFF\n3 1 0\n0 0 0\n1 0 0\n1 1 0\n3 0 1\n7 7 7 7 7\n", "not of the OFF format"),
    ],
)
def test_faults_of_an_off(text: str, fault: str) -> None:
    with pytest.raises(MeshError, match=fault) as caught:
        parse_mesh(text.encode(), ".off")
    assert "damaged" not in str(caught.value)


HEAD = "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\n"
BODY = "0 0 0\n1 0 0\n1 1 0\n0 1 0\n"


@pytest.mark.parametrize("name", ["vertices", "vertex_index", "vertex_indices", "corners"])
def test_the_list_of_corners_has_many_names(name: str) -> None:
    head = HEAD + f"property float z\nelement face 1\nproperty list uchar int {name}\nend_header\n"
    _, triangles = parse_mesh((head + BODY + "4 1 2 3 0\n").encode(), ".ply")
    np.testing.assert_array_equal(triangles, [[0, 1, 2], [0, 2, 3]])


def test_of_several_lists_none_is_guessed() -> None:
    head = HEAD + (
        "property float z\nelement face 1\nproperty list uchar int these\n"
        "property list uchar int those\nend_header\n"
    )
    with pytest.raises(MeshError, match=r"list of vertices is none of .*\(it has 'these, those'\)"):
        parse_mesh((head + BODY + "3 1 2 3 3 1 2 3\n").encode(), ".ply")


@pytest.mark.parametrize(
    "body",
    [
        BODY + "4 0 1 2 3\n",
        "0 0\n0 1 0 0\n1 1 0\n0\n1\n0\n4 0 1 2\n3\n",
        BODY.replace("\n", " ") + "4 0 1 2 3",
        BODY + "4 0.0 1.0 2.0 3.0\n",
        BODY.replace("0\n", "0 255 255 255\n") + "4 0 1 2 3 7\n",
    ],
)
def test_a_text_ply_is_a_stream_of_words(body: str) -> None:
    head = HEAD + (
        "comment end_header comes later\nproperty float z\nelement face 1\n"
        "property list uchar int vertex_indices\nend_header\n"
    )
    vertices, triangles = parse_mesh((head + body).encode(), ".ply")
    np.testing.assert_array_equal(vertices, [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    np.testing.assert_array_equal(triangles, [[0, 1, 2], [0, 2, 3]])


@pytest.mark.parametrize("order", ["", "<", ">"])
@pytest.mark.parametrize("even", [True, False])
def test_lists_of_vertices_are_passed_over(order: str, even: bool) -> None:
    name = {"": "ascii", "<": "binary_little_endian", ">": "binary_big_endian"}[order]
    head = (
        f"ply\nformat {name} 1.0\nelement vertex 4\nproperty float x\n"
        "property list uchar float bones\nproperty float y\nproperty float z\n"
        "element face 2\nproperty list uchar int vertex_indices\nend_header\n"
    )
    points = [(0.0, 0.0, 0.5), (1.0, 0.0, 0.5), (1.0, 1.0, 0.5), (0.0, 1.0, 0.5)]
    body = b""
    for row, (x, y, z) in enumerate(points):
        count = 2 if even else row
        if order:
            body += struct.pack(f"{order}fB{count}f2f", x, count, *[0.5] * count, y, z)
        else:
            words = [x, count, *[0.5] * count, y, z]
            body += (" ".join(map(str, words)) + "\n").encode()
    for corners in ([0, 1, 2], [0, 2, 3]):
        body += struct.pack(f"{order}B3i", 3, *corners) if order else b"3 %d %d %d\n" % (*corners,)
    vertices, triangles = parse_mesh(head.encode() + body, ".ply")
    np.testing.assert_array_equal(vertices, points)
    np.testing.assert_array_equal(triangles, [[0, 1, 2], [0, 2, 3]])


@pytest.mark.parametrize("kind", ["int", "uint"])
@pytest.mark.parametrize("text", [True, False])
def test_strips_of_a_ply_become_triangles(kind: str, text: bool) -> None:
    head = (
        f"ply\nformat {'ascii' if text else 'binary_little_endian'} 1.0\nelement vertex 6\n"
        "property float x\nproperty float y\nproperty float z\nelement tristrips 1\n"
        f"property list int {kind} vertex_indices\nend_header\n"
    )
    points = np.array([[x, y, 0] for y in (0, 1, 2) for x in (0, 1)], dtype="<f4")
    # Two strips; the second one repeats a corner, which turns it round.
    strip = [0, 1, 2, 3, -1, 2, 2, 3, 4, 5]
    if text:
        body = "".join(f"{x} {y} {z}\n" for x, y, z in points).encode()
        body += " ".join(map(str, [len(strip), *strip])).encode()
    else:
        body = points.tobytes() + np.array([len(strip), *strip], "<i4").tobytes()
    vertices, triangles = parse_mesh(head.encode() + body, ".ply")
    assert len(vertices) == 6
    np.testing.assert_array_equal(triangles, [[0, 1, 2], [1, 3, 2], [2, 4, 3], [3, 4, 5]])


def test_bytes_behind_a_binary_stl_are_passed_over(tmp_path: Path) -> None:
    content, suffix = written("stl", tmp_path)
    vertices, triangles = parse_mesh(content, suffix)
    longer = parse_mesh(content + b"made by hand", suffix)
    np.testing.assert_array_equal(longer[0], vertices)
    np.testing.assert_array_equal(longer[1], triangles)
    with pytest.raises(MeshError, match="holds 2 more triangles than the 32 that its header"):
        parse_mesh(content + bytes(100), suffix)
    with pytest.raises(MeshError, match="is cut off: its header announces 32 triangles"):
        parse_mesh(content[:-1], suffix)


@pytest.mark.parametrize(
    "text",
    [
        "solid vertex 7 7 7 facet\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\n"
        "vertex 0 1 0\nendloop\nendfacet\nendsolid vertex 7 7 7\n",
        "solid facet normal 0 0 1 outer loop vertex 0 0 0 vertex 1 0 0 vertex 0 1 0 endloop "
        "endfacet endsolid",
        "  SOLID a\nFACET NORMAL 0 0 1\nOUTER LOOP\nVERTEX 0 0 0\nVERTEX\n1 0 0\nVERTEX 0 1 0\n"
        "ENDLOOP\nENDFACET\nENDSOLID\n",
    ],
)
def test_a_text_stl_is_a_stream_of_words(text: str) -> None:
    vertices, triangles = parse_mesh(text.encode(), ".stl")
    np.testing.assert_array_equal(vertices, [[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(triangles, [[0, 1, 2]])


@pytest.mark.parametrize("kind", ["obj", "ply", "off"])
def test_a_polygon_is_a_cycle(kind: str) -> None:
    def mesh(polygons: list[list[int]]) -> bytes:
        points = ["0 0 0", "1 0 0", "1 1 0", "0 1 0", "0 2 0"]
        lines = [f"{len(p)} {' '.join(map(str, p))}" for p in polygons]
        if kind == "obj":
            faces = ["f " + " ".join(str(i + 1) for i in p) for p in polygons]
            return "\n".join([*(f"v {p}" for p in points), *faces]).encode()
        if kind == "off":
            return "\n".join([f"OFF\n5 {len(lines)} 0", *points, *lines]).encode()
        head = HEAD.replace("4", "5") + f"property float z\nelement face {len(lines)}\n"
        head += "property list uchar int vertex_indices\nend_header"
        return "\n".join([head, *points, *lines]).encode()

    _, triangles = parse_mesh(mesh([[0, 1, 2, 3], [4, 3, 2]]), f".{kind}")
    for start in range(4):
        turned = [0, 1, 2, 3][start:] + [0, 1, 2, 3][:start]
        _, others = parse_mesh(mesh([turned, [4, 3, 2]]), f".{kind}")
        np.testing.assert_array_equal(others, triangles)
    _, pentagon = parse_mesh(mesh([[2, 3, 4, 0, 1]]), f".{kind}")
    np.testing.assert_array_equal(pentagon, [[0, 1, 2], [0, 2, 3], [0, 3, 4]])
