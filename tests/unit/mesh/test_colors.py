"""Colours in mesh files: of vertices and of images, and images baked from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lwpipe.core.color import delta_e_2000, lab_of_srgb
from lwpipe.export.textured import face_glb
from lwpipe.mesh import texture
from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.read import read_mesh
from lwpipe.mesh.read_colors import read_colors, read_uv
from lwpipe.mesh.texture import bake, read_image, sampled
from tests.helpers.coloured import (
    colours,
    picture,
    pictured_gltf,
    png,
    uv_of_grid,
    write_coloured_glb,
    write_coloured_obj,
    write_coloured_ply,
    write_pictured_obj,
)
from tests.helpers.mesh_files import TRIANGLES, VERTICES, write_obj

PAINTED = colours(1)[0]


def expected_of_picture() -> np.ndarray:
    """Return the colours that the image has where the grid's vertices lie."""
    uv = uv_of_grid().uv
    return np.stack([255 * uv[:, 0], 255 * uv[:, 1], np.full(len(uv), 90)], axis=1)


def apart(first: np.ndarray, second: np.ndarray) -> float:
    return float(delta_e_2000(lab_of_srgb(first), lab_of_srgb(second)).max())


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("face.ply", write_coloured_ply),
        ("face.obj", write_coloured_obj),
        ("face.glb", write_coloured_glb),
    ],
)
def test_colours_of_vertices_come_back(
    name: str, write: Callable[[Path, np.ndarray, np.ndarray], None], tmp_path: Path
) -> None:
    write(tmp_path / name, VERTICES, PAINTED)
    np.testing.assert_array_equal(read_colors(tmp_path / name), PAINTED)
    np.testing.assert_array_equal(read_mesh(tmp_path / name)[1], TRIANGLES)


def test_an_obj_may_count_colours_to_255(tmp_path: Path) -> None:
    file = tmp_path / "face.obj"
    write_coloured_obj(file, VERTICES, 255.0 * PAINTED)
    np.testing.assert_array_equal(read_colors(file), PAINTED)


def test_an_image_is_sampled_to_the_vertices(tmp_path: Path) -> None:
    write_pictured_obj(tmp_path / "face.obj", VERTICES, png(picture(512, 256)))
    found = read_colors(tmp_path / "face.obj")
    np.testing.assert_allclose(found, expected_of_picture(), atol=8)
    (tmp_path / "face.gltf").write_bytes(pictured_gltf(VERTICES, png(picture(512, 256))))
    np.testing.assert_allclose(read_colors(tmp_path / "face.gltf"), found, atol=1)


def test_a_large_image_is_averaged_and_not_picked() -> None:
    """A checkerboard of black and white is grey, whichever texel a vertex lies on."""
    board = np.zeros((256, 256, 3), np.uint8)
    board[::2, ::2] = board[1::2, 1::2] = 255
    light = sampled(board, np.random.default_rng(0).random((50, 2)), 50)
    np.testing.assert_allclose(light, 0.5, atol=0.01)


def test_a_corner_at_the_edge_does_not_wrap_to_the_other_side() -> None:
    light = sampled(picture(16, 16), np.array([[0.0, 0.0], [1.0, 1.0], [1.25, 0.5]]), 1000)
    assert light[0, 0] < 0.01
    assert light[1, 0] > 0.99
    assert light[1, 1] > 0.99
    assert light[2, 0] < 0.1  # beyond it, the image repeats


def test_baked_colours_are_sampled_back() -> None:
    uv = uv_of_grid()
    image = bake(PAINTED, TRIANGLES, uv, 256)
    assert image.shape == (256, 256, 3)
    back = texture.bytes_of_light(sampled(image, uv.uv, 10**6))
    assert apart(back, PAINTED) < 1.0
    # Beside the triangles the image goes on as it ends: no seam of another colour.
    edge = image[int(0.9 * 256) + 3, 128].astype(int) - image[int(0.9 * 256) - 3, 128]
    assert np.abs(edge).max() < 12


def test_a_uv_map_has_the_corners_of_the_triangles(tmp_path: Path) -> None:
    write_pictured_obj(tmp_path / "face.obj", VERTICES, png(picture()))
    found = read_uv(tmp_path / "face.obj")
    assert found is not None
    np.testing.assert_array_equal(found.corners, TRIANGLES)
    np.testing.assert_allclose(found.uv, uv_of_grid().uv)
    write_coloured_ply(tmp_path / "face.ply", VERTICES, PAINTED)
    assert read_uv(tmp_path / "face.ply") is None


