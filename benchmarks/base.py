"""Print what a base of principal components adds to a training step, and what an edit costs.

With and without the base take turns in one process. Usage: python benchmarks/base.py [--quick]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from performance import PARTS, face, repeat

from lwpipe.editing import EditingSettings, make_editor
from lwpipe.engine import choose
from lwpipe.local_weights.make import sharpened
from lwpipe.model.base import Components
from lwpipe.model.part_model import PartModel
from lwpipe.model.settings import ModelSettings
from lwpipe.template import Pyramid
from lwpipe.training.objective import objective

BATCH, STEPS = 8, 8
DIALS = {
    "as in the paper": EditingSettings(),
    "keep 1": EditingSettings(residual=True, keep=1.0),
    "keep 1, harmony 0.5": EditingSettings(residual=True, keep=1.0, harmony=0.5),
}


def make_model(pyramid: Pyramid, base: str) -> PartModel:
    """Return a model of four bands from top to bottom, untrained, of 64 latent numbers."""
    torch.manual_seed(0)
    vertices = np.asarray(pyramid.vertices[0], np.float32)
    height = (vertices[:, 1] - vertices[:, 1].min()) / np.ptp(vertices[:, 1])
    bands = np.exp(-((height[:, None] - np.linspace(0.1, 0.9, PARTS)) ** 2) / 0.03)
    bands = (bands / bands.sum(axis=1, keepdims=True)).astype(np.float32)
    settings = ModelSettings.model_validate({"base": base, "latent_size": 64})
    components = None
    if base == "pca":
        draw = np.random.default_rng(0).standard_normal((vertices.size, settings.latent_size))
        basis = np.linalg.qr(draw)[0].T
        deviation = np.linspace(100, 5, settings.latent_size)
        components = Components.padded(basis, deviation, settings.latent_size, 1.0)
    weights = np.asarray(sharpened(bands, 3.0, 0.05), np.float32)
    scale = np.ones((1, 1), np.float32)
    return PartModel(pyramid, weights, vertices, scale, settings, components=components)


def in_turn(calls: dict[str, Callable[[], None]], device: torch.device) -> dict[str, float]:
    """Return the median milliseconds of each call, the calls taking turns."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(STEPS):
        for name, call in calls.items():
            times[name] += repeat(call, 0.3, 1, device)
    return {name: 1e3 * statistics.median(each) for name, each in times.items()}


def step_of(model: PartModel, x: torch.Tensor, cycle: bool) -> Callable[[], None]:
    """Return a training step."""
    network = model.network
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-5, fused=True)
    order = None
    if cycle:
        order = torch.stack([torch.randperm(BATCH) for _ in range(PARTS)]).to(x.device)

    def step() -> None:
        loss, other, *_ = objective(network, x, order)
        optimizer.zero_grad(set_to_none=True)
        (loss if other is None else loss + 0.5 * other).backward()
        optimizer.step()

    step()
    return step


def edit_of(model: PartModel, dials: EditingSettings, faces: int) -> Callable[[], None]:
    """Return the edit of faces that are encoded already."""
    editor = make_editor(model, model.weights, dials)
    rng = np.random.default_rng(0)
    drawn = model.template + rng.standard_normal((2, *model.template.shape)).astype(np.float32)
    source, target = (np.repeat(codes[None], faces, axis=0) for codes in editor.encode(drawn))

    def blend() -> None:
        editor.blend(source, target, 1, 0.7)

    blend()
    return blend


def main() -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller mesh")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    vertices = 1500 if parser.parse_args().quick else 53215
    with tempfile.TemporaryDirectory() as folder:
        pyramid = Pyramid.load(face(Path(folder), vertices))
    models = {base: make_model(pyramid, base).to(device) for base in ("none", "pca")}
    count = models["pca"].vertex_count
    backend = choose("auto", device)
    print(f"{count:,} vertices, {device.type} ({backend}), {torch.get_num_threads()} threads.\n")

    print(f"| one step of {BATCH} faces | without a base, ms | with it, ms | it adds |")
    print("|---|---|---|---|")
    x = torch.randn(BATCH, count, 3, device=device)
    for cycle in (False, True):
        found = in_turn({base: step_of(model, x, cycle) for base, model in models.items()}, device)
        more = found["pca"] / found["none"] - 1
        name = "cycle loss on all faces" if cycle else "no cycle loss"
        print(f"| {name} | {found['none']:.0f} | {found['pca']:.0f} | {more:.0%} |", flush=True)

    print("\n| an edit of encoded faces, ms a face | without a base | with it |\n|---|---|---|")
    for faces in (1, BATCH):
        for name, dials in DIALS.items():
            with torch.inference_mode():
                found = in_turn(
                    {base: edit_of(model, dials, faces) for base, model in models.items()}, device
                )
            each = " | ".join(f"{found[base] / faces:.1f}" for base in models)
            print(f"| {name}, {faces} at a time | {each} |", flush=True)


if __name__ == "__main__":
    main()
