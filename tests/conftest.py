"""Fixtures that several test files share."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lwpipe.data.store import Dataset, DatasetWriter
from tests.helpers.shapes import check_shapes

# Before the conftest of a folder imports what is checked.
check_shapes()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the files that take longest: at the end they would keep one core busy alone."""
    items.sort(key=lambda item: not {"workflow", "training"} & {item.path.parent.name})


@pytest.fixture(autouse=True, scope="session")
def interrupts() -> Iterator[None]:
    """Let Ctrl+C interrupt: shells start what runs in the background with it switched off."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@dataclass
class LinearPatches:
    """A linear stand-in for a trained model: each part moves its own patch, and nothing else."""

    template: np.ndarray
    fields: np.ndarray  # (K, Z, V, 3)
    parts_match_weights: bool = True
    channels: int = 3
    info: dict[str, Any] = field(
        default_factory=lambda: {"parameters": 7, "seconds": 1.5, "epochs": 3}
    )

    @property
    def part_count(self) -> int:
        return self.fields.shape[0]

    @property
    def latent_size(self) -> int:
        return self.fields.shape[1]

    @property
    def vertex_count(self) -> int:
        return len(self.template)

    def encode(self, vertices: np.ndarray) -> np.ndarray:
        inverse = np.linalg.pinv(self.fields.sum(axis=0).reshape(self.latent_size, -1))
        return ((vertices - self.template).reshape(len(vertices), -1) @ inverse).astype(np.float32)

    def parts(self, z: np.ndarray) -> np.ndarray:
        return np.repeat(z[:, None, :], self.part_count, axis=1)

    def decode(self, parts: np.ndarray) -> np.ndarray:
        moved = np.einsum("nkz,kzvc->nvc", parts, self.fields)
        return (self.template + moved).astype(np.float32)

    def reconstruct(self, vertices: np.ndarray) -> np.ndarray:
        return self.decode(self.parts(self.encode(vertices)))


@dataclass
class Patches:
    """Faces on a grid of four patches, the hard weights of the patches, and an exact model."""

    data: Dataset
    weights: np.ndarray
    model: LinearPatches


def make_patches(folder: Path, train: int = 40, test: int = 20) -> Patches:
    side, parts, latent = 16, 4, 6
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    triangles = np.concatenate(
        [np.stack([a, b, d], -1).reshape(-1, 3), np.stack([a, d, c], -1).reshape(-1, 3)]
    )
    y, x = np.divmod(np.arange(side * side), side)
    owner = 2 * (y >= side // 2) + (x >= side // 2)
    weights = np.eye(parts, dtype=np.float32)[owner]
    flat = np.stack([10.0 * x, 10.0 * y, np.zeros(side * side)], axis=1)
    random = np.random.default_rng(5)
    # Each latent direction moves all patches, each part only its own: rank 6 in all.
    whole = random.normal(size=(latent, side * side, 3))
    fields = weights.T[:, None, :, None] * whole
    z = random.normal(size=(train + test, latent))
    writer = DatasetWriter(folder, train + test, triangles, side * side)
    with writer:
        writer[:] = flat + np.einsum("nz,zvc->nvc", z, whole)
        data = writer.close(
            [
                {
                    "id": f"f{i:02d}",
                    "split": "train" if i < train else "test",
                    "subject": i,
                    "expression": "",
                    "source": "patches",
                }
                for i in range(train + test)
            ],
            {"source": "patches", "licence": "none", "seed": 5, "alignment": None},
        )
    return Patches(data, weights, LinearPatches(flat, fields))


@pytest.fixture(scope="session")
def patches(tmp_path_factory: pytest.TempPathFactory) -> Patches:
    """Forty training and twenty test faces of rank 6 on 256 vertices in four patches."""
    return make_patches(tmp_path_factory.mktemp("patches"))
