"""Faults of the machine: each is one sentence, and nothing that was finished is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import write_csv, write_json, write_text
from lwpipe.data.make import make_dataset
from lwpipe.data.settings import DataSettings
from lwpipe.data.store import Dataset
from lwpipe.figures.animation import write_animation
from lwpipe.figures.style import new_figure, save_figure
from lwpipe.local_weights import make_local_weights
from lwpipe.local_weights.settings import LocalWeightsSettings
from lwpipe.mesh.ply_file import write_ply
from lwpipe.model import load
from lwpipe.model.archive import save_model
from lwpipe.report.page import Section, write_report
from lwpipe.template import Pyramid
from lwpipe.training.events import write_events
from tests.helpers.small_disk import Disk, small_disk
from tests.helpers.training_inputs import TRAINING, make_inputs, run

ROOT = Path(__file__).resolve().parents[2]


# ---------------------------------------------------------------------------- a full disk


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_inputs(tmp_path_factory.mktemp("inputs"))
    run(folder, folder / "model", folder / "checkpoints", TRAINING.model_copy(update={"epochs": 1}))
    return folder


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    with small_disk(tmp_path_factory.mktemp("disk"), "6m") as mounted:
        yield mounted


Write = Callable[[Path, Path], Any]


def _table(inputs: Path, folder: Path) -> None:
    write_csv(folder / "table.csv", [{"a": i, "b": "x" * 50} for i in range(500)], ["a", "b"])


def _json(inputs: Path, folder: Path) -> None:
    write_json(folder / "values.json", list(range(5000)))


def _mesh(inputs: Path, folder: Path) -> None:
    dataset = Dataset.open(inputs / "data")
    write_ply(folder / "mesh.ply", dataset.template, dataset.triangles)


def _dataset(inputs: Path, folder: Path) -> None:
    data = DataSettings.model_validate({"faces": 8, "synthetic": {"vertices": 1500}})
    make_dataset(data, folder)


def _pyramid(inputs: Path, folder: Path) -> None:
    Pyramid.load(inputs / "pyramid.npz").save(folder / "pyramid.npz")


def _weights(inputs: Path, folder: Path) -> None:
    settings = LocalWeightsSettings(iterations=2, max_faces=4)
    make_local_weights(inputs / "data", folder / "w.npz", folder / "w.json", settings)


def _model(inputs: Path, folder: Path) -> None:
    save_model(load(inputs / "model"), folder, {"epochs": 1})


def _training(inputs: Path, folder: Path) -> None:
    training = TRAINING.model_copy(update={"epochs": 1})
    run(inputs, folder, folder / "checkpoints", training, tensorboard=folder / "tensorboard")


def _figure(inputs: Path, folder: Path) -> None:
    figure = new_figure(4, 3, 100)
    figure.text(0.1, 0.5, "a figure")
    save_figure(figure, folder / "figure.png")


def _animation(inputs: Path, folder: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (3, 80, 80, 3), dtype=np.uint8)
    write_animation(list(noise), folder / "faces.gif")


def _page(inputs: Path, folder: Path) -> None:
    write_report(folder / "page.html", "title", [Section("One", "text " * 2000)])


def _events(inputs: Path, folder: Path) -> None:
    write_events(folder, [{"epoch": i, "loss": 0.5, "seconds": 1.0} for i in range(1, 300)])


WRITERS: tuple[Write, ...] = (
    _table, _json, _mesh, _dataset, _pyramid, _weights, _model, _training, _figure, _animation,
    _page, _events,
)  # fmt: skip


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def exact(files: dict[str, bytes]) -> dict[str, bytes]:
    """Leave out what tells seconds."""
    timed = ("history.csv", ".pt", ".lwpipe")
    return {name: files[name] for name in files if not name.endswith(timed)}


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__.strip("_"))
@pytest.mark.parametrize("share", [0.0, 0.4, 0.9])
def test_a_full_disk_is_one_sentence_and_leaves_what_was_there(
    write: Write, share: float, disk: Disk, inputs: Path, tmp_path: Path
) -> None:
    write(inputs, tmp_path / "plain")
    expected = content(tmp_path / "plain")
    folder = disk.folder / "results"
    shutil.rmtree(folder, ignore_errors=True)
    disk.empty()
    # What an earlier run left must not be lost, nor be half of the new.
    for name in expected:
        write_text(folder / name, "before")
    disk.leave(int(share * sum(map(len, expected.values()))))
    with pytest.raises(LwpipeError) as caught:
        write(inputs, folder)
    sentence = str(caught.value)
    assert sentence.endswith("."), sentence
    assert "\n" not in sentence
    assert str(folder) in sentence
    assert "No space left on device" in sentence or "are free on the disk" in sentence
    left = content(folder)
    assert set(left) == set(expected), "a temporary file is left, or a file is lost"
    for name, found in left.items():
        assert name.endswith((".pt", "history.csv", ".lwpipe")) or found in (
            b"before",
            expected[name],
        ), name
    if write is _dataset:
        assert set(left.values()) == {b"before"}, "a store is all old or all new"
    disk.empty()
    write(inputs, folder)
    assert exact(content(folder)) == exact(expected)


def test_tensorboard_reads_the_events(tmp_path: Path) -> None:
    """They are written without its own writer, whose thread prints a traceback on a full disk."""
    (tmp_path / "events.out.tfevents.1.old").write_bytes(b"of an earlier version")
    history = [
        {"epoch": 1, "loss": 0.5, "seconds": 2.0},
        {"epoch": 2, "loss": 0.25, "seconds": 3.0},
    ]
    write_events(tmp_path, history)
    read = EventAccumulator(str(tmp_path))
    read.Reload()
    assert [(e.step, e.value, e.wall_time) for e in read.Scalars("loss")] == [
        (1, 0.5, 2.0),
        (2, 0.25, 5.0),
    ]
    assert set(read.Tags()["scalars"]) == {"loss", "seconds"}
    assert len(list(tmp_path.iterdir())) == 1


LIMITED = """
import resource, sys
from pathlib import Path
from lwpipe.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
words = ["--set", "data.faces=8", "--set", "data.synthetic.vertices=1500"]
sys.exit(main(["data", "--output", sys.argv[2], *words]))
"""


def test_a_file_that_may_not_grow_so_large_is_one_sentence(tmp_path: Path) -> None:
    """What a quota or a file system of small files does; needs no root."""
    run_ = subprocess.run(
        [sys.executable, "-c", LIMITED, "20000", str(tmp_path / "data")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run_.returncode == 1
    assert run_.stderr == (
        f"lwpipe: error: {tmp_path / 'data/vertices.npy'}: cannot be written: File too large.\n"
    )
    assert not (tmp_path / "data").exists()


def test_a_read_only_disk_is_one_sentence(disk: Disk, inputs: Path) -> None:
    disk.empty()
    folder = disk.folder / "results"
    shutil.rmtree(folder, ignore_errors=True)
    _table(inputs, folder)
    before = content(folder)
    disk.remount("ro")
    try:
        for write in (_table, _dataset, _events):
            with pytest.raises(LwpipeError, match=r"cannot be written: Read-only file system\.$"):
                write(inputs, folder)
    finally:
        disk.remount("rw")
    assert content(folder) == before


# ---------------------------------------------------------------------------- the log of a job


def load_job() -> Any:
    scope: dict[str, Any] = {"__file__": str(ROOT / "workflow/scripts/_job.py")}
    before = list(sys.path)
    exec(compile(Path(scope["__file__"]).read_bytes(), scope["__file__"], "exec"), scope)
    sys.path[:] = before
    return scope["job"]


def test_a_log_that_cannot_be_written_hides_nothing(
    disk: Disk, capsys: pytest.CaptureFixture[str]
) -> None:
    disk.empty()
    log = disk.folder / "logs" / "stage.log"
    job = load_job()

    def fail() -> str:
        """Run a job that fails and return what the user sees."""

        def work() -> None:
            with job(SimpleNamespace(log=[str(log)])):
                sys.stderr.write("before the fault\n")
                raise LwpipeError("faces.csv: cannot be written: No space left on device.")

        with pytest.raises(SystemExit) as ended:
            work()
        assert ended.value.code == 1
        return str(capsys.readouterr().err)

    fail()
    assert "before the fault\nlwpipe: error: faces.csv" in log.read_text()
    log.unlink()
    disk.leave(0)
    full = fail()
    disk.empty()
    disk.remount("ro")
    try:
        read_only = fail()
    finally:
        disk.remount("rw")
    for stderr, reason in ((full, "No space left on device"), (read_only, "Read-only file system")):
        assert stderr.count("lwpipe: error: faces.csv: cannot be written") == 1
        assert stderr.count(f"lwpipe: warning: {log}: cannot be written: {reason}.\n") == 1
        assert "before the fault\n" in stderr
        assert "Traceback" not in stderr


# ---------------------------------------------------------------------------- two at once


TWICE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.helpers.small_disk import Disk, small_disk
from tests.helpers.training_inputs import TRAINING, make_inputs, run
output = Path(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
make_inputs(output)
training = TRAINING.model_copy(update={"epochs": 1})
run(output, output / "model", output / "checkpoints", training)
"""


@pytest.mark.slow
def test_two_processes_of_one_stage_end_with_what_one_alone_writes(
    inputs: Path, tmp_path: Path
) -> None:
    """As when a cluster starts a job again whose first process still lives."""
    both = [
        subprocess.Popen(
            [sys.executable, "-c", TWICE, str(ROOT), str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Another number of threads may round otherwise.
            env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
        )
        for _ in range(2)
    ]
    for each in both:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in both:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    for each in both:
        _, stderr = each.communicate(timeout=300)
        assert each.returncode == 0, stderr
    one, two = content(inputs), content(tmp_path)
    assert set(two) == set(one)
    assert exact(two) == exact(one)
