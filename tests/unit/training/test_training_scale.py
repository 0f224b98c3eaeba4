"""Training at scale: where faces come from, pieces of batches, precision, reading the loss."""

import os
import signal
import threading
from contextlib import closing, nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import lwpipe
from lwpipe.local_weights import load_local_weights
from lwpipe.model import PartModel
from lwpipe.model.part_model import standardisation
from lwpipe.template import Pyramid
from lwpipe.training import data as training_data
from lwpipe.training import epoch as training_epoch
from lwpipe.training.data import FacesInMemory, StreamedFaces, free_bytes, open_faces
from lwpipe.training.distributed import Group
from lwpipe.training.job import Job
from lwpipe.training.loop import run as run_job
from lwpipe.training.objective import objective
from lwpipe.training.progress import TrainingProgress
from lwpipe.training.settings import TrainingSettings
from lwpipe.training.step import (
    MEASURES,
    add_gradients,
    cut,
    draw_order,
    make_optimizer,
    precision,
)
from lwpipe.training.stop import Stop
from tests.helpers.training_inputs import MODEL, TRAINING, make_inputs, run

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    return make_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture
def model(inputs) -> PartModel:
    dataset = lwpipe.Dataset.open(inputs / "data")
    mean, scale = standardisation(dataset.vertices, dataset.indices("train"), "vertex")
    weights, _ = load_local_weights(inputs / "weights.npz")
    torch.manual_seed(3)
    return PartModel(Pyramid.load(inputs / "pyramid.npz"), weights, mean, scale, MODEL)


@pytest.fixture(scope="module")
def vertices(inputs) -> np.ndarray:
    return lwpipe.Dataset.open(inputs / "data").vertices


def reader_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("lwpipe-faces")]


class TestFaces:
    def test_every_place_gives_the_same_bits_in_the_order_asked_for(self, model, vertices):
        random = np.random.default_rng(0)
        rows = [random.permutation(40)[:n].astype(np.int64) for n in (7, 1, 0, 16, 5, 3)]
        expected = [model.standardise(torch.from_numpy(np.array(vertices[r]))) for r in rows]
        for place in ("memory", "stream"):
            with closing(open_faces(model, vertices, place=place).batches(rows)) as batches:
                got = list(batches)
            assert len(got) == len(expected)
            for one, other in zip(got, expected, strict=True):
                assert one.dtype == torch.float32
                assert torch.equal(one, other)

    def test_small_chunks_fill_the_memory_as_one_does(self, model, vertices, monkeypatch):
        whole = next(FacesInMemory(model, vertices).batches([np.arange(40)]))
        monkeypatch.setattr(training_data, "_CHUNK_BYTES", 3 * vertices[0].nbytes)
        assert torch.equal(next(FacesInMemory(model, vertices).batches([np.arange(40)])), whole)

    @pytest.mark.parametrize(
        ("free", "processes", "kind"),
        [(4.0, 1, FacesInMemory), (3.9, 1, StreamedFaces), (4.0, 2, StreamedFaces)],
    )
    def test_the_choice_is_a_quarter_of_the_free_memory_shared_by_the_processes(
        self, model, vertices, monkeypatch, free, processes, kind
    ):
        monkeypatch.setattr(training_data, "free_bytes", lambda _: free * vertices.nbytes)
        assert type(open_faces(model, vertices, processes)) is kind

    def test_free_memory_is_what_the_system_and_the_control_groups_leave(self, tmp_path):
        (tmp_path / "proc/self").mkdir(parents=True)
        group = tmp_path / "sys/fs/cgroup/jobs/7"
        group.mkdir(parents=True)
        (tmp_path / "proc/meminfo").write_text("MemTotal: 900 kB\nMemAvailable: 800 kB\n")
        assert free_bytes(CPU, tmp_path) == 800 * 1024
        (tmp_path / "proc/self/cgroup").write_text("1:cpu:/\n0::/jobs/7\n")
        assert free_bytes(CPU, tmp_path) == 800 * 1024
        (group / "memory.max").write_text("max\n")
        (group / "memory.stat").write_text("anon 1000\nfile 500000\n")
        assert free_bytes(CPU, tmp_path) == 800 * 1024
        (group.parent / "memory.max").write_text("301000\n")
        (group.parent / "memory.stat").write_text("anon 1000\nfile 500000\n")
        assert free_bytes(CPU, tmp_path) == 300_000
        (group / "memory.max").write_text("900\n")
        assert free_bytes(CPU, tmp_path) == 0

    def test_free_memory_of_this_machine_is_known(self):
        assert 2**20 < free_bytes(CPU) < 2**50

    def test_a_system_that_tells_nothing_streams(self, tmp_path, monkeypatch):
        monkeypatch.delattr(os, "sysconf")
        assert free_bytes(CPU, tmp_path) == 0

    def test_a_fault_of_reading_surfaces_and_ends_the_thread(self, model, vertices):
        faces = StreamedFaces(model, vertices)
        with closing(faces.batches([np.array([40])] * 9)) as batches:
            with pytest.raises(IndexError, match="out of bounds"):
                next(batches)
            assert not reader_threads()

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
    def test_the_thread_ends_when_the_reader_of_batches_raises(self, model, vertices, error):
        def read_and_raise():
            with closing(StreamedFaces(model, vertices).batches([np.arange(3)] * 9)) as batches:
                next(batches)
                assert reader_threads()
                raise error

        with pytest.raises(error):
            read_and_raise()
        assert not reader_threads()

    def test_an_interrupted_training_leaves_no_thread(self, inputs, tmp_path, monkeypatch):
        monkeypatch.setattr(training_data, "free_bytes", lambda _: 0)

        class Interrupts(TrainingProgress):
            def step(self, loss, count):
                assert reader_threads()
                signal.raise_signal(signal.SIGINT)

        job = Job(
            inputs / "data", inputs / "pyramid.npz", inputs / "weights.npz",
            tmp_path, tmp_path, MODEL, TRAINING, True, tmp_path / "tensorboard",
        )  # fmt: skip
        with pytest.raises(KeyboardInterrupt):
            run_job(job, CPU, Group(), Interrupts, Stop())
        assert not reader_threads()

    def test_streamed_training_gives_the_same_bytes(self, inputs, tmp_path, monkeypatch):
        short = TRAINING.model_copy(update={"epochs": 2})
        run(inputs, tmp_path / "memory", tmp_path / "a", training=short)
        monkeypatch.setattr(training_data, "free_bytes", lambda _: 0)
        run(inputs, tmp_path / "stream", tmp_path / "b", training=short)
        one, other = (tmp_path / n / "model.safetensors" for n in ("memory", "stream"))
        assert one.read_bytes() == other.read_bytes()


