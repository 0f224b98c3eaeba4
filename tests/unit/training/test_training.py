"""Training: it learns, resumes to the same bytes, and stops with a sentence when it diverges."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import lwpipe
from lwpipe.core.errors import LwpipeError
from lwpipe.training import train
from lwpipe.training.schedule import learning_rate
from lwpipe.training.settings import TrainingSettings
from tests.helpers.training_inputs import MODEL, TRAINING, make_inputs, run


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    return make_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def undisturbed(inputs, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    run(inputs, folder, folder / "checkpoints", tensorboard=folder / "tensorboard")
    return folder


def test_training_beats_the_mean_face(inputs, undisturbed):
    history = pd.read_csv(undisturbed / "history.csv")
    assert list(history["epoch"]) == list(range(1, 26))
    model = lwpipe.load(undisturbed)
    dataset = lwpipe.Dataset.open(inputs / "data")
    test = dataset.vertices[dataset.indices("test")]
    mean_error = np.linalg.norm(test - model.template, axis=2).mean()
    error = np.linalg.norm(model.reconstruct(test) - test, axis=2).mean()
    assert error < 0.8 * mean_error
    assert error == pytest.approx(history["test_mm"].iloc[-1], rel=1e-4)
    assert list((undisturbed / "tensorboard").glob("events.*"))


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(inputs, undisturbed, tmp_path):
    run(inputs, tmp_path / "same", tmp_path / "a")
    other = TRAINING.model_copy(update={"seed": 1})
    run(inputs, tmp_path / "other", tmp_path / "b", training=other)
    expected = (undisturbed / "model.safetensors").read_bytes()
    assert (tmp_path / "same" / "model.safetensors").read_bytes() == expected
    assert (tmp_path / "other" / "model.safetensors").read_bytes() != expected
    for name in ("model.json",):
        assert (tmp_path / "same" / name).read_text() == (undisturbed / name).read_text()


KILLED = """
import sys
from pathlib import Path
from lwpipe.model.settings import ModelSettings
from lwpipe.training.settings import TrainingSettings
from lwpipe.training import train
inputs, output, checkpoints = map(Path, sys.argv[1:4])
train(inputs / "data", inputs / "pyramid.npz", inputs / "weights.npz", output,
      ModelSettings.model_validate_json(sys.argv[4]),
      TrainingSettings.model_validate_json(sys.argv[5]), checkpoints=checkpoints)
"""


@pytest.mark.slow
def test_a_training_killed_three_times_ends_with_the_same_bytes(inputs, undisturbed, tmp_path):
    """SIGKILL in the first epoch, between epochs and in the middle of one."""
    arguments = [
        sys.executable,
        "-c",
        KILLED,
        str(inputs),
        str(tmp_path / "out"),
        str(tmp_path / "checkpoints"),
        MODEL.model_dump_json(),
        TRAINING.model_dump_json(),
    ]
    for epochs_before, delay in ((0, 0.0), (1, 0.0), (8, 0.05)):
        process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
        seen = 0
        while seen < epochs_before:
            line = process.stderr.readline()
            assert line, "the training ended before it could be killed"
            seen = int(line.split("/")[0].split()[1]) if line.startswith("epoch ") else seen
        if epochs_before == 0:
            time.sleep(2.0)
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        process.stderr.close()
        assert process.wait() == -signal.SIGKILL
        assert not (tmp_path / "out" / "model.safetensors").exists()
    subprocess.run(arguments, check=True, capture_output=True)
    for name in ("model.safetensors", "model.json"):
        assert (tmp_path / "out" / name).read_bytes() == (undisturbed / name).read_bytes()


def test_fewer_epochs_are_resumed_only_by_the_same_settings(inputs, tmp_path):
    short = TRAINING.model_copy(update={"epochs": 2})
    run(inputs, tmp_path / "one", tmp_path / "checkpoints", training=short)
    changed = short.model_copy(update={"learning_rate": 1e-3})
    run(inputs, tmp_path / "two", tmp_path / "checkpoints", training=changed)
    run(inputs, tmp_path / "three", tmp_path / "fresh", training=changed)
    two, three = (tmp_path / n / "model.safetensors" for n in ("two", "three"))
    assert two.read_bytes() == three.read_bytes()


def test_divergence_is_one_sentence_and_writes_nothing(inputs, tmp_path):
    """More of this is in test_checkpoints.py."""
    wild = TRAINING.model_copy(
        update={"optimizer": "sgd", "learning_rate": 1e12, "schedule": "constant"}
    )
    with pytest.raises(LwpipeError, match=r"diverged in epoch 1 .*training\.learning_rate"):
        run(inputs, tmp_path / "out", tmp_path / "checkpoints", training=wild)
    assert not (tmp_path / "out").exists()


def test_inputs_that_do_not_fit_are_named(inputs, tmp_path):
    weights = np.full((7, 4), 0.25, np.float32)
    np.savez(tmp_path / "weights.npz", weights=weights, basis=weights)
    with pytest.raises(LwpipeError, match=r"weights\.npz: is for 7 vertices"):
        train(
            inputs / "data",
            inputs / "pyramid.npz",
            tmp_path / "weights.npz",
            tmp_path / "out",
            MODEL,
            TRAINING,
        )


def test_cuda_without_a_gpu_is_one_sentence(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    cuda = TRAINING.model_copy(update={"device": "cuda"})
    with pytest.raises(LwpipeError, match=r"training\.device.*no usable GPU"):
        run(inputs, tmp_path, tmp_path, training=cuda)


def test_schedules():
    def rates(**settings):
        s = TrainingSettings(epochs=10, learning_rate=0.1, **settings)
        return [learning_rate(s, step, 5) for step in range(50)]

    assert set(rates(schedule="constant")) == {0.1}
    exponential = rates(schedule="exponential", decay=0.5)
    assert exponential[0] == exponential[4] == 0.1
    assert exponential[5] == pytest.approx(0.05)
    assert exponential[-1] == pytest.approx(0.1 * 0.5**9)
    cycle = rates(schedule="one_cycle")
    assert cycle[0] == pytest.approx(0.1 / 25)
    assert max(cycle) == pytest.approx(0.1)
    assert cycle.index(max(cycle)) == 15
    assert cycle[-1] == pytest.approx(0.1e-4)
