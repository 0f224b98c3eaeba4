"""A training that a signal stops is saved at that step and ends with the bytes of one undisturbed.

What is not in here, several processes, is in test_training_processes.py.
"""

import importlib.util
import json
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lwpipe.core.errors import LwpipeError, StoppedError
from lwpipe.training import data as training_data
from lwpipe.training import epoch as training_epoch
from lwpipe.training import loop as training_loop
from lwpipe.training.position import Position
from lwpipe.training.progress import TrainingProgress
from lwpipe.training.stop import SIGNALS, Stop, asked_by, listening
from tests.helpers.training_inputs import MODEL, SHORT, make_inputs, run

STEPS = 9
FILES = ("model.safetensors", "model.json")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    return make_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def undisturbed(inputs, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    run(inputs, folder, folder / "checkpoints", training=SHORT)
    return folder


@pytest.fixture(autouse=True)
def handlers_are_restored():
    before = [signal.getsignal(number) for number in SIGNALS]
    yield
    assert [signal.getsignal(number) for number in SIGNALS] == before


class Signals:
    """Sends a signal to the own process in some steps, counted from 1, or at some events."""

    def __init__(self) -> None:
        self.steps: set[int] = set()
        self.events: set[str] = set()
        self.number = signal.SIGTERM
        self.count = self.tests = 0

    def step(self) -> None:
        self.count += 1
        if self.count in self.steps:
            signal.raise_signal(self.number)

    def event(self, name: str) -> None:
        if name in self.events:
            self.events.remove(name)
            signal.raise_signal(self.number)


@pytest.fixture
def signals(monkeypatch) -> Signals:
    signals = Signals()
    add_gradients, error_mm = training_epoch.add_gradients, training_epoch.error_mm

    class Watcher(TrainingProgress):
        def __enter__(self):
            signals.event("start")
            return super().__enter__()

        def epoch(self, row):
            super().epoch(row)
            signals.event(f"end of epoch {row['epoch']}")

    def gradients(*arguments):
        signals.step()
        return add_gradients(*arguments)

    def error(*arguments):
        signals.tests += 1
        signals.event(f"test after step {signals.count}")
        return error_mm(*arguments)

    monkeypatch.setattr(training_loop, "TrainingProgress", Watcher)
    monkeypatch.setattr(training_epoch, "add_gradients", gradients)
    monkeypatch.setattr(training_epoch, "error_mm", error)
    return signals


def run_until_done(inputs: Path, folder: Path, training=SHORT) -> list[str]:
    """Give the same command again until it succeeds; return what the stopped ones said."""
    said: list[str] = []
    while not (folder / "model.safetensors").exists():
        try:
            run(inputs, folder, folder / "checkpoints", training=training)
        except StoppedError as error:
            said.append(str(error))
            assert len(said) < 2 * STEPS
    return said


def sentence(step: int) -> str:
    """Return what is said of a stop in one of the 9 steps, counted from 1."""
    return (
        f"training was stopped by SIGTERM in epoch {(step - 1) // 3 + 1} of 3, "
        f"step {(step - 1) % 3 + 1} of 3: saved; the same command goes on from there."
    )


def assert_same_bytes(folder: Path, expected: Path) -> None:
    for name in FILES:
        assert (folder / name).read_bytes() == (expected / name).read_bytes()
    one, other = (
        np.genfromtxt(f / "history.csv", delimiter=",", names=True) for f in (folder, expected)
    )
    for column in one.dtype.names:
        if column != "seconds":
            assert (one[column] == other[column]).all(), column


@pytest.mark.parametrize("seed", range(3))
def test_a_signal_in_any_step_saves_it_and_nothing_changes(
    inputs, undisturbed, tmp_path, signals, seed
):
    steps = sorted(random.Random(seed).sample(range(1, STEPS + 1), 3))
    signals.steps = set(steps)
    assert run_until_done(inputs, tmp_path) == [sentence(step) for step in steps]
    # No step was taken twice.
    assert signals.count == STEPS
    assert_same_bytes(tmp_path, undisturbed)


def test_a_signal_in_every_step(inputs, undisturbed, tmp_path, signals):
    signals.steps = set(range(1, STEPS + 1))
    assert run_until_done(inputs, tmp_path) == [sentence(step) for step in range(1, STEPS + 1)]
    assert_same_bytes(tmp_path, undisturbed)


@pytest.mark.parametrize(
    ("event", "step"),
    [("start", 1), ("test after step 6", 6), ("end of epoch 1", 4), ("test after step 9", 9)],
)
def test_a_signal_outside_of_the_steps(inputs, undisturbed, tmp_path, signals, event, step):
    signals.events = {event}
    assert run_until_done(inputs, tmp_path) == [sentence(step)]
    assert signals.count == STEPS
    assert_same_bytes(tmp_path, undisturbed)


def test_a_signal_after_the_last_test_lets_the_training_end(inputs, undisturbed, tmp_path, signals):
    signals.events = {"end of epoch 3"}
    assert run_until_done(inputs, tmp_path) == []
    assert_same_bytes(tmp_path, undisturbed)


def test_a_signal_in_a_test_does_not_wait_for_its_end(inputs, tmp_path, signals):
    """4 test faces in 2 batches."""
    signals.events = {"test after step 18"}
    with pytest.raises(StoppedError, match=r"in epoch 1 of 3, step 18 of 18"):
        run(inputs, tmp_path, tmp_path, training=SHORT.model_copy(update={"batch_size": 2}))
    assert signals.tests == 1


def test_batches_in_pieces_from_a_stream_go_on_alike(inputs, tmp_path, signals, monkeypatch):
    pieces = SHORT.model_copy(update={"accumulate": 3, "optimizer": "sgd"})
    run(inputs, tmp_path / "one", tmp_path / "one" / "checkpoints", training=pieces)
    monkeypatch.setattr(training_data, "free_bytes", lambda _: 0)
    signals.count, signals.steps = 0, {2, 7}
    assert run_until_done(inputs, tmp_path / "two", pieces) == [sentence(2), sentence(7)]
    assert_same_bytes(tmp_path / "two", tmp_path / "one")


def test_other_signals_count_alike_and_interrupts_as_before(inputs, tmp_path, signals):
    signals.steps, signals.number = {5}, signal.SIGUSR1
    with pytest.raises(StoppedError, match=r"stopped by SIGUSR1 in epoch 2 of 3, step 2 of 3"):
        run(inputs, tmp_path, tmp_path, training=SHORT)
    assert not (tmp_path / "out").exists()

    before = (tmp_path / "last.pt").read_bytes()
    signals.steps, signals.number, signals.count = {1}, signal.SIGINT, 0
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(inputs, tmp_path / "out", tmp_path, training=SHORT)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert (tmp_path / "last.pt").read_bytes() == before


def test_a_second_signal_while_it_saves_changes_nothing(
    inputs, undisturbed, tmp_path, signals, monkeypatch
):
    write = Path.write_bytes

    def interrupted_write(path, content):
        if signals.count == 4:
            signal.raise_signal(signal.SIGTERM)
            write(path, content[: len(content) // 2])
            signal.raise_signal(signal.SIGUSR1)
        write(path, content)

    signals.steps = {4}
    monkeypatch.setattr(Path, "write_bytes", interrupted_write)
    assert run_until_done(inputs, tmp_path) == [sentence(4)]
    assert_same_bytes(tmp_path, undisturbed)


def test_without_resumption_the_sentence_says_how_to_go_on(inputs, tmp_path, signals):
    signals.steps = {1}
    with pytest.raises(StoppedError, match=r"the same command without --fresh goes on from there"):
        run(inputs, tmp_path, tmp_path, training=SHORT, resume=False)


def test_a_training_in_another_thread_takes_no_signals(inputs, undisturbed, tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    class Looks(TrainingProgress):
        def step(self, loss, count):
            seen.append(signal.getsignal(signal.SIGTERM))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_loop, "TrainingProgress", Looks)
        thread = threading.Thread(
            target=run, args=(inputs, tmp_path, tmp_path / "c"), kwargs={"training": SHORT}
        )
        thread.start()
        thread.join()
    assert set(seen) == {before}
    assert_same_bytes(tmp_path, undisturbed)


def test_a_stop_of_a_diverged_training_saves_nothing(inputs, tmp_path, signals, monkeypatch):
    """Gradients that are not numbers have reached the weights, and not yet a loss."""
    add_gradients = training_epoch.add_gradients

    def spoilt(model, x, *arguments):
        sums = add_gradients(model, x, *arguments)
        if signals.count == 5:
            next(model.network.parameters()).grad[:] = float("nan")
        return sums

    monkeypatch.setattr(training_epoch, "add_gradients", spoilt)
    signals.steps = {5}
    with pytest.raises(LwpipeError, match=r"diverged in epoch 2 of 3 \(a weight or ") as caught:
        run(inputs, tmp_path, tmp_path, training=SHORT)
    assert caught.value.exit_code == 1
    assert f"{tmp_path / 'last.pt'} keeps epoch 1, " in str(caught.value)


class TestStop:
    def test_the_first_wish_is_kept(self):
        stop = Stop()
        assert asked_by(stop.marks(torch.zeros(3)).tolist()) is None
        stop.ask(signal.SIGUSR1)
        stop.ask(signal.SIGTERM)
        assert stop.signal is signal.SIGUSR1
        # Two processes, one of which was asked.
        both = stop.marks(torch.zeros(3)) + Stop().marks(torch.zeros(3))
        assert asked_by(both.tolist()) is signal.SIGUSR1

    def test_handlers_are_put_back_after_an_error(self):
        with pytest.raises(ValueError, match="no"), listening(Stop()):  # noqa: PT012
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
            raise ValueError("no")

    def test_the_draws_go_on_where_they_were(self):
        rng, again = np.random.default_rng([3, 1]), np.random.default_rng([3, 1])
        rng.permutation(7)
        rng.integers(10, dtype=np.int32)  # leaves half a word over
        position = Position()
        position.remember(rng)
        position.restore(again)
        assert rng.integers(1 << 60, size=9).tolist() == again.integers(1 << 60, size=9).tolist()


def test_the_command_ends_with_code_75(inputs, undisturbed, tmp_path):
    settings = {
        "model": MODEL.model_dump(),
        "training": SHORT.model_copy(update={"epochs": 1000}).model_dump(),
        "template": {"factors": [4, 4]},
    }
    (tmp_path / "config.yaml").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "lwpipe", "training", "--variant", "full"]
    files = {"data": "data", "pyramid": "pyramid.npz", "local_weights": "weights.npz"}
    for name, file in files.items():
        command += [f"--{name}", str(inputs / file)]
    command += ["--output", str(tmp_path / "out"), "--checkpoints", str(tmp_path / "checkpoints")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        while line := process.stderr.readline():
            if line.startswith("epoch 2/"):
                process.terminate()
                break
        said = process.stderr.read()
    assert process.returncode == 75
    last = said.splitlines()[-1]
    assert last.startswith("lwpipe: error: training was stopped by SIGTERM in epoch ")
    assert last.endswith(" of 3: saved; the same command goes on from there.")
    assert not (tmp_path / "out").exists()


def test_a_job_of_the_workflow_ends_with_the_code_of_its_error(tmp_path, capsys):
    path = Path(__file__).parents[3] / "workflow" / "scripts" / "_job.py"
    spec = importlib.util.spec_from_file_location("_job", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    snakemake = SimpleNamespace(log=[str(tmp_path / "job.log")])
    for error, code, said in (
        (StoppedError("stopped."), 75, "lwpipe: error: stopped.\n"),
        (LwpipeError("wrong."), 1, "lwpipe: error: wrong.\n"),
    ):
        with pytest.raises(SystemExit) as caught, module.job(snakemake):
            raise error
        assert caught.value.code == code
        assert capsys.readouterr().err == said
    with pytest.raises(SystemExit) as caught, module.job(snakemake):
        raise ValueError("a defect")
    assert caught.value.code == 1
    assert "Traceback" in capsys.readouterr().err
