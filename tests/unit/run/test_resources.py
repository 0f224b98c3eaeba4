"""What jobs ask for: right for the size of the data, before and after they are made."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lwpipe.core.stage import Size
from lwpipe.run import Settings
from lwpipe.run.needs import gpus, memory_mb, runtime_minutes, size_of
from lwpipe.run.stages import STAGES

SMALL, LARGE = Size(100, 2_500), Size(2_000, 53_215)
# What `python benchmarks/resources.py` prints of runs on two cores: faces, vertices, peaks in MB of
# the stages that take most.
MEASURED = {
    Size(32, 1_497): {"make_local_weights": 541, "train_model": 625, "draw_interpolation": 746},
    Size(400, 24_927): {
        "make_dataset": 440,
        "make_local_weights": 870,
        "train_model": 1119,
        "evaluate_model": 829,
        "draw_interpolation": 1017,
        "measure_diversity": 762,
    },
}


def settings(**sections: dict[str, Any]) -> Settings:
    return Settings.model_validate(sections)


def meshes(path: Path, faces: int | None = None) -> Settings:
    return settings(data={"source": "meshes", "faces": faces, "meshes": {"path": str(path)}})


class TestSize:
    def test_of_a_store_that_is_there(self, tmp_path):
        (tmp_path / "dataset.json").write_text(json.dumps({"faces": 7, "vertices": 11}))
        assert size_of(settings(), tmp_path) == Size(7, 11)

    @pytest.mark.parametrize("text", ["", "[1]", '{"faces": "many"}', '{"faces": null}'])
    def test_a_damaged_store_counts_as_none(self, tmp_path, text):
        (tmp_path / "dataset.json").write_text(text)
        assert size_of(settings(), tmp_path) == Size(300, 2_500)

    def test_of_the_sources_that_tell_it(self, tmp_path):
        ict = settings(data={"source": "ict", "faces": 50, "ict": {"region": "head"}})
        assert size_of(ict, tmp_path) == Size(50, 11_248)
        folders = {"model_dir": "a", "faces_dir": "b"}
        aflw = {"source": "aflw2000-3d", "faces": None, "aflw2000_3d": folders}
        assert size_of(settings(data=aflw), tmp_path) == Size(2_000, 53_215)

    def test_of_arrays(self, tmp_path):
        file = tmp_path / "faces.npy"
        np.save(file, np.zeros((9, 40, 3), np.float32))
        assert size_of(meshes(file), tmp_path) == Size(9, 40)
        assert size_of(meshes(file, 5), tmp_path) == Size(5, 40)

    def test_of_a_folder_it_is_a_bound_from_above(self, tmp_path):
        from lwpipe.mesh.ply_file import write_ply

        grid = np.stack(np.meshgrid(np.arange(40.0), np.arange(40.0), [0.0]), -1).reshape(-1, 3)
        corner = np.arange(1600).reshape(40, 40)[:-1, :-1].reshape(-1, 1)
        triangles = np.concatenate([corner + np.array(each) for each in ([0, 1, 40], [1, 41, 40])])
        for name in "abc":
            write_ply(tmp_path / f"{name}.ply", grid, triangles)
        found = size_of(meshes(tmp_path), tmp_path / "store")
        assert found.faces == 3
        assert 1600 <= found.vertices <= 2 * 1600

    @pytest.mark.parametrize("name", ["none", "empty.npy", "object.npy"])
    def test_what_cannot_be_read_is_left_to_the_conversion(self, tmp_path, name):
        (tmp_path / "empty.npy").touch()
        np.save(tmp_path / "object.npy", np.array([{}], dtype=object), allow_pickle=True)
        assert size_of(meshes(tmp_path / name), tmp_path).faces >= 1


@pytest.mark.parametrize("stage", STAGES)
def test_more_data_never_ask_for_less(stage):
    base = settings()
    assert 300 < memory_mb(stage, base, SMALL) <= memory_mb(stage, base, LARGE) < 64_000
    assert 10 <= runtime_minutes(stage, base, SMALL) <= runtime_minutes(stage, base, LARGE)


@pytest.mark.parametrize("size", MEASURED, ids=str)
def test_the_peaks_that_were_measured_fit(size):
    small = {"epochs": 1, "batch_size": 8 if size.faces < 100 else 16}
    base = settings(training=small)
    for stage, peak in MEASURED[size].items():
        asked = memory_mb(stage, base, size)
        assert peak + 260 < asked < 6 * peak, stage  # 260: two processes of Snakemake


def test_what_makes_training_larger_asks_for_more():
    def asked(**training: Any) -> int:
        return memory_mb("train_model", settings(training=training), LARGE)

    assert asked(batch_size=32) > asked(batch_size=16) > asked(batch_size=16, accumulate=4)
    assert asked(cycle_weight=0.5) > asked(cycle_weight=0.0)
    assert asked(processes=2) > asked()
    curved = settings(model={"base": "kernel"})
    # 256 components of 53,215 vertices, three times, in single precision.
    assert memory_mb("train_model", curved, LARGE) > asked() + 3 * 163
    ten, twenty = (settings(training={"epochs": epochs}) for epochs in (10, 20))
    assert runtime_minutes("train_model", twenty, LARGE) > 1.5 * runtime_minutes(
        "train_model", ten, LARGE
    )


def test_what_makes_the_factorisation_larger_asks_for_more():
    def asked(**local: Any) -> int:
        return memory_mb("make_local_weights", settings(local_weights=local), LARGE)

    assert asked(solver="nimfa") > asked() > asked(features="magnitude")
    assert asked(max_faces=None) > asked(max_faces=100)
    assert asked(source="file", path="a.ply") < asked(max_faces=400)


def test_gpus_are_for_training_that_asks_for_them():
    asks = settings(training={"device": "cuda", "processes": 2})
    assert gpus("train_model", asks) == 2
    assert gpus("evaluate_model", asks) == 0
    for device in ("auto", "cpu"):
        assert gpus("train_model", settings(training={"device": device})) == 0


def test_a_job_tells_its_peak(tmp_path):
    """The last line of its log, which the benchmark reads."""
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux tells a process its peak")
    import importlib.util
    from types import SimpleNamespace

    path = Path(__file__).parents[3] / "workflow" / "scripts" / "_job.py"
    spec = importlib.util.spec_from_file_location("lwpipe_job", path)
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before
    log = tmp_path / "a.log"
    with module.job(SimpleNamespace(log=[str(log)])):
        pass
    last = log.read_text().splitlines()[-1]
    assert last.startswith("done in 0.0 s, at most ")
    assert 10 < int(last.split()[-2]) < 100_000
