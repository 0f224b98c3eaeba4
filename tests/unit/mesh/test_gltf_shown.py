"""A glTF is read as it is shown: blend shapes, skins, shared vertices, mirrored nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lwpipe.mesh.faults import MeshError
from tests.helpers.gltf_scene import CORNERS, POINTS, Scene, skinned, smile


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize(
    ("of_mesh", "of_node", "moved"),
    [
        (None, None, (0, 0)),
        ([0.5, 9, 0.25], None, (0.5, 1)),
        (None, [1, 0, 0], (1, 0)),
        # The node's weights stand for the mesh's.
        ([1, 1, 1], [0, 0, 0.5], (0, 2)),
    ],
)
def test_blend_shapes_by_their_weights(
    scene: Scene, of_mesh: object, of_node: object, moved: tuple[float, float]
) -> None:
    smile(scene)
    if of_mesh:
        scene.header["meshes"][0]["weights"] = of_mesh
    if of_node:
        scene.header["nodes"][0]["weights"] = of_node
    expected = POINTS.copy()
    expected[0, 1] += moved[0]
    expected[3, 0] += moved[1]
    np.testing.assert_allclose(scene.read()[0], expected)


def test_blend_shapes_come_before_the_node(scene: Scene) -> None:
    smile(scene)
    scene.header["nodes"][0] |= {"weights": [1, 0, 0], "scale": [10, 10, 10]}
    assert scene.read()[0][0].tolist() == [0, 10, 0]


def test_sparse_accessors(scene: Scene) -> None:
    # As Blender writes blend shapes: nothing but what differs from zero.
    rows, values = np.array([2], np.uint16), np.array([[0, 0, 3]], np.float32)
    scene.primitive["targets"] = [{"POSITION": scene.sparse(4, rows, values)}]
    scene.header["nodes"][0]["weights"] = [2]
    expected = POINTS.copy()
    expected[2, 2] = 6
    np.testing.assert_allclose(scene.read()[0], expected)
    over = scene.sparse(4, rows, values, bufferView=scene.header["accessors"][0]["bufferView"])
    scene.primitive["attributes"]["POSITION"] = over
    expected[2] = [0, 0, 3 + 6]
    np.testing.assert_allclose(scene.read()[0], expected)


@pytest.mark.parametrize(
    ("weights", "fault"),
    [
        ([1], "weights of blend shapes that is not 3 finite numbers"),
        ([1, "a", 0], "not 3 numbers"),
        ([1, None, 0], "not 3 (finite )?numbers"),
        ({}, "not 3 (finite )?numbers"),
    ],
)
def test_weights_that_do_not_fit(scene: Scene, weights: object, fault: str) -> None:
    smile(scene)
    scene.header["nodes"][0]["weights"] = weights
    with pytest.raises(MeshError, match=fault):
        scene.read()


def test_a_blend_shape_of_another_size(scene: Scene) -> None:
    scene.primitive["targets"] = [{"POSITION": scene.add(POINTS[:3])}]
    scene.header["nodes"][0]["weights"] = [1]
    with pytest.raises(MeshError, match="blend shape of 3 vertices on a mesh of 4"):
        scene.read()


def test_sparse_entries_that_announce_too_much(scene: Scene) -> None:
    rows, values = np.array([2], np.uint16), np.array([[0, 0, 3]], np.float32)
    scene.primitive["attributes"]["POSITION"] = scene.sparse(10**12, rows, values)
    with pytest.raises(MeshError, match="1000000000000 entries, more than the file"):
        scene.read()
    scene.primitive["attributes"]["POSITION"] = scene.sparse(2, rows, values)
    with pytest.raises(MeshError, match="sparse index beyond its 2 entries"):
        scene.read()


@pytest.mark.parametrize("kind", ["f4", "u1", "u2"])
def test_a_skin_is_applied_and_its_node_has_no_say(scene: Scene, kind: str) -> None:
    skinned(scene, kind)
    vertices, triangles = scene.read()
    np.testing.assert_allclose(
        vertices,
        [[0, 0, 0], [2, 1, 0], [0, 2, 0], [2, 2.5, 0]],
        atol=0.01 if kind == "u1" else 1e-4,
    )
    np.testing.assert_array_equal(triangles, CORNERS.reshape(-1, 3))


def test_a_skin_without_bind_matrices(scene: Scene) -> None:
    skinned(scene)
    del scene.header["skins"][0]["inverseBindMatrices"]
    np.testing.assert_allclose(scene.read()[0][1], [4, 1, 0])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda s: s.header["skins"][0].update(joints=[1, 7]), "entry 7 of 'nodes'"),
        (lambda s: s.header["skins"][0].update(joints=[1]), "vertex of joint 1, but 1 joints"),
        (lambda s: s.header["scenes"][0].update(nodes=[0]), "joints are not in its scene"),
        (lambda s: s.header["nodes"][0].update(skin=3), "entry 3 of 'skins'"),
        (lambda s: s.primitive["attributes"].pop("JOINTS_0"), "leaves vertices to no joint"),
        (lambda s: s.primitive["attributes"].pop("WEIGHTS_0"), "entry None of 'accessors'"),
        (lambda s: s.header["skins"][0].update(inverseBindMatrices=0), "bind matrices cannot"),
    ],
)
def test_skins_that_do_not_fit(scene: Scene, change: Any, fault: str) -> None:
    skinned(scene)
    change(scene)
    with pytest.raises(MeshError, match=fault):
        scene.read()


def test_primitives_on_one_accessor_share_their_vertices(scene: Scene) -> None:
    second = {**scene.primitive, "indices": scene.add(np.array([0, 3, 1], np.uint16))}
    scene.header["meshes"][0]["primitives"].append(second)
    vertices, triangles = scene.read()
    np.testing.assert_array_equal(vertices, POINTS)
    np.testing.assert_array_equal(triangles, [[0, 1, 2], [1, 3, 2], [0, 3, 1]])
    # Another node shows them again, elsewhere.
    scene.header["nodes"].append({"mesh": 0, "translation": [0, 0, 1]})
    scene.header["scenes"][0]["nodes"] = [0, 1]
    vertices, triangles = scene.read()
    np.testing.assert_array_equal(vertices, np.concatenate([POINTS, POINTS + np.array([0, 0, 1])]))
    np.testing.assert_array_equal(triangles[3:], triangles[:3] + 4)


@pytest.mark.parametrize(("scale", "turned"), [([-1, 1, 1], True), ([-1, -1, 1], False)])
def test_a_mirrored_node_turns_its_triangles(
    scene: Scene, scale: list[float], turned: bool
) -> None:
    scene.header["nodes"][0]["scale"] = scale
    vertices, triangles = scene.read()
    np.testing.assert_array_equal(vertices, POINTS * scale)
    expected = CORNERS.reshape(-1, 3)
    np.testing.assert_array_equal(triangles, expected[:, [0, 2, 1]] if turned else expected)
