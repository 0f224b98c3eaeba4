"""A run with two trained models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lwpipe.data.store import Dataset, DatasetWriter
from lwpipe.export import Morphs, principal_directions
from lwpipe.model import save_model
from tests.unit.editing.test_keeping import MODEL, WEIGHTS, trained
from tests.unit.model.test_base import FACES


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with the variants `on_pca`, `whole` of one part, and `placeless` without weights."""
    root = tmp_path_factory.mktemp("results") / "small"
    writer = DatasetWriter(root / "data", len(FACES), MODEL.triangles, FACES.shape[1])
    with writer:
        writer[:] = FACES
        table = [
            {
                "id": f"f{i:02d}",
                "split": "train" if i < 24 else "test",
                "subject": i,
                "expression": "",
                "source": "bump",
            }
            for i in range(len(FACES))
        ]
        about = {"source": "bump", "licence": "none", "seed": 3, "alignment": None}
        writer.close(table, about, regions={"nose_width": WEIGHTS[:, 1]})
    save_model(MODEL, root / "variants/on_pca/training", {"epochs": 1})
    for name, change in (("whole", {"projection": False}), ("placeless", {"weighting": "none"})):
        save_model(trained(**change), root / f"variants/{name}/training", {"epochs": 1})
    return root


@pytest.fixture(scope="session")
def data(run: Path) -> Dataset:
    return Dataset.open(run / "data")


@pytest.fixture(scope="session")
def morphs(data: Dataset) -> Morphs:
    return principal_directions(MODEL, data, MODEL.triangles)


def mirrored(points: np.ndarray) -> np.ndarray:
    """Return points of Blender, whose z is up, as those of glTF."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)
