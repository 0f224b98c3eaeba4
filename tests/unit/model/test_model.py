"""The network and trained models on disk."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import lwpipe
from lwpipe.core.errors import LwpipeError
from lwpipe.model import PartModel, save_model
from lwpipe.model.network import shuffle_parts
from lwpipe.model.part_model import standardisation
from lwpipe.model.settings import ModelSettings
from lwpipe.model.weightings import WEIGHTINGS
from lwpipe.template import build_pyramid
from lwpipe.training.objective import objective

FACTORS = [4, 4]


def bump(side: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Return a grid with a bump, (V, 3) in mm and (F, 3)."""
    x, y = np.meshgrid(np.linspace(-60, 60, side), np.linspace(-80, 80, side))
    z = 40 * np.exp(-(x**2 + y**2) / 2000)
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    triangles = np.concatenate([np.stack(t, -1).reshape(-1, 3) for t in ((a, b, d), (a, d, c))])
    return np.stack([x, y, z], -1).reshape(-1, 3), triangles


def make_model(**settings) -> PartModel:
    torch.manual_seed(0)
    vertices, triangles = bump()
    pyramid = build_pyramid(vertices, triangles, FACTORS)
    rng = np.random.default_rng(0)
    weights = rng.random((len(vertices), 3)).astype(np.float32)
    weights /= weights.sum(axis=1, keepdims=True)
    scale = np.full((1, 1), 2.5, np.float32)
    return PartModel(
        pyramid,
        weights,
        vertices.astype(np.float32),
        scale,
        ModelSettings(latent_size=5, channels=[4, 6], order=3, **settings),
        {"epochs": 1},
    )


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    vertices, _ = bump()
    return (vertices + np.random.default_rng(1).normal(size=(7, *vertices.shape))).astype("float32")


@pytest.mark.parametrize("weighting", list(WEIGHTINGS))
@pytest.mark.parametrize("projection", [True, False])
def test_shapes_of_every_variant(faces, weighting, projection):
    model = make_model(weighting=weighting, projection=projection)
    parts_expected = 3 if projection else 1
    z = model.encode(faces)
    assert z.shape == (7, 5)
    parts = model.parts(z)
    assert parts.shape == (7, parts_expected, 5)
    assert model.decode(parts).shape == faces.shape
    assert model.weights.shape == (len(model.template), parts_expected)
    assert model.info["parameters"] == sum(p.numel() for p in model.network.parameters())


def test_without_projections_the_only_part_is_the_code(faces):
    model = make_model(projection=False, weighting="none")
    z = model.encode(faces)
    np.testing.assert_array_equal(model.parts(z)[:, 0], z)


def test_local_weights_gate_each_part_at_the_coarsest_level():
    """h = sum_k w_k (.) FC(p_k): computed by hand from the layer's own matrix."""
    model = make_model()
    network = model.network
    parts = torch.randn(2, 3, 5)
    weights = model.all_weights
    for kept in model.pyramid.keep:
        weights = weights[kept]
    linear = network.from_latent
    expected = torch.zeros(2, len(weights), 6)
    for k in range(3):
        h = parts[:, k] @ linear.weight.T + linear.bias
        expected += torch.from_numpy(weights[:, k])[None, :, None] * h.view(2, len(weights), 6)
    torch.testing.assert_close(network.coarse_features(parts), expected)


def test_outer_weighting_gives_one_vector_scaled_by_each_vertex():
    """x(v) = sum_k w_k(v) FC(p_k): with a single part on, all vertices are multiples of one."""
    model = make_model(weighting="outer")
    network = model.network
    with torch.no_grad():
        network.from_latent.bias.zero_()
    parts = torch.zeros(1, 3, 5)
    parts[0, 1] = 1
    features = network.coarse_features(parts)[0].detach()
    assert torch.linalg.matrix_rank(features, rtol=1e-5) == 1


def test_batching_does_not_change_the_result(faces):
    model = make_model()
    whole = model.reconstruct(faces)
    model.batch_size = 2
    np.testing.assert_allclose(model.reconstruct(faces), whole, rtol=0, atol=1e-4)
    assert model.reconstruct(faces[:0]).shape == (0, *faces.shape[1:])


