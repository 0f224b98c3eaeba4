"""Fresh faces, and whether edits of them are told from real ones."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lwpipe.core.errors import LwpipeError
from lwpipe.data.align import align_faces
from lwpipe.data.make import make_dataset
from lwpipe.data.settings import DataSettings
from lwpipe.data.sources.synthetic import SyntheticSettings
from lwpipe.data.store import Dataset
from lwpipe.editing import EditingSettings, MaskBlend
from lwpipe.evaluation.detection import (
    BORDER,
    EDIT_COLUMNS,
    TEST_COLUMNS,
    WHOLE,
    DetectionBench,
    likeness,
    measure_detection,
    measure_detection_of_baselines,
)
from lwpipe.evaluation.feature_spaces import SPACES
from lwpipe.evaluation.fresh import DRAWN, TEST, FreshFaces, draw_fresh_faces, read_fresh_faces
from lwpipe.evaluation.placing import placed
from lwpipe.evaluation.settings import DetectionSettings, FreshSettings
from lwpipe.model.settings import LatentSettings
from tests.conftest import Patches
from tests.unit.evaluation.test_truth import Halves

SETTINGS = DataSettings(faces=40, synthetic=SyntheticSettings(vertices=1500))
FACES = 40
TESTS = DetectionSettings(faces=FACES, folds=4, permutations=40)


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
def fresh(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fresh") / "fresh_faces.npz"
    draw_fresh_faces(data, path, SETTINGS, FreshSettings(faces=FACES))
    return path


@pytest.fixture(scope="module")
def tables(
    data: Dataset, weights: np.ndarray, fresh: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    measure_detection_of_baselines(
        data, weights, fresh, folder / "tests.csv", folder / "edits.csv", TESTS,
        LatentSettings(latent_size=8),
    )  # fmt: skip
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def accuracies(folder: Path, edit: str, region: str) -> np.ndarray:
    return np.array(
        [
            float(row["accuracy"])
            for row in rows(folder / "tests.csv")
            if (row["edit"], row["region"]) == (edit, region)
        ]
    )


def test_fresh_faces_are_of_nobody_in_the_data_set(data: Dataset, fresh: Path) -> None:
    found = read_fresh_faces(fresh, data)
    assert found.origin == DRAWN
    faces = np.concatenate([found.sources, found.targets, found.references])
    assert faces.shape == (3 * FACES, *data.template.shape)
    assert len(np.unique(found.groups)) == 3 * FACES
    every = np.concatenate([np.asarray(data.vertices), faces]).reshape(-1, data.template.size)
    for row in range(len(data.vertices), len(every)):
        others = np.delete(every, row, axis=0)
        assert np.abs(others - every[row]).max(axis=1).min() > 0.1


def test_fresh_faces_are_drawn_by_their_seed(data: Dataset, fresh: Path, tmp_path: Path) -> None:
    for name, seed in (("again", 0), ("other", 1)):
        path = tmp_path / f"{name}.npz"
        draw_fresh_faces(data, path, SETTINGS, FreshSettings(faces=FACES, seed=seed))
    assert (tmp_path / "again.npz").read_bytes() == fresh.read_bytes()
    one, other = (read_fresh_faces(path, data) for path in (fresh, tmp_path / "other.npz"))
    assert not np.array_equal(one.references, other.references)


@pytest.mark.parametrize("scale", [False, True])
def test_faces_are_placed_as_those_of_the_data_set(data: Dataset, scale: bool) -> None:
    vertices = np.asarray(data.vertices).copy()
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    faces = vertices[:3].astype(np.float64) @ turn + [5, -90, 30]
    np.testing.assert_allclose(placed(faces, data), faces, rtol=1e-6)
    about = align_faces(vertices, data.indices("train"), scale=scale).describe()
    aligned = replace(
        data,
        vertices=vertices,
        template=vertices[data.indices("train")].mean(axis=0, dtype=np.float64),
        info={**data.info, "alignment": about},
    )
    np.testing.assert_allclose(placed(faces, aligned), vertices[:3], atol=1e-3)
    together = placed(faces, aligned, together=True)
    np.testing.assert_allclose(together[0], vertices[0], atol=1e-3)
    ratio = np.linalg.norm(np.diff(together, axis=0)) / np.linalg.norm(np.diff(faces, axis=0))
    assert ratio == pytest.approx(1, abs=0.2 if scale else 1e-5)
    assert not np.allclose(together[1], vertices[1], atol=0.1)


def test_other_sources_have_their_test_faces_cut_in_three(patches: Patches, tmp_path: Path) -> None:
    data = patches.data
    own = DataSettings.model_validate(
        {"source": "meshes", "faces": None, "meshes": {"path": "none"}}
    )
    cut = draw_fresh_faces(data, tmp_path / "a.npz", own, FreshSettings(faces=50))
    assert cut.origin == TEST
    faces = np.concatenate([cut.sources, cut.targets, cut.references])
    assert len(np.unique(faces.reshape(len(faces), -1), axis=0)) == len(faces) == 18
    held_out = np.asarray(data.vertices[data.indices("test")])
    for face in faces:
        assert (held_out == face).all(axis=(1, 2)).any()
    few = data.faces.copy()
    few.loc[data.indices("test")[:10], "split"] = "train"
    small = draw_fresh_faces(
        replace(data, faces=few), tmp_path / "b.npz", own, FreshSettings(faces=50)
    )
    assert len(small.sources) == 0
    assert len(read_fresh_faces(tmp_path / "b.npz", data).references) == 0


def test_persons_are_kept_apart_where_there_are_enough(patches: Patches, tmp_path: Path) -> None:
    own = DataSettings.model_validate(
        {"source": "meshes", "faces": None, "meshes": {"path": "none"}}
    )
    many = patches.data.faces.copy()
    many["split"] = ["train"] + ["test"] * 59
    subjects = {"all": [f"p{row // 2}" for row in range(60)], "few": ["a", "b"] * 30}
    sets = {}
    for name, column in subjects.items():
        data = replace(patches.data, faces=many.assign(subject=column))
        sets[name] = draw_fresh_faces(data, tmp_path / "c.npz", own, FreshSettings(faces=50))
    groups = [set(row.tolist()) for row in sets["all"].groups]
    assert sum(map(len, groups)) == len(set.union(*groups))
    assert len(groups[0]) < len(sets["all"].sources)
    assert len(np.unique(sets["few"].groups)) == sets["few"].groups.size


def test_people_who_share_the_faces_are_not_made_anew(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = type(SETTINGS.make_source())
    opened = source.open

    def shared(self: Any) -> Any:
        made = opened(self)
        made.subjects = ["one"] * len(made.ids)
        return made

    monkeypatch.setattr(source, "open", shared)
    found = draw_fresh_faces(data, tmp_path / "a.npz", SETTINGS, FreshSettings(faces=4))
    assert found.origin == TEST


def test_files_of_other_faces_are_refused(
    data: Dataset, patches: Patches, fresh: Path, tmp_path: Path
) -> None:
    with pytest.raises(LwpipeError, match=r"fresh_faces\.npz: is no file of fresh faces of 256"):
        read_fresh_faces(fresh, patches.data)
    other = DataSettings(faces=20, synthetic=SyntheticSettings(vertices=2500))
    with pytest.raises(LwpipeError, match="it was made by other settings"):
        draw_fresh_faces(data, tmp_path / "a.npz", other, FreshSettings(faces=4))
    assert not list(tmp_path.iterdir())


def test_likeness_by_hand() -> None:
    sources, targets = np.zeros((2, 3, 3), np.float32), np.zeros((2, 3, 3), np.float32)
    targets[:, :, 0] = 4
    weight = np.array([1.0, 0.6, 0.2])
    assert likeness(sources, sources, targets, weight) == 0
    assert likeness(targets, sources, targets, weight) == 1
    half = sources.copy()
    half[:, 0, 0], half[:, 2, 0] = 2, 77
    assert likeness(half, sources, targets, weight) == pytest.approx(0.25)
    assert np.isnan(likeness(half, sources, sources, weight))


def test_the_tables_of_baselines(tables: Path) -> None:
    tests, edits = rows(tables / "tests.csv"), rows(tables / "edits.csv")
    assert (tuple(tests[0]), tuple(edits[0])) == (TEST_COLUMNS, EDIT_COLUMNS)
    found = {(row["edit"], row["part"], row["region"], row["space"]) for row in tests}
    assert len(found) == len(tests)
    for space in SPACES:
        assert {("real", "all", WHOLE, space), ("real", "0", BORDER, space)} <= found
        assert {("mask_blend", "1", r, space) for r in (WHOLE, BORDER)} <= found
        assert ("shuffled_pairs", "0", WHOLE, space) in found
        assert ("pca_reconstruction", "all", WHOLE, space) in found
    by_edit = {(row["edit"], row["part"]): row for row in edits}
    blend = by_edit["mask_blend", "0"]
    of_blend = [row for row in tests if (row["edit"], row["part"]) == ("mask_blend", "0")]
    whole = {row["space"]: float(row["accuracy"]) for row in of_blend if row["region"] == WHOLE}
    assert float(blend["worst"]) == max(whole.values()) == whole[blend["worst_space"]]
    least = float(by_edit["shuffled_pairs", "0"]["worst"])
    assert float(blend["excess"]) == pytest.approx(float(blend["worst"]) - least, abs=1e-5)
    assert 0.9 < float(blend["likeness"]) <= 1
    assert float(by_edit["hard_paste", "0"]["likeness"]) == 1
    assert float(blend["leak"]) < 0.05
    assert by_edit["real", "all"]["likeness"] == ""


def test_what_other_papers_report_of_the_sets(tables: Path) -> None:
    tests, edits = rows(tables / "tests.csv"), rows(tables / "edits.csv")
    by_edit = {(row["edit"], row["part"]): row for row in edits}
    for edit, part in (("mask_blend", "1"), ("real", "all")):
        (in_vertices,) = (
            row for row in tests
            if (row["edit"], row["part"], row["region"], row["space"])
            == (edit, part, WHOLE, "vertices")
        )  # fmt: skip
        assert by_edit[edit, part]["neighbour"] == in_vertices["neighbour"]
    blends = [by_edit["mask_blend", part] for part in ("0", "1")]
    pasted = by_edit["hard_paste", "0"]
    assert all(0 < float(row["jsd"]) < 0.5 and float(row["diversity_mm"]) > 0 for row in blends)
    # What was changed is told by a clean cut for each of the two parts, and is one number an edit.
    assert blends[0]["vp"] == blends[1]["vp"]
    assert float(blends[0]["vp"]) > 0.9
    assert float(pasted["vp"]) > 0.9


def test_a_part_that_changes_as_another_is_not_told(
    data: Dataset, weights: np.ndarray, fresh: Path
) -> None:
    bench = DetectionBench(data, weights, read_fresh_faces(fresh, data), TESTS)
    halves = np.full_like(weights, 0.5)
    bench.add_edits("halves", MaskBlend(halves))
    found = {row["part"]: row for row in bench.summed()}
    assert float(found[0]["vp"]) < 0.7


def test_controls_behave(tables: Path) -> None:
    real = [*accuracies(tables, "real", WHOLE), *accuracies(tables, "real", BORDER)]
    assert np.max(real) < 0.72
    assert abs(np.mean(real) - 0.5) < 0.1
    assert accuracies(tables, "hard_paste", WHOLE).max() > 0.95
    assert accuracies(tables, "hard_paste", BORDER).max() > 0.95
    paste = [row for row in rows(tables / "tests.csv") if row["edit"] == "hard_paste"]
    assert min(float(row["p"]) for row in paste) == pytest.approx(1 / 41, abs=1e-4)
    # Eight components give whole faces back too smooth.
    assert accuracies(tables, "pca_reconstruction", WHOLE).max() > 0.95


def test_the_same_again(
    data: Dataset, weights: np.ndarray, fresh: Path, tables: Path, tmp_path: Path
) -> None:
    measure_detection_of_baselines(
        data, weights, fresh, tmp_path / "tests.csv", tmp_path / "edits.csv", TESTS,
        LatentSettings(latent_size=8),
    )  # fmt: skip
    for name in ("tests.csv", "edits.csv"):
        assert (tmp_path / name).read_bytes() == (tables / name).read_bytes()


def test_a_model_stands_beside_the_same_controls(
    data: Dataset, weights: np.ndarray, fresh: Path, tables: Path, tmp_path: Path
) -> None:
    files = tmp_path / "tests.csv", tmp_path / "edits.csv"
    measure_detection(data, weights, Halves(weights), fresh, *files, TESTS, EditingSettings())
    of_model = {row["edit"]: row for row in rows(files[1]) if row["part"] in ("0", "all")}
    of_baselines = {row["edit"]: row for row in rows(tables / "edits.csv") if row["part"] == "0"}
    # The model of this test is the blend of vertices, and gives whole faces back as they are.
    assert of_model["model"]["worst"] == of_baselines["mask_blend"]["worst"]
    assert of_model["hard_paste"] == of_baselines["hard_paste"]
    real = [row for row in rows(files[1]) if (row["edit"], row["part"]) == ("real", "all")]
    given_back = [r for r in rows(files[1]) if (r["edit"], r["part"]) == ("reconstruction", "all")]
    assert real[0]["worst"] == given_back[0]["worst"]


@pytest.mark.parametrize("change", [{"part_count": 1}, {"parts_match_weights": False}])
def test_a_model_without_such_parts_has_no_edits(
    change: dict[str, object], data: Dataset, weights: np.ndarray, fresh: Path, tmp_path: Path
) -> None:
    model = Halves(weights)
    for name, value in change.items():
        setattr(model, name, value)
    files = tmp_path / "tests.csv", tmp_path / "edits.csv"
    found = measure_detection(data, weights, model, fresh, *files, TESTS, EditingSettings())
    assert {row["edit"] for row in found} == {
        "real", "hard_paste", "shuffled_pairs", "reconstruction",
    }  # fmt: skip


def test_too_few_faces_or_parts_are_empty_tables(
    data: Dataset, weights: np.ndarray, fresh: Path, tmp_path: Path
) -> None:
    files = tmp_path / "tests.csv", tmp_path / "edits.csv"
    whole = np.ones((len(weights), 1), np.float32)
    none = read_fresh_faces(fresh, data)
    none = FreshFaces(
        none.sources[:0], none.targets[:0], none.references[:0], none.groups[:, :0], TEST
    )
    for these, faces in ((whole, fresh), (weights, none)):
        found = measure_detection_of_baselines(
            data, these, faces, *files, TESTS, LatentSettings(latent_size=8)
        )
        assert found == []
        assert files[0].read_text().splitlines() == [",".join(TEST_COLUMNS)]
        assert files[1].read_text().splitlines() == [",".join(EDIT_COLUMNS)]
