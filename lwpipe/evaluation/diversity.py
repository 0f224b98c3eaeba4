"""How widely synthesised faces spread in the encoding space, beside real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import write_csv
from lwpipe.core.rounding import rounded
from lwpipe.data.store import Dataset
from lwpipe.editing import FaceModel, ModelEditor
from lwpipe.evaluation.inputs import faces_for, open_data, open_model
from lwpipe.evaluation.sampling import draw_rows
from lwpipe.evaluation.settings import DiversitySettings

POINT_COLUMNS = ("set", "id", "pca_x", "pca_y", "tsne_x", "tsne_y")
TABLE_COLUMNS = ("set", "method", "n", "ellipse_area", "area_ratio", "covered_train")
SETS = ("train", "test", "synthesised")
METHODS = ("pca", "tsne")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def measure_diversity(
    data: Dataset | str | Path,
    model: FaceModel | str | Path,
    points: str | Path,
    table: str | Path,
    diversity: DiversitySettings,
) -> list[dict[str, Any]]:
    """Encode training, test and synthesised faces and measure the area that each set covers.

    A synthesised face is a source with one part replaced by a target's, decoded and encoded
    again; there are sources x targets x K of them. Sources and targets are different faces drawn
    from the test faces, or from all faces where the test faces are too few. Training and test
    faces are drawn from their splits, all of them where there are fewer than `samples`. A model
    with one part synthesises nothing, so that set is missing. The plane is the PCA of all the
    codes together, or their t-SNE. (Locally Weighted 3D Face Generative Model, section 5.1,
    figure 6.)

    `points` holds one row a face; `table` one row a set and method: number of faces, area
    of the 2-sigma ellipse, its ratio to the training set's, and the share of training points
    within it. Undefined numbers are empty.

    Parameters
    ----------
    data : Dataset, or its folder
    model : a trained model, or its file or folder
    points, table : `points.csv` and `diversity.csv`
    diversity : DiversitySettings

    Returns
    -------
    list of dict
        The rows of `table`.

    Raises
    ------
    LwpipeError
        If the model has other vertices than the data, or there are less faces than sources and
        targets.
    """
    data = open_data(data)
    model = open_model(model, data)
    inputs = faces_for(model, data)
    names = data.faces["id"].to_numpy()
    labels: list[tuple[str, str]] = []
    codes = []
    for stream, split in enumerate(("train", "test")):
        rows = draw_rows(data.indices(split), diversity.samples, diversity.seed, 10 + stream)
        labels += [(split, str(names[row])) for row in rows]
        codes.append(model.encode(np.asarray(inputs[rows])))
    if model.part_count > 1:
        sources, targets = _draw_ends(data, diversity)
        synthesised, edits = synthesise(model, inputs, sources, targets)
        labels += [("synthesised", f"{names[s]}+{names[t]}:{k}") for s, t, k in edits]
        codes.append(synthesised)
    z = np.concatenate(codes).astype(np.float64)
    planes = {"pca": pca_plane(z), "tsne": tsne_plane(z, diversity.perplexity, diversity.seed)}

    encoded: list[dict[str, Any]] = []
    for i, (kind, name) in enumerate(labels):
        coordinates = {
            f"{method}_{axis}": planes[method][i, column]
            for method in METHODS
            for column, axis in enumerate("xy")
        }
        encoded.append({"set": kind, "id": name, **coordinates})
    kinds = np.array([kind for kind, _ in labels])
    spread = rounded([row for method in METHODS for row in _spread(planes[method], kinds, method)])
    write_csv(points, rounded(encoded), POINT_COLUMNS)
    write_csv(table, spread, TABLE_COLUMNS)
    return list(spread)


def synthesise(
    model: FaceModel, vertices: npt.NDArray[np.float32], sources: Ints, targets: Ints
) -> tuple[npt.NDArray[np.float32], list[tuple[int, int, int]]]:
    """Replace one part of each source by each target's, decode, and encode again.

    Parameters
    ----------
    model : FaceModel
    vertices : float32 (N, V, C), mm
    sources, targets : int (S,), (T,)
        Rows of `vertices`.

    Returns
    -------
    codes : float32 (S T K, Z)
    edits : list of (source, target, part)
        One a code.
    """
    editor = ModelEditor(model)
    source_parts = editor.encode(np.asarray(vertices[sources]))
    target_parts = editor.encode(np.asarray(vertices[targets]))
    codes, edits = [], []
    for part in range(model.part_count):
        for row, source in enumerate(sources):
            one = np.repeat(source_parts[row : row + 1], len(targets), axis=0)
            codes.append(model.encode(editor.blend(one, target_parts, part, 1.0)))
            edits += [(int(source), int(target), part) for target in targets]
    return np.concatenate(codes), edits


def pca_plane(z: Floats) -> Floats:
    """Project codes (n, Z) on their first two principal components, float64 (n, 2)."""
    centred = z - z.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:2]
    # A singular vector's sign is the solver's whim.
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    plane = np.zeros((len(z), 2))
    plane[:, : len(axes)] = centred @ (axes * signs[:, None]).T
    return plane


def tsne_plane(z: Floats, perplexity: float, seed: int) -> Floats:
    """Lay codes (n, Z) out by t-SNE, started from the PCA, float64 (n, 2).

    Parameters
    ----------
    z : float64 (n, Z)
    perplexity : float
        At most (n - 1) / 3 of it is used: t-SNE looks at three times as many neighbours.
    seed : int
    """
    start = pca_plane(z)
    scale = start[:, 0].std()
    if len(z) < 4 or scale == 0:
        return np.zeros((len(z), 2))
    layout = TSNE(
        n_components=2,
        perplexity=min(perplexity, (len(z) - 1) / 3),
        init=(start / scale * 1e-4).astype(np.float32),
        random_state=seed,
        n_jobs=1,
    )
    # Sums of several threads differ from run to run.
    with threadpool_limits(limits=1):
        return np.asarray(layout.fit_transform(z.astype(np.float32)), np.float64)


def ellipse(points: Floats) -> tuple[Floats, Floats, float]:
    """Fit the 2-sigma ellipse of points in the plane.

    Parameters
    ----------
    points : float64 (n, 2)

    Returns
    -------
    centre : float64 (2,)
    covariance : float64 (2, 2)
    area : float
        4 pi sqrt(det covariance); all are NaN for less than three points.
    """
    if len(points) < 3:
        return np.full(2, np.nan), np.full((2, 2), np.nan), float("nan")
    covariance = np.cov(points.T)
    determinant = max(float(np.linalg.det(covariance)), 0.0)
    return points.mean(axis=0), covariance, 4 * np.pi * np.sqrt(determinant)


def covered(points: Floats, centre: Floats, covariance: Floats) -> float:
    """Return the share of points (n, 2) within the 2-sigma ellipse; NaN for a flat ellipse."""
    if len(points) == 0 or not np.linalg.det(covariance) > 0:
        return float("nan")
    away = points - centre
    squares = np.einsum("nc,nc->n", away @ np.linalg.inv(covariance), away)
    return float(np.mean(squares <= 4.0))


def _spread(plane: Floats, kinds: npt.NDArray[np.str_], method: str) -> list[dict[str, Any]]:
    train = plane[kinds == "train"]
    _, _, train_area = ellipse(train)
    rows = []
    for kind in SETS:
        points = plane[kinds == kind]
        if len(points) == 0:
            continue
        centre, covariance, area = ellipse(points)
        rows.append(
            {
                "set": kind,
                "method": method,
                "n": len(points),
                "ellipse_area": area,
                "area_ratio": area / train_area if train_area > 0 else float("nan"),
                "covered_train": covered(train, centre, covariance),
            }
        )
    return rows


def _draw_ends(data: Dataset, settings: DiversitySettings) -> tuple[Ints, Ints]:
    """Draw different faces as sources and targets."""
    need = settings.sources + settings.targets
    pool = data.indices("test")
    if len(pool) < need:
        pool = np.arange(len(data.vertices))
    if len(pool) < need:
        raise LwpipeError(
            f"diversity.sources and diversity.targets ask for {need} faces and the data set has "
            f"{len(pool)}: lower them or raise data.faces."
        )
    random = np.random.default_rng([settings.seed, 12])
    drawn = random.choice(pool, size=need, replace=False)
    return drawn[: settings.sources], drawn[settings.sources :]
