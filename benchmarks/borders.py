"""Print what a border costs a blend of vertices, and what it is told by.

Of each blend its error as a share of that of the source left as it is, and of hard paste's; then
how surely it is told from real faces (mean over the parts of the accuracy in the space where it is
best), the same of the core of the part and its surroundings with no border between them, and how
much of the target arrives: mean and standard deviation over the runs, which differ in their seeds.
The last row has weights that are fitted to the truths themselves, a number for each vertex and
part: no blend of vertices, whatever its weights, has less of an error. No network is needed:

    for seed in 0 1 2; do
      snakemake --cores 2 results/blends-$seed/truth/recombinations.npz \
        results/blends-$seed/detection/fresh_faces.npz --configfile presets/makehuman.yaml \
        --config name=blends-$seed data="{seed: $seed}" local_weights="{seed: $seed}" \
        truth="{seed: $seed}" detection="{seed: $seed, faces: 150}"
    done
    python benchmarks/borders.py results/blends-{0,1,2}

A run without `fresh_faces.npz` has the errors alone. Widths are of the borders, neighbourhoods are
where motion counts; both as shares of the template's diagonal. The defaults are 0.02 and 0.04.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from blends import Rows, print_table, read_run

from lwpipe.data.store import Dataset
from lwpipe.editing import Editor, HarmonisedMaskBlend, MaskBlend
from lwpipe.evaluation.baselines import Fitted
from lwpipe.evaluation.detection import DetectionBench
from lwpipe.evaluation.dials import judged, tested
from lwpipe.evaluation.recombine import Recombinations
from lwpipe.local_weights.blur import blurred
from lwpipe.local_weights.make import refine_weights, sharpened, vertex_areas
from lwpipe.local_weights.settings import REFINE, LocalWeightsSettings

Faces = npt.NDArray[np.float32]

# Neighbourhood, width of the border, harmony with the rest kept.
REFINED = (
    (0.0, 0.02, 0.0), (0.0, 0.01, 0.0), (0.04, 0.02, 0.0), (0.04, 0.01, 0.0), (0.04, 0.0, 0.0),
    (0.04, 0.02, 0.5), (0.04, 0.02, 0.7), (0.04, 0.02, 1.0), (0.04, 0.04, 0.5), (0.04, 0.06, 0.5),
)  # fmt: skip
PASTE = "`hard_paste`"
COLUMNS = {
    "edit_error_share": "edit error / source left", "of_paste": "/ `hard_paste`",
    "detect_worst": "told from real", "apart": "without the border", "likeness": "likeness",
}  # fmt: skip
# Weights are looked for between, by so many thirds.
_RANGE, _THIRDS = (-1.0, 2.0), 60


def editors(data: Dataset, weights: Faces, size: int) -> Iterator[tuple[str, Editor]]:
    """Yield the blends, with their names."""
    pca = Fitted.to(data, weights, size).pca
    area = vertex_areas(data.template, data.triangles)
    hard = {}
    for near in sorted({near for near, _, _ in REFINED}):
        settings = LocalWeightsSettings(refine=REFINE, neighbourhood=near * data.diagonal, blur=0.0)
        hard[near] = refine_weights(weights, data, settings)[0]
    yield PASTE, MaskBlend(sharpened(weights, np.inf))
    yield "`mask_blend`", MaskBlend(weights)
    for near, width, harmony in REFINED:
        made = blurred(hard[near], data.template, data.triangles, area, width * data.diagonal)
        name = f"neighbourhood {near:g}, width {width:g}"
        if harmony:
            name += f", harmony {harmony:g}"
        yield name, HarmonisedMaskBlend(made, pca, data.triangles, harmony, keep=1.0)


def best_weights(made: Recombinations, weights: Faces) -> Faces:
    """Return the weights whose blends are nearest to the truths, (V, K).

    The distance of a vertex from its truth is convex in its weight, so thirds of a range that do
    not hold the least are cut off. Parts without a recombination keep their weights.
    """
    best = weights.astype(np.float32)
    for part in np.unique(made.parts):
        rows = made.parts == part
        missing, change = (
            (faces[rows] - made.sources[rows]).astype(np.float64)
            for faces in (made.truths, made.targets)
        )
        low, high = (np.full(len(weights), end) for end in _RANGE)
        for _ in range(_THIRDS):
            ends = low + (high - low) / 3, high - (high - low) / 3
            left, right = (
                np.linalg.norm(missing - weight[:, None] * change, axis=2).sum(axis=0)
                for weight in ends
            )
            low, high = np.where(left > right, ends[0], low), np.where(left > right, high, ends[1])
        best[:, part] = (low + high) / 2
    return best


def told_apart(bench: DetectionBench, editor: Editor) -> float:
    """Return how surely cores and surroundings are told with no border between them."""
    sources, targets = bench.fresh.sources, bench.fresh.targets
    for part in range(bench.part_count):
        edited = editor.edit(sources, targets, part, 1.0)
        bench.add_apart("apart", part, edited, edited)
    found = [row["worst"] for row in bench.summed()]
    bench.tests.clear()
    return float(np.mean(found)) if found else float("nan")


def measured(run: Path, size: int) -> Rows:
    """Yield the names of a run's blends, and their columns."""
    data, weights, made, bench = read_run(run)
    paste = float("nan")
    best = "weights fitted to the truths", MaskBlend(best_weights(made, weights))
    for name, editor in (*editors(data, weights, size), best):
        found = judged(made, editor, weights)
        if name == PASTE:
            paste = found["edit_error_mm"]
        found["of_paste"] = found["edit_error_mm"] / paste
        if bench is not None:
            found |= tested(bench, editor) | {"apart": told_apart(bench, editor)}
        yield name, [found.get(key, np.nan) for key in COLUMNS]


if __name__ == "__main__":
    print_table(__doc__, COLUMNS, measured)
