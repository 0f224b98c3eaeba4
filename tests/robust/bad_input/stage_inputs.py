"""A small valid run to spoil: data set, pyramid, local weights, model and checkpoint."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from lwpipe.core.files import sha256
from lwpipe.data.store import DatasetWriter
from lwpipe.model import PartModel, save_model
from lwpipe.model.settings import ModelSettings
from lwpipe.template import build_pyramid
from lwpipe.training.checkpoint import Checkpoints
from lwpipe.training.position import Position

SIDE, FACES, PARTS = 16, 8, 3
SETTINGS = ModelSettings(latent_size=5, channels=[4, 6], order=3)
# What makes the default configuration fit the pyramid.
LEVELS = ["--set", "template.factors=[4, 4]", "--set", "model.channels=[4, 6]"]


def copy_run(folder: Path) -> Path:
    """Copy the run into a folder and return it."""
    shutil.copytree(_run(), folder, dirs_exist_ok=True)
    return folder


def grid(side: int = SIDE) -> tuple[np.ndarray, np.ndarray]:
    """Return a square with a bump, (V, 3) in mm and (F, 3)."""
    x, y = np.meshgrid(np.linspace(-60, 60, side), np.linspace(-80, 80, side))
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    triangles = np.concatenate([np.stack(t, -1).reshape(-1, 3) for t in ((a, b, d), (a, d, c))])
    z = 40 * np.exp(-(x**2 + y**2) / 2000)
    return np.stack([x, y, z], -1).reshape(-1, 3), triangles


def write_store(folder: Path, side: int = SIDE) -> None:
    """Write a data set of six training and two test faces."""
    vertices, triangles = grid(side)
    rng = np.random.default_rng(0)
    with DatasetWriter(folder, FACES, triangles, len(vertices)) as writer:
        writer[:] = vertices + rng.normal(size=(FACES, *vertices.shape))
        faces = [
            {
                "id": f"f{row}",
                "split": "train" if row < 6 else "test",
                "subject": row,
                "expression": "",
                "source": "grid",
            }
            for row in range(FACES)
        ]
        writer.close(faces, {"source": "grid", "licence": "none", "seed": 0, "alignment": None})


def write_weights(file: Path, side: int = SIDE) -> None:
    """Write local weights of three parts."""
    basis = np.random.default_rng(1).random((side * side, PARTS)).astype(np.float32)
    basis /= basis.max(axis=0)
    np.savez(file, weights=basis / basis.sum(axis=1, keepdims=True), basis=basis)


def write_model(folder: Path, side: int = SIDE) -> PartModel:
    """Write an untrained model."""
    torch.manual_seed(0)
    vertices, triangles = grid(side)
    pyramid = build_pyramid(vertices, triangles, [4, 4])
    weights = np.full((side * side, PARTS), 1 / PARTS, np.float32)
    scale = np.ones((1, 1), np.float32)
    model = PartModel(
        pyramid, weights, vertices.astype(np.float32), scale, SETTINGS, backend="torch"
    )
    save_model(model, folder, {"epochs": 1, "test_mm": 1.0, "training": {}})
    return model


@lru_cache(maxsize=1)
def _run() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="lwpipe_stages_"))
    atexit.register(shutil.rmtree, folder)
    write_store(folder / "data")
    write_weights(folder / "local_weights.npz")
    model = write_model(folder / "model")
    model.pyramid.save(folder / "pyramid.npz")
    network = model.network
    optimizer = torch.optim.Adam(network.parameters())
    row = {"epoch": 1, "test_mm": 1.0}
    history = [
        {
            **dict.fromkeys(
                (
                    "loss",
                    "reconstruction_loss",
                    "cycle_loss",
                    "blend_loss",
                    "partition_loss",
                    "train_mm",
                    "learning_rate",
                    "seconds",
                ),
                1.0,
            ),
            **row,
        }
    ]
    Checkpoints(folder / "checkpoints", "mark", "cpu").save(network, optimizer, Position(history))
    for name in ("source", "target"):
        shutil.copy(folder / "data" / "template.ply", folder / f"{name}.ply")
    return folder


def retell_hash(folder: Path) -> None:
    """Let `model.json` say the hash of `model.safetensors` as it is now."""
    file = folder / "model.json"
    digest = sha256(folder / "model.safetensors")
    text = file.read_text()
    start = text.index('"weights_sha256": "') + len('"weights_sha256": "')
    file.write_text(text[:start] + digest + text[start + 64 :])


def place_run(made: Path, run: Path) -> Path:
    """Move data, model and checkpoints of a copied run to where the workflow has them.

    Returns the folder of the variant.
    """
    variant = run / "variants" / "full"
    variant.mkdir(parents=True)
    shutil.move(made / "data", run / "data")
    shutil.move(made / "model", variant / "training")
    shutil.move(made / "checkpoints", variant / "checkpoints")
    return variant
