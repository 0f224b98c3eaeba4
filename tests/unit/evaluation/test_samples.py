"""Measures of faces that were drawn: controls, copies, parts given the rest, and the figures."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lwpipe.core.errors import LwpipeError
from lwpipe.data.make import make_dataset
from lwpipe.data.settings import DataSettings
from lwpipe.data.sources.synthetic import SyntheticSettings
from lwpipe.data.store import Dataset
from lwpipe.editing import LinearModel, Pca
from lwpipe.editing.settings import KEEPING
from lwpipe.evaluation.detection import REAL
from lwpipe.evaluation.fresh import draw_fresh_faces, read_fresh_faces
from lwpipe.evaluation.samples import (
    ALONE,
    COLUMNS,
    FULL_GAUSSIAN,
    GIVEN_REST,
    PCA_GAUSSIAN,
    SAMPLES,
    fit_model_prior,
    measure_samples,
    measure_samples_of_baselines,
    read_sample_examples,
)
from lwpipe.evaluation.settings import DetectionSettings, FreshSettings, SampleSettings
from lwpipe.figures.samples import draw_samples
from lwpipe.model.settings import LatentSettings
from lwpipe.sampling import PriorSettings
from lwpipe.sampling.mixture import Mixture
from tests.helpers.pictures import SMALL, size

SETTINGS = DataSettings(faces=60, synthetic=SyntheticSettings(vertices=1500))
FACES = 40
TESTS = DetectionSettings(faces=FACES, folds=4, permutations=20)
Z = 8


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return make_dataset(SETTINGS, tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def weights(data: Dataset) -> np.ndarray:
    """Two halves, with vertices that have no share in one of them."""
    y = data.template[:, 1]
    height = (y - y.min()) / np.ptp(y)
    low = np.clip(4 * height - 1.5, 0, 1)
    return np.stack([low, 1 - low], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def fresh(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fresh") / "fresh_faces.npz"
    draw_fresh_faces(data, path, SETTINGS, FreshSettings(faces=FACES))
    return path


@pytest.fixture(scope="module")
def model(data: Dataset, weights: np.ndarray) -> LinearModel:
    pca = Pca.fit(data.vertices, data.indices("train"), Z)
    return LinearModel(weights, pca, data.triangles)


@pytest.fixture(scope="module")
def made(
    data: Dataset,
    weights: np.ndarray,
    model: LinearModel,
    fresh: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("made")
    fit_model_prior(data, model, folder / "prior.npz", PriorSettings())
    files = (folder / name for name in ("tests.csv", "samples.csv", "examples.npz"))
    measure_samples(
        data, weights, model, folder / "prior.npz", fresh, *files, SampleSettings(), TESTS, KEEPING
    )
    files = (folder / name for name in ("rival_tests.csv", "rivals.csv"))
    measure_samples_of_baselines(
        data, weights, fresh, *files, SampleSettings(), TESTS, LatentSettings(latent_size=Z)
    )
    return folder


def rows(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return {(row["set"], row["part"]): row for row in csv.DictReader(file)}


def test_there_is_a_row_for_each_set_and_part(made: Path) -> None:
    found = rows(made / "samples.csv")
    parts = {(name, part) for name in (GIVEN_REST, ALONE) for part in "01"}
    assert set(found) == {(SAMPLES, "all"), (SAMPLES, "0"), (SAMPLES, "1"), *parts}
    assert tuple(found[SAMPLES, "all"]) == COLUMNS
    rivals = rows(made / "rivals.csv")
    assert {name for name, _ in rivals} == {REAL, PCA_GAUSSIAN, FULL_GAUSSIAN}


def test_real_faces_are_not_told_and_what_lacks_detail_is(made: Path) -> None:
    rivals = rows(made / "rivals.csv")
    real, bare, full = (
        float(rivals[name, "all"]["worst"]) for name in (REAL, PCA_GAUSSIAN, FULL_GAUSSIAN)
    )
    assert real < 0.65
    assert bare > full > real
    ours = rows(made / "samples.csv")[SAMPLES, "all"]
    assert float(ours["worst"]) < bare
    assert float(rivals[REAL, "all"]["nearest_ratio"]) == pytest.approx(1, abs=0.1)


def test_a_part_given_the_rest_is_less_told_than_one_of_any_face(made: Path) -> None:
    found = rows(made / "samples.csv")
    for part in "01":
        given, alone = found[GIVEN_REST, part], found[ALONE, part]
        assert float(given["border"]) < float(alone["border"])
        assert 0 < float(given["diversity_mm"]) < float(alone["diversity_mm"])


def test_copies_of_training_faces_are_found(
    data: Dataset, weights: np.ndarray, model: LinearModel, fresh: Path, made: Path, tmp_path: Path
) -> None:
    prior = fit_model_prior(data, model, tmp_path / "prior.npz", PriorSettings(detail=0))
    codes = model.encode(np.asarray(data.vertices[data.indices("train")])).astype(np.float64)
    shares = np.full(len(codes), 1 / len(codes))
    copies = replace(prior, codes=Mixture(shares, codes, 1e-9 * np.eye(Z)[None]))
    files = (tmp_path / name for name in ("tests.csv", "samples.csv", "examples.npz"))
    measure_samples(data, weights, model, copies, fresh, *files, SampleSettings(), TESTS, KEEPING)
    copied = rows(tmp_path / "samples.csv")[SAMPLES, "all"]
    ours = rows(made / "samples.csv")[SAMPLES, "all"]
    assert float(copied["nearest_ratio"]) < 0.7 < float(ours["nearest_ratio"])
    assert float(copied["closer_share"]) > 0.9


def test_the_same_bytes_again(
    data: Dataset, weights: np.ndarray, model: LinearModel, fresh: Path, made: Path, tmp_path: Path
) -> None:
    fit_model_prior(data, model, tmp_path / "prior.npz", PriorSettings())
    names = ("tests.csv", "samples.csv", "examples.npz")
    measure_samples(
        data, weights, model, tmp_path / "prior.npz", fresh, *(tmp_path / name for name in names),
        SampleSettings(), TESTS, KEEPING,
    )  # fmt: skip
    for name in ("prior.npz", *names):
        assert (tmp_path / name).read_bytes() == (made / name).read_bytes()


def test_examples_keep_the_rest_bit_for_bit(data: Dataset, weights: np.ndarray, made: Path) -> None:
    shown = read_sample_examples(made / "examples.npz", data)
    for part, column in enumerate(weights.T):
        for faces in (shown.varied[part], shown.moved[part].reshape(-1, *shown.face.shape)):
            still = column == 0
            assert still.any()
            assert (faces[:, still] == shown.face[still]).all()
            assert np.abs(faces - shown.face).max() > 0.1
    distances = np.linalg.norm(shown.samples[: len(shown.nearest)] - shown.nearest, axis=2)
    np.testing.assert_allclose(distances.mean(axis=1), shown.nearest_mm, rtol=1e-4)


def test_a_model_without_parts_draws_whole_faces_alone(
    data: Dataset, weights: np.ndarray, fresh: Path, tmp_path: Path
) -> None:
    pca = Pca.fit(data.vertices, data.indices("train"), Z)
    whole = LinearModel(np.ones_like(weights[:, :1]), pca, data.triangles)
    fit_model_prior(data, whole, tmp_path / "prior.npz", PriorSettings(prior="gaussian"))
    files = (tmp_path / name for name in ("tests.csv", "samples.csv", "examples.npz"))
    measure_samples(
        data, weights, whole, tmp_path / "prior.npz", fresh, *files, SampleSettings(), TESTS,
        KEEPING,
    )  # fmt: skip
    assert {name for name, _ in rows(tmp_path / "samples.csv")} == {SAMPLES}
    pictures = [tmp_path / f"{name}.png" for name in ("grid", "nearest", "parts", "directions")]
    draw_samples(data, tmp_path / "examples.npz", *pictures, SMALL)
    assert size(pictures[2])[0] > 10 * size(pictures[2])[1]


def test_four_sheets_with_the_same_bytes_again(data: Dataset, made: Path, tmp_path: Path) -> None:
    names = ("grid", "nearest", "parts", "directions")
    for turn in ("a", "b"):
        pictures = [tmp_path / f"{turn}_{name}.png" for name in names]
        draw_samples(data, made / "examples.npz", *pictures, SMALL)
    for name in names:
        content = (tmp_path / f"a_{name}.png").read_bytes()
        assert content == (tmp_path / f"b_{name}.png").read_bytes()
    # Sixteen draws of each of two parts, eight a row; sixteen faces, eight a row.
    assert size(tmp_path / "a_parts.png")[1] > 1.8 * size(tmp_path / "a_grid.png")[1]


def test_examples_of_other_faces_are_refused(data: Dataset, made: Path, tmp_path: Path) -> None:
    with np.load(made / "examples.npz") as file:
        arrays = dict(file)
    np.savez(tmp_path / "other.npz", **(arrays | {"face": arrays["face"][1:]}))
    with pytest.raises(LwpipeError, match=r"other\.npz: is no file of samples of"):
        read_sample_examples(tmp_path / "other.npz", data)


def test_too_few_faces_are_not_tested(
    data: Dataset, weights: np.ndarray, model: LinearModel, fresh: Path, made: Path, tmp_path: Path
) -> None:
    none = read_fresh_faces(fresh, data)
    none = replace(
        none, sources=none.sources[:0], targets=none.targets[:0], references=none.references[:0],
        groups=none.groups[:, :0],
    )  # fmt: skip
    files = [tmp_path / name for name in ("tests.csv", "samples.csv", "examples.npz")]
    found = measure_samples(
        data, weights, model, made / "prior.npz", none, *files, SampleSettings(), TESTS, KEEPING
    )
    assert found == []
    assert len(read_sample_examples(files[2], data).samples) == 16