class TestStep:
    def test_cuts_are_even_and_never_empty(self):
        for count in range(12):
            for pieces in range(1, 6):
                runs = [range(count)[s] for s in cut(count, pieces)]
                assert [i for r in runs for i in r] == list(range(count))
                assert len(runs) == min(count, pieces)
                sizes = {len(r) for r in runs}
                assert not sizes or max(sizes) - min(sizes) <= 1
                assert 0 not in sizes

    @staticmethod
    def gradient(model, x, settings, processes=1) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the gradient of a batch shared by processes, and its measures."""
        model.network.zero_grad(set_to_none=True)
        rng = np.random.default_rng(1)
        sums = torch.zeros(len(MEASURES), dtype=torch.float64)
        for share in cut(len(x), processes):
            part = x[share]
            orders = [
                draw_order(rng, piece.stop - piece.start, model.part_count, settings)
                for piece in cut(len(part), settings.accumulate)
            ]
            sums += add_gradients(model, part, orders, len(x), settings)
        return torch.cat([p.grad.flatten() for p in model.network.parameters()]), sums

    @pytest.mark.parametrize(("pieces", "processes"), [(2, 1), (3, 1), (20, 1), (1, 2), (2, 3)])
    def test_pieces_give_the_gradient_of_the_whole_batch(self, model, vertices, pieces, processes):
        """Only the order of single-precision sums differs: 1e-5 of the gradient's norm."""
        x = model.standardise(torch.from_numpy(np.array(vertices[:7])))
        settings = TRAINING.model_copy(update={"cycle_weight": 0.0})
        whole, measures = self.gradient(model, x, settings)
        several = settings.model_copy(update={"accumulate": pieces})
        got, sums = self.gradient(model, x, several, processes)
        assert (got - whole).norm() < 1e-5 * whole.norm()
        assert sums.tolist() == pytest.approx(measures.tolist(), rel=1e-5)

    def test_one_piece_is_the_plain_step_bit_for_bit(self, model, vertices):
        x = model.standardise(torch.from_numpy(np.array(vertices[:7])))
        got, sums = self.gradient(model, x, TRAINING)
        model.network.zero_grad(set_to_none=True)
        order = draw_order(np.random.default_rng(1), 7, model.part_count, TRAINING)
        reconstruction, cycle, _, output, _ = objective(model.network, x, order)
        (reconstruction + TRAINING.cycle_weight * cycle).backward()
        plain = torch.cat([p.grad.flatten() for p in model.network.parameters()])
        assert torch.equal(got, plain)
        faces = torch.from_numpy(np.array(vertices[:7]))
        error = (model.unstandardise(output) - faces).norm(dim=2).mean(dim=1).sum()
        assert sums[1:].tolist() == pytest.approx(
            [7 * reconstruction.item(), 7 * cycle.item(), 0.0, 0.0, 0.0, error.item()], rel=1e-5
        )

    def test_the_cycle_of_pieces_mixes_within_them_and_counts_by_size(self, model, vertices):
        x = model.standardise(torch.from_numpy(np.array(vertices[:7])))
        settings = TRAINING.model_copy(update={"accumulate": 2, "cycle_share": 1.0})
        got, sums = self.gradient(model, x, settings)
        rng = np.random.default_rng(1)
        model.network.zero_grad(set_to_none=True)
        cycles = []
        for part in (x[:3], x[3:]):
            order = draw_order(rng, len(part), model.part_count, settings)
            assert order.shape == (model.part_count, len(part))
            reconstruction, cycle, *_ = objective(model.network, part, order)
            (len(part) / 7 * (reconstruction + settings.cycle_weight * cycle)).backward()
            cycles.append(len(part) * cycle.item())
        expected = torch.cat([p.grad.flatten() for p in model.network.parameters()])
        assert (got - expected).norm() < 1e-5 * expected.norm()
        assert sums[2].item() == pytest.approx(sum(cycles), rel=1e-6)

    def test_mixed_precision_is_for_gpus_alone(self):
        mixed = TrainingSettings(precision="bfloat16")
        gpu = torch.device("cuda", 0)
        assert isinstance(precision(CPU, mixed), nullcontext)
        assert isinstance(precision(gpu, TrainingSettings()), nullcontext)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch, "autocast", lambda *a, **options: (a, options))
            assert precision(gpu, mixed) == (("cuda",), {"dtype": torch.bfloat16})

    def test_the_cpu_ignores_bfloat16(self, inputs, tmp_path):
        short = TRAINING.model_copy(update={"epochs": 1})
        run(inputs, tmp_path / "a", tmp_path / "a", training=short)
        mixed = short.model_copy(update={"precision": "bfloat16"})
        run(inputs, tmp_path / "b", tmp_path / "b", training=mixed)
        one, other = (tmp_path / n / "model.safetensors" for n in ("a", "b"))
        assert one.read_bytes() == other.read_bytes()

    def test_fused_adam_takes_the_steps_of_the_plain_one(self):
        """Both divide by sqrt(v) + eps, rounded differently: 1e-5 of a step, each about lr."""
        results = []
        for kind in ("fused", "plain"):
            torch.manual_seed(0)
            layer = torch.nn.Linear(5, 3)
            settings = TrainingSettings(learning_rate=1e-2, weight_decay=0.1)
            optimizer = make_optimizer(layer, settings)
            if kind == "plain":
                optimizer = torch.optim.Adam(layer.parameters(), lr=1e-2, weight_decay=0.1)
            for step in range(10):
                optimizer.zero_grad()
                (layer(torch.ones(2, 5) * step) ** 2).sum().backward()
                optimizer.step()
            results.append(layer.weight.detach())
        torch.testing.assert_close(*results, rtol=0, atol=1e-7)


class Counts(TrainingProgress):
    """Count the steps that the training tells of."""

    counts: list[int]

    def step(self, loss, count):
        assert 0 < loss < 10
        self.counts.append(count)


def test_a_loss_read_once_in_some_steps_gives_the_same_history(inputs, tmp_path, monkeypatch):
    """As on a GPU: 5 steps an epoch, read after the third and at the end."""
    rows = []
    for every, counts in ((1, [1] * 5), (3, [3, 2])):
        monkeypatch.setitem(training_epoch._STEPS, "cpu", every)
        monkeypatch.setattr(Counts, "counts", [], raising=False)
        output = tmp_path / str(every)
        job = Job(
            inputs / "data", inputs / "pyramid.npz", inputs / "weights.npz",
            output, output, MODEL, TRAINING.model_copy(update={"epochs": 2}), True,
            output / "tensorboard",
        )  # fmt: skip
        run_job(job, CPU, Group(), Counts, Stop())
        assert Counts.counts == counts * 2
        rows.append(pd.read_csv(output / "history.csv").drop(columns="seconds"))
    pd.testing.assert_frame_equal(*rows, check_exact=True)
