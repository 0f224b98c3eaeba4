"""A variational encoder: its divergence, its start, and trainings to the same bytes."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch.distributions import Normal, kl_divergence

import lwpipe
from lwpipe.core.errors import StoppedError
from lwpipe.training import epoch as training_epoch
from lwpipe.training.objective import divergence, objective
from lwpipe.training.schedule import divergence_weight
from lwpipe.training.settings import TrainingSettings
from tests.helpers.training_inputs import MODEL, make_inputs, run
from tests.unit.model.test_base import FACES
from tests.unit.model.test_base import make_model as make_model_on_pca
from tests.unit.model.test_model import make_model

VARIATIONAL = MODEL.model_copy(update={"variational": True})
GENTLE = TrainingSettings(
    epochs=4, batch_size=8, learning_rate=1e-3, cycle_weight=0.1, kl_weight=1e-3, kl_warmup=2,
    device="cpu",
)  # fmt: skip


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module", params=["none", "pca"])
def base(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def undisturbed(inputs: Path, base: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    model = VARIATIONAL.model_copy(update={"base": base})
    run(inputs, folder, folder / "checkpoints", training=GENTLE, model=model)
    return folder


def test_the_divergence_is_that_of_the_distributions() -> None:
    random = torch.Generator().manual_seed(0)
    mean, log_variance = (torch.randn(7, 5, generator=random) for _ in range(2))
    each = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(divergence(mean, log_variance), each.mean(dim=0).sum())
    floor = each.mean(dim=0).median()
    expected = each.mean(dim=0).clamp(min=floor).sum()
    torch.testing.assert_close(divergence(mean, log_variance, float(floor)), expected)
    zero = torch.zeros(3, 4)
    assert float(divergence(zero, zero)) == 0


def test_its_weight_rises_from_nothing() -> None:
    rising = GENTLE.model_copy(update={"kl_warmup": 2, "kl_weight": 0.5})
    found = [divergence_weight(rising, step, 5) for step in (0, 5, 10, 19)]
    assert found == [0.0, 0.25, 0.5, 0.5]
    at_once = GENTLE.model_copy(update={"kl_warmup": 0, "kl_weight": 0.5})
    assert divergence_weight(at_once, 0, 5) == 0.5


@pytest.mark.parametrize("make", [make_model, make_model_on_pca])
def test_its_start_is_that_of_the_plain_network(make: object) -> None:
    plain, wide = make().network, make(variational=True).network  # type: ignore[operator]
    for name, parameter in plain.state_dict().items():
        torch.testing.assert_close(wide.state_dict()[name], parameter, rtol=0, atol=0)
    with pytest.raises(ValueError, match="gives no distribution"):
        plain.posterior(torch.zeros(1, plain.vertex_count, 3))


def test_codes_are_drawn_about_their_means() -> None:
    model = make_model_on_pca(variational=True)
    x = model.standardise(torch.from_numpy(FACES[:6]))
    mean, log_variance = model.network.posterior(x)
    torch.testing.assert_close(mean, model.network.encode(x))
    still = objective(model.network, x, noise=torch.zeros_like(mean))
    torch.testing.assert_close(still.output, model.network(x))
    noise = torch.full_like(mean, 2.0)
    moved = objective(model.network, x, noise=noise)
    z = mean + 2 * (0.5 * log_variance).exp()
    torch.testing.assert_close(moved.output, model.network.decode(model.network.parts(z)))
    assert moved.reconstruction.item() > still.reconstruction.item()


def test_the_loss_is_the_sum_of_its_terms(undisturbed: Path) -> None:
    history = pd.read_csv(undisturbed / "history.csv")
    assert (history["kl_loss"] > 0).all()
    # From the third epoch on the weight is whole.
    whole = history["reconstruction_loss"] + 0.1 * history["cycle_loss"]
    rest = (history["loss"] - whole)[2:]
    np.testing.assert_allclose(rest, 1e-3 * history["kl_loss"][2:], rtol=1e-4)


def test_it_is_saved_and_encodes_to_the_mean(inputs: Path, undisturbed: Path) -> None:
    model = lwpipe.load(undisturbed)
    assert model.settings.variational
    data = lwpipe.Dataset.open(inputs / "data")
    faces = np.array(data.vertices[:4])
    np.testing.assert_array_equal(model.encode(faces), model.encode(faces))
    x = model.standardise(torch.from_numpy(faces))
    with torch.inference_mode():
        mean, _ = model.network.posterior(x)
    np.testing.assert_allclose(model.encode(faces), mean.numpy(), rtol=1e-5, atol=1e-6)


def test_a_stopped_training_ends_with_the_same_bytes(
    inputs: Path, base: str, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = VARIATIONAL.model_copy(update={"base": base})
    taken = 0
    add_gradients = training_epoch.add_gradients

    def counted(*arguments: object) -> torch.Tensor:
        nonlocal taken
        taken += 1
        if taken == 5:
            signal.raise_signal(signal.SIGTERM)
        return add_gradients(*arguments)  # type: ignore[arg-type]

    kept = tmp_path / "checkpoints"
    with monkeypatch.context() as patched:
        patched.setattr(training_epoch, "add_gradients", counted)
        with pytest.raises(StoppedError):
            run(inputs, tmp_path / "out", kept, training=GENTLE, model=model)
    run(inputs, tmp_path / "out", kept, training=GENTLE, model=model)
    expected = (undisturbed / "model.safetensors").read_bytes()
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == expected


def test_without_it_the_weight_of_the_divergence_is_not_read(inputs: Path, tmp_path: Path) -> None:
    contents = []
    for name, weight in (("a", 1e-3), ("b", 10.0)):
        training = GENTLE.model_copy(update={"epochs": 1, "kl_weight": weight})
        run(inputs, tmp_path / name, tmp_path / name / "checkpoints", training=training)
        contents.append((tmp_path / name / "model.safetensors").read_bytes())
    assert contents[0] == contents[1]
    history = pd.read_csv(tmp_path / "a" / "history.csv")
    assert (history["kl_loss"] == 0).all()
