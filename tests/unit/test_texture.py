"""Faces with colours from the network to the exports: one small model, trained once."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import get_args
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn.functional import l1_loss

import lwpipe
from lwpipe.cli.main import main
from lwpipe.core.color import delta_e_76, delta_e_2000, srgb_of_lab
from lwpipe.core.errors import LwpipeError
from lwpipe.data.settings import DataSettings
from lwpipe.data.signals import COLOR, POSITION, colors_of, joined, positions
from lwpipe.data.store import Dataset
from lwpipe.editing import ChannelEditor, EditingSettings, Pca, edit_part, make_editor
from lwpipe.editing.settings import KEEPING, Texture
from lwpipe.editor.session import Session
from lwpipe.evaluation.detection import measure_detection, measure_detection_of_baselines
from lwpipe.evaluation.diversity import measure_diversity
from lwpipe.evaluation.evaluate import evaluate_baselines, evaluate_model
from lwpipe.evaluation.fresh import draw_fresh_faces
from lwpipe.evaluation.inputs import editor_of, open_model
from lwpipe.evaluation.interpolation import interpolate, read_interpolations
from lwpipe.evaluation.measures.color import color_distances
from lwpipe.evaluation.samples import fit_model_prior
from lwpipe.evaluation.settings import (
    DetectionSettings,
    DiversitySettings,
    EvaluationSettings,
    FreshSettings,
    InterpolationSettings,
)
from lwpipe.export import exchanges, principal_directions
from lwpipe.export.glb import write_glb
from lwpipe.export.textured import write_face
from lwpipe.figures.render import FaceRenderer
from lwpipe.mesh.ply_file import read_ply_colors
from lwpipe.mesh.read import read_mesh
from lwpipe.mesh.read_colors import read_colors
from lwpipe.mesh.texture import UvMap
from lwpipe.model.part_model import channel_units, standardisation
from lwpipe.model.settings import LatentSettings
from lwpipe.run.trained import find_trained
from lwpipe.sampling import sample, sample_part
from lwpipe.sampling.settings import PriorSettings
from lwpipe.studio.files import FORMATS
from lwpipe.studio.studio import Studio
from lwpipe.training.objective import distance
from tests.helpers.training_inputs import MODEL, SHORT, make_inputs, run

ON_PCA = MODEL.model_copy(update={"base": "pca"})
QUIET = SHORT.model_copy(
    update={"learning_rate": 1e-4, "cycle_weight": 0.0, "blend_weight": 0.5, "epochs": 2}
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_inputs(tmp_path_factory.mktemp("results") / "small", colors=True)
    training = folder / "variants" / "on_pca" / "training"
    run(folder, training, folder / "checkpoints", training=QUIET, model=ON_PCA)
    return folder


@pytest.fixture(scope="module")
def data(inputs: Path) -> Dataset:
    return Dataset.open(inputs / "data")


@pytest.fixture(scope="module")
def model(inputs: Path) -> lwpipe.PartModel:
    return lwpipe.load(inputs / "variants" / "on_pca" / "training")


@pytest.fixture(scope="module")
def faces(data: Dataset) -> np.ndarray:
    return np.asarray(data.signals[data.indices("test")])


@pytest.fixture(scope="module")
def editor(inputs: Path) -> lwpipe.Editor:
    return lwpipe.Editor(lwpipe.load(inputs / "variants" / "on_pca" / "training"),
                         Dataset.open(inputs / "data"))  # fmt: skip


# The network


def test_the_network_has_six_channels(model: lwpipe.PartModel, faces: np.ndarray) -> None:
    assert model.channels == 6
    assert model.network.encoder[0].weight.shape[1] == 6
    assert model.network.last.weight.shape[2] == 6
    again = model.reconstruct(faces)
    assert again.shape == faces.shape
    with pytest.raises(ValueError, match=r"expected \(n, \d+, 6\)"):
        model.encode(faces[..., :3])


def test_it_begins_as_principal_components_of_shape_and_colour(
    data: Dataset, model: lwpipe.PartModel, faces: np.ndarray
) -> None:
    """Two quiet epochs move it little from the base, which is what was fitted."""
    train = data.indices("train")
    scale = standardisation(data.signals, train, "scalar")[1]
    units = channel_units(scale)
    assert units is not None
    pca = Pca.fit(data.signals, train, ON_PCA.latent_size, units=units)
    np.testing.assert_allclose(model.components.basis, pca.basis, atol=1e-5)
    again, expected = model.reconstruct(faces), pca.project(faces)
    assert np.abs(again - expected)[..., :3].mean() < 0.2
    assert delta_e_76(again[..., COLOR], expected[..., COLOR]).mean() < 1.0
    # A colour counts as a position does: both vary alike in the units of the base.
    varied = (np.asarray(data.signals[train]) - data.signals[train].mean(axis=0)) * units
    ratio = varied[..., COLOR].std() / varied[..., POSITION].std()
    assert ratio == pytest.approx(1.0, abs=1e-3)


def test_what_is_written_is_read_again(
    inputs: Path, model: lwpipe.PartModel, faces: np.ndarray
) -> None:
    about = json.loads((inputs / "variants/on_pca/training/model.json").read_text())
    assert about["colors"] == "L*a*b*, D65"
    again = lwpipe.load(inputs / "variants" / "on_pca" / "training")
    np.testing.assert_array_equal(again.reconstruct(faces), model.reconstruct(faces))


@pytest.mark.parametrize("standardise", ["scalar", "vertex"])
def test_standardised_channels_have_unit_variance(data: Dataset, standardise: str) -> None:
    rows = data.indices("train")
    mean, scale = standardisation(data.signals, rows, standardise)
    assert scale.shape == ((1, 6) if standardise == "scalar" else (len(mean), 6))
    x = (np.asarray(data.signals[rows]) - mean) / scale
    for group in (POSITION, COLOR):
        assert np.sqrt(np.square(x[..., group]).mean()) == pytest.approx(1.0, abs=0.05)


def test_colours_count_by_their_weight(faces: np.ndarray) -> None:
    x, y = torch.from_numpy(faces), torch.from_numpy(faces[::-1].copy())
    plain = l1_loss(y[..., :3], x[..., :3])
    assert distance(y[..., :3], x[..., :3], 9.0) == plain
    assert distance(y, x, 0.0) == pytest.approx(plain.item(), rel=1e-5)
    both = plain + 2 * l1_loss(y[..., 3:], x[..., 3:])
    assert distance(y, x, 2.0).item() == pytest.approx(both.item(), rel=1e-5)


def test_a_model_with_colours_needs_some(data: Dataset, model: lwpipe.PartModel) -> None:
    plain = replace(data, colors=None)
    with pytest.raises(LwpipeError, match="the faces have no colours, and the model"):
        open_model(model, plain)
    with pytest.raises(LwpipeError, match="the faces have no colours"):
        lwpipe.Editor(model, plain).face("synthetic_00000")


# Edits


@pytest.mark.parametrize("texture", ["follow", "match", "keep"])
def test_alpha_0_is_the_source_and_nothing_moves_outside(
    texture: str, model: lwpipe.PartModel, faces: np.ndarray
) -> None:
    editing = KEEPING.model_copy(update={"texture": texture})
    source, target = faces[:2], faces[2:4]
    same = edit_part(model, source, target, 1, 0.0, editing)
    np.testing.assert_array_equal(same, source)
    edited = edit_part(model, source, target, 1, 1.0, editing)
    outside = model.weights[:, 1] == 0
    assert outside.any()
    np.testing.assert_array_equal(edited[:, outside], source[:, outside])
    np.testing.assert_array_equal(colors_of(edited)[:, outside], colors_of(source)[:, outside])


def test_a_part_takes_its_skin_along_or_not(model: lwpipe.PartModel, faces: np.ndarray) -> None:
    source, target = faces[0], faces[1]
    inside = np.argsort(model.weights[:, 2])[-40:]
    made = {
        texture: edit_part(model, source, target, 2, 1.0,
                           KEEPING.model_copy(update={"texture": texture}))
        for texture in ("follow", "match", "keep")
    }  # fmt: skip
    np.testing.assert_array_equal(made["follow"][:, :3], made["keep"][:, :3])
    np.testing.assert_array_equal(made["follow"][:, :3], made["match"][:, :3])
    np.testing.assert_array_equal(made["keep"][:, 3:], source[:, 3:])
    to_target = delta_e_2000(made["follow"][inside, 3:], target[inside, 3:]).mean()
    assert to_target < 0.5 * delta_e_2000(source[inside, 3:], target[inside, 3:]).mean()


def test_borders_are_blended_by_the_local_weights(
    model: lwpipe.PartModel, faces: np.ndarray
) -> None:
    """With the residual, and the base alone, a colour is the blend of both by its weight."""
    source, target = faces[0], faces[1]
    column = model.weights[:, 1, None]
    edited = edit_part(model, source, target, 1, 1.0, KEEPING)
    expected = source[:, 3:] + column * (target[:, 3:] - source[:, 3:])
    apart = np.abs(edited[:, 3:] - expected)
    assert apart.mean() < 0.05 * np.abs(target[:, 3:] - source[:, 3:]).mean()


def test_matched_colours_meet_the_source_at_the_border(
    model: lwpipe.PartModel, faces: np.ndarray
) -> None:
    """A target that is the source but darker everywhere has nothing to bring."""
    source = faces[0]
    darker = source.copy()
    darker[:, 3] -= 15
    editing = KEEPING.model_copy(update={"texture": "match"})
    edited = edit_part(model, source, darker, 1, 1.0, editing)
    assert np.abs(edited[:, 3:] - source[:, 3:]).max() < 0.05
    plain = edit_part(model, source, darker, 1, 1.0, KEEPING)
    assert np.abs(plain[:, 3] - source[:, 3]).max() > 10


@pytest.mark.parametrize("texture", ["match", "keep"])
def test_the_edit_of_the_paper_keeps_skin_too(
    texture: str, editor: lwpipe.Editor, model: lwpipe.PartModel, faces: np.ndarray
) -> None:
    parts = {1: (faces[1], 1.0)}
    plain = editor.edit(faces[0], parts, plain=True)
    kept = editor.edit(faces[0], parts, plain=True, texture=texture)
    np.testing.assert_array_equal(plain[:, :3], kept[:, :3])
    assert np.abs(plain[:, 3:] - kept[:, 3:]).max() > 1
    if texture == "keep":
        own = model.reconstruct(faces[:1])[0]
        np.testing.assert_allclose(kept[:, 3:], own[:, 3:], atol=2e-2)


def test_an_editor_of_channels_shows_some_of_them(
    model: lwpipe.PartModel, faces: np.ndarray
) -> None:
    whole = make_editor(model, model.weights, KEEPING)
    expected = whole.edit(faces[:2], faces[2:4], 1, 1.0)
    for channels in (POSITION, COLOR):
        seen = editor_of(model, model.weights, KEEPING, channels)
        assert isinstance(seen, ChannelEditor)
        np.testing.assert_array_equal(
            seen.edit(faces[:2], faces[2:4], 1, 1.0), expected[..., channels]
        )
    shape = editor_of(model, model.weights, KEEPING)
    assert shape.edit(faces[:2, :, :3], faces[2:4, :, :3], 1, 1.0).shape == faces[:2, :, :3].shape


def test_handles_and_measures_leave_colours_alone(editor: lwpipe.Editor, faces: np.ndarray) -> None:
    part = int(editor.weights[100].argmax())
    goal = faces[0, 100, :3] + [0, 3, 3]
    pulled = editor.drag(faces[0], {100: goal}, part)
    np.testing.assert_allclose(pulled[100, :3], goal, atol=0.5)
    np.testing.assert_array_equal(pulled[:, 3:], faces[0, :, 3:])
    session = editor.session(Session(source="own", faces={"own": pulled}))
    again = editor.reopen(session)
    np.testing.assert_array_equal(editor.vertices(again), pulled)


def test_sessions_say_what_becomes_of_the_skin(editor: lwpipe.Editor, data: Dataset) -> None:
    source, target = (str(data.faces["id"][row]) for row in data.indices("test")[:2])
    own = editor.face(source)
    for texture in get_args(Texture):
        session = Session(source, parts={1: (target, 1.0)}, texture=texture)
        value = json.loads(json.dumps(editor.session(session)))
        made = editor.vertices(editor.reopen(value))
        expected = editor.edit(own, {1: (target, 1.0)}, texture=texture)
        np.testing.assert_array_equal(made, expected)
        assert (texture == "keep") == np.array_equal(made[:, 3:], own[:, 3:])
    for wrong in ("both", None, ["keep"]):
        with pytest.raises(LwpipeError, match=r"`texture` is .* none of follow, match, keep"):
            editor.reopen({**value, "texture": wrong})


def test_the_studio_shows_skin_and_asks_what_becomes_of_it(
    editor: lwpipe.Editor, data: Dataset
) -> None:
    names = [str(data.faces["id"][row]) for row in data.indices("test")[:2]]
    with Studio(editor, port=18340) as studio:
        assert studio.page.wait()
        bench = studio.bench
        studio.page.later("face", lambda: bench.set("face", source=names[0]))
        studio.page.later("take", lambda: bench.take(1, names[1], 1.0))
        assert studio.page.wait()
        skin = studio.page.bound["texture"].handle
        follows = bench.face.copy()
        skin._impl.value = "stays"
        asyncio.run(skin._impl.update_cb[0](SimpleNamespace(client_id=4, target=skin)))
        assert studio.page.wait()
        assert bench.session.texture == "keep"
        assert not np.array_equal(bench.face, follows)
        np.testing.assert_array_equal(bench.face[:, 3:], bench.source[:, 3:])
        studio.page.later("undo", bench.undo)
        assert studio.page.wait()
        assert (bench.session.texture, skin.value) == ("follow", "comes along")
        client = SimpleNamespace(scene=Mock(get_handle_by_name=Mock(return_value=None)))
        studio.page.scene.point_out(client, bench.face[:, :3], editor.weights, 1)
        assert client.scene.add_mesh_simple.called


def test_a_face_without_colours_is_refused(
    editor: lwpipe.Editor, data: Dataset, faces: np.ndarray, tmp_path: Path
) -> None:
    with pytest.raises(LwpipeError, match="the source: has no colours"):
        editor.edit(faces[0, :, :3], {})
    write_face(tmp_path / "plain.ply", faces[0, :, :3], data.triangles)
    with pytest.raises(LwpipeError, match=r"plain\.ply: has no colours of vertices"):
        editor.face(str(tmp_path / "plain.ply"))
    write_face(tmp_path / "face.ply", faces[0], data.triangles)
    np.testing.assert_array_equal(editor.face(str(tmp_path / "face.ply")), faces[0])


# Measures


def test_colour_distances_are_those_of_the_formulas(data: Dataset) -> None:
    rows = data.indices("test")
    lab = np.asarray(data.lab[rows])
    found, plain = color_distances(lambda some: some + np.float32(1), data.lab, rows)
    np.testing.assert_allclose(found, delta_e_2000(lab, lab + 1), rtol=1e-5)
    np.testing.assert_allclose(plain, np.sqrt(3), rtol=1e-4)


def test_reconstruction_is_measured_in_delta_e_beside_components(
    data: Dataset, model: lwpipe.PartModel, faces: np.ndarray, tmp_path: Path
) -> None:
    settings = EvaluationSettings(pairs=3, composites=6, components=6)
    weights = model.weights
    found = evaluate_model(
        data, weights, model, tmp_path / "m.json", tmp_path / "p.csv", settings,
        KEEPING,
    )  # fmt: skip
    again = model.reconstruct(faces)
    error = delta_e_2000(again[..., COLOR], faces[..., COLOR]).mean()
    assert found["color"]["mean"] == pytest.approx(error, rel=1e-4)
    apart = np.linalg.norm(again[..., :3] - faces[..., :3], axis=2).mean()
    assert found["reconstruction"]["mean"] == pytest.approx(apart, rel=1e-4)
    assert found["color"]["leak_mean"] < 0.1
    assert found["color"]["r_min"] > 0.3
    rivals = evaluate_baselines(
        data, weights, tmp_path / "b.json", tmp_path / "b.csv", settings,
        LatentSettings(latent_size=8),
    )  # fmt: skip
    pca = Pca.fit(data.lab, data.indices("train"), 8)
    own = delta_e_2000(pca.project(faces[..., COLOR]), faces[..., COLOR]).mean()
    assert rivals["pca"]["color"]["mean"] == pytest.approx(own, rel=1e-4)
    assert "color" not in rivals["mask_blend"]


@pytest.fixture(scope="module")
def fresh(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("fresh") / "faces.npz"
    settings = DataSettings.model_validate(
        {"faces": 40, "colors": True, "synthetic": {"vertices": 1500}}
    )
    made = draw_fresh_faces(data, file, settings, FreshSettings(faces=16))
    assert made.sources.shape == (16, *data.template.shape[:1], 6)
    return file


def test_the_colours_of_edits_are_tested_beside_their_shapes(
    data: Dataset, model: lwpipe.PartModel, fresh: Path, tmp_path: Path
) -> None:
    settings = DetectionSettings(faces=16, folds=2, permutations=5)
    measure_detection(
        data, model.weights, model, fresh, tmp_path / "t.csv", tmp_path / "e.csv", settings, KEEPING
    )
    tests = pd.read_csv(tmp_path / "t.csv")
    shapes = tests[tests["edit"] == "model"]
    painted = tests[tests["edit"] == "model_colors"]
    assert len(shapes) == len(painted) > 0
    edits = pd.read_csv(tmp_path / "e.csv").set_index(["edit", "part"])
    # The part brings its colours, and they stay where it is.
    assert edits.loc[("model_colors", "1"), "likeness"] > 0.5
    assert edits.loc[("model_colors", "1"), "leak"] < 0.1
    kept = EditingSettings(residual=True, keep=1.0, texture="keep")
    measure_detection(
        data, model.weights, model, fresh, tmp_path / "t.csv", tmp_path / "e.csv", settings, kept
    )
    edits = pd.read_csv(tmp_path / "e.csv").set_index(["edit", "part"])
    assert edits.loc[("model_colors", "1"), "likeness"] == pytest.approx(0.0, abs=1e-6)
    measure_detection_of_baselines(
        data, model.weights, fresh, tmp_path / "t.csv", tmp_path / "e.csv", settings,
        LatentSettings(latent_size=8),
    )  # fmt: skip
    assert "mask_blend_colors" in set(pd.read_csv(tmp_path / "e.csv")["edit"])


def test_interpolations_and_spreads_take_colours(
    data: Dataset, model: lwpipe.PartModel, tmp_path: Path
) -> None:
    interpolate(data, model.weights, model, tmp_path, InterpolationSettings(steps=2, meshes=True))
    (result,) = read_interpolations(tmp_path / "interpolation.npz", data)
    assert result.faces.shape[-1] == 6
    colors, _ = read_ply_colors(tmp_path / "meshes" / "pair_00_part_1_step_1.ply")
    np.testing.assert_array_equal(colors, colors_of(result.faces[1, 1]))
    settings = DiversitySettings(sources=1, targets=2, samples=4, perplexity=2.0)
    assert measure_diversity(data, model, tmp_path / "p.csv", tmp_path / "d.csv", settings)


def test_samples_have_colours(
    data: Dataset, model: lwpipe.PartModel, faces: np.ndarray, tmp_path: Path
) -> None:
    prior = fit_model_prior(data, model, tmp_path / "prior.npz", PriorSettings(prior="gaussian"))
    drawn = sample(model, prior, 2, 3)
    assert drawn.shape == (2, *model.average.shape)
    assert delta_e_76(drawn[0, :, 3:], drawn[1, :, 3:]).mean() > 1
    part = sample_part(model, prior, faces[0], 1, 1, 2)[0]
    outside = model.weights[:, 1] == 0
    np.testing.assert_array_equal(part[outside], faces[0][outside])


# Files and pictures


def test_exports_hold_the_colours(data: Dataset, faces: np.ndarray, tmp_path: Path) -> None:
    expected = colors_of(faces[0])
    for name in ("face.ply", "face.obj", "face.glb"):
        assert write_face(tmp_path / name, faces[0], data.triangles) == [tmp_path / name]
        np.testing.assert_array_equal(read_colors(tmp_path / name), expected)
        points, triangles = read_mesh(tmp_path / name)
        scale = 1000 if name.endswith("glb") else 1
        np.testing.assert_allclose(scale * points, faces[0, :, :3], atol=1e-3)
        np.testing.assert_array_equal(triangles, data.triangles)
    for kind in ("obj", "ply", "glb"):
        (tmp_path / f"studio.{kind}").write_bytes(FORMATS[kind](faces[0], data.triangles))
        np.testing.assert_array_equal(read_colors(tmp_path / f"studio.{kind}"), expected)
    with pytest.raises(LwpipeError, match=r"must end in \.ply, \.obj or \.glb"):
        write_face(tmp_path / "face.stl", faces[0], data.triangles)


@pytest.mark.parametrize("suffix", ["obj", "glb"])
def test_colours_are_baked_into_the_image_of_a_uv_map(
    suffix: str, data: Dataset, faces: np.ndarray, tmp_path: Path
) -> None:
    low, high = data.template.min(axis=0)[:2], data.template.max(axis=0)[:2]
    uv = UvMap(0.05 + 0.9 * (data.template[:, :2] - low) / (high - low), data.triangles)
    file = tmp_path / f"face.{suffix}"
    written = write_face(file, faces[0], data.triangles, uv)
    assert len(written) == (3 if suffix == "obj" else 1)
    back = read_colors(file)
    # The map is a projection: where the face folds over itself texels are shared.
    apart = delta_e_2000(joined(np.zeros((len(back), 3)), back)[:, 3:], faces[0, :, 3:])
    assert np.median(apart) < 1.5
    assert apart.mean() < 4


def test_blend_shapes_have_the_colours_of_their_face(
    data: Dataset, model: lwpipe.PartModel, tmp_path: Path
) -> None:
    morphs = principal_directions(model, data, model.triangles, 1)
    assert morphs.shapes.shape[-1] == 3
    expected = srgb_of_lab(model.average[:, 3:])
    np.testing.assert_array_equal(morphs.colors, expected)
    write_glb(morphs, tmp_path / "face.glb")
    np.testing.assert_array_equal(read_colors(tmp_path / "face.glb"), expected)


def test_steps_to_a_target_take_the_skin_along(data: Dataset, model: lwpipe.PartModel) -> None:
    source, target = (str(data.faces["id"][row]) for row in data.indices("test")[:2])
    faces = [data.face(name, 6) for name in (source, target)]
    for texture in get_args(Texture):
        editing = KEEPING.model_copy(update={"texture": texture})
        morphs = exchanges(model, data, model.triangles, source, target, 2, editing)
        np.testing.assert_array_equal(morphs.colors, colors_of(faces[0]))
        assert morphs.skins is not None
        for place in (1, 3):
            made = edit_part(model, *(face[None] for face in faces), place // 2, 1.0, editing)
            np.testing.assert_array_equal(morphs.skins[place], colors_of(made[0]))
        assert (morphs.skins == morphs.colors).all() == (texture == "keep")


def test_the_onnx_graph_gives_what_the_model_gives(
    model: lwpipe.PartModel, faces: np.ndarray, tmp_path: Path
) -> None:
    pytest.importorskip("onnx")
    reference = pytest.importorskip("onnx.reference")
    from lwpipe.export.onnx_file import make_onnx

    proto = make_onnx(model, "edit")
    dials = {name: np.array([value], np.float32)
             for name, value in (("alpha", 1.0), ("keep", 1.0), ("harmony", 0.0))}  # fmt: skip
    (found,) = reference.ReferenceEvaluator(proto).run(
        None, {"source": faces[:1], "target": faces[1:2], "part": np.array([1]), **dials}
    )
    expected = edit_part(model, faces[:1], faces[1:2], 1, 1.0, KEEPING)
    np.testing.assert_allclose(found, expected, atol=2e-2)


def test_a_face_is_drawn_in_its_own_colours(data: Dataset, faces: np.ndarray) -> None:
    with FaceRenderer(data.triangles, faces, 96) as renderer:
        painted, plain = renderer.render(faces[0]), renderer.render(faces[0, :, :3])
        mapped = renderer.render(faces[0], np.zeros((faces.shape[1], 3), np.uint8))
    drawn = (plain != 255).any(axis=2)
    redness = painted[drawn].astype(int)
    assert (redness[:, 0] - redness[:, 2]).mean() > 15
    assert (painted != plain).any()
    assert mapped[drawn].mean() < painted[drawn].mean()


def test_the_command_takes_skin_along_or_not(
    inputs: Path, data: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, _ = find_trained(inputs, "on_pca")
    assert place.exists()
    source, target = data.faces["id"][0], data.faces["id"][1]
    words = ["edit", str(inputs), "--source", source, "--target", target, "--part", "1"]
    made = {}
    for texture in ("follow", "keep"):
        out = tmp_path / f"{texture}.ply"
        assert main([*words, "--texture", texture, "--output", str(out)]) == 0
        made[texture] = read_ply_colors(out)[0]
    np.testing.assert_array_equal(made["keep"], data.colors[0])
    assert (made["follow"] != made["keep"]).any()
    assert main([*words, "--output", str(tmp_path / "face.glb")]) == 0
    np.testing.assert_array_equal(read_colors(tmp_path / "face.glb"), made["follow"])
    capsys.readouterr()
    assert main([*words, "--output", str(tmp_path / "face.usd")]) == 1
    assert "must end in .ply, .obj or .glb." in capsys.readouterr().err


def test_positions_of_plain_faces_are_themselves() -> None:
    face = np.zeros((4, 3), np.float32)
    assert positions(face) is face
    assert colors_of(face) is None
    assert joined(face, None) is face
