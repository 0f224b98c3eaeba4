"""Train a part autoencoder: resumable after every epoch, the same bytes for the same seed."""

from __future__ import annotations

import math
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from lwpipe.config import ModelSettings, TrainingSettings
from lwpipe.data.store import Dataset
from lwpipe.errors import LwpipeError
from lwpipe.files import sha256, write_csv
from lwpipe.model.archive import save_model
from lwpipe.model.part_model import PartModel, standardisation
from lwpipe.pyramid import Pyramid
from lwpipe.training.checkpoint import fingerprint, load_checkpoint, save_checkpoint
from lwpipe.training.data import Faces, open_faces
from lwpipe.training.distributed import Group
from lwpipe.training.job import Job
from lwpipe.training.launch import launch
from lwpipe.training.progress import MakeWatcher, TrainingProgress, Watcher
from lwpipe.training.schedule import learning_rate
from lwpipe.training.step import (
    MEASURES,
    add_gradients,
    cut,
    draw_order,
    error_mm,
    make_optimizer,
)
from lwpipe.weights import load_local_weights

HISTORY_COLUMNS = ("epoch", *MEASURES, "test_mm", "learning_rate", "seconds")
# The loss is read once in so many steps: to read a number from a GPU is to wait for it.
_STEPS = {"cpu": 1, "cuda": 50}

Ints = npt.NDArray[np.int64]


def choose_device(wanted: str) -> torch.device:
    """Return the device for the setting `training.device`: 'auto' takes a GPU where there is one.

    Raises
    ------
    LwpipeError
        If 'cuda' is asked for and there is no usable GPU.
    """
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise LwpipeError(
            "`training.device` is 'cuda', but PyTorch finds no usable GPU: use 'auto' or 'cpu'."
        )
    return torch.device("cuda" if wanted != "cpu" and available else "cpu")


def train(
    data: str | Path,
    pyramid: str | Path,
    weights: str | Path,
    output: str | Path,
    checkpoints: str | Path,
    model: ModelSettings,
    training: TrainingSettings,
    resume: bool = True,
    tensorboard: str | Path | None = None,
) -> PartModel:
    """Train a model and write `model.safetensors`, `model.json` and `history.csv`.

    With `training.processes` above 1 the processes are started and ended here; the result is that
    of one process up to rounding, and the same bytes for the same seed and number of processes.

    Parameters
    ----------
    data : folder of the data set store
    pyramid : `pyramid.npz`
    weights : `local_weights.npz`
    output : folder of the results
    checkpoints : folder of the checkpoint, written after every epoch
    model, training : the settings
    resume : continue a training of the same settings and inputs from its checkpoint
    tensorboard : folder for TensorBoard events; none are written without it

    Raises
    ------
    LwpipeError
        If the inputs do not fit each other, the device is missing, the loss is not finite, or one
        of several processes fails.
    """
    job = Job(
        Path(data), Path(pyramid), Path(weights), Path(output), Path(checkpoints), model, training,
        resume, None if tensorboard is None else Path(tensorboard),
    )  # fmt: skip
    device = choose_device(training.device)
    if training.processes > 1:
        return launch(job, device)
    return run(job, device, Group(), TrainingProgress)


