"""Print how much nearer to the truth a variant's edits are than the closed-form ones, with ranges.

Of every recombination the error of each edit is taken (mean distance of a vertex from the truth);
the ratio of the sums of two edits' errors stands with the middle 95% of what it is when the
recombinations of all runs are drawn anew, with replacement. Usage:

    python benchmarks/edit_bootstrap.py results/makehuman-0 results/makehuman-1 results/makehuman-2
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lwpipe.data.store import Dataset
from lwpipe.editing import Editor, make_editor
from lwpipe.editing.settings import KEEPING
from lwpipe.evaluation.baselines import BASELINES, Fitted
from lwpipe.evaluation.recombine import Recombinations, read_recombinations
from lwpipe.evaluation.truth import edit
from lwpipe.local_weights import load_local_weights
from lwpipe.model import load

Floats = npt.NDArray[np.float64]
DRAWS = 5000


def errors_of(made: Recombinations, editor: Editor) -> Floats:
    """Return the mean distance of a vertex from the truth, of each recombination, mm."""
    away = edit(made, editor).astype(np.float64) - made.truths
    return np.asarray(np.linalg.norm(away, axis=2).mean(axis=1))


def errors(run: Path, variant: str) -> dict[str, Floats]:
    """Return those of the variant, of every closed-form edit, and of the source left as it is."""
    data = Dataset.open(run / "data")
    weights = load_local_weights(run / "local_weights" / "local_weights.npz")[0]
    made = read_recombinations(run / "truth" / "recombinations.npz", data).asked_of(weights)
    model = load(run / "variants" / variant / "training")
    own = made.asked_of(model.weights)
    found = {variant: errors_of(own, make_editor(model, model.weights, KEEPING))}
    fitted = Fitted.to(data, weights, model.latent_size)
    for baseline in BASELINES:
        editor = baseline.editor(fitted)
        if editor is not None:
            found[baseline.name] = errors_of(made, editor)
    left = np.linalg.norm(made.sources.astype(np.float64) - made.truths, axis=2)
    return {**found, "source left as it is": left.mean(axis=1)}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs, results/<name>")
    parser.add_argument("--variant", default="on_pca")
    parser.add_argument("--seed", type=int, default=0, help="of the draws")
    options = parser.parse_args()
    of_runs = [errors(run, options.variant) for run in options.runs]
    pooled = {name: np.concatenate([found[name] for found in of_runs]) for name in of_runs[0]}
    own = pooled[options.variant]
    rows = np.random.default_rng(options.seed).integers(len(own), size=(DRAWS, len(own)))
    print(f"{len(own)} recombinations of {len(options.runs)} runs")
    print(f"| beside | error, mm | error of `{options.variant}` / its | middle 95% |")
    print("|---|---|---|---|")
    for name, theirs in pooled.items():
        if name == options.variant:
            print(f"| `{name}` | {own.mean():.3f} | | |")
            continue
        ratios = own[rows].sum(axis=1) / theirs[rows].sum(axis=1)
        low, high = np.percentile(ratios, [2.5, 97.5])
        ratio = own.sum() / theirs.sum()
        print(f"| `{name}` | {theirs.mean():.3f} | {ratio:.3f} | {low:.3f} to {high:.3f} |")


if __name__ == "__main__":
    main()
