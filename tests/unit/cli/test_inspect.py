"""`lwpipe inspect`: what files and folders are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from lwpipe.cli.inspect import declared, inspect
from lwpipe.cli.main import main
from lwpipe.core.errors import LwpipeError
from lwpipe.core.stage import Needs, Output, Stage
from lwpipe.data import check
from lwpipe.data.store import Dataset
from lwpipe.data.store_files import FACE_COLUMNS
from lwpipe.evaluation import diversity, interpolation, summary
from lwpipe.evaluation.measures import COLUMNS as MEASURED
from lwpipe.local_weights import load_local_weights
from lwpipe.local_weights.archive import save_local_weights
from lwpipe.template import pyramid
from lwpipe.training.checkpoint import HISTORY_COLUMNS
from tests.robust.bad_input.stage_inputs import copy_run, place_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with its files where the workflow has them."""
    made = copy_run(tmp_path / "made")
    run = tmp_path / "results" / "small"
    place_run(made, run)
    for folder, name in (("template", "pyramid.npz"), ("local_weights", "local_weights.npz")):
        (run / folder).mkdir()
        shutil.move(made / name, run / folder / name)
    return run


@pytest.mark.parametrize("name", ["data", "data/dataset.json", "data/vertices.npy"])
def test_a_data_set(run: Path, name: str) -> None:
    found = inspect(run / name)
    assert found.kind == "data set"
    facts = found.facts
    assert (facts["faces"], facts["vertices"], facts["triangles"]) == (8, 256, 450)
    assert facts["split"] == {"train": 6, "test": 2}
    assert facts["ids"] == "f0 ... f7"
    assert Dataset.open(run / "data").info["content_sha256"] in facts["content sha256"]
    assert facts["used by"] is None


@pytest.mark.parametrize(
    "name",
    ["training", "training/model.safetensors", "training/model.json"],
    ids=["folder", "file", "json"],
)
def test_a_model_and_its_data_set(run: Path, name: str) -> None:
    file = run / "variants" / "full" / "training" / "model.json"
    about = json.loads(file.read_text())
    about["info"] |= {
        "data_sha256": Dataset.open(run / "data").info["content_sha256"],
        "training": {"epochs": 3, "seed": 0},
    }
    file.write_text(json.dumps(about))
    found = inspect(run / "variants" / "full" / name)
    assert found.kind == "trained model"
    facts = found.facts
    assert (facts["parts (K)"], facts["latent size (Z)"], facts["vertices"]) == (3, 5, 256)
    assert facts["levels"] == [f"level {i}: {n} vertices" for i, n in enumerate((256, 64, 16))]
    assert facts["test error"] == "1.000 mm"
    assert facts["training, where not default"] == "epochs=3"
    assert facts["data set"].endswith("small/data (the same)")
    assert inspect(run / "data").facts["used by"] == [str(file.parent)]

    about["info"]["data_sha256"] = "0" * 64
    file.write_text(json.dumps(about))
    assert "ANOTHER one" in inspect(file).facts["data set"]
    assert "ANOTHER one" in inspect(run).facts["models"][0]


def test_a_run(run: Path) -> None:
    found = inspect(run)
    assert found.kind == "results of a run"
    assert found.facts["stages"] == "data, template, local_weights"
    assert found.facts["models"] == [
        "full: K 3, Z 5, 1 epochs, test error 1.000 mm; data set unknown"
    ]


def test_pyramid_and_weights_and_whether_they_fit(run: Path) -> None:
    found = inspect(run / "template")
    assert found.kind == "mesh pyramid"
    assert found.facts["levels"] == 2
    assert found.facts["meshes"][2].startswith("level 2: 16 vertices")
    found = inspect(run / "local_weights" / "local_weights.npz")
    assert found.kind == "local weights"
    assert (found.facts["vertices"], found.facts["parts (K)"]) == (256, 3)
    assert found.facts["fits"] == str(run / "data")
    info = run / "data" / "dataset.json"
    info.write_text(info.read_text().replace('"vertices": 256', '"vertices": 99'))
    assert inspect(run / "template").facts["fits"] == f"not {run / 'data'}, which has 99 vertices"


