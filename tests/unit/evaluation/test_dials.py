"""Edits at positions of their dials."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from lwpipe.data.make import make_dataset
from lwpipe.data.settings import DataSettings
from lwpipe.data.sources.synthetic import SyntheticSettings
from lwpipe.data.store import Dataset
from lwpipe.editing import EditingSettings, HarmonisedMaskBlend, LinearModel, Pca
from lwpipe.evaluation.detection import measure_detection
from lwpipe.evaluation.dials import (
    BLEND,
    COLUMNS,
    REFINED,
    measure_dials,
    measure_dials_of_baselines,
    positions,
)
from lwpipe.evaluation.fresh import draw_fresh_faces
from lwpipe.evaluation.recombine import make_recombinations
from lwpipe.evaluation.settings import DialSettings, FreshSettings, TruthSettings
from lwpipe.evaluation.truth import measure_truth
from lwpipe.model.settings import LatentSettings
from tests.unit.evaluation.test_truth import Halves

SETTINGS = DataSettings(faces=60, synthetic=SyntheticSettings(vertices=1500))
FACES, Z = 60, 12
DIALS = DialSettings(faces=FACES, folds=4, dials=[1.0, 0.0, 0.5, 0.5])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return make_dataset(SETTINGS, tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def weights(data: Dataset) -> np.ndarray:
    """Two halves that overlap a little."""
    y = data.template[:, 1]
    height = (y - y.min()) / np.ptp(y)
    low = 1 / (1 + np.exp((height - 0.5) * 30))
    return np.stack([1 - low, low], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def faces(
    data: Dataset, weights: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("faces")
    fresh, made = folder / "fresh_faces.npz", folder / "recombinations.npz"
    draw_fresh_faces(data, fresh, SETTINGS, FreshSettings(faces=FACES))
    make_recombinations(data, weights, made, SETTINGS, TruthSettings(recombinations=8))
    return fresh, made


@pytest.fixture(scope="module")
def pca(data: Dataset) -> Pca:
    return Pca.fit(data.vertices, data.indices("train"), Z)


def test_harmony_is_turned_and_keep_and_harmony_again() -> None:
    turned = [(dials.keep, dials.harmony) for dials in positions([1.0, 0.0, 0.5, 0.5])]
    assert turned == [(0, 0), (0, 0.5), (0, 1), (0.5, 1), (1, 1), (1, 0.5), (1, 0)]
    assert all(dials.residual for dials in positions([0.3]))
    assert [(d.keep, d.harmony) for d in positions([0.3])] == [(0, 0.3), (0.3, 1), (1, 0.3)]


def test_every_position_is_measured_as_the_stages_of_edits_do(
    data: Dataset, weights: np.ndarray, faces: tuple[Path, Path], pca: Pca, tmp_path: Path
) -> None:
    model = LinearModel(weights, pca, data.triangles)
    found = measure_dials(data, weights, model, *faces, tmp_path / "dials.csv", DIALS)
    assert [(row["keep"], row["harmony"]) for row in found] == [
        (0, 0), (0, 0.5), (0, 1), (0.5, 1), (1, 1), (1, 0.5), (1, 0),
    ]  # fmt: skip
    dials = EditingSettings(residual=True, keep=0.5, harmony=1.0)
    files = tmp_path / "tests.csv", tmp_path / "edits.csv"
    edits = measure_detection(data, weights, model, faces[0], *files, DIALS, dials)
    of_parts = [row for row in edits if row["edit"] == "model"]
    for column, key in (("detect_worst", "worst"), ("detect_border", "border"),
                        ("likeness", "likeness"), ("leak_mean", "leak")):  # fmt: skip
        assert found[3][column] == pytest.approx(np.mean([r[key] for r in of_parts]), rel=1e-4)
    truth = measure_truth(
        data, faces[1], weights, model, tmp_path / "t.csv", tmp_path / "e.npz", dials
    )
    errors = {row["edit"]: row["mean_mm"] for row in truth if row["part"] == "all"}
    assert found[3]["edit_error_mm"] == pytest.approx(errors["model"], rel=1e-4)
    share = errors["model"] / errors["source"]
    assert found[3]["edit_error_share"] == pytest.approx(share, rel=1e-3)


def test_in_harmony_edits_pass_more_easily_and_keep_holds_the_rest(
    data: Dataset, weights: np.ndarray, faces: tuple[Path, Path], tmp_path: Path
) -> None:
    found = measure_dials_of_baselines(
        data, weights, *faces, tmp_path / "dials.csv", DIALS, LatentSettings(latent_size=Z)
    )
    for name in (BLEND, REFINED):
        rows = {(row["keep"], row["harmony"]): row for row in found if row["edit"] == name}
        assert rows[0, 1]["detect_worst"] < rows[0, 0]["detect_worst"]
        assert rows[0, 1]["leak_mean"] > rows[0, 0.5]["leak_mean"] > rows[0, 0]["leak_mean"]
        assert rows[0, 0]["likeness"] > rows[0, 1]["likeness"] > 0.2
        assert rows[1, 1]["leak_mean"] < 0.25 * rows[0, 1]["leak_mean"]
    with (tmp_path / "dials.csv").open(newline="", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert tuple(read[0]) == COLUMNS
    assert [row["edit"] for row in read] == [BLEND] * 7 + [REFINED] * 7


def test_what_is_harmonised_is_distributed_as_faces_are(data: Dataset, pca: Pca) -> None:
    """Among two people the spread of a whole face's coefficients stays, where averages lose it."""
    y = data.template[:, 1]
    weights = np.stack([y > y.mean(), y <= y.mean()], axis=1).astype(np.float32)
    rows = data.indices("train")
    sources, targets = (np.asarray(data.vertices[part]) for part in (rows[::2], rows[1::2]))
    count = min(len(sources), len(targets))
    editor = HarmonisedMaskBlend(weights, pca, data.triangles, harmony=1.0)
    edited = editor.edit(sources[:count], targets[:count], 0, 1.0)

    def spread(faces: np.ndarray) -> float:
        return float(((pca.coefficients(faces) / pca.deviation) ** 2).mean())

    assert spread(edited) == pytest.approx(spread(np.asarray(data.vertices[rows])), abs=0.15)
    assert spread((sources[:count] + targets[:count]) / 2) < 0.7


@pytest.mark.parametrize("change", [{"part_count": 1}, {"parts_match_weights": False}])
def test_a_model_without_such_parts_has_no_dials(
    change: dict[str, object],
    data: Dataset,
    weights: np.ndarray,
    faces: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    model = Halves(weights)
    for name, value in change.items():
        setattr(model, name, value)
    assert measure_dials(data, weights, model, *faces, tmp_path / "dials.csv", DIALS) == []
    assert (tmp_path / "dials.csv").read_text().splitlines() == [",".join(COLUMNS)]
