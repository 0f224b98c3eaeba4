"""Tests of samples over several seeds of the draws, as a table in Markdown.

Usage: python benchmarks/samples_table.py results/NAME [--variant on_pca] [--seeds 3]

The run needs its data, its fresh faces (`snakemake detection`) and the trained variant. Of each set
of faces: accuracy of the support vector machine and of the nearest neighbour in each space, mean
and standard deviation over the seeds, and the distance to the nearest training face over that of
real faces.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

import lwpipe
from lwpipe.core.threads import one_blas_thread
from lwpipe.editing import Pca
from lwpipe.evaluation.bench import SPAN_TOLERANCE
from lwpipe.evaluation.feature_spaces import fit_spaces
from lwpipe.evaluation.fresh import read_fresh_faces
from lwpipe.evaluation.measures.specificity import NearestFace
from lwpipe.evaluation.two_sample import (
    classifier_accuracy,
    draw_labels,
    gaussian_kernel,
    neighbour_accuracies,
    squared_distances,
)
from lwpipe.sampling import PriorSettings, fit_prior, sample

FOLDS = 5
Draw = Callable[[int], np.ndarray]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--variant", default="on_pca")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    with one_blas_thread():
        _print(options.run, options.variant, options.seeds)


def _print(run: Path, variant: str, seeds: int) -> None:
    data = lwpipe.Dataset.open(run / "data")
    model = lwpipe.load(run / "variants" / variant / "training")
    fresh = read_fresh_faces(run / "detection" / "fresh_faces.npz", data)
    train, count = data.indices("train"), len(fresh.references)
    persons = data.faces["subject"].astype(str).to_numpy()[train]
    spaces = fit_spaces(data)
    references = [list(space.blocks(fresh.references)) for space in spaces]
    nearest = NearestFace(data.vertices, train, data.template)
    real = nearest.distances(fresh.references).mean()
    names = " | ".join(space.name for space in spaces)
    print(f"| faces | {names} | nearest training face / real |")
    print("|---" * (len(spaces) + 2) + "|")
    span = Pca.fit(data.vertices, train, tolerance=SPAN_TOLERANCE)
    draws: dict[str, Draw] = {"real": lambda seed: fresh.sources}
    for name, pca in (("pca_gaussian", span.first(model.latent_size)), ("pca_full_gaussian", span)):
        draws[name] = lambda seed, pca=pca: _gaussian(pca, count, seed)
    kinds = ["gaussian", "mixture", "faces", *(["standard"] if model.settings.variational else [])]
    for kind in kinds:
        prior = fit_prior(model, data.vertices, train, PriorSettings(prior=kind), persons)
        name = f"{variant}, {kind}"
        draws[name] = lambda seed, prior=prior: sample(model, prior, count, seed)
    for name, draw in draws.items():
        found, near = [], []
        for seed in range(seeds):
            labels = draw_labels(count, count, FOLDS, 1, seed)
            faces = draw(seed)
            near.append(nearest.distances(faces).mean() / real)
            row = []
            for space, known in zip(spaces, references, strict=True):
                pairs = zip(known, space.blocks(faces), strict=True)
                squares = squared_distances(np.concatenate(pair) for pair in pairs)
                kernel = gaussian_kernel(squares)
                own = neighbour_accuracies(squares, labels.second[None])[0]
                row.append((classifier_accuracy(kernel, labels.folds, labels.second), own))
            found.append(row)
        values = np.array(found)
        cells = [
            " / ".join(
                f"{values[:, place, which].mean():.3f} ± {values[:, place, which].std():.3f}"
                for which in (0, 1)
            )
            for place in range(len(spaces))
        ]
        print(f"| `{name}` | {' | '.join(cells)} | {np.mean(near):.3f} |", flush=True)


def _gaussian(pca: Pca, count: int, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((count, pca.rank))
    return pca.faces(noise * pca.deviation)


if __name__ == "__main__":
    main()
