"""Training a network that corrects principal components."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import lwpipe
from lwpipe.editing import Pca
from lwpipe.training.settings import TrainingSettings
from tests.helpers.training_inputs import MODEL, make_inputs, run

ON_PCA = MODEL.model_copy(update={"base": "pca"})
GENTLE = TrainingSettings(
    epochs=6, batch_size=8, learning_rate=1e-3, cycle_weight=0.1, device="cpu"
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def undisturbed(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    run(inputs, folder, folder / "checkpoints", training=GENTLE, model=ON_PCA)
    return folder


def error(model: lwpipe.PartModel | Pca, faces: np.ndarray) -> float:
    again = model.project(faces) if isinstance(model, Pca) else model.reconstruct(faces)
    return float(np.linalg.norm(again - faces, axis=2).mean())


def test_it_learns_from_where_the_components_stand(inputs: Path, undisturbed: Path) -> None:
    data = lwpipe.Dataset.open(inputs / "data")
    train = data.indices("train")
    pca = Pca.fit(data.vertices, train, MODEL.latent_size)
    faces = np.asarray(data.vertices[train])
    model = lwpipe.load(undisturbed)
    assert error(model, faces) < error(pca, faces)
    history = pd.read_csv(undisturbed / "history.csv")
    assert history["train_mm"].iloc[-1] < history["train_mm"].iloc[0]
    np.testing.assert_allclose(model.components.basis, pca.basis, atol=1e-6)


def test_it_goes_on_to_the_same_bytes(inputs: Path, undisturbed: Path, tmp_path: Path) -> None:
    short = GENTLE.model_copy(update={"epochs": 6})
    kept = tmp_path / "checkpoints"
    run(inputs, tmp_path / "first", kept, training=short, model=ON_PCA)
    expected = (undisturbed / "model.safetensors").read_bytes()
    assert (tmp_path / "first" / "model.safetensors").read_bytes() == expected
    # The newest checkpoint is lost: the training goes on from the one before it.
    newest = max(kept.glob("*.pt"), key=lambda file: file.stat().st_mtime)
    newest.unlink()
    run(inputs, tmp_path / "again", kept, training=short, model=ON_PCA)
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == expected


def test_two_processes_share_its_steps(inputs: Path, undisturbed: Path, tmp_path: Path) -> None:
    both = GENTLE.model_copy(update={"epochs": 2, "processes": 2})
    model = run(inputs, tmp_path / "out", tmp_path / "checkpoints", training=both, model=ON_PCA)
    history = pd.read_csv(tmp_path / "out" / "history.csv")
    alone = pd.read_csv(undisturbed / "history.csv")
    assert history["train_mm"].iloc[0] == pytest.approx(alone["train_mm"].iloc[0], rel=0.05)
    data = lwpipe.Dataset.open(inputs / "data")
    faces = np.asarray(data.vertices[data.indices("test")])
    assert np.isfinite(error(model, faces))


def test_another_base_is_another_training(inputs: Path, tmp_path: Path) -> None:
    short = GENTLE.model_copy(update={"epochs": 1})
    run(inputs, tmp_path / "a", tmp_path / "checkpoints", training=short)
    run(inputs, tmp_path / "b", tmp_path / "checkpoints", training=short, model=ON_PCA)
    assert lwpipe.load(tmp_path / "a").components is None
    assert lwpipe.load(tmp_path / "b").components is not None