def test_painted_weights(run: Path) -> None:
    file = run / "local_weights" / "local_weights.npz"
    weights, basis = load_local_weights(file)
    save_local_weights(file, weights, basis, ["nose", "chin", "brow"])
    about = {"source": "file", "parts": 3, "file": "mine.ply", "blur_mm": 4.0, "part": []}
    file.with_suffix(".json").write_text(json.dumps(about))
    facts = inspect(file).facts
    assert facts["names"] == "nose, chin, brow"
    assert (facts["source"], facts["file"], facts["blur_mm"]) == ("file", "mine.ply", 4.0)
    found = inspect(file.with_suffix(".json"))
    assert found.kind == "origin of local weights"
    assert found.facts["file"] == "mine.ply"


def test_checkpoints(run: Path) -> None:
    folder = run / "variants" / "full" / "checkpoints"
    found = inspect(folder)
    assert found.facts["last.pt"] == "1 epochs, last test error 1.000 mm"
    facts = inspect(folder / "last.pt").facts
    assert (facts["epochs"], facts["steps into the next"]) == (1, 0)
    assert (facts["parts (K)"], facts["latent size (Z)"]) == (3, 5)
    assert facts["fingerprint"] == "mark"
    content = (folder / "last.pt").read_bytes()
    (folder / "best.pt").write_bytes(content[:-9])
    assert "is damaged" in inspect(folder).facts["best.pt"]
    assert inspect(folder / "history.csv").facts["best test error"] == "1.000 mm in epoch 1"


def test_what_users_bring(run: Path, tmp_path: Path) -> None:
    mesh = inspect(run / "data" / "template.ply")
    assert mesh.kind == "mesh (PLY)"
    facts = mesh.facts
    assert (facts["vertices"], facts["triangles"], facts["components"]) == (256, 450, 1)
    assert facts["boundary edges"] == 60
    assert facts["unit, if it is a face"] == "mm"

    faces = np.zeros((3, 4, 3), np.float32)
    np.save(tmp_path / "a.npy", faces)
    assert inspect(tmp_path / "a.npy").kind == "faces (NPY)"
    np.save(tmp_path / "b.npy", np.arange(4))
    assert inspect(tmp_path / "b.npy").facts == {"type": "int64", "shape": "(4,)"}
    np.savez(tmp_path / "a.npz", vertices=faces, triangles=np.zeros((1, 3), int))
    found = inspect(tmp_path / "a.npz")
    assert found.kind == "faces (NPZ)"
    assert "vertices: float32 (3, 4, 3)" in found.facts["arrays"]

    scipy.io.savemat(tmp_path / "a.mat", {"mu_shape": np.zeros((12, 1)), "tri": np.ones((3, 2))})
    found = inspect(tmp_path / "a.mat")
    assert found.kind.startswith("Basel shape model")
    assert found.facts["vertices"] == 4

    preset = Path(__file__).parents[3] / "presets" / "ict.yaml"
    facts = inspect(preset).facts
    assert (facts["run"], facts["source"]) == ("ict", "ict")
    assert "training.batch_size=32" in facts["where not default"]


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        (FACE_COLUMNS, "faces of a data set"),
        (check.COLUMNS, "checks of a data set"),
        (pyramid.TABLE_COLUMNS, "levels of a mesh pyramid"),
        (HISTORY_COLUMNS, "learning curve of a training"),
        (interpolation.COLUMNS, "distances of an interpolation"),
        (diversity.POINT_COLUMNS, "encodings in the plane"),
        (diversity.TABLE_COLUMNS, "spread of encodings"),
        (summary.COLUMNS, "comparison of variants and baselines"),
        (("point", "training.seed", *(column.key for column in MEASURED)), "points of a sweep"),
    ],
    ids=str,
)
def test_a_table_is_known_by_its_columns(tmp_path: Path, columns: tuple[str], kind: str) -> None:
    (tmp_path / "any.csv").write_text(",".join(columns) + "\n")
    found = inspect(tmp_path / "any.csv")
    assert found.kind == kind
    assert found.facts == {"rows": 0, "columns": ", ".join(columns)}


