"""A network that corrects principal components begins as these, and as the blend of vertices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

import lwpipe
from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import read_json, sha256, write_json
from lwpipe.editing import Pca, blend_part, mask_blend
from lwpipe.model import PartModel, save_model
from lwpipe.model.base import Components, LinearBase
from lwpipe.model.part_model import standardisation
from lwpipe.model.settings import ModelSettings
from lwpipe.model.weightings import WEIGHTINGS
from lwpipe.template import build_pyramid
from lwpipe.training.objective import objective
from tests.unit.model.test_model import bump

Z = 6


def faces_of(count: int, seed: int = 3) -> np.ndarray:
    """Return faces of low rank with some noise, float32 (n, V, 3), mm."""
    vertices, _ = bump()
    random = np.random.default_rng(seed)
    fields = random.normal(size=(9, *vertices.shape))
    codes = random.normal(size=(count, 9)) * 3.0 / np.arange(1, 10)
    noise = 0.1 * random.normal(size=(count, *vertices.shape))
    return (vertices + np.einsum("nf,fvc->nvc", codes, fields) + noise).astype(np.float32)


FACES = faces_of(30)
PCA = Pca.fit(FACES, np.arange(30), Z)
VARIANCE = float(FACES.astype(np.float64).var(axis=0).mean())


def local_weights(support: float = 0.0) -> np.ndarray:
    random = np.random.default_rng(0)
    weights = random.random((FACES.shape[1], 3)) ** 3
    weights /= weights.sum(axis=1, keepdims=True)
    weights[weights < support] = 0
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def make_model(support: float = 0.0, **settings: object) -> PartModel:
    torch.manual_seed(0)
    vertices, triangles = bump()
    chosen = ModelSettings(latent_size=Z, channels=[4, 6], order=3, base="pca", **settings)
    mean, scale = standardisation(FACES, np.arange(30), chosen.standardise)
    components = Components.padded(PCA.basis, PCA.deviation, Z, VARIANCE)
    return PartModel(
        build_pyramid(vertices, triangles, [4, 4]), local_weights(support), mean, scale, chosen,
        components=components,
    )  # fmt: skip


@pytest.mark.parametrize("standardise", ["scalar", "vertex"])
@pytest.mark.parametrize("weighting", list(WEIGHTINGS))
@pytest.mark.parametrize("projection", [True, False])
def test_it_begins_as_the_principal_components(
    standardise: str, weighting: str, projection: bool
) -> None:
    model = make_model(standardise=standardise, weighting=weighting, projection=projection)
    others = faces_of(5, seed=4)
    z = model.encode(others)
    np.testing.assert_allclose(z * PCA.deviation, PCA.coefficients(others), atol=1e-3)
    np.testing.assert_allclose(model.reconstruct(others), PCA.project(others), atol=1e-3)


@pytest.mark.parametrize("support", [0.0, 0.2])
def test_the_exchange_of_a_part_begins_as_the_blend_of_vertices(support: float) -> None:
    model = make_model(support)
    source, target = (faces_of(4, seed) for seed in (4, 5))
    parts = [model.parts(model.encode(faces)) for faces in (source, target)]
    for part in range(3):
        edited = model.decode(blend_part(*parts, part, 1.0))
        blended = mask_blend(
            PCA.project(source), PCA.project(target), local_weights(support)[:, part]
        )
        np.testing.assert_allclose(edited, blended, atol=1e-3)


@pytest.mark.parametrize("standardise", ["scalar", "vertex"])
def test_gradients_are_those_of_the_formula(standardise: str) -> None:
    model = make_model(0.2, standardise=standardise)
    base = model.network.base
    assert isinstance(base, LinearBase)
    base = base.double()
    parts = torch.randn(2, 3, Z, dtype=torch.float64, requires_grad=True)
    basis = torch.from_numpy(PCA.basis).double().unflatten(1, (-1, 3))
    weights = torch.from_numpy(local_weights(0.2)).double()
    deviation = torch.from_numpy(PCA.deviation)

    def formula(p: torch.Tensor) -> torch.Tensor:
        faces = torch.einsum("vk,bkz,zvc->bvc", weights, p * deviation, basis)
        return faces / model.scale.double()

    # Single precision: `decode` never computes in more.
    torch.testing.assert_close(base.decode(parts).double(), formula(parts), atol=1e-4, rtol=1e-4)
    wanted = torch.randn(2, FACES.shape[1], 3, dtype=torch.float64)
    found, expected = (
        torch.autograd.grad((made(parts) * wanted).sum(), parts)[0]
        for made in (base.decode, formula)
    )
    torch.testing.assert_close(found, expected, atol=1e-2, rtol=1e-4)


def test_the_base_is_fixed_and_gradients_pass_it() -> None:
    model = make_model()
    names = {name for name, _ in model.network.named_parameters()}
    assert not any("base" in name for name in names)
    assert not any("base" in name for name in model.network.state_dict())
    x = model.standardise(torch.from_numpy(FACES[:6]))
    order = torch.stack([torch.randperm(6) for _ in range(3)])
    before = model.network.base.basis.clone()
    optimizer = torch.optim.Adam(model.network.parameters(), lr=1e-3)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        loss, cycle, *_ = objective(model.network, x, order)
        assert cycle is not None
        (loss + 0.1 * cycle).backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.network.parameters())
    torch.testing.assert_close(model.network.base.basis, before, rtol=0, atol=0)


def test_untrained_shuffled_parts_are_the_blend_of_faces_in_the_span() -> None:
    model = make_model()
    order = torch.stack([torch.randperm(6) for _ in range(model.part_count)])
    inside = model.standardise(torch.from_numpy(PCA.project(FACES[:6])))
    found = objective(model.network, inside, order, model.shares, cycle=False)
    assert found.cycle is None
    assert found.blend is not None
    assert found.blend < 1e-4
    # Of other faces it is what is lost, which unshuffled is what the reconstruction loses.
    x = model.standardise(torch.from_numpy(FACES[:6]))
    same = torch.arange(6).repeat(model.part_count, 1)
    lost = objective(model.network, x, same, model.shares)
    assert lost.blend is not None
    assert lost.cycle is not None
    torch.testing.assert_close(lost.blend, lost.reconstruction)
    assert lost.reconstruction > 1e-3


def test_the_blend_loss_trains_decoder_and_projections() -> None:
    model = make_model()
    torch.manual_seed(0)
    with torch.no_grad():
        model.network.last.weight.normal_(std=0.01)
    order = torch.stack([torch.randperm(6) for _ in range(model.part_count)])
    x = model.standardise(torch.from_numpy(FACES[:6]))
    found = objective(model.network, x, order, model.shares, cycle=False)
    assert found.blend is not None
    found.blend.backward()
    for name, parameter in model.network.named_parameters():
        # What the encoder adds to the components' numbers is multiplied by zero at first.
        if not name.startswith("encoder."):
            assert parameter.grad is not None
            assert parameter.grad.abs().sum() > 0, name


def test_fewer_components_than_the_code_has_numbers() -> None:
    few = Components.padded(PCA.basis[:2], PCA.deviation[:2], 5, VARIANCE)
    assert few.basis.shape == (5, PCA.basis.shape[1])
    assert few.deviation[2:].tolist() == [1, 1, 1]
    assert not few.basis[2:].any()
    assert Components.padded(PCA.basis, PCA.deviation, 2, VARIANCE).basis.shape[0] == 2


def test_the_residual_is_what_the_components_leave() -> None:
    left = np.sqrt(np.mean((PCA.project(FACES) - FACES).astype(np.float64) ** 2))
    found = Components.padded(PCA.basis, PCA.deviation, Z, VARIANCE)
    assert found.residual[0] == pytest.approx(left, rel=1e-3)
    # Rounding leaves something of faces that the components hold whole.
    exact = Components.padded(PCA.basis, PCA.deviation, Z, 0.0)
    assert 0 < exact.residual[0] < 1e-3
    base = make_model().network.base
    assert base.reach.item() == pytest.approx(left / make_model().scale.item(), rel=1e-3)
    moved = PCA.deviation / np.sqrt(PCA.basis.shape[1])
    np.testing.assert_allclose(base.room, np.minimum(left / moved, 1), rtol=1e-3)


def test_it_is_saved_with_its_base(tmp_path: Path) -> None:
    model = make_model(0.2)
    with torch.no_grad():
        model.network.last.weight.normal_()
        model.network.to_latent.weight.normal_()
    save_model(model, tmp_path, {"epochs": 1})
    again = lwpipe.load(tmp_path)
    np.testing.assert_array_equal(again.reconstruct(FACES[:3]), model.reconstruct(FACES[:3]))
    learned = sum(p.numel() for p in model.network.parameters())
    assert again.info["parameters"] == learned + PCA.basis.size + Z + 1


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda a: a.pop("base.basis"), "base.basis is missing, expected"),
        (lambda a: a.update({"base.deviation": a["base.deviation"][:-1]}), "base.deviation is"),
        (lambda a: a.update({"base.deviation": 0 * a["base.deviation"]}), "are not positive"),
        (lambda a: a.update({"base.basis": a["base.basis"].astype(np.float64)}), "is float64"),
    ],
)
def test_a_base_that_does_not_fit(change: object, fault: str, tmp_path: Path) -> None:
    save_model(make_model(), tmp_path, {})
    arrays = load_file(tmp_path / "model.safetensors")
    change(arrays)  # type: ignore[operator]
    save_file(arrays, tmp_path / "model.safetensors")
    about = read_json(tmp_path / "model.json")
    about["weights_sha256"] = sha256(tmp_path / "model.safetensors")
    write_json(tmp_path / "model.json", about)
    with pytest.raises(LwpipeError, match=fault):
        lwpipe.load(tmp_path)


def test_components_without_a_base_are_a_fault() -> None:
    model = make_model()
    with pytest.raises(LwpipeError, match=r"model\.base: is pca, and there are no components"):
        PartModel(
            model.pyramid, model.all_weights, model.template, model.scale.numpy(), model.settings
        )
