"""Which pairs of faces are interpolated: those named in the settings, or drawn by seed."""

from __future__ import annotations

from difflib import get_close_matches

import numpy as np

from lwpipe.core.errors import LwpipeError
from lwpipe.data.store import Dataset
from lwpipe.evaluation.sampling import draw_pairs
from lwpipe.evaluation.settings import InterpolationSettings


def choose_pairs(data: Dataset, settings: InterpolationSettings) -> list[tuple[int, int]]:
    """Return the rows of the source and the target of each pair.

    `interpolation.pairs` names them; where it is null, `random_pairs` pairs of different test
    faces are drawn by `seed`.

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
    drawn = draw_pairs(len(test), settings.random_pairs, settings.seed)
    return [(int(source), int(target)) for source, target in test[drawn]]


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
