"""How much of a correction counts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import lwpipe
from lwpipe.core.errors import LwpipeError
from lwpipe.editing import Pca
from lwpipe.training.data import FacesInMemory
from lwpipe.training.gain import GAINS, choose_gain, hold_back, mean_error
from lwpipe.training.settings import TrainingSettings
from tests.helpers.training_inputs import MODEL, make_inputs, run

ON_PCA = MODEL.model_copy(update={"base": "pca"})
# At such a rate the network is far from its best.
WILD = TrainingSettings(
    epochs=3, batch_size=8, learning_rate=5e-2, schedule="constant", cycle_weight=0.0,
    validation_fraction=0.25, device="cpu",
)  # fmt: skip
TAME = WILD.model_copy(update={"learning_rate": 1e-3, "epochs": 6})


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_inputs(tmp_path_factory.mktemp("inputs"))


def error(model: lwpipe.PartModel | Pca, faces: np.ndarray) -> float:
    again = model.project(faces) if isinstance(model, Pca) else model.reconstruct(faces)
    return float(np.linalg.norm(again - faces, axis=2).mean())


@pytest.mark.parametrize("training", [WILD, TAME])
def test_no_worse_than_its_base_on_the_faces_held_back(
    inputs: Path, tmp_path: Path, training: TrainingSettings
) -> None:
    run(inputs, tmp_path, tmp_path / "checkpoints", training=training, model=ON_PCA)
    model = lwpipe.load(tmp_path)
    data = lwpipe.Dataset.open(inputs / "data")
    _, held = hold_back(data, 0.25, training.seed)
    pca = Pca.fit(data.vertices, data.indices("train"), MODEL.latent_size)
    faces = np.asarray(data.vertices[held])
    assert error(model, faces) <= error(pca, faces) * (1 + 1e-5)
    info = json.loads((tmp_path / "model.json").read_text())["info"]
    assert info["correction"] in GAINS
    assert info["validation_mm"] == pytest.approx(error(model, faces), rel=1e-4)
    test = np.asarray(data.vertices[data.indices("test")])
    assert info["test_mm"] == pytest.approx(error(model, test), rel=1e-4)


def test_a_useless_correction_is_the_base_and_a_good_one_counts(
    inputs: Path, tmp_path: Path
) -> None:
    learns_all = TAME.model_copy(update={"validation_fraction": 0.0, "epochs": 20})
    model = run(inputs, tmp_path, tmp_path / "checkpoints", training=learns_all, model=ON_PCA)
    data = lwpipe.Dataset.open(inputs / "data")
    rows = data.indices("train")
    faces = FacesInMemory(model, data.vertices)
    # The faces that it has learned by heart ask for all of it.
    gain, errors = choose_gain(model, faces, rows, 8)
    assert gain > 0.5
    assert set(errors) == set(GAINS)
    assert errors[gain] == pytest.approx(mean_error(model, faces, rows, 8), rel=1e-6)
    model.network.last.weight.data.mul_(-1e3)
    gain, _ = choose_gain(model, faces, rows, 8)
    assert gain == 0
    pca = Pca.fit(data.vertices, rows, MODEL.latent_size)
    some = np.asarray(data.vertices[rows[:4]])
    np.testing.assert_allclose(model.reconstruct(some), pca.project(some), atol=1e-3)


def test_one_process_or_two_hold_back_the_same(inputs: Path, tmp_path: Path) -> None:
    both = TAME.model_copy(update={"epochs": 2, "processes": 2})
    model = run(inputs, tmp_path / "two", tmp_path / "kept", training=both, model=ON_PCA)
    assert model.info["correction"] in GAINS
    alone = both.model_copy(update={"processes": 1})
    run(inputs, tmp_path / "one", tmp_path / "kept_of_one", training=alone, model=ON_PCA)
    one = lwpipe.load(tmp_path / "one")
    assert one.info["validation_mm"] == pytest.approx(model.info["validation_mm"], rel=0.02)


def test_a_model_without_a_base_learns_from_all(inputs: Path, tmp_path: Path) -> None:
    short = TAME.model_copy(update={"epochs": 1})
    run(inputs, tmp_path / "a", tmp_path / "kept_a", training=short)
    assert "correction" not in lwpipe.load(tmp_path / "a").info
    all_of_them = short.model_copy(update={"validation_fraction": 0.0})
    run(inputs, tmp_path / "b", tmp_path / "kept_b", training=all_of_them)
    first, second = (tmp_path / name / "model.safetensors" for name in "ab")
    assert first.read_bytes() == second.read_bytes()


class Table:
    """As much of a data set as `hold_back` reads."""

    def __init__(self, subjects: list[str], test: list[int]) -> None:
        self.faces = pd.DataFrame({"subject": subjects})
        self._test = np.array(test)

    def indices(self, split: str) -> np.ndarray:
        rows = np.arange(len(self.faces))
        return self._test if split == "test" else np.setdiff1d(rows, self._test)


def test_subjects_are_held_back_as_a_whole_as_they_are_for_the_test() -> None:
    subjects = [f"s{row // 5}" for row in range(50)]
    learned, held = hold_back(Table(subjects, [0, 1, 2, 3, 4]), 0.2, 0)
    names = np.array(subjects)
    assert len(held) == 10
    assert set(names[held]).isdisjoint(names[learned])
    assert sorted([*learned, *held]) == list(range(5, 50))
    # Frames of known people are tested: frames are held back.
    learned, held = hold_back(Table(subjects, [0, 7, 11, 22]), 0.2, 0)
    assert len(held) == 9
    assert not set(names[held]).isdisjoint(names[learned])


def test_another_seed_holds_back_others_and_none_holds_back_none() -> None:
    table = Table([str(row) for row in range(40)], [0, 1])
    first, second = (hold_back(table, 0.25, seed)[1].tolist() for seed in (0, 1))
    assert first != second
    learned, held = hold_back(table, 0.0, 0)
    assert len(learned) == 38
    assert len(held) == 0


def test_one_face_cannot_be_divided() -> None:
    with pytest.raises(LwpipeError, match=r"training\.validation_fraction: is 0\.5"):
        hold_back(Table(["a", "b"], [0]), 0.5, 0)
