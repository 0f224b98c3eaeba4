"""Run the stages on the AFLW2000-3D layout at full size and print seconds and peak memory.

Writes synthetic faces in the real `.mat` layout (53,215 vertices or so, 199 shape and 29 expression
components), then runs conversion, pyramid, local weights and one training epoch, each in a
process of its own. Usage: python benchmarks/full_size.py FOLDER [--faces 2000] [--vertices 53215]
       python benchmarks/full_size.py FOLDER --again template train
       python benchmarks/full_size.py FOLDER --layout
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import yaml
from scipy.io import savemat

from lwpipe.data.make import make_dataset
from lwpipe.data.settings import DataSettings

SHAPE, EXPRESSION = 199, 29
STAGES = (
    ("conversion", ["data", "--only", "make_dataset"]),
    ("pyramid", ["template"]),
    ("local weights", ["local_weights", "--only", "make_local_weights"]),
    (
        "one training epoch without cycle loss, batch 32",
        ["training", "--variant", "no_cycle", "--only", "train_model"],
    ),
)


def write_layout(folder: Path, faces: int, vertices: int) -> None:
    """Write Model_Shape.mat, Model_Exp.mat and one .mat a face.

    The components are random combinations of differences of synthetic faces, in micrometres and
    interleaved x, y, z, as in the Basel Face Model; triangles count from 1.
    """
    settings = DataSettings.model_validate(
        {"faces": SHAPE + EXPRESSION + 1, "synthetic": {"vertices": vertices}}
    )
    store = make_dataset(settings, folder / "seeds")
    rng = np.random.default_rng(0)
    seeds = np.asarray(store.vertices, np.float32).reshape(len(store.vertices), -1) * 1000
    mean = seeds.mean(axis=0)
    basis = ((seeds[1:] - mean) / np.sqrt(len(seeds))).T
    columns = (len(mean), 1)
    for name, part, weights in (
        ("Model_Shape.mat", basis[:, :SHAPE], "w"),
        ("Model_Exp.mat", basis[:, SHAPE:], "w_exp"),
    ):
        values = {weights: part.astype(np.float32)}
        if weights == "w":
            values |= {
                "mu_shape": mean.reshape(columns),
                "tri": (store.triangles.T + 1).astype(np.float64),
                "keypoints": np.arange(68, dtype=np.float64)[None] + 1,
            }
        else:
            values |= {"mu_exp": np.zeros(columns, np.float32)}
        savemat(folder / "model" / name, values)
    for index in range(faces):
        savemat(
            folder / "faces" / f"image{index:05d}.mat",
            {
                "Shape_Para": rng.normal(size=(SHAPE, 1)),
                "Exp_Para": rng.normal(size=(EXPRESSION, 1)),
                "Pose_Para": np.zeros((1, 7)),
            },
        )


def measure(command: list[str], folder: Path) -> tuple[float, float]:
    """Run a command; return its seconds and its peak memory in GB."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)} failed")
    return time.perf_counter() - started, usage.ru_maxrss / 1e6


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--faces", type=int, default=2000)
    parser.add_argument("--vertices", type=int, default=53215)
    parser.add_argument(
        "--again",
        nargs="+",
        choices=[words[0] for _, words in STAGES],
        help="only these stages, in a folder that an earlier call has filled",
    )
    parser.add_argument("--layout", action="store_true", help="write the faces and run no stage")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    if not arguments.again:
        for name in ("model", "faces"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        write_layout(folder, arguments.faces, arguments.vertices)
    if arguments.layout:
        return
    here = Path(__file__).resolve().parents[1]
    layers = {
        "data": {"aflw2000_3d": {"model_dir": "model", "faces_dir": "faces"}},
        "training": {"epochs": 1},
    }
    (folder / "size.yaml").write_text(yaml.safe_dump(layers))
    config = [here / "config.yaml", here / "presets" / "aflw2000-3d.yaml", "size.yaml"]
    print(f"{os.cpu_count()} cores, {platform.machine()}")
    print("\n| stage | seconds | peak memory, GB |\n|---|---|---|")
    for title, words in STAGES:
        if arguments.again and words[0] not in arguments.again:
            continue
        command = [sys.executable, "-m", "lwpipe", *words, "--config", *map(str, config)]
        seconds, memory = measure(command, folder)
        print(f"| {title} | {seconds:.1f} | {memory:.1f} |", flush=True)


if __name__ == "__main__":
    main()
