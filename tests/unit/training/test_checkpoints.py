"""Checkpoints: which are kept, what a damaged one costs, and faults that end a training early."""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from lwpipe.core.errors import LwpipeError
from lwpipe.training import checkpoint as training_checkpoint
from lwpipe.training import epoch as training_epoch
from lwpipe.training.checkpoint import Checkpoints
from lwpipe.training.position import Position
from tests.helpers.training_inputs import SHORT, make_inputs, run


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    return make_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def trained(inputs, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    run(inputs, folder, folder / "checkpoints", training=SHORT)
    return folder


@pytest.fixture
def checkpoints(trained, tmp_path) -> Path:
    return shutil.copytree(trained / "checkpoints", tmp_path / "checkpoints")


def flip(content: bytes) -> bytes:
    """Return the content with one bit changed, in the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def damage(file: Path, how) -> None:
    file.write_bytes(how(file.read_bytes()))


DAMAGES = {
    "a bit": flip,
    "cut off": lambda content: content[:-1],
    "empty": lambda content: b"",
    "no header": lambda content: content.partition(b"\n")[2],  # as torch.save alone writes it
}


class TestDamage:
    @pytest.mark.parametrize("how", DAMAGES)
    def test_the_one_before_takes_the_place_of_a_damaged_one(
        self, inputs, trained, checkpoints, tmp_path, capsys, how
    ):
        damage(checkpoints / "last.pt", DAMAGES[how])
        run(inputs, tmp_path, checkpoints, training=SHORT)
        said = capsys.readouterr().err.splitlines()
        assert said[0] == (
            f"lwpipe: note: {checkpoints}/last.pt is damaged: training goes on from "
            f"{checkpoints}/previous.pt, epoch 2."
        )
        assert [line.split()[1] for line in said[1:]] == ["3/3"]
        self.assert_same(tmp_path, trained)

    def test_the_best_is_better_than_none(self, inputs, trained, checkpoints, tmp_path, capsys):
        damage(checkpoints / "last.pt", flip)
        damage(checkpoints / "previous.pt", flip)
        best = pd.read_csv(checkpoints / "history.csv")["test_mm"].argmin() + 1
        run(inputs, tmp_path, checkpoints, training=SHORT)
        assert capsys.readouterr().err.splitlines()[0] == (
            f"lwpipe: note: {checkpoints}/last.pt, {checkpoints}/previous.pt are damaged: training "
            f"goes on from {checkpoints}/best.pt, epoch {best}."
        )
        self.assert_same(tmp_path, trained)

    def test_with_none_left_the_training_starts_over(
        self, inputs, trained, checkpoints, tmp_path, capsys
    ):
        for name in ("last.pt", "previous.pt", "best.pt"):
            damage(checkpoints / name, flip)
        run(inputs, tmp_path, checkpoints, training=SHORT)
        said = capsys.readouterr().err.splitlines()
        assert said[0].endswith("best.pt are damaged: training starts over.")
        assert [line.split()[1] for line in said[1:]] == ["1/3", "2/3", "3/3"]
        self.assert_same(tmp_path, trained)

    def test_a_good_one_says_where_it_goes_on(self, inputs, trained, checkpoints, tmp_path, capsys):
        damage(checkpoints / "previous.pt", flip)
        run(inputs, tmp_path, checkpoints, training=SHORT)
        said = f"lwpipe: note: training goes on from {checkpoints}/last.pt, epoch 3.\n"
        assert capsys.readouterr().err == said
        self.assert_same(tmp_path, trained)

    @staticmethod
    def assert_same(got: Path, expected: Path) -> None:
        for name in ("model.safetensors", "model.json"):
            assert (got / name).read_bytes() == (expected / name).read_bytes()


def test_those_of_another_training_are_not_used_and_this_is_said(
    inputs, checkpoints, tmp_path, capsys
):
    changed = SHORT.model_copy(update={"learning_rate": 1e-3})
    run(inputs, tmp_path / "one", checkpoints, training=changed)
    names = ", ".join(str(checkpoints / name) for name in ("last.pt", "previous.pt", "best.pt"))
    said = capsys.readouterr().err.splitlines()
    assert said[0] == (
        f"lwpipe: note: {names} belong to other settings or data: training starts over."
    )
    assert len(said) == 4
    run(inputs, tmp_path / "two", tmp_path / "empty", training=changed)
    one, two = (tmp_path / name / "model.safetensors" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_another_device_goes_on_and_says_that_bytes_will_differ(
    inputs, checkpoints, tmp_path, capsys
):
    """Written as on a GPU that is gone now."""
    for name in ("last.pt", "previous.pt"):
        state = training_checkpoint._read(checkpoints / name)
        content = training_checkpoint._pack({**state, "device": "cuda"})
        (checkpoints / name).write_bytes(content)
    (checkpoints / "last.pt").unlink()
    anywhere = SHORT.model_copy(update={"device": "auto"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.cuda.is_available", lambda: False)
        run(inputs, tmp_path, checkpoints, training=anywhere)
    said = capsys.readouterr().err.splitlines()
    assert said[:2] == [
        f"lwpipe: note: training goes on from {checkpoints}/previous.pt, epoch 2.",
        f"lwpipe: note: {checkpoints}/previous.pt, epoch 2, was computed on 'cuda' and training "
        "goes on on 'cpu': the weights will not be the same bytes as those of one device.",
    ]
    assert [line.split()[1] for line in said[2:]] == ["3/3"]


class TestFiles:
    """The files themselves, without a training."""

    def make(self, folder: Path, mark: str = "mark") -> tuple:
        torch.manual_seed(0)
        network = torch.nn.Linear(2, 2)
        optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.5)
        return Checkpoints(folder, mark, "cpu"), network, optimizer

    def save(self, checkpoints, network, optimizer, errors) -> Position:
        position = Position()
        for epoch, error in enumerate(errors, 1):
            row = dict.fromkeys(training_checkpoint.HISTORY_COLUMNS, 1.0)
            position.end_epoch({**row, "epoch": epoch, "test_mm": error})
        with torch.no_grad():
            network.bias.fill_(len(errors))
        checkpoints.save(network, optimizer, position)
        return position

    def epochs(self, folder: Path) -> dict[str, int]:
        found = {file.name: training_checkpoint._read(file) for file in folder.glob("*.pt")}
        return {name: len(state["position"]["history"]) for name, state in found.items()}

    def test_last_previous_and_best_are_kept(self, tmp_path):
        made = self.make(tmp_path)
        assert made[0].kept() == "no checkpoint has been written yet"
        for errors, expected in (
            ([3.0], {"last.pt": 1, "best.pt": 1}),
            ([3.0, 2.0], {"last.pt": 2, "previous.pt": 1, "best.pt": 2}),
            ([3.0, 2.0, 2.0], {"last.pt": 3, "previous.pt": 2, "best.pt": 2}),
            ([3.0, 2.0, 2.0, 5.0], {"last.pt": 4, "previous.pt": 3, "best.pt": 2}),
        ):
            self.save(*made, errors)
            assert self.epochs(tmp_path) == expected
        assert made[0].kept() == (
            f"{tmp_path}/last.pt keeps epoch 4, {tmp_path}/best.pt epoch 2, the best, and "
            f"{tmp_path}/history.csv the learning curve"
        )
        assert pd.read_csv(tmp_path / "history.csv")["test_mm"].tolist() == [3, 2, 2, 5]
        assert sorted(p.name for p in tmp_path.iterdir()) == [
            "best.pt", "history.csv", "last.pt", "previous.pt",
        ]  # fmt: skip

    def test_a_position_within_an_epoch_comes_back(self, tmp_path):
        checkpoints, network, optimizer = self.make(tmp_path)
        position = Position(step=3, totals=[0.1, 1 / 3, 2.0, 4.0], seconds=1.5, first_loss=0.7)
        position.remember(np.random.default_rng([1, 2]))
        checkpoints.save(network, optimizer, position)
        assert not (tmp_path / "best.pt").exists()
        again, network, optimizer = self.make(tmp_path)
        found, notes = again.load(network, optimizer)
        assert found == position
        assert notes == [f"training goes on from {tmp_path}/last.pt, epoch 1 up to step 3."]
        assert again.kept() == f"{tmp_path}/last.pt keeps epoch 1 up to step 3"

    def test_a_resumed_training_keeps_the_one_before_too(self, tmp_path):
        made = self.make(tmp_path)
        self.save(*made, [3.0])
        made = self.make(tmp_path)
        made[0].load(*made[1:])
        self.save(*made, [3.0, 4.0])
        assert self.epochs(tmp_path) == {"last.pt": 2, "previous.pt": 1, "best.pt": 1}

    def test_a_damaged_file_never_takes_the_place_of_a_good_one(self, tmp_path):
        made = self.make(tmp_path)
        self.save(*made, [3.0])
        self.save(*made, [3.0, 2.0])
        damage(tmp_path / "last.pt", flip)
        made = self.make(tmp_path)
        position, notes = made[0].load(*made[1:])
        assert (len(position.history), len(notes)) == (1, 1)
        self.save(*made, [3.0, 2.0])
        assert self.epochs(tmp_path) == {"last.pt": 2, "previous.pt": 1, "best.pt": 2}

    def test_the_last_of_another_training_gives_way_to_the_one_before(self, tmp_path):
        made = self.make(tmp_path)
        self.save(*made, [3.0])
        self.save(*made, [3.0, 2.0])
        other = self.make(tmp_path, "other")
        self.save(*other, [1.0])
        made = self.make(tmp_path)
        position, notes = made[0].load(*made[1:])
        assert len(position.history) == 1
        assert notes == [
            f"{tmp_path}/last.pt belongs to other settings or data: training goes on from "
            f"{tmp_path}/previous.pt, epoch 1."
        ]

    def test_a_kill_at_any_moment_leaves_a_good_one(self, tmp_path, monkeypatch):
        """At each write and each change of a name of the third save."""

        class Killed(BaseException):
            pass

        moments = 0

        def counted(function, fatal):
            def wrapper(*arguments, **options):
                nonlocal moments
                moments += 1
                if moments >= fatal:  # nothing is done after a kill
                    raise Killed
                return function(*arguments, **options)

            return wrapper

        for fatal in range(1, 20):
            folder = tmp_path / str(fatal)
            made = self.make(folder)
            self.save(*made, [3.0])
            self.save(*made, [3.0, 2.0])
            moments = 0
            with monkeypatch.context() as patch:
                for module, name in (
                    (os, "replace"),
                    (os, "fsync"),
                    (Path, "write_bytes"),
                    (Path, "unlink"),
                ):
                    patch.setattr(module, name, counted(getattr(module, name), fatal))
                try:
                    self.save(*made, [3.0, 2.0, 1.0])
                except Killed:
                    pass
                else:
                    break
            again, network, optimizer = self.make(folder)
            position, notes = again.load(network, optimizer)
            assert [note.split()[:4] for note in notes] == [["training", "goes", "on", "from"]]
            assert len(position.history) in (2, 3)
            assert network.bias.tolist() == [len(position.history)] * 2
            if position.history[2:]:  # or all are written anew
                assert self.epochs(folder)["best.pt"] == 3
                assert (folder / "history.csv").read_text().count("\n") == 4
        assert fatal > 5

    def test_other_processes_count_and_write_nothing(self, tmp_path):
        _, network, optimizer = self.make(tmp_path)
        silent = Checkpoints(tmp_path / "none", "mark", "cpu", writes=False)
        self.save(silent, network, optimizer, [3.0])
        assert not (tmp_path / "none").exists()
        assert silent.kept().startswith(f"{tmp_path}/none/last.pt keeps epoch 1, ")

    def test_a_full_disk_is_one_sentence_and_what_was_there_stays(self, tmp_path, monkeypatch):
        made = self.make(tmp_path)
        self.save(*made, [3.0])

        write = Path.write_bytes

        def full(path, content):
            write(path, content[:100])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(LwpipeError, match=r"best\.pt: cannot be written: No space left"):
            self.save(*made, [3.0, 2.0])
        assert self.epochs(tmp_path) == {"last.pt": 1, "best.pt": 1}
        assert not list(tmp_path.glob(".*.pt"))


class Broken:
    """Does something to one step of a training, counted from 1: of 9, 3 an epoch."""

    def __init__(self, monkeypatch, step: int, before=None, after=None) -> None:
        self.count = 0
        add_gradients = training_epoch.add_gradients

        def broken(model, *arguments):
            self.count += 1
            if self.count == step and before:
                before()
            sums = add_gradients(model, *arguments)
            return after(model, sums) if self.count == step and after else sums

        monkeypatch.setattr(training_epoch, "add_gradients", broken)


def spoil_a_gradient(model, sums):
    next(model.network.parameters()).grad[:] = float("nan")
    return sums


class TestDivergence:
    @pytest.mark.parametrize(
        ("step", "after", "reason"),
        [
            (5, lambda _, sums: sums * float("nan"), "loss nan"),
            (5, lambda _, sums: sums * float("inf"), "loss inf"),
            # The next loss tells, or after the last step of an epoch the weights.
            (4, spoil_a_gradient, "loss nan"),
            (6, spoil_a_gradient, "a weight or the test error is not a finite number"),
            (
                5,
                lambda _, sums: sums * 1e3,
                r"mean loss \d+\.?\d*, [01]\.\d+ before the first step",
            ),
        ],
    )
    def test_it_is_one_sentence_and_the_last_good_one_stays(
        self, inputs, tmp_path, monkeypatch, step, after, reason
    ):
        folder = tmp_path / "checkpoints"
        broken = Broken(monkeypatch, step, after=after)
        with pytest.raises(LwpipeError, match=rf"diverged in epoch 2 of 3 \({reason}\)") as caught:
            run(inputs, tmp_path / "out", folder, training=SHORT)
        assert caught.value.exit_code == 1
        assert str(caught.value).endswith(
            "lower `training.learning_rate`, or set `training.optimizer` to 'adam' and "
            "`training.precision` to 'float32' if they are not; "
            f"{folder}/last.pt keeps epoch 1, {folder}/best.pt epoch 1, the best, and "
            f"{folder}/history.csv the learning curve."
        )
        assert not (tmp_path / "out").exists()
        assert sorted(p.name for p in folder.iterdir()) == ["best.pt", "history.csv", "last.pt"]
        assert list(pd.read_csv(folder / "history.csv")["epoch"]) == [1]
        kept = (folder / "last.pt").read_bytes()

        # The same command goes on there, to the same end.
        broken.count = 3
        with pytest.raises(LwpipeError) as again:
            run(inputs, tmp_path / "out", folder, training=SHORT)
        assert str(again.value) == str(caught.value)
        assert (folder / "last.pt").read_bytes() == kept

    def test_a_loss_that_grows_and_stays_finite(self, inputs, tmp_path):
        wild = SHORT.model_copy(update={"learning_rate": 1.0, "schedule": "constant"})
        with pytest.raises(LwpipeError, match=r"diverged in epoch 1 of 3 \(mean loss .*; no check"):
            run(inputs, tmp_path / "out", tmp_path / "checkpoints", training=wild)
        assert not (tmp_path / "checkpoints").exists()

    def test_a_rate_too_high_at_the_top_of_its_cycle_may_recover(self, inputs, tmp_path):
        high = SHORT.model_copy(update={"learning_rate": 0.1})
        run(inputs, tmp_path, tmp_path / "checkpoints", training=high)
        history = pd.read_csv(tmp_path / "history.csv")
        assert history["loss"].max() > history["loss"].iloc[0]


def raises(error):
    def function():
        raise error

    return function


class TestDevice:
    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (
                torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB."),
                "memory ran out in epoch 2 of 3: raise `training.accumulate` or lower "
                "`training.batch_size`, which begins another training, or free memory and give the "
                "same command again; ",
            ),
            (
                RuntimeError("[enforce] DefaultCPUAllocator: can't allocate memory"),
                "memory ran out in epoch 2 of 3: ",
            ),
            (MemoryError(), "memory ran out in epoch 2 of 3: "),
            (
                torch.AcceleratorError("CUDA error: unspecified launch failure\nCUDA kernel ..."),
                "the device failed in epoch 2 of 3 (CUDA error: unspecified launch failure): the "
                "same command goes on from what is saved, also without a GPU; ",
            ),
            (RuntimeError("CUDA error: the GPU is lost."), "the device failed in epoch 2 of 3 "),
            (RuntimeError("Triton Error [CUDA]: unknown"), "the device failed in epoch 2 of 3 "),
        ],
    )
    def test_its_end_is_one_sentence(self, inputs, tmp_path, monkeypatch, error, said):
        folder = tmp_path / "checkpoints"
        Broken(monkeypatch, 5, before=raises(error))
        with pytest.raises(LwpipeError) as caught:
            run(inputs, tmp_path / "out", folder, training=SHORT)
        assert str(caught.value).startswith(said)
        assert f"; {folder}/last.pt keeps epoch 1, " in str(caught.value)
        assert caught.value.__cause__ is error
        assert not (tmp_path / "out").exists()

    def test_it_goes_on_to_the_same_bytes(self, inputs, trained, tmp_path):
        with pytest.MonkeyPatch.context() as patch:
            Broken(patch, 8, before=raises(RuntimeError("CUDA error: the GPU is lost.")))
            with pytest.raises(LwpipeError, match=r"last\.pt keeps epoch 2, "):
                run(inputs, tmp_path, tmp_path / "checkpoints", training=SHORT)
        run(inputs, tmp_path, tmp_path / "checkpoints", training=SHORT)
        one, two = (folder / "model.safetensors" for folder in (tmp_path, trained))
        assert one.read_bytes() == two.read_bytes()

    @pytest.mark.parametrize(
        "error",
        [
            RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
            RuntimeError("CUDA error: device-side assert triggered"),
            ValueError("CUDA error"),
        ],
    )
    def test_a_defect_stays_one(self, inputs, tmp_path, monkeypatch, error):
        Broken(monkeypatch, 1, before=raises(error))
        with pytest.raises(type(error)) as caught:
            run(inputs, tmp_path / "out", tmp_path / "checkpoints", training=SHORT)
        assert caught.value is error
