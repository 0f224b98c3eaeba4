"""Which pairs of faces are interpolated: those named in the settings, or drawn by seed.

Of pairs that are drawn, those are taken that differ most in the part in which they differ least: a
part in which two faces are alike has nothing to show.
"""

from __future__ import annotations

from difflib import get_close_matches

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.data.store import Dataset
from lwpipe.evaluation.sampling import draw_pairs
from lwpipe.evaluation.settings import InterpolationSettings

# So many pairs are drawn for each that is taken.
_CANDIDATES = 64


def choose_pairs(
    data: Dataset, weights: npt.ArrayLike, settings: InterpolationSettings
) -> list[tuple[int, int]]:
    """Return the rows of the source and the target of each pair.

    `interpolation.pairs` names them; where it is null, pairs of different test faces are drawn by
    `seed` and the `random_pairs` of them that differ most in every part are taken.

    Parameters
    ----------
    data : Dataset
    weights : float (V, K), which tell the parts
    settings : InterpolationSettings

    Raises
    ------
    LwpipeError
        If an id is not in the data set, or pairs must be drawn from less than two test faces.
    """
    if settings.pairs is not None:
        return [
            (
                _row(data, source, f"interpolation.pairs[{i}]"),
                _row(data, target, f"interpolation.pairs[{i}]"),
            )
            for i, (source, target) in enumerate(settings.pairs)
        ]
    test = data.indices("test")
    if len(test) < 2:
        raise LwpipeError(
            f"interpolation.pairs: is null, and {data.path} has {len(test)} test faces to draw "
            "pairs from: name pairs of ids, or raise data.faces or data.test_fraction."
        )
    drawn = test[draw_pairs(len(test), _CANDIDATES * settings.random_pairs, settings.seed)]
    difference = part_differences(data, drawn, weights)
    # Against what is usual in a part: some move more than others in all pairs.
    least = (difference / np.maximum(difference.mean(axis=0), 1e-12)).min(axis=1)
    best = np.argsort(-least, kind="stable")[: settings.random_pairs]
    return [(int(source), int(target)) for source, target in drawn[best]]


def part_differences(
    data: Dataset, pairs: npt.NDArray[np.int64], weights: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Return how far the faces of each pair are apart in each part, float64 (n, K), mm.

    It is the mean distance of their vertices, which count by the part's weight.

    Parameters
    ----------
    data : Dataset
    pairs : int (n, 2), rows of the data set
    weights : float (V, K)
    """
    weights = np.asarray(weights, np.float64)
    share = weights / np.maximum(weights.sum(axis=0), 1e-12)
    faces = data.vertices
    apart = (np.linalg.norm(faces[a].astype(np.float64) - faces[b], axis=1) for a, b in pairs)
    return np.stack([distance @ share for distance in apart])


def _row(data: Dataset, name: str, key: str) -> int:
    ids = data.faces["id"].astype(str)
    rows = np.flatnonzero((ids == name).to_numpy())
    if len(rows) == 0:
        near = get_close_matches(name, list(ids), n=1, cutoff=0.0)
        raise LwpipeError(
            f"{key}: no face of {data.path} has the id {name!r}"
            + (f"; the nearest is {near[0]!r}." if near else ".")
        )
    return int(rows[0])
