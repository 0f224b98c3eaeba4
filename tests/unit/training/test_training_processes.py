"""Training in several processes: the curve of one, resumption, and how failures end."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from lwpipe.core.errors import LwpipeError, StoppedError
from lwpipe.training import launch as launching
from lwpipe.training.job import Job
from lwpipe.training.stop import Stop, StopAskedError
from tests.helpers.training_inputs import MODEL, TRAINING, make_inputs, run

CPU = torch.device("cpu")
# 36 training faces in batches of 7: the last has one face, which two processes cannot share.
TWO = TRAINING.model_copy(update={"epochs": 12, "batch_size": 7, "processes": 2})
LINUX = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads /proc")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    return make_inputs(tmp_path_factory.mktemp("inputs"))


SCRIPT = """
import sys
from lwpipe.training import train
from lwpipe.training.job import Job
job = Job.from_json(sys.argv[1])
train(job.data, job.pyramid, job.local_weights, job.output, job.model, job.training,
      checkpoints=job.checkpoints, tensorboard=job.tensorboard)
"""


def processes_of(output: Path) -> dict[int, str | None]:
    """Return the rank, or None, of each process that has `output` on its command line."""
    found: dict[int, str | None] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(output).encode() in words and int(folder.name) != os.getpid():
            ranks = [e.partition(b"=")[2].decode() for e in environment if e.startswith(b"RANK=")]
            found[int(folder.name)] = ranks[0] if ranks else None
    return found


def wait_until_gone(output: Path) -> None:
    """Wait until no process of the training is left; half a minute is far more than it takes."""
    until = time.monotonic() + 30
    while processes_of(output):
        assert time.monotonic() < until, f"left: {processes_of(output)}"
        time.sleep(0.05)


def wait_until_there(output: Path) -> dict[int, str | None]:
    """Wait until the caller, the agent and two processes are there, and return them."""
    until = time.monotonic() + 60
    while sorted((found := processes_of(output)).values(), key=str) != ["0", "1", None, None]:
        assert time.monotonic() < until, f"there: {found}"
        time.sleep(0.01)
    return found


def read_until_epoch(process: subprocess.Popen) -> None:
    while line := process.stderr.readline():
        if line.startswith("epoch "):
            return
    pytest.fail("the training ended before its first epoch")


def train_command(inputs: Path, folder: Path, training) -> list[str]:
    """Return a `lwpipe training` that is to be run in `folder` and writes to its folder `out`."""
    settings = {
        "model": MODEL.model_dump(),
        "training": training.model_dump(),
        "template": {"factors": [4, 4]},
    }
    (folder / "config.yaml").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "lwpipe", "training", "--variant", "full"]
    for name, file in (
        ("data", "data"),
        ("pyramid", "pyramid.npz"),
        ("local_weights", "weights.npz"),
    ):
        command += [f"--{name}", str(inputs / file)]
    output, checkpoints = folder / "out", folder / "checkpoints"
    return [*command, "--output", str(output), "--checkpoints", str(checkpoints)]


@pytest.fixture(scope="module")
def pair(inputs, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pair")
    before = os.environ.copy()
    model = run(inputs, folder, folder / "checkpoints", training=TWO)
    # Compilers that PyTorch may load name a folder of their own.
    changed = {name for name in os.environ if os.environ[name] != before.get(name)}
    assert changed <= {"TORCHINDUCTOR_CACHE_DIR"}
    assert set(before) <= set(os.environ)
    assert model.info["epochs"] == TWO.epochs
    return folder


@pytest.mark.slow
class TestProcesses:
    def test_two_give_the_curve_of_one_that_cuts_its_batches_alike(self, inputs, pair, tmp_path):
        """Then even the shuffles of the cycle are the same.

        What is left is the order in which two single-precision gradients are added: 1e-7 of them.
        """
        alone = TWO.model_copy(update={"processes": 1, "accumulate": 2})
        run(inputs, tmp_path, tmp_path / "checkpoints", training=alone)
        self.assert_same_curve(tmp_path, pair, 1e-6)

    def test_without_a_cycle_two_give_the_curve_of_one(self, inputs, tmp_path):
        """By SGD, whose steps tell the size of a gradient; Adam's tell its direction alone.

        All sums over the faces round differently, and each step carries that on: 1e-4 holds for a
        few epochs, while after dozens rounding alone moves a training by more.
        """
        two = TWO.model_copy(update={"cycle_weight": 0.0, "epochs": 3, "optimizer": "sgd"})
        run(inputs, tmp_path / "two", tmp_path / "a", training=two)
        alone = two.model_copy(update={"processes": 1})
        run(inputs, tmp_path / "one", tmp_path / "b", training=alone)
        self.assert_same_curve(tmp_path / "one", tmp_path / "two", 1e-4)

    @staticmethod
    def assert_same_curve(one: Path, two: Path, tolerance: float) -> None:
        expected, got = (pd.read_csv(f / "history.csv") for f in (one, two))
        assert list(got.columns) == list(expected.columns)
        for column in expected.columns.drop("seconds"):
            np.testing.assert_allclose(
                got[column], expected[column], rtol=tolerance, err_msg=column
            )

    @LINUX
    def test_a_command_that_is_ended_leaves_no_process_and_resumes_to_the_same_bytes(
        self, inputs, pair, tmp_path
    ):
        """A stop goes to all at once, while they still load; to the command; to one process."""
        command, output = train_command(inputs, tmp_path, TWO), tmp_path / "out"
        places = []
        for number, who, code in (
            (signal.SIGTERM, "all", 75),
            (signal.SIGINT, "command", 130),
            (signal.SIGUSR1, "command", 75),
            (signal.SIGKILL, "command", -signal.SIGKILL),
            (signal.SIGTERM, "1", 75),
        ):
            process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
            if who != "all":
                read_until_epoch(process)
            for pid, rank in wait_until_there(output).items():
                if who in ("all", "command" if pid == process.pid else rank):
                    os.kill(pid, number)
            said = process.stderr.read()
            process.stderr.close()
            assert process.wait() == code, said
            wait_until_gone(output)
            assert not (output / "model.safetensors").exists()
            if code == 75:
                place = re.search(
                    rf"^lwpipe: error: training was stopped by {number.name} in epoch (\d+) of 12, "
                    r"step (\d) of 6: saved; the same command goes on from there\.$",
                    said,
                    re.MULTILINE,
                )
                assert place, said
                places.append((int(place[1]), int(place[2])))
        assert places[0] == (1, 1)
        assert places == sorted(places)

        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
        assert "epoch 12/12" in done.stderr
        assert "epoch 1/12" not in done.stderr
        for name in ("model.safetensors", "model.json"):
            assert (output / name).read_bytes() == (pair / name).read_bytes()

    @LINUX
    def test_a_killed_process_ends_the_training_with_a_sentence(self, inputs, tmp_path):
        """Called from a script that does nothing but train, as a job of the workflow does."""
        output = tmp_path / "out"
        job = Job(
            inputs / "data", inputs / "pyramid.npz", inputs / "weights.npz", output,
            tmp_path / "checkpoints", MODEL, TWO.model_copy(update={"epochs": 1000}), True,
            tmp_path / "tensorboard",
        )  # fmt: skip
        command = [sys.executable, "-c", SCRIPT, job.to_json()]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            read_until_epoch(process)
            victim = next(pid for pid, rank in processes_of(output).items() if rank == "1")
            os.kill(victim, signal.SIGKILL)
            said = process.stderr.read()
        assert process.returncode == 1
        assert said.rstrip().splitlines()[-1] == (
            "lwpipe.core.errors.LwpipeError: training process 2 of 2 was ended by SIGKILL, as "
            "happens when memory runs out: raise `training.accumulate` or lower "
            "`training.processes`."
        )
        wait_until_gone(output)

    def test_a_fault_is_the_sentence_of_one_process(self, inputs, tmp_path):
        wild = TWO.model_copy(
            update={"optimizer": "sgd", "learning_rate": 1e12, "schedule": "constant"}
        )
        with pytest.raises(LwpipeError) as caught:
            run(inputs, tmp_path / "out", tmp_path / "checkpoints", training=wild)
        assert str(caught.value).startswith("training diverged in epoch 1 of 12 (loss ")
        assert str(caught.value).endswith("; no checkpoint has been written yet.")
        assert not (tmp_path / "out").exists()


class TestLaunch:
    def job(self, processes=2) -> Job:
        settings = TRAINING.model_copy(update={"processes": processes})
        path = Path("x")
        return Job(path, path, path, path, path, MODEL, settings, True, path)

    def test_a_job_survives_the_way_to_another_process(self):
        job = self.job()
        assert Job.from_json(job.to_json()) == job

    def test_more_processes_than_gpus_are_one_sentence(self, monkeypatch):
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
        with pytest.raises(LwpipeError, match=r"`training\.processes` is 2, .* 1 GPU\(s\)"):
            launching.launch(self.job(), torch.device("cuda"), Stop())

    def test_a_start_under_torchrun_is_one_sentence(self, monkeypatch):
        monkeypatch.setenv("TORCHELASTIC_RUN_ID", "7")
        with pytest.raises(LwpipeError, match="without torchrun"):
            launching.launch(self.job(), CPU, Stop())

    def test_the_first_failure_is_told(self, capsys):
        crash = {"kind": "crash", "rank": 1, "message": "ValueError: no", "trace": "Traceback\n"}
        said = launching._sentence([crash], "", 1, 2)
        assert said == "training process 2 of 2 failed: ValueError: no."
        assert capsys.readouterr().err == "Traceback\n"
        log = "Root Cause (first observed failure):\n  rank      : 1 (local_rank: 1)\n"
        said = launching._sentence([], f"{log}  exitcode  : 1 (pid: 7)", 1, 2)
        assert said == "training process 2 of 2 ended with code 1."

    def test_progress_is_that_of_the_first_process(self, monkeypatch, capsys):
        monkeypatch.setattr(launching, "_TORCHRUN", "print('epoch 7/25  loss 0.5'); 1 / 0")
        with pytest.raises(LwpipeError):
            launching.launch(self.job(), CPU, Stop())
        assert capsys.readouterr().err.startswith("epoch 7/25  loss 0.5\n")

    def test_processes_that_have_stopped_say_where(self, monkeypatch):
        """And by which signal, if it is not the caller that got one."""
        stopped = json.dumps({"kind": "stopped", "signal": "SIGUSR1", "place": "epoch 3"})
        told = (
            f"import pathlib, sys; (pathlib.Path(sys.argv[-1]) / '1.json').write_text({stopped!r})"
        )
        stop = Stop()
        for expected in ("SIGUSR1", "SIGTERM"):
            monkeypatch.setattr(launching, "_TORCHRUN", told)
            with pytest.raises(StopAskedError) as caught:
                launching.launch(self.job(), CPU, stop)
            assert (caught.value.signal, caught.value.place) == (expected, "epoch 3")
            stop.ask()

    def test_processes_that_do_not_stop_are_ended(self, monkeypatch):
        stop = Stop()
        stop.ask()
        monkeypatch.setattr(launching, "_STOP_PATIENCE_S", 0.1)
        endless = "import sys; sys.stdin.buffer.read(); sys.exit(1)"
        monkeypatch.setattr(launching, "_TORCHRUN", endless)
        with pytest.raises(StoppedError, match="SIGTERM, and its processes ended before they"):
            launching.launch(self.job(), CPU, stop)

    def test_processes_that_cannot_start_are_one_sentence(self, monkeypatch, capsys):
        monkeypatch.setattr(launching, "_TORCHRUN", "raise SystemExit('no torch here')")
        with pytest.raises(LwpipeError, match="the 2 training processes ended with code 1"):
            launching.launch(self.job(), CPU, Stop())
        assert capsys.readouterr().err == "no torch here\n"
