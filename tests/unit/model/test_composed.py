"""A decoder a part, and faces composed of what they make."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import lwpipe
from lwpipe.core.stage import Size
from lwpipe.editing import ModelEditor
from lwpipe.model import PartModel, save_model
from lwpipe.run import Settings
from lwpipe.run.needs import memory_mb, runtime_minutes
from lwpipe.training.objective import objective
from lwpipe.training.settings import TrainingSettings
from tests.helpers.training_inputs import MODEL, make_inputs, run
from tests.unit.model.test_base import FACES, PCA, local_weights
from tests.unit.model.test_base import make_model as make_model_on_pca
from tests.unit.model.test_model import make_model


def one_decoder(model: PartModel, part: int) -> PartModel:
    """Return a model whose shared decoder is that of one part, and whose only part is that one."""
    single = make_model(weighting="none", projection=False)
    own = model.network.decoders[part].state_dict()
    single.network.load_state_dict({**single.network.state_dict(), **own})
    return single


def test_faces_are_composed_of_what_each_decoder_makes() -> None:
    model = make_model(weighting="composed")
    parts = np.random.default_rng(0).normal(size=(4, 3, 5)).astype(np.float32)
    # Its weights sum to 1, so that the mean face and the scale may come before or after.
    expected = sum(
        model.all_weights[:, part, None] * one_decoder(model, part).decode(parts[:, part, None])
        for part in range(3)
    )
    np.testing.assert_allclose(model.decode(parts), expected, atol=1e-4)


def test_gradients_reach_each_decoder_by_its_weights() -> None:
    model = make_model(weighting="composed")
    x = torch.randn(6, model.vertex_count, 3)
    order = torch.stack([torch.randperm(6) for _ in range(3)])
    found = objective(model.network, x, order, model.shares)
    assert found.cycle is not None
    assert found.blend is not None
    (found.reconstruction + found.cycle + found.blend).backward()
    for name, parameter in model.network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
    seen = torch.zeros(2, 3, 5, requires_grad=True)
    outside = model.network.decode(seen)[:, model.all_weights[:, 1] < 0.1]
    (gradient,) = torch.autograd.grad(outside.abs().sum(), seen)
    assert gradient[:, 1].abs().sum() < gradient[:, 0].abs().sum()


@pytest.mark.parametrize("backend", ["numba", "torch", "pyg"])
def test_every_backend_composes_the_same(backend: str) -> None:
    model = make_model(weighting="composed")
    x = torch.randn(3, model.vertex_count, 3)
    results = []
    for name in ("torch", backend):
        model.network.use(name)
        model.network.zero_grad()
        y = model.network(x)
        y.square().mean().backward()
        results.append([y.detach(), *(p.grad.clone() for p in model.network.parameters())])
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)


def test_nothing_moves_where_a_part_has_no_weight() -> None:
    model = make_model_on_pca(0.2, weighting="composed")
    torch.manual_seed(1)
    with torch.no_grad():
        for decoder in model.network.decoders:
            decoder.last.weight.normal_(std=0.05)
    edited = ModelEditor(model).edit(FACES[:3], FACES[3:6], 1, 1.0)
    moved = np.abs(edited - model.reconstruct(FACES[:3]))
    outside = local_weights(0.2)[:, 1] == 0
    assert moved[:, outside].max() < 1e-4
    assert moved[:, ~outside].max() > 1


def test_on_principal_components_it_begins_as_these() -> None:
    model = make_model_on_pca(weighting="composed")
    np.testing.assert_allclose(model.reconstruct(FACES), PCA.project(FACES), atol=1e-3)


@pytest.mark.parametrize("projection", [True, False])
def test_a_saved_model_comes_back(projection: bool, tmp_path: Path) -> None:
    model = make_model(weighting="composed", projection=projection)
    assert len(model.network.decoders) == model.part_count == (3 if projection else 1)
    save_model(model, tmp_path, {"epochs": 1})
    again = lwpipe.load(tmp_path)
    faces = FACES[:3]
    np.testing.assert_array_equal(again.reconstruct(faces), model.reconstruct(faces))
    assert again.parts_match_weights
    assert again.info["parameters"] == sum(p.numel() for p in model.network.parameters())


def test_it_trains_and_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    inputs = make_inputs(tmp_path)
    composed = MODEL.model_copy(update={"weighting": "composed"})
    short = TrainingSettings(epochs=6, batch_size=8, learning_rate=1e-2, device="cpu")
    kept = tmp_path / "checkpoints"
    run(inputs, tmp_path / "first", kept, training=short, model=composed)
    history = pd.read_csv(tmp_path / "first" / "history.csv")
    assert history["train_mm"].iloc[-1] < 0.9 * history["train_mm"].iloc[0]
    (kept / "last.pt").unlink()
    run(inputs, tmp_path / "again", kept, training=short, model=composed)
    first, again = (tmp_path / name / "model.safetensors" for name in ("first", "again"))
    assert first.read_bytes() == again.read_bytes()


def test_decoders_of_their_own_need_more_of_a_machine() -> None:
    size = Size(2_000, 53_215)

    def asked(weighting: str, parts: int) -> tuple[int, int]:
        chosen = Settings.model_validate(
            {"model": {"weighting": weighting}, "local_weights": {"parts": parts}}
        )
        return memory_mb("train_model", chosen, size), runtime_minutes("train_model", chosen, size)

    assert asked("composed", 8) > asked("composed", 4) > asked("vertex", 4) == asked("vertex", 8)