def test_quads_and_their_places_are_cut_alike(tmp_path: Path) -> None:
    """A polygon is cut from its lowest vertex, wherever it begins in the file."""
    lines = ["v 0 0 0", "v 1 0 0", "v 1 1 0", "v 0 1 0", "vt 0 0", "vt 1 0", "vt 1 1", "vt 0 1"]
    (tmp_path / "quad.obj").write_text("\n".join([*lines, "f 3/3 4/4 1/1 2/2"]) + "\n")
    found = read_uv(tmp_path / "quad.obj")
    assert found is not None
    np.testing.assert_array_equal(found.corners, read_mesh(tmp_path / "quad.obj")[1])


def _plain(file: Path) -> None:
    write_coloured_ply(file, VERTICES, PAINTED)
    content = file.read_bytes().replace(b"uchar red", b"uchar odd")
    file.write_bytes(content)


def _some_coloured(file: Path) -> None:
    write_coloured_obj(file, VERTICES, PAINTED)
    lines = file.read_text().splitlines()
    lines[3] = " ".join(lines[3].split()[:4])
    file.write_text("\n".join(lines))


def _no_image(file: Path) -> None:
    write_pictured_obj(file, VERTICES, png(picture()))
    file.with_suffix(".png").unlink()


def _no_materials(file: Path) -> None:
    write_pictured_obj(file, VERTICES, png(picture()))
    file.with_suffix(".mtl").unlink()


def _cut_image(file: Path) -> None:
    write_pictured_obj(file, VERTICES, png(picture())[:90])


def _out_of_range(file: Path) -> None:
    write_coloured_obj(file, VERTICES, 300.0 * PAINTED)


def _elsewhere(file: Path) -> None:
    file.write_bytes(pictured_gltf(VERTICES, b"", "skin.png"))


def _bare_obj(file: Path) -> None:
    write_coloured_obj(file, VERTICES, PAINTED)
    lines = [line.split() for line in file.read_text().splitlines()]
    file.write_text("\n".join(" ".join(line[:4]) for line in lines))


def _bare_glb(file: Path) -> None:
    file.write_bytes(face_glb(VERTICES.astype(np.float32), TRIANGLES))


def _fewer(attribute: str) -> Callable[[Path], None]:
    """Return what writes a glTF of fewer colours, or places in its image, than vertices."""

    def write(file: Path) -> None:
        scene = json.loads(pictured_gltf(VERTICES, png(picture())))
        attributes = scene["meshes"][0]["primitives"][0]["attributes"]
        if attribute == "COLOR_0":
            attributes[attribute] = len(scene["accessors"])
            scene["accessors"].append({**scene["accessors"][0], "count": len(VERTICES) - 1})
        else:
            scene["accessors"][attributes[attribute]]["count"] -= 2
        file.write_text(json.dumps(scene))

    return write


def _damaged(file: Path) -> None:
    file.write_bytes(pictured_gltf(VERTICES, b"\x89PNG nothing"))


@pytest.mark.parametrize(
    ("name", "write", "words"),
    [
        ("a.ply", _plain, "has no colours of vertices"),
        ("a.stl", lambda file: file.write_bytes(b""), "has no colours: STL files hold none"),
        ("a.obj", lambda file: write_obj(file, VERTICES), "which cannot be read"),
        ("a.obj", _some_coloured, "has 1 vertices without a colour of three numbers"),
        ("a.obj", _out_of_range, "has colours out of range"),
        ("a.obj", _no_image, r"has an image, a\.png, that cannot be read: No such file"),
        ("a.obj", _no_materials, r"names the materials 'a\.mtl', which cannot be read"),
        ("a.obj", _cut_image, r"has an image that cannot be read .*a\.png"),
        ("a.gltf", _elsewhere, r"has an image in another file \('skin\.png'\)"),
        ("a.gltf", _damaged, "has an image that cannot be read"),
        ("a.obj", _bare_obj, "has no colours: neither of its vertices"),
        ("a.glb", _bare_glb, "has no colours: neither COLOR_0 of its vertices nor an image"),
        ("a.gltf", _fewer("COLOR_0"), "has 24 colours for 25 vertices"),
        ("a.gltf", _fewer("TEXCOORD_0"), "has 23 places in its image for 25 vertices"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    name: str, write: Callable[[Path], object], words: str, tmp_path: Path
) -> None:
    write(tmp_path / name)
    with pytest.raises(MeshError, match=words) as told:
        read_colors(tmp_path / name)
    assert "\n" not in str(told.value)


def test_an_image_too_large_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texture, "MAX_PIXELS", 1000)
    with pytest.raises(MeshError, match="has an image of 64 x 64 texels"):
        read_image(png(picture()))
