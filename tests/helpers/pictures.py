"""Small pictures: their settings, a mesh and a data set to draw, and what of a picture is seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from lwpipe.data.store import Dataset, DatasetWriter
from lwpipe.figures.settings import FiguresSettings

SMALL = FiguresSettings(tile=64, dpi=50)


def bump(width: int = 30, height: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Return an open grid of 1,500 vertices, taller than wide, with a nose towards +z."""
    index = np.arange(width * height).reshape(height, width)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    triangles = np.concatenate(
        [np.stack([a, b, d], -1).reshape(-1, 3), np.stack([a, d, c], -1).reshape(-1, 3)]
    )
    y, x = np.meshgrid(np.linspace(-110, 110, height), np.linspace(-66, 66, width), indexing="ij")
    z = 60 * np.cos(x / 60) * np.cos(y / 100) + 20 * np.exp(-(x**2 + y**2) / 200)
    return np.stack([x, y, z], -1).reshape(-1, 3), triangles


def store(folder: Path, count: int, test: int, name: str = "f{:02d}") -> Dataset:
    vertices, triangles = bump(12, 16)
    with DatasetWriter(folder, count, triangles, len(vertices)) as writer:
        for i in range(count):
            writer[i] = vertices * (1 + 0.01 * i)
        return writer.close(
            [
                {"id": name.format(i), "split": "test" if i < test else "train", "subject": i,
                 "expression": "", "source": "x"}
                for i in range(count)
            ],
            {"source": "bump", "licence": "none", "seed": 0, "alignment": None},
        )  # fmt: skip


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def covered(picture: np.ndarray) -> np.ndarray:
    return (picture < 250).any(axis=2)