def run(job: Job, device: torch.device, group: Group, make_watcher: MakeWatcher) -> PartModel:
    """Train as one process of `group`; the first one writes the files.

    Parameters
    ----------
    job : what `train` was asked for
    device : of this process
    group : the processes of the training
    make_watcher : makes what is told of the progress

    Raises
    ------
    LwpipeError
        As `train`.
    """
    training = job.training
    dataset = Dataset.open(job.data)
    steps_of_pyramid = Pyramid.load(job.pyramid)
    local_weights, _ = load_local_weights(job.weights)
    vertex_count = dataset.vertices.shape[1]
    for name, found in (
        (job.pyramid, len(steps_of_pyramid.vertices[0])),
        (job.weights, len(local_weights)),
    ):
        if found != vertex_count:
            raise LwpipeError(f"{name}: is for {found} vertices, {job.data} has {vertex_count}.")
    mark = fingerprint(
        dataset.info["content_sha256"], sha256(job.pyramid), sha256(job.weights),
        job.model.model_dump(), training.model_dump(), device.type,
    )  # fmt: skip
    train_rows, test_rows = dataset.indices("train"), dataset.indices("test")
    if len(test_rows) == 0:
        raise LwpipeError(f"{job.data}: has no test face, and training needs one.")
    mean, scale = standardisation(dataset.vertices, train_rows, job.model.standardise)
    torch.manual_seed(training.seed)
    model = PartModel(
        steps_of_pyramid, local_weights, mean, scale, job.model, backend=training.backend
    ).to(device)
    network = model.network
    optimizer = make_optimizer(network, training)
    history: list[dict[str, float]] = []
    state = load_checkpoint(job.checkpoints, mark) if job.resume else None
    if state is not None:
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        history = state["history"]
    group.check_start(list(network.parameters()), len(history))

    faces = open_faces(model, dataset.vertices, group.size)
    steps = -(-len(train_rows) // training.batch_size)
    with make_watcher(training.epochs, steps, len(history)) as watcher:
        for epoch in range(len(history), training.epochs):
            started = time.monotonic()
            row = _train_epoch(model, optimizer, faces, train_rows, training, epoch, group, watcher)
            row["test_mm"] = _test_error(model, faces, test_rows, training, group)
            row["seconds"] = round(time.monotonic() - started, 3)
            history.append(row)
            if group.rank == 0:
                save_checkpoint(job.checkpoints, mark, epoch + 1, network, optimizer, history)
            watcher.epoch(row)
    network.eval()
    if group.rank == 0:
        _write(job, model, history, dataset.info["content_sha256"])
    return model


def _write(
    job: Job, model: PartModel, history: list[dict[str, float]], content_sha256: str
) -> None:
    """Write the results of a finished training."""
    if job.tensorboard is not None:
        _write_tensorboard(job.tensorboard, history)
    write_csv(job.output / "history.csv", history, HISTORY_COLUMNS)
    save_model(
        model,
        job.output,
        {
            "epochs": job.training.epochs,
            "train_mm": history[-1]["train_mm"],
            "test_mm": history[-1]["test_mm"],
            "training": job.training.model_dump(),
            "data_sha256": content_sha256,
        },
    )


def _train_epoch(
    model: PartModel,
    optimizer: torch.optim.Optimizer,
    faces: Faces,
    rows: Ints,
    settings: TrainingSettings,
    epoch: int,
    group: Group,
    watcher: Watcher,
) -> dict[str, float]:
    # Seeded by epoch, not drawn on from the one before: a resumed run draws the same.
    rng = np.random.default_rng([settings.seed, epoch])
    model.network.train()
    parameters = list(model.network.parameters())
    batches = _split(rng.permutation(rows), settings.batch_size)
    every = _STEPS[model.mean.device.type]
    totals = torch.zeros(len(MEASURES), dtype=torch.float64, device=model.mean.device)
    with closing(faces.batches(_share(batch, group) for batch in batches)) as shares:
        for step, (batch, x) in enumerate(zip(batches, shares, strict=True)):
            rate = learning_rate(settings, epoch * len(batches) + step, len(batches))
            for parameter_group in optimizer.param_groups:
                parameter_group["lr"] = rate
            # Each process draws for all: the draws do not depend on which share is its own.
            orders = [
                [
                    draw_order(rng, piece.stop - piece.start, model.part_count, settings)
                    for piece in cut(share.stop - share.start, settings.accumulate)
                ]
                for share in cut(len(batch), group.size)
            ]
            own = orders[group.rank] if group.rank < len(orders) else []
            optimizer.zero_grad(set_to_none=True)
            sums = add_gradients(model, x, own, len(batch), settings)
            sums = group.sum_gradients(parameters, sums)
            optimizer.step()
            totals += sums
            if (step + 1) % every == 0 or step + 1 == len(batches):
                loss, total = torch.stack([sums[0] / len(batch), totals[0]]).tolist()
                # What is not finite stays so in the total, whichever step it came from.
                if not math.isfinite(total):
                    raise LwpipeError(
                        f"training diverged in epoch {epoch + 1} (loss {loss}): "
                        "lower `training.learning_rate`."
                    )
                watcher.step(loss, step % every + 1)
    means = dict(zip(MEASURES, (totals / len(rows)).tolist(), strict=True))
    return {"epoch": epoch + 1, **means, "learning_rate": rate}


@torch.no_grad()
def _test_error(
    model: PartModel, faces: Faces, rows: Ints, settings: TrainingSettings, group: Group
) -> float:
    """Return the mean vertex distance of the test faces, mm, as the saved model gives: float32."""
    model.network.eval()
    total = torch.zeros(1, dtype=torch.float64, device=model.mean.device)
    size = -(-settings.batch_size // (settings.accumulate * group.size))
    with closing(faces.batches(_split(_share(rows, group), size))) as batches:
        for x in batches:
            total += error_mm(model, model.network(x), x)
    return float(group.sum(total)) / len(rows)


def _split(rows: Ints, size: int) -> list[Ints]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _share(rows: Ints, group: Group) -> Ints:
    """Return the rows of this process: none where there are fewer than processes."""
    shares = cut(len(rows), group.size)
    return rows[shares[group.rank]] if group.rank < len(shares) else rows[:0]


def _write_tensorboard(folder: Path, history: list[dict[str, float]]) -> None:
    """Write the whole history as one event file, replacing those of earlier runs."""
    from torch.utils.tensorboard import SummaryWriter

    for old in folder.glob("events.out.tfevents.*"):
        old.unlink()
    with SummaryWriter(str(folder)) as writer:
        for row in history:
            for name, value in row.items():
                if name != "epoch":
                    writer.add_scalar(name, value, int(row["epoch"]))