def test_what_a_stage_declares_is_known_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = Stage(
        "count", "counting", "count the vertices of each part", "a:b",
        {"table": Output("counts.csv"), "shapes": Output("shapes/")}, Needs(program=1),
    )  # fmt: skip
    folder = tmp_path / "counting"
    (folder / "shapes").mkdir(parents=True)
    (folder / "counts.csv").write_text("part,vertices\n0,9\n")
    np.savez(folder / "ownerless.npz", a=np.ones(1))
    with pytest.raises(LwpipeError, match="no table of lwpipe"):
        inspect(folder / "counts.csv")
    with pytest.raises(LwpipeError, match="holds nothing"):
        inspect(folder)
    monkeypatch.setattr(declared, "STAGES", {**declared.STAGES, "count": counts})
    said = "count: count the vertices of each part"
    found = inspect(folder / "counts.csv")
    assert (found.kind, found.facts["rows"], found.facts["made by"]) == (
        "table of a stage", 1, said,
    )  # fmt: skip
    assert inspect(folder).kind == "files of a run"
    assert inspect(folder).facts == {"counts.csv": said, "shapes": said}
    # The same names in a folder of another name are the user's own.
    with pytest.raises(LwpipeError, match="holds nothing"):
        inspect(folder.rename(tmp_path / "mine"))


def test_every_file_of_a_stage_is_known_by_its_name() -> None:
    for stage in declared.STAGES.values():
        for output in stage.outputs.values():
            path = Path("results/run/variants/full") / stage.place / output.file
            found = declared.maker(path)
            assert found is not None
            assert found.place == stage.place


def test_every_measure_of_a_model_is_told(tmp_path: Path) -> None:
    content = {
        "reconstruction": {"mean": 1.25, "p95": None},
        "locality": {"parts": [{"r": 0.5}], "r_mean": 0.75, "remark": "none"},
        "plausibility": {"mahalanobis": 0.5, "reference": {"mahalanobis": 0.9}},
        "validity": {"flipped": 3},
        "specificity": None,
        "model": {"parameters": 12},
        "seed": 4,
        "data_sha256": "ab",
    }
    (tmp_path / "any.json").write_text(json.dumps(content))
    found = inspect(tmp_path / "any.json")
    assert found.kind == "measures of a model"
    assert found.facts == {
        "test error": {"mean": 1.25, "p95": None},
        "locality": {"r_mean": 0.75},
        "plausibility": {"mahalanobis": 0.5},
        "validity": {"flipped": 3},
        "specificity": None,
        "model": {"parameters": 12},
        "seed": 4,
        "data sha256": "ab",
    }


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "ran",))

    np.save(tmp_path / "a.npy", np.array([Payload()], object), allow_pickle=True)
    np.savez(tmp_path / "a.npz", weights=np.array([Payload()], object), allow_pickle=True)
    for name in ("a.npy", "a.npz"):
        with pytest.raises(LwpipeError, match=name):
            inspect(tmp_path / name)
    assert not (tmp_path / "ran").exists()


def test_the_command_prints_lines_or_json(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(run / "local_weights")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{run / 'local_weights'}: local weights"
    assert lines[1].split() == ["vertices", "256"]
    assert main(["inspect", "--json", str(run / "data")]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["kind"], content["faces"]) == ("data set", 8)
    assert main(["inspect", str(run / "nothing")]) == 1
    assert capsys.readouterr().err == f"lwpipe: error: {run / 'nothing'}: does not exist.\n"
