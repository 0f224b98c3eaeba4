"""Print what wider borders, bands and harmony make of a blend of vertices by refined weights.

Of each edit how surely it is told from real faces (mean over the parts of the accuracy in the space
where it is best), along the border, how much of the target arrives, what leaks, and its error as a
share of that of the source left as it is: mean and standard deviation over the runs, which differ
in their seeds. No network is needed, and the runs are those of benchmarks/borders.py:

    python benchmarks/blends.py results/blends-{0,1,2}

Borders are those of vertices alone (`local_weights.neighbourhood: 0.0`); benchmarks/borders.py has
those of today. Widths are standard deviations of the blur of the borders, as shares of the
template's diagonal; 0.02 is the default. A band blend divides target - source into smooth and fine
by diffusion over a length, and blends the fine with narrow borders and the smooth with wide ones,
as Burt and Adelson do with images (A Multiresolution Spline, 1983).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from results_table import cell
from scipy.sparse.linalg import splu

from lwpipe.core.threads import one_blas_thread
from lwpipe.data.store import Dataset
from lwpipe.editing import Editor, HarmonisedMaskBlend, MaskBlend
from lwpipe.evaluation.baselines import Fitted
from lwpipe.evaluation.detection import DetectionBench
from lwpipe.evaluation.dials import judged, tested
from lwpipe.evaluation.fresh import read_fresh_faces
from lwpipe.evaluation.recombine import Recombinations, read_recombinations
from lwpipe.evaluation.settings import DetectionSettings
from lwpipe.local_weights import load_local_weights
from lwpipe.local_weights.blur import blurred
from lwpipe.local_weights.make import refine_weights, vertex_areas
from lwpipe.local_weights.settings import REFINE, LocalWeightsSettings
from lwpipe.mesh.laplacian import cotangent_laplacian

Floats = npt.NDArray[np.float64]
Faces = npt.NDArray[np.float32]
Rows = Iterator[tuple[str, list[float]]]

WIDTHS = (0.02, 0.03, 0.04, 0.06)
HARMONIES = (0.0, 0.5, 0.7, 1.0)
# Of the fine, of the smooth, and the length that divides them.
BANDS = ((0.02, 0.04, 0.03), (0.02, 0.06, 0.03), (0.02, 0.08, 0.06), (0.04, 0.08, 0.06))
# Harmony of the first so many components, at the width 0.03.
FIRST = (8, 16, 32)
COLUMNS = {
    "detect_worst": "told from real", "detect_border": "along the border", "likeness": "likeness",
    "leak_mean": "leak", "edit_error_share": "edit error / source left",
}  # fmt: skip
_STEPS = 4


class BandBlend(MaskBlend):
    """source + w_fine (.) fine(target - source) + w_smooth (.) smooth(target - source).

    Parameters
    ----------
    fine, smooth : float (V, K), weights of the two bands
    data : Dataset
    length : standard deviation of the diffusion that divides them, mm
    """

    def __init__(self, fine: Faces, smooth: Faces, data: Dataset, length: float) -> None:
        super().__init__(fine)
        self.wide = smooth
        self.area = vertex_areas(data.template, data.triangles)
        time = 0.5 * length**2 / _STEPS
        laplacian = cotangent_laplacian(data.template, data.triangles)
        self.solver = splu(sp.csc_array(sp.diags_array(self.area) + time * laplacian))

    def blend(self, sources: Faces, targets: Faces, part: int, alpha: float) -> Faces:
        """Blend faces (n, V, 3), mm."""
        apart = targets.astype(np.float64) - sources
        smooth = self._smoothed(apart)
        fine = self.weights[:, part, None] * (apart - smooth)
        return (sources + alpha * (fine + self.wide[:, part, None] * smooth)).astype(np.float32)

    def _smoothed(self, apart: Floats) -> Floats:
        count = len(apart)
        columns = np.moveaxis(apart, 1, 0).reshape(apart.shape[1], -1)
        for _ in range(_STEPS):
            columns = self.solver.solve(self.area[:, None] * columns)
        return np.moveaxis(columns.reshape(-1, count, 3), 0, 1)


def editors(data: Dataset, weights: Faces, size: int) -> Iterator[tuple[str, Editor]]:
    """Yield the blends, with their names."""
    fitted = Fitted.to(data, weights, size)
    alone = LocalWeightsSettings(refine=REFINE, neighbourhood=0.0, blur=0.0)
    hard = refine_weights(weights, data, alone)[0]
    area = vertex_areas(data.template, data.triangles)

    def wide(width: float) -> Faces:
        return blurred(hard, data.template, data.triangles, area, width * data.diagonal)

    yield "`mask_blend`", MaskBlend(weights)
    for width in WIDTHS:
        blended = wide(width)
        for harmony in HARMONIES:
            name = f"width {width:g}, harmony {harmony:g}"
            editor = HarmonisedMaskBlend(blended, fitted.pca, data.triangles, harmony, keep=1.0)
            yield name, editor
    for fine, smooth, length in BANDS:
        name = f"bands: fine {fine:g}, smooth {smooth:g}, divided at {length:g}"
        yield name, BandBlend(wide(fine), wide(smooth), data, length * data.diagonal)
    for count in FIRST:
        name = f"width 0.03, harmony 1 of {count} components"
        first = fitted.pca.first(count)
        yield name, HarmonisedMaskBlend(wide(0.03), first, data.triangles, 1.0, keep=1.0)


def read_run(run: Path) -> tuple[Dataset, Faces, Recombinations, DetectionBench | None]:
    """Return a run's data, local weights, true answers, and where edits are tested, if they are."""
    data = Dataset.open(run / "data")
    weights = load_local_weights(run / "local_weights" / "local_weights.npz")[0]
    made = read_recombinations(run / "truth" / "recombinations.npz", data).asked_of(weights)
    path = run / "detection" / "fresh_faces.npz"
    if not path.exists():
        return data, weights, made, None
    fresh = read_fresh_faces(path, data)
    settings = DetectionSettings(faces=len(fresh.references), permutations=1)
    return data, weights, made, DetectionBench(data, weights, fresh, settings)


def measured(run: Path, size: int) -> Rows:
    """Yield the names of a run's blends, and their columns."""
    data, weights, made, bench = read_run(run)
    for name, editor in editors(data, weights, size):
        found = judged(made, editor, weights)
        if bench is not None:
            found |= tested(bench, editor)
        yield name, [found.get(key, np.nan) for key in COLUMNS]


def print_table(
    about: str | None, columns: Mapping[str, str], measured: Callable[[Path, int], Rows]
) -> None:
    """Print a row for each blend of the runs that the command line names.

    Parameters
    ----------
    about : what the script prints
    columns : their keys and headings
    measured : takes a run and the components of harmony, and yields names and columns
    """
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs, results/<name>")
    parser.add_argument("--components", type=int, default=64, help="of harmony")
    options = parser.parse_args()
    print("| blend | " + " | ".join(columns.values()) + " |")
    print("|" + "---|" * (len(columns) + 1))
    with one_blas_thread():
        runs = [measured(run, options.components) for run in options.runs]
        for rows in zip(*runs, strict=True):
            table = pd.DataFrame([values for _, values in rows])
            cells = [cell(table[column], 3) for column in table]
            print(f"| {rows[0][0]} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    print_table(__doc__, COLUMNS, measured)
