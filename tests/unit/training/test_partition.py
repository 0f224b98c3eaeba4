"""The losses on the projections: a code that is divided among the parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import lwpipe
from lwpipe.core.errors import LwpipeError
from lwpipe.run import validate_run
from lwpipe.training.objective import partition
from lwpipe.training.settings import TrainingSettings
from tests.helpers.training_inputs import make_inputs, run
from tests.unit.model.test_base import make_model as make_model_on_pca
from tests.unit.model.test_model import make_model


def projectors(sizes: list[int], seed: int = 0) -> torch.Tensor:
    """Return orthogonal projectors onto spaces of these sizes that sum to 1, (K, Z, Z)."""
    torch.manual_seed(seed)
    rotation, _ = torch.linalg.qr(torch.randn(sum(sizes), sum(sizes), dtype=torch.float64))
    return torch.stack([columns @ columns.T for columns in rotation.split(sizes, dim=1)])


@pytest.mark.parametrize("sizes", [[5], [2, 2, 1], [1, 1, 1, 1], [4, 0, 2]])
def test_a_partition_of_the_identity_costs_nothing(sizes: list[int]) -> None:
    assert float(partition(projectors(sizes))) < 1e-20


def test_it_is_the_sum_of_the_three_norms() -> None:
    matrices = torch.randn(3, 4, 4, dtype=torch.float64, requires_grad=True)
    expected = (matrices.sum(0) - torch.eye(4)).norm() ** 2
    for k in range(3):
        expected = expected + (matrices[k] @ matrices[k] - matrices[k]).norm() ** 2
        for j in range(3):
            if j != k:
                expected = expected + (matrices[k] @ matrices[j]).norm() ** 2
    torch.testing.assert_close(partition(matrices), expected)
    assert torch.autograd.gradcheck(partition, matrices)


def test_each_of_the_three_conditions_counts() -> None:
    good = projectors([2, 2])
    none_whole = torch.stack([good[0], 0 * good[1]])
    no_projectors = torch.stack([0.5 * torch.eye(4), 0.5 * torch.eye(4)])
    for bad in (none_whole, no_projectors, torch.stack([torch.eye(4), good[0]])):
        assert float(partition(bad)) > 0.4


def test_a_model_without_projections_is_a_partition() -> None:
    assert float(partition(make_model(projection=False, weighting="none").network.matrices())) == 0


def test_matrices_are_the_projections_that_act() -> None:
    for model in (make_model(), make_model_on_pca()):
        with torch.no_grad():
            model.network.projections.normal_()
        z = np.random.default_rng(0).normal(size=(3, model.latent_size)).astype(np.float32)
        expected = np.einsum("kij,nj->nki", model.projections, z)
        np.testing.assert_allclose(model.parts(z), expected, atol=1e-5)


def test_training_divides_the_code(tmp_path: Path) -> None:
    inputs = make_inputs(tmp_path)
    divided = TrainingSettings(
        epochs=40, batch_size=8, learning_rate=1e-2, schedule="constant", partition_weight=0.1,
        device="cpu",
    )  # fmt: skip
    run(inputs, tmp_path / "out", tmp_path / "checkpoints", training=divided)
    history = pd.read_csv(tmp_path / "out" / "history.csv")
    assert history["partition_loss"].iloc[-1] < 0.05 * history["partition_loss"].iloc[0]
    model = lwpipe.load(tmp_path / "out")
    found = float(partition(torch.from_numpy(model.projections)))
    assert found < history["partition_loss"].iloc[-2]
    whole = history["reconstruction_loss"] + 0.5 * history["cycle_loss"]
    np.testing.assert_allclose(history["loss"], whole + 0.1 * history["partition_loss"], rtol=1e-5)
    plain = divided.model_copy(update={"partition_weight": 0.0, "epochs": 1})
    run(inputs, tmp_path / "plain", tmp_path / "other", training=plain)
    assert pd.read_csv(tmp_path / "plain" / "history.csv")["partition_loss"].tolist() == [0.0]


def test_on_principal_components_it_is_a_fault() -> None:
    with pytest.raises(
        LwpipeError, match=r"training\.partition_weight is 0\.1 and model\.base pca"
    ):
        validate_run({"model": {"base": "pca"}, "training": {"partition_weight": 0.1}})
    run = validate_run({"training": {"partition_weight": 0.1}})
    assert run.variants["full"].training.partition_weight == 0.1
    assert run.variants["on_pca"].training.partition_weight == 0.0
