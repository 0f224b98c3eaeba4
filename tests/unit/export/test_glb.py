"""Blend shapes as glTF: what they are, and what other programs make of the file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lwpipe.cli.main import main
from lwpipe.core.errors import LwpipeError
from lwpipe.data.store import Dataset
from lwpipe.editing import KeepingEditor
from lwpipe.editing.settings import KEEPING
from lwpipe.export import Morphs, exchanges, principal_directions, write_glb
from lwpipe.export.names import part_names
from lwpipe.export.surface import vertex_normals
from lwpipe.mesh.gltf_file import FLOAT, UNSIGNED, GltfFile
from lwpipe.mesh.read import read_mesh
from lwpipe.model import load
from lwpipe.run.trained import find_trained
from tests.helpers import programs
from tests.unit.editing.test_keeping import MODEL, WEIGHTS
from tests.unit.export.conftest import mirrored
from tests.unit.model.test_base import FACES

HELPERS = Path(programs.__file__).parent


def opened(file: Path) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray], GltfFile]:
    """Return face, triangles and blend shapes by name, in the units of the file."""
    glb = GltfFile.from_glb(file.read_bytes())
    (mesh,) = glb.header["meshes"]
    (primitive,) = mesh["primitives"]

    def vectors(index: int) -> np.ndarray:
        return glb.accessor(index, "positions", "VEC3", FLOAT)

    shapes = [vectors(target["POSITION"]) for target in primitive.get("targets", [])]
    triangles = glb.accessor(primitive["indices"], "indices", "SCALAR", UNSIGNED).reshape(-1, 3)
    names = mesh.get("extras", {}).get("targetNames", [])
    face = vectors(primitive["attributes"]["POSITION"])
    return face, triangles, dict(zip(names, shapes, strict=True)), glb


def test_the_file_holds_face_triangles_and_named_shapes(morphs: Morphs, tmp_path: Path) -> None:
    write_glb(morphs, tmp_path / "a.glb")
    face, triangles, shapes, glb = opened(tmp_path / "a.glb")
    np.testing.assert_allclose(1000 * face, morphs.face, atol=1e-4)
    np.testing.assert_array_equal(triangles, morphs.triangles)
    assert list(shapes) == list(morphs.names)
    for name, shape in zip(morphs.names, morphs.shapes, strict=True):
        np.testing.assert_allclose(1000 * shapes[name], shape, atol=1e-4)
    primitive = glb.header["meshes"][0]["primitives"][0]
    normal = glb.accessor(primitive["attributes"]["NORMAL"], "normals", "VEC3", FLOAT)
    for target, shape in zip(primitive["targets"], morphs.shapes, strict=True):
        turned = normal + glb.accessor(target["NORMAL"], "normals", "VEC3", FLOAT)
        expected = vertex_normals(morphs.face + shape, morphs.triangles)
        np.testing.assert_allclose(turned, expected, atol=1e-5)
    mesh, faces = read_mesh(tmp_path / "a.glb")
    np.testing.assert_allclose(mesh, face, atol=1e-7)
    np.testing.assert_array_equal(faces, morphs.triangles)


def test_equal_models_give_equal_bytes(run: Path, tmp_path: Path) -> None:
    for name in "ab":
        assert main(["export", "glb", str(run), "--output", str(tmp_path / f"{name}.glb")]) == 0
    assert (tmp_path / "a.glb").read_bytes() == (tmp_path / "b.glb").read_bytes()


def test_a_direction_moves_its_part_alone(morphs: Morphs) -> None:
    assert len(morphs.names) == len(set(morphs.names)) == 3 * 3 * 2
    for part, shape in zip(morphs.parts, morphs.shapes, strict=True):
        length = np.linalg.norm(shape, axis=1)
        assert length[WEIGHTS[:, part] == 0].max() == 0
        assert length.max() > 0.1
    # A part is called after the region that it is; the others by their number.
    assert morphs.part_names == ("part 0", "nose", "part 2")
    assert morphs.names[5:8] == ("part 0 direction 3 -", "nose 1 +", "nose 1 -")


def test_directions_are_the_principal_components_of_what_moves(
    data: Dataset, morphs: Morphs
) -> None:
    """Their coefficients over the training faces have the deviation that is said, in order."""
    parts = MODEL.parts(MODEL.encode(FACES[:24]))
    own = MODEL.parts(MODEL.encode(data.template[None]))
    column = np.minimum(WEIGHTS[:, 1, None] / np.float32(0.1), 1)
    changed = np.repeat(own, 24, axis=0)
    changed[:, 1] = parts[:, 1]
    fields = (column * (MODEL.decode(changed) - MODEL.decode(own))).reshape(24, -1)
    fields -= fields.mean(axis=0)
    deviations = np.linalg.svd(fields, compute_uv=False) / np.sqrt(24)
    moved = np.stack([s for s, k in zip(morphs.shapes, morphs.parts, strict=True) if k == 1])
    lengths = np.linalg.norm(moved.reshape(len(moved), -1), axis=1)
    # The network bends: it is the components but for some of it.
    np.testing.assert_allclose(lengths[::2], 2 * deviations[:3], rtol=0.2)
    assert (np.diff(lengths[::2]) < 0).all()
    forth, back = moved[0].reshape(-1), moved[1].reshape(-1)
    assert forth @ back / np.linalg.norm(forth) / np.linalg.norm(back) < -0.9


def test_more_sigmas_move_more(data: Dataset, morphs: Morphs) -> None:
    half = principal_directions(MODEL, data, MODEL.triangles, 1, 1.0)
    assert len(half.names) == 6
    ratio = np.abs(morphs.shapes[6]).max() / np.abs(half.shapes[2]).max()
    assert 1.6 < ratio < 2.4


def test_steps_to_a_target_are_the_edits(data: Dataset) -> None:
    morphs = exchanges(MODEL, data, MODEL.triangles, "f25", "f03", 2)
    np.testing.assert_array_equal(morphs.face, FACES[25])
    assert morphs.names[:3] == ("part 0 of f03 1/2", "part 0 of f03", "nose of f03 1/2")
    editor = KeepingEditor(MODEL, WEIGHTS, KEEPING)
    for part, alpha, shape in zip(morphs.parts, [0.5, 1.0] * 3, morphs.shapes, strict=True):
        edited = editor.edit(FACES[25:26], FACES[3:4], part, alpha)[0]
        np.testing.assert_allclose(morphs.face + shape, edited, atol=1e-4)
        assert np.abs(shape)[WEIGHTS[:, part] == 0].max() == 0


def test_a_model_of_one_part_moves_the_whole_face(run: Path, tmp_path: Path) -> None:
    words = ["export", "glb", str(run), "--variant", "whole", "--directions", "2"]
    assert main([*words, "--output", str(tmp_path / "a.glb")]) == 0
    assert list(opened(tmp_path / "a.glb")[2]) == ["face 1 +", "face 1 -", "face 2 +", "face 2 -"]


def test_parts_without_places_are_called_by_their_numbers(run: Path, data: Dataset) -> None:
    model = load(find_trained(run, "placeless")[0])
    for morphs in (
        principal_directions(model, data, model.triangles, 1),
        exchanges(model, data, model.triangles, "f01", "f02"),
    ):
        assert morphs.part_names == ("part 0", "part 1", "part 2")
        assert morphs.weights.shape == (model.vertex_count, 1)
        assert all(np.abs(shape).max() > 0.1 for shape in morphs.shapes)


def test_names_of_parts() -> None:
    weights = np.eye(3)
    nose, ear = (np.asarray(row, np.float32) for row in ([0, 1, 0], [1, 1, 1]))
    regions = {"nose_width": nose, "nose_length": nose, "ear_size": ear}
    assert part_names(weights, regions) == ("part 0", "nose", "part 2")
    assert part_names(weights) == ("part 0", "part 1", "part 2")
    # No two parts get one name.
    assert part_names(np.ones((3, 2)), {"ear_size": ear}) == ("ear", "part 1")
    assert part_names(np.ones((3, 1)), {"ear_size": ear}) == ("face",)


def test_normals_of_what_has_no_surface_look_ahead() -> None:
    points = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 5, 5], [0, 0, 9]]
    normals = vertex_normals(points, np.array([[0, 2, 1], [3, 3, 3]]))
    expected = [[0, 0, -1]] * 3 + [[0, 0, 1]] * 2
    np.testing.assert_array_equal(normals, np.asarray(expected, np.float32))


@programs.needs_node("gltf-validator")
@pytest.mark.parametrize("kind", ["directions", "steps"])
def test_khronos_finds_nothing_to_say(
    kind: str, data: Dataset, morphs: Morphs, tmp_path: Path
) -> None:
    if kind == "steps":
        morphs = exchanges(MODEL, data, MODEL.triangles, "f25", "f03")
    write_glb(morphs, tmp_path / "a.glb")
    report = programs.run_node("validate.mjs", tmp_path / "a.glb")
    assert report["issues"]["messages"] == []
    assert report["info"]["hasMorphTargets"]
    assert report["info"]["totalVertexCount"] == MODEL.vertex_count


@programs.needs_node("three")
def test_three_js_loads_the_shapes(morphs: Morphs, tmp_path: Path) -> None:
    write_glb(morphs, tmp_path / "a.glb")
    found = programs.run_node("three.mjs", tmp_path / "a.glb")
    assert found["relative"]
    base = 1000 * np.array(found["base"]).reshape(-1, 3)
    np.testing.assert_allclose(base, morphs.face, atol=0.01)
    assert tuple(name for name, _ in found["shapes"]) == morphs.names
    for (_, points), shape in zip(found["shapes"], morphs.shapes, strict=True):
        moved = 1000 * np.array(points).reshape(-1, 3)
        np.testing.assert_allclose(moved, morphs.face + shape, atol=0.01)


@programs.needs_blender
def test_blender_imports_the_shapes(morphs: Morphs, tmp_path: Path) -> None:
    write_glb(morphs, tmp_path / "a.glb")
    programs.run_blender(HELPERS / "blender_shapes.py", tmp_path / "a.glb", tmp_path / "a.json")
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["name"] == "mean face"
    assert list(found["keys"]) == ["Basis", *morphs.names]
    np.testing.assert_allclose(1000 * mirrored(np.array(found["vertices"])), morphs.face, atol=0.01)
    for name, shape in zip(morphs.names, morphs.shapes, strict=True):
        points = 1000 * mirrored(np.array(found["keys"][name]))
        np.testing.assert_allclose(points, morphs.face + shape, atol=0.01)
    assert {tuple(sorted(each)) for each in found["polygons"]} == {
        tuple(sorted(each)) for each in morphs.triangles.tolist()
    }


def test_what_is_wrong_is_said_in_a_sentence(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    out = ["--output", str(tmp_path / "a.glb")]
    here = ["export", "glb", str(run)]
    wrong = {
        "has no trained variant 'outer': it has on_pca, placeless, whole.": [
            *here,
            "--variant",
            "outer",
            *out,
        ],
        "has no data set beside its models.": ["export", "glb", str(tmp_path), *out],
        "cannot be written:": [*here, "--output", str(tmp_path / "file" / "a.glb")],
        "has no face with the id 'x'.": [*here, "--source", "x", "--target", "f01", *out],
        "--source and --target: give both": [*here, "--source", "f01", *out],
        "--directions 0: must lie between 1 and 64.": [*here, "--directions", "0", *out],
        "--steps 65: must lie between": [*here, "--steps", "65", *out],
        "--sigmas nan: must be above 0": [*here, "--sigmas", "nan", *out],
    }
    for sentence, words in wrong.items():
        assert main(words) == 1
        said = capsys.readouterr().err
        assert sentence in said
        assert said.count("\n") == 1
    assert not (tmp_path / "a.glb").exists()


def test_a_model_of_other_faces_is_refused(data: Dataset) -> None:
    others = replace(data, vertices=data.vertices[:, 1:])
    for make in (principal_directions, lambda *a: exchanges(*a, "f01", "f02")):
        with pytest.raises(LwpipeError, match="255 vertices, the model 256: it was trained on"):
            make(MODEL, others, MODEL.triangles)


def test_a_data_set_of_its_own_is_found(run: Path, tmp_path: Path) -> None:
    root = tmp_path / "run"
    (root / "variants/v/training").mkdir(parents=True)
    (root / "variants/v/training/model.json").write_text("{}")
    assert find_trained(root, "v")[1] is None
    for folder in (root / "data", root / "variants/v/data"):
        folder.mkdir()
        (folder / "dataset.json").write_text("{}")
        assert find_trained(root, "v")[1] == folder
    assert load(find_trained(run, "on_pca")[0]).part_count == 3
