"""Train a part autoencoder: resumable after every epoch, the same bytes for the same seed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lwpipe.config import ModelSettings, TrainingSettings
from lwpipe.data.store import Dataset
from lwpipe.errors import LwpipeError
from lwpipe.files import sha256, write_csv
from lwpipe.model.archive import save_model
from lwpipe.model.part_model import PartModel, standardisation
from lwpipe.pyramid import Pyramid
from lwpipe.training.checkpoint import fingerprint, load_checkpoint, save_checkpoint
from lwpipe.training.objective import objective
from lwpipe.training.progress import TrainingProgress
from lwpipe.training.schedule import learning_rate
from lwpipe.weights import load_local_weights

HISTORY_COLUMNS = (
    "epoch",
    "loss",
    "reconstruction_loss",
    "cycle_loss",
    "train_mm",
    "test_mm",
    "learning_rate",
    "seconds",
)


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


class _Batches:
    """Batches of standardised faces, (batch, V, 3), from the memory-mapped store."""

    def __init__(self, model: PartModel, vertices: npt.NDArray[np.float32], size: int) -> None:
        self._model, self._vertices, self._size = model, vertices, size

    def __call__(self, rows: npt.NDArray[np.int64]) -> Iterator[tuple[int, Tensor]]:
        for start in range(0, len(rows), self._size):
            chosen = rows[start : start + self._size]
            faces = torch.from_numpy(np.ascontiguousarray(self._vertices[chosen]))
            yield len(chosen), self._model.standardise(faces)


def _optimizer(network: torch.nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    if settings.optimizer == "sgd":
        return torch.optim.SGD(
            network.parameters(),
            lr=settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )
    return torch.optim.Adam(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )


def _error_mm(model: PartModel, output: Tensor, x: Tensor) -> float:
    """Return the sum over faces of the mean vertex distance, mm."""
    with torch.no_grad():
        difference = ((output - x) * model.scale).norm(dim=2)
        return float(difference.mean(dim=1).double().sum())


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
        If the inputs do not fit each other, the device is missing, or the loss is not finite.
    """
    dataset = Dataset.open(data)
    steps_of_pyramid = Pyramid.load(pyramid)
    local_weights, _ = load_local_weights(weights)
    vertex_count = dataset.vertices.shape[1]
    for name, found in (
        (pyramid, len(steps_of_pyramid.vertices[0])),
        (weights, len(local_weights)),
    ):
        if found != vertex_count:
            raise LwpipeError(f"{name}: is for {found} vertices, {data} has {vertex_count}.")
    device = choose_device(training.device)
    mark = fingerprint(
        dataset.info["content_sha256"], sha256(pyramid), sha256(weights),
        model.model_dump(), training.model_dump(), device.type,
    )  # fmt: skip
    train_rows, test_rows = dataset.indices("train"), dataset.indices("test")
    mean, scale = standardisation(dataset.vertices, train_rows, model.standardise)
    torch.manual_seed(training.seed)
    part_model = PartModel(steps_of_pyramid, local_weights, mean, scale, model).to(device)
    network = part_model.network
    optimizer = _optimizer(network, training)
    history: list[dict[str, float]] = []
    state = load_checkpoint(Path(checkpoints), mark) if resume else None
    if state is not None:
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        history = state["history"]

    batches = _Batches(part_model, dataset.vertices, training.batch_size)
    steps = -(-len(train_rows) // training.batch_size)
    with TrainingProgress(training.epochs, steps, len(history)) as progress:
        for epoch in range(len(history), training.epochs):
            started = time.monotonic()
            row = _train_epoch(
                part_model, optimizer, batches, train_rows, training, epoch, steps, progress
            )
            row["test_mm"] = _test_error(part_model, batches, test_rows)
            row["seconds"] = round(time.monotonic() - started, 3)
            history.append(row)
            save_checkpoint(Path(checkpoints), mark, epoch + 1, network, optimizer, history)
            progress.epoch(row)
    if tensorboard is not None:
        _write_tensorboard(Path(tensorboard), history)
    write_csv(Path(output) / "history.csv", history, HISTORY_COLUMNS)
    network.eval()
    save_model(
        part_model,
        output,
        {
            "epochs": training.epochs,
            "train_mm": history[-1]["train_mm"],
            "test_mm": history[-1]["test_mm"],
            "training": training.model_dump(),
            "data_sha256": dataset.info["content_sha256"],
        },
    )
    return part_model


def _train_epoch(
    model: PartModel,
    optimizer: torch.optim.Optimizer,
    batches: _Batches,
    rows: npt.NDArray[np.int64],
    settings: TrainingSettings,
    epoch: int,
    steps: int,
    progress: TrainingProgress,
) -> dict[str, float]:
    # Seeded by epoch, not drawn on from the one before: a resumed run draws the same.
    rng = np.random.default_rng([settings.seed, epoch])
    network, parts = model.network, model.part_count
    network.train()
    totals: dict[str, float] = {"loss": 0.0, "reconstruction_loss": 0.0, "cycle_loss": 0.0}
    error = 0.0
    for step, (size, x) in enumerate(batches(rng.permutation(rows))):
        rate = learning_rate(settings, epoch * steps + step, steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        order = None
        if settings.cycle_weight > 0:
            count = max(1, round(settings.cycle_share * size))
            permutations = np.stack([rng.permutation(count) for _ in range(parts)])
            order = torch.from_numpy(permutations).to(x.device)
        reconstruction, cycle, output = objective(network, x, order)
        loss = reconstruction if cycle is None else reconstruction + settings.cycle_weight * cycle
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        value = float(loss.detach())
        if not np.isfinite(value):
            raise LwpipeError(
                f"training diverged in epoch {epoch + 1} (loss {value}): "
                "lower `training.learning_rate`."
            )
        totals["loss"] += size * value
        totals["reconstruction_loss"] += size * float(reconstruction.detach())
        totals["cycle_loss"] += 0.0 if cycle is None else size * float(cycle.detach())
        error += _error_mm(model, output, x)
        progress.step(value)
    row: dict[str, Any] = {name: total / len(rows) for name, total in totals.items()}
    return {"epoch": epoch + 1, **row, "train_mm": error / len(rows), "learning_rate": rate}


@torch.no_grad()
def _test_error(model: PartModel, batches: _Batches, rows: npt.NDArray[np.int64]) -> float:
    model.network.eval()
    return sum(_error_mm(model, model.network(x), x) for _, x in batches(rows)) / len(rows)


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