def test_shuffling_and_unshuffling_parts_is_the_identity():
    parts = torch.randn(6, 3, 4)
    order = torch.stack([torch.randperm(6) for _ in range(3)])
    mixed = shuffle_parts(parts, order)
    for k in range(3):
        torch.testing.assert_close(mixed[:, k], parts[order[k], k])
    torch.testing.assert_close(shuffle_parts(mixed, torch.argsort(order, dim=1)), parts)


def test_standardisation_matches_numpy(faces):
    rows = np.array([0, 2, 5])
    mean, scale = standardisation(faces, rows, "scalar")
    np.testing.assert_allclose(mean, faces[rows].mean(axis=0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(scale, np.sqrt(np.mean((faces[rows] - mean) ** 2)), rtol=1e-5)
    _, scale = standardisation(faces, rows, "vertex")
    expected = np.sqrt(np.mean((faces[rows] - mean) ** 2, axis=(0, 2)))
    free = expected**2 > 0.01 * np.mean(expected**2)
    np.testing.assert_allclose(scale[free, 0], expected[free], rtol=1e-4)


@pytest.mark.parametrize("weighting", list(WEIGHTINGS))
def test_a_saved_model_comes_back_with_the_same_output(tmp_path, faces, weighting):
    model = make_model(weighting=weighting)
    save_model(model, tmp_path, {"epochs": 1})
    for path in (tmp_path, tmp_path / "model.safetensors"):
        again = lwpipe.load(path)
        np.testing.assert_array_equal(again.reconstruct(faces), model.reconstruct(faces))
        np.testing.assert_array_equal(again.triangles, model.triangles)
        np.testing.assert_array_equal(again.weights, model.weights)
    first = (tmp_path / "model.safetensors").read_bytes()
    save_model(model, tmp_path, {"epochs": 1})
    assert (tmp_path / "model.safetensors").read_bytes() == first


def change_json(folder: Path, **values) -> None:
    file = folder / "model.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def flip_byte(folder: Path) -> None:
    file = folder / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-5] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (lambda f: (f / "model.json").unlink(), r"model\.json: cannot be read"),
        (lambda f: (f / "model.json").write_text("{"), "is not valid JSON"),
        (lambda f: (f / "model.safetensors").unlink(), r"model\.safetensors: does not exist"),
        (lambda f: change_json(f, format_version=99), "not a model description of version 1"),
        (lambda f: change_json(f, model={"latent_size": 0}), "does not describe a model"),
        (flip_byte, "was altered"),
    ],
)
def test_a_damaged_model_is_refused_in_one_sentence(tmp_path, harm, sentence):
    save_model(make_model(), tmp_path, {})
    harm(tmp_path)
    with pytest.raises(LwpipeError, match=sentence) as caught:
        lwpipe.load(tmp_path)
    assert "\n" not in str(caught.value)


def test_settings_of_another_architecture_are_refused(tmp_path):
    save_model(make_model(), tmp_path, {})
    settings = json.loads((tmp_path / "model.json").read_text())["model"]
    change_json(tmp_path, model={**settings, "order": 4})
    with pytest.raises(LwpipeError, match="does not fit its settings"):
        lwpipe.load(tmp_path)


def test_wrong_shapes_are_named(faces):
    model = make_model()
    with pytest.raises(ValueError, match=r"expected \(n, 256, 3\)"):
        model.encode(faces[:, :-1])
    with pytest.raises(ValueError, match="part encodings have shape"):
        model.decode(np.zeros((1, 2, 5)))


def test_the_cycle_of_unshuffled_parts_is_two_passes_through_the_network():
    network = make_model().network
    x = torch.randn(6, 256, 3)
    order = torch.arange(6).repeat(3, 1)
    loss, cycle, _, reconstruction, _ = objective(network, x, order)
    torch.testing.assert_close(reconstruction, network(x))
    torch.testing.assert_close(loss, (network(x) - x).abs().mean())
    torch.testing.assert_close(cycle, (network(network(x)) - x).abs().mean())


def test_a_share_of_the_batch_can_go_through_the_cycle():
    network = make_model().network
    x = torch.randn(6, 256, 3)
    order = torch.stack([torch.randperm(4) for _ in range(3)])
    _, cycle, _, reconstruction, _ = objective(network, x, order)
    _, expected, *_ = objective(network, x[:4], order)
    torch.testing.assert_close(cycle, expected)
    assert reconstruction.shape == x.shape
    assert objective(network, x)[1] is None
