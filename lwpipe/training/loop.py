"""Train a part autoencoder: resumable at every step, the same bytes for the same seed."""

from __future__ import annotations

from pathlib import Path

import torch

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import sha256, write_csv
from lwpipe.data.split import unseen_groups
from lwpipe.data.store import Dataset
from lwpipe.editing.base import fit_base
from lwpipe.local_weights import load_local_weights
from lwpipe.model.archive import save_model
from lwpipe.model.part_model import PartModel, channel_units, standardisation
from lwpipe.model.settings import ModelSettings
from lwpipe.template import Pyramid
from lwpipe.training.checkpoint import HISTORY_COLUMNS, Checkpoints, fingerprint
from lwpipe.training.data import open_faces
from lwpipe.training.distributed import Group
from lwpipe.training.epoch import Trainer
from lwpipe.training.events import write_events
from lwpipe.training.faults import device_faults
from lwpipe.training.gain import choose_gain, hold_back, mean_error
from lwpipe.training.job import Job
from lwpipe.training.launch import launch
from lwpipe.training.position import Position
from lwpipe.training.progress import MakeWatcher, TrainingProgress
from lwpipe.training.settings import TrainingSettings
from lwpipe.training.step import make_optimizer
from lwpipe.training.stop import Stop, StopAskedError, listening


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
    local_weights: str | Path,
    output: str | Path,
    model: ModelSettings,
    training: TrainingSettings,
    resume: bool = True,
    checkpoints: str | Path | None = None,
    tensorboard: str | Path | None = None,
) -> PartModel:
    """Train a model and write `model.safetensors`, `model.json` and `history.csv`.

    With `training.processes` above 1 the processes are started and ended here; the result is that
    of one process up to rounding, and the same bytes for the same seed and number of processes.

    Parameters
    ----------
    data : folder of the data set store
    pyramid : `pyramid.npz`
    local_weights : `local_weights.npz`
    output : folder of the results
    model, training : the settings
    resume : continue a training of the same settings and inputs from its checkpoint
    checkpoints : folder of the checkpoints and `history.csv`, written after every epoch; None:
        `checkpoints` beside `output`
    tensorboard : folder for TensorBoard events; None: `tensorboard` beside `output`

    Raises
    ------
    StoppedError
        If SIGTERM or SIGUSR1 has stopped the training, between two steps: it is saved, and goes
        on from that step. Only calls from the main thread take signals.
    LwpipeError
        If the inputs do not fit each other, the device is missing or fails, the training diverges,
        or one of several processes fails.
    """
    output = Path(output)
    job = Job(
        Path(data), Path(pyramid), Path(local_weights), output,
        Path(checkpoints or output.with_name("checkpoints")), model, training, resume,
        Path(tensorboard or output.with_name("tensorboard")),
    )  # fmt: skip
    device = choose_device(training.device)
    stop = Stop()
    try:
        with listening(stop):
            if training.processes > 1:
                return launch(job, device, stop)
            return run(job, device, Group(), TrainingProgress, stop)
    except StopAskedError as asked:
        raise asked.told(resume) from None


def run(
    job: Job, device: torch.device, group: Group, make_watcher: MakeWatcher, stop: Stop
) -> PartModel:
    """Train as one process of `group`; the first one writes the files.

    Parameters
    ----------
    job : what `train` was asked for
    device : of this process
    group : the processes of the training
    make_watcher : makes what is told of the progress
    stop : is looked at after each step

    Raises
    ------
    StopAskedError
        If `stop` was asked for: the training is saved.
    LwpipeError
        As `train`.
    """
    training = job.training
    dataset = Dataset.open(job.data)
    steps_of_pyramid = Pyramid.load(job.pyramid)
    local_weights, _ = load_local_weights(job.local_weights)
    vertex_count = dataset.vertices.shape[1]
    for name, found in (
        (job.pyramid, len(steps_of_pyramid.vertices[0])),
        (job.local_weights, len(local_weights)),
    ):
        if found != vertex_count:
            raise LwpipeError(f"{name}: is for {found} vertices, {job.data} has {vertex_count}.")
    settings = training.model_dump(exclude={"device"})  # a training can go on on another one
    mark = fingerprint(
        dataset.info["content_sha256"], sha256(job.pyramid), sha256(job.local_weights),
        job.model.model_dump(), settings,
    )  # fmt: skip
    fraction = training.validation_fraction if job.model.base != "none" else 0.0
    learned, held = hold_back(dataset, fraction, training.seed)
    train_rows, test_rows = dataset.indices("train"), dataset.indices("test")
    if len(test_rows) == 0:
        raise LwpipeError(f"{job.data}: has no test face, and training needs one.")
    signals = dataset.signals
    mean, scale = standardisation(signals, train_rows, job.model.standardise)
    components = None
    if job.model.base != "none":
        curved = job.model.base == "kernel"
        groups = unseen_groups(dataset.faces["subject"], learned, test_rows)
        components = fit_base(
            signals, train_rows, learned, job.model.latent_size, channel_units(scale), curved,
            groups,
        )  # fmt: skip
    checkpoints = Checkpoints(job.checkpoints, mark, device.type, writes=group.rank == 0)
    position = Position()
    with device_faults(lambda: position.epoch_words(training.epochs), checkpoints.kept):
        torch.manual_seed(training.seed)
        model = PartModel(
            steps_of_pyramid, local_weights, mean, scale, job.model, backend=training.backend,
            components=components,
        ).to(device)  # fmt: skip
        network = model.network
        optimizer = make_optimizer(network, training)
        notes: list[str] = []
        if job.resume:
            position, notes = checkpoints.load(network, optimizer)
        steps = -(-len(learned) // training.batch_size)
        done = len(position.history)
        group.check_start(list(network.parameters()), done * steps + position.step)
        faces = open_faces(model, signals, group.size)
        with make_watcher(training.epochs, steps, done) as watcher:
            for note in notes:
                watcher.note(note)
            trainer = Trainer(
                model, optimizer, faces, learned, test_rows, training, group, watcher, stop,
                position, checkpoints.kept,
            )  # fmt: skip
            while len(position.history) < training.epochs:
                asked = trainer.run_epoch()
                checkpoints.save(network, optimizer, position)
                if asked is not None:
                    place = f"{position.epoch_words(training.epochs)}, step {position.step}"
                    raise StopAskedError(asked.name, f"{place} of {steps}")
                watcher.epoch(position.history[-1])
        network.eval()
        if group.rank == 0:
            facts = {name: position.history[-1][name] for name in ("train_mm", "test_mm")}
            if len(held):
                size = training.batch_size
                gain, errors = choose_gain(model, faces, held, size)
                facts["test_mm"] = mean_error(model, faces, test_rows, size)
                facts |= {"correction": gain, "validation_mm": errors[gain]}
            _write(job, model, position.history, facts, dataset.info["content_sha256"])
    return model


def _write(
    job: Job,
    model: PartModel,
    history: list[dict[str, float]],
    facts: dict[str, float],
    content_sha256: str,
) -> None:
    """Write the results of a finished training."""
    write_events(job.tensorboard, history)
    write_csv(job.output / "history.csv", history, HISTORY_COLUMNS)
    save_model(
        model,
        job.output,
        {
            "epochs": job.training.epochs,
            **facts,
            "training": job.training.model_dump(),
            "data_sha256": content_sha256,
        },
    )
