"""The true answer of a part edit, where the factors of the faces are known."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from lwpipe.core.errors import LwpipeError
from lwpipe.data.make import make_dataset
from lwpipe.data.settings import DataSettings
from lwpipe.data.sources.synthetic import SyntheticSettings
from lwpipe.data.store import Dataset
from lwpipe.editing import EditingSettings, MaskBlend
from lwpipe.evaluation.baselines import BASELINES
from lwpipe.evaluation.recombine import (
    Recombinations,
    make_recombinations,
    owners_of,
    read_recombinations,
    recombine,
)
from lwpipe.evaluation.settings import TruthSettings
from lwpipe.evaluation.truth import (
    COLUMNS,
    edit,
    edit_errors,
    measure_truth,
    measure_truth_of_baselines,
    read_examples,
)
from lwpipe.local_weights.make import sharpened
from lwpipe.model.settings import LatentSettings
from tests.helpers.mesh_files import TRIANGLES, shapes

SETTINGS = DataSettings(faces=20, synthetic=SyntheticSettings(vertices=1500))
FACTORS = SETTINGS.make_source().factors()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return make_dataset(SETTINGS, tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def weights(data: Dataset) -> np.ndarray:
    """Three bands from top to bottom that overlap."""
    y = data.template[:, 1]
    height = (y - y.min()) / np.ptp(y)
    bands = np.exp(-((height[:, None] - [0.15, 0.5, 0.85]) ** 2) / 0.02)
    return (bands / bands.sum(axis=1, keepdims=True)).astype(np.float32)


class Halves:
    """A model that knows the truth: parts are the factors that they own."""

    parts_match_weights = True
    channels = 3
    linear_path = None
    info: dict[str, object] = {}  # noqa: RUF012 - nothing is ever written there

    def __init__(self, weights: np.ndarray) -> None:
        self.weights, self.part_count = weights, weights.shape[1]
        self.vertex_count = len(weights)

    def encode(self, vertices: np.ndarray) -> np.ndarray:
        return np.asarray(vertices, np.float32).reshape(len(vertices), -1)

    def parts(self, z: np.ndarray) -> np.ndarray:
        return np.repeat(z[:, None], self.part_count, axis=1)

    def decode(self, parts: np.ndarray) -> np.ndarray:
        faces = parts.reshape(*parts.shape[:2], -1, 3)
        return np.einsum("vk,nkvc->nvc", self.weights, faces).astype(np.float32)

    def reconstruct(self, vertices: np.ndarray) -> np.ndarray:
        return vertices


@pytest.fixture(scope="module")
def made(data: Dataset, weights: np.ndarray) -> Recombinations:
    return recombine(FACTORS, data, weights, 9, 0)


def test_a_factor_belongs_to_the_part_that_it_moves_most(weights: np.ndarray) -> None:
    fields = np.zeros((4, len(weights), 3))
    for part in range(3):
        fields[part, :, 1] = weights[:, part] > 0.9
    fields[3] = 1
    assert owners_of(fields, weights).tolist() == [0, 1, 2, -1]
    assert owners_of(0 * fields, weights).tolist() == [-1] * 4


def test_the_truth_has_the_factors_of_both(data: Dataset, weights: np.ndarray) -> None:
    made = recombine(FACTORS, data, weights, 12, 0)
    assert np.bincount(made.parts).tolist() == [4, 4, 4]
    assert {*made.owners.tolist()} == {-1, 0, 1, 2}
    assert FACTORS.fields.shape[0] == len(FACTORS.names) == len(made.owners)
    for row, part in enumerate(made.parts):
        moved = np.linalg.norm(made.truths[row] - made.sources[row], axis=1)
        assert moved.max() > 0.5
        outside = weights[:, part] < 0.02
        inside = weights[:, part] > 0.95
        assert moved[outside].mean() < 0.25 * moved[inside].mean()


def test_it_is_drawn_by_its_seed_and_never_from_the_data_set(
    data: Dataset, weights: np.ndarray
) -> None:
    one, again, other = (recombine(FACTORS, data, weights, 9, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.truths, again.truths)
    assert not np.array_equal(one.sources, other.sources)
    stored = np.asarray(data.vertices).reshape(len(data.vertices), -1)
    for face in one.sources.reshape(len(one.sources), -1):
        assert np.abs(stored - face).max(axis=1).min() > 0.1


def test_errors_of_known_edits(made: Recombinations, weights: np.ndarray) -> None:
    every = np.ones(9, bool)
    assert edit_errors(made, made.truths, weights, every)["mean_mm"] == 0
    shifted = made.truths + np.float32([3, 0, 4])
    found = edit_errors(made, shifted, weights, every)
    assert found["faces"] == 9
    for name in ("mean_mm", "p95_mm", "inside_mm", "outside_mm"):
        assert found[name] == pytest.approx(5, abs=1e-4)
    left = edit_errors(made, made.sources, weights, every)
    blended = edit_errors(made, edit(made, MaskBlend(weights)), weights, every)
    assert blended["mean_mm"] < left["mean_mm"]
    assert blended["inside_mm"] < left["inside_mm"]


def measured(
    data: Dataset,
    made: Recombinations | Path,
    weights: np.ndarray,
    model: object,
    folder: Path,
    editing: EditingSettings | None = None,
) -> list[dict[str, object]]:
    return measure_truth(
        data, made, weights, model, folder / "truth.csv", folder / "examples.npz",
        editing or EditingSettings(),
    )  # fmt: skip


def test_the_table(
    data: Dataset, made: Recombinations, weights: np.ndarray, tmp_path: Path
) -> None:
    rows = measured(data, made, weights, Halves(weights), tmp_path)
    edits = ("source", "target", "mask_blend", "model")
    assert [(row["edit"], row["part"]) for row in rows] == [
        (name, part) for name in edits for part in (0, 1, 2, "all")
    ]
    by_name = {(row["edit"], row["part"]): row for row in rows}
    # The model of this test is the blend of vertices.
    assert by_name["model", "all"]["mean_mm"] == pytest.approx(
        by_name["mask_blend", "all"]["mean_mm"], rel=1e-3
    )
    with (tmp_path / "truth.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(rows)


def test_parts_of_other_sharpness_ask_for_the_same(data: Dataset, weights: np.ndarray) -> None:
    soft, sharp = (
        recombine(FACTORS, data, w, 9, 0) for w in (weights, sharpened(weights, 3.0, 0.1))
    )
    np.testing.assert_array_equal(soft.truths, sharp.truths)
    np.testing.assert_array_equal(soft.parts, sharp.parts)


def test_examples_are_the_pairs_that_change_most(
    data: Dataset, made: Recombinations, weights: np.ndarray, tmp_path: Path
) -> None:
    dials = EditingSettings(residual=True, keep=0.5)
    measured(data, made, weights, Halves(weights), tmp_path, dials)
    shown = read_examples(tmp_path / "examples.npz", data)
    assert shown.parts.tolist() == [0, 1, 2]
    assert "keep 0.5" in shown.dials
    change = np.linalg.norm(made.truths - made.sources, axis=2).mean(axis=1)
    for part, source, truth in zip(shown.parts, shown.sources, shown.truths, strict=True):
        of_part = change[made.parts == part]
        assert np.linalg.norm(truth - source, axis=1).mean() == pytest.approx(of_part.max())
    np.savez(tmp_path / "damaged.npz", **{**vars(shown), "edits": shown.edits[:, 1:]})
    with pytest.raises(LwpipeError, match=r"damaged\.npz: is no file of examples .*`edits`"):
        read_examples(tmp_path / "damaged.npz", data)


def test_the_table_of_baselines(
    data: Dataset, made: Recombinations, weights: np.ndarray, tmp_path: Path
) -> None:
    rows = measure_truth_of_baselines(
        data, made, weights, tmp_path / "truth.csv", LatentSettings(latent_size=8)
    )
    edits = [b.name for b in BASELINES if b.name not in ("pca", "kernel_pca", "real_test")]
    assert list(dict.fromkeys(row["edit"] for row in rows)) == ["source", "target", *edits]
    error = {row["edit"]: row["mean_mm"] for row in rows if row["part"] == "all"}
    assert 0 < error["mask_blend"] < error["source"]
    model = measured(data, made, weights, Halves(weights), tmp_path)
    of_model = {row["edit"]: row["mean_mm"] for row in model if row["part"] == "all"}
    assert {name: of_model[name] for name in ("source", "mask_blend")} == {
        name: error[name] for name in ("source", "mask_blend")
    }


@pytest.mark.parametrize("change", [{"part_count": 1}, {"parts_match_weights": False}])
def test_models_without_such_parts_have_no_row(
    change: dict[str, object],
    data: Dataset,
    made: Recombinations,
    weights: np.ndarray,
    tmp_path: Path,
) -> None:
    model = Halves(weights)
    for name, value in change.items():
        setattr(model, name, value)
    rows = measured(data, made, weights, model, tmp_path)
    assert {row["edit"] for row in rows} == {"source", "target", "mask_blend"}


def test_other_weights_are_asked_by_the_numbers_of_their_parts(
    data: Dataset, made: Recombinations, weights: np.ndarray, tmp_path: Path
) -> None:
    turned = weights[:, [2, 0, 1]]
    asked = made.asked_of(turned)
    np.testing.assert_array_equal(asked.parts, np.array([1, 2, 0])[made.parts])
    np.testing.assert_array_equal(asked.labels, turned.argmax(axis=1))
    owned = made.owners >= 0
    np.testing.assert_array_equal(asked.owners[owned], np.array([1, 2, 0])[made.owners[owned]])
    assert (asked.owners[~owned] == -1).all()
    first, again = (
        {(row["edit"], row["mean_mm"]) for row in rows if row["part"] == "all"}
        for rows in (
            measured(data, made, weights, Halves(weights), tmp_path),
            measured(data, made, turned, Halves(turned), tmp_path),
        )
    )
    assert first == again


def test_other_parts_are_not_asked(
    data: Dataset, made: Recombinations, weights: np.ndarray, tmp_path: Path
) -> None:
    # Two of three parts in one, and parts beside each other instead of on top of each other.
    fewer = np.stack([weights[:, 0] + weights[:, 1], weights[:, 2]], axis=1)
    x = data.template[:, 0]
    across = np.eye(3, dtype=np.float32)[np.digitize(x, np.quantile(x, [1 / 3, 2 / 3]))]
    for other in (fewer, across):
        assert measured(data, made, other, Halves(other), tmp_path) == []


def test_the_file_of_recombinations(
    data: Dataset, made: Recombinations, weights: np.ndarray, tmp_path: Path
) -> None:
    file = tmp_path / "recombinations.npz"
    written = make_recombinations(data, weights, file, SETTINGS, TruthSettings(recombinations=9))
    for name, array in vars(read_recombinations(file, data)).items():
        np.testing.assert_array_equal(array, vars(written)[name])
        np.testing.assert_array_equal(array, vars(made)[name])
    assert measured(data, file, weights, Halves(weights), tmp_path)
    for name in ("sources", "parts", "labels"):
        np.savez(file, **{**vars(made), name: vars(made)[name][..., 1:]})
        with pytest.raises(LwpipeError, match=r"recombinations\.npz: holds no .* vertices: `"):
            read_recombinations(file, data)


def test_a_source_that_does_not_know_its_factors(
    weights: np.ndarray, data: Dataset, tmp_path: Path
) -> None:
    np.savez(tmp_path / "faces.npz", vertices=shapes(4), triangles=TRIANGLES)
    own = DataSettings.model_validate(
        {"source": "meshes", "faces": None, "meshes": {"path": str(tmp_path / "faces.npz")}}
    )
    assert own.make_source().factors() is None
    none = make_recombinations(data, weights, tmp_path / "made.npz", own, TruthSettings())
    assert measured(data, none, weights, Halves(weights), tmp_path) == []
    assert (tmp_path / "truth.csv").read_text().splitlines() == [",".join(COLUMNS)]


def test_data_of_other_settings_are_a_fault(
    data: Dataset, weights: np.ndarray, tmp_path: Path
) -> None:
    other = DataSettings(faces=20, synthetic=SyntheticSettings(vertices=2500))
    with pytest.raises(LwpipeError, match="it was made by other settings"):
        make_recombinations(data, weights, tmp_path / "made.npz", other, TruthSettings())
    assert not list(tmp_path.iterdir())


def test_parts_that_own_nothing(data: Dataset, tmp_path: Path) -> None:
    half = np.full((data.vertices.shape[1], 2), 0.5, np.float32)
    none = make_recombinations(data, half, tmp_path / "made.npz", SETTINGS, TruthSettings())
    assert len(none.parts) == 0
    assert measured(data, none, half, Halves(half), tmp_path) == []
