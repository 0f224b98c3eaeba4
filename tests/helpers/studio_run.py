"""A small run with a face that looks like one, made without training; and a browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lwpipe.data.signals import joined
from lwpipe.data.sources.synthetic.anatomy import mean_face
from lwpipe.data.sources.synthetic.faces import draw_parameters, synthesize
from lwpipe.data.sources.synthetic.grid import make_grid
from lwpipe.data.sources.synthetic.skin import draw_people, skin_of
from lwpipe.data.store import DatasetWriter
from lwpipe.editing import Pca
from lwpipe.model import PartModel, save_model
from lwpipe.model.base import Components
from lwpipe.model.part_model import channel_units, standardisation
from lwpipe.model.settings import ModelSettings
from lwpipe.template import build_pyramid

FACES, Z = 40, 12
# Right eye, left eye, nose, mouth: in the canonical plane, mm.
CENTRES = np.array([[-32.0, 2.0], [32.0, 2.0], [0.0, -34.0], [0.0, -75.0]])
EYE, LEFT_EYE, NOSE, MOUTH = range(4)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# WebGL without a GPU.
WORDS = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]


def make_run(folder: Path, vertices: int = 1500, painted: bool = False) -> Path:
    """Write a run of synthetic faces, with colours or without, whose model is its base."""
    grid = make_grid(vertices)
    parameters = draw_parameters(FACES, 5)
    faces = synthesize(parameters, grid)
    rows = [
        {"id": f"face_{i:02d}", "split": "train" if i < 32 else "test", "subject": i,
         "expression": "", "source": "synthetic"}
        for i in range(FACES)
    ]  # fmt: skip
    size = FACES, grid.triangles, len(grid.points)
    with DatasetWriter(folder / "data", *size, with_colors=painted) as writer:
        writer[:] = faces
        if painted:
            writer.colors[:] = skin_of(grid).paint(draw_people(parameters, 5))
            faces = joined(faces, writer.colors)
        info = {"source": "synthetic", "licence": "MIT", "seed": 5, "alignment": None}
        writer.close(rows, info)
    away = np.linalg.norm(grid.points[:, None] - CENTRES, axis=2)
    weights = np.exp(-((away / 22.0) ** 2))
    weights /= weights.sum(axis=1, keepdims=True)
    weights[weights < 0.1] = 0
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    train = np.arange(32)
    mean, scale = standardisation(faces, train, "scalar")
    pca = Pca.fit(faces, train, Z, units=channel_units(scale))
    torch.manual_seed(0)
    model = PartModel(
        build_pyramid(mean_face(grid.points), grid.triangles, [4, 4]),
        weights, mean, scale, ModelSettings(latent_size=Z, channels=[4, 4], order=2, base="pca"),
        components=Components.padded(pca.basis, pca.deviation, Z, pca.variance),
    )  # fmt: skip
    save_model(model, folder / "variants/on_pca/training", {"epochs": 0})
    return folder


def browser_path() -> str | None:
    """Return where a browser lies; None where there is none."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


@contextmanager
def opened_browser() -> Iterator[Any]:
    """Give a headless browser that draws WebGL in software."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launched(playwright.chromium)
        yield browser
        browser.close()


def launched(kind: Any) -> Any:
    """Return another browser of a kind of Playwright's."""
    return kind.launch(executable_path=browser_path(), args=WORDS)
