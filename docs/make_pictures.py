"""Copy the pictures that a run has into docs/pictures, no wider than a page needs.

Usage: python docs/make_pictures.py results/ict
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from PIL import Image

WIDTH = 1800
PICTURES = {
    "contact_sheet": "data/contact_sheet.png",
    "local_weights": "local_weights/local_weights.png",
    "learning_curve": "variants/full/training/learning_curve.png",
    "faces": "variants/full/interpolation/pictures/pair_00_faces.png",
    "interpolation": "variants/full/interpolation/pictures/pair_00.png",
    "interpolation_no_cycle": "variants/no_cycle/interpolation/pictures/pair_00.png",
    "interpolation_second": "variants/full/interpolation/pictures/pair_01.png",
    "interpolation_on_pca": "variants/on_pca/interpolation/pictures/pair_00.png",
    "local_weights_on_pca": "variants/on_pca/local_weights/local_weights.png",
    "truth": "variants/on_pca/truth/truth.png",
    "detection": "detection/detection.png",
    "samples": "variants/on_pca/sampling/samples.png",
    "samples_nearest": "variants/on_pca/sampling/nearest.png",
    "samples_parts": "variants/on_pca/sampling/parts.png",
    "samples_directions": "variants/on_pca/sampling/directions.png",
    "diversity": "variants/full/diversity/diversity.png",
    "tradeoff": "ablation/tradeoff.png",
}
ANIMATIONS = {"part": "variants/full/interpolation/pictures/pair_00_part_3.gif"}


def main() -> None:
    """Write docs/pictures/<run>_<name>.png."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of the run, results/<name>")
    run = parser.parse_args().run
    folder = Path(__file__).parent / "pictures"
    folder.mkdir(exist_ok=True)
    for name, file in PICTURES.items():
        if not (run / file).exists():
            continue
        with Image.open(run / file) as picture:
            picture.thumbnail((WIDTH, WIDTH * 4), Image.Resampling.LANCZOS)
            picture.convert("RGB").save(folder / f"{run.name}_{name}.png", optimize=True)
    for name, file in ANIMATIONS.items():
        if (run / file).exists():
            shutil.copyfile(run / file, folder / f"{run.name}_{name}.gif")


if __name__ == "__main__":
    main()
