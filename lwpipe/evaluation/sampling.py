"""Which faces the measures take: drawn by the seed, the same ones for every model."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError

Ints = npt.NDArray[np.int64]

# One stream a purpose, so that a changed number of pairs leaves the composites as they are.
_PAIRS, _COMPOSITES, _ROWS = 0, 1, 2


def draw_pairs(faces: int, count: int, seed: int, *stream: int) -> Ints:
    """Draw ordered pairs of two different faces, none twice.

    Parameters
    ----------
    faces : int
        Number of faces to draw from.
    count : int
        Pairs; fewer come back where there are fewer.
    seed : int
    *stream : int
        Sets apart the draws for different purposes.

    Returns
    -------
    int64 (n, 2)
        Source and target, each below `faces`.

    Raises
    ------
    LwpipeError
        If there are less than two faces.
    """
    if faces < 2:
        raise LwpipeError(
            f"evaluation needs two test faces and the data set has {faces}: "
            "raise data.faces or data.test_fraction."
        )
    possible = faces * (faces - 1)
    random = np.random.default_rng([seed, *(stream or (_PAIRS,))])
    flat = random.choice(possible, size=min(count, possible), replace=False)
    source, target = np.divmod(flat, faces - 1)
    return np.stack([source, target + (target >= source)], axis=1).astype(np.int64)


def draw_composites(faces: int, parts: int, count: int, seed: int) -> list[Ints]:
    """Draw the edits in which one part is replaced, spread evenly over the parts.

    Returns
    -------
    list of int64 (n_k, 2)
        For each part k, pairs of source and target; `count` in all where there are enough.

    Raises
    ------
    LwpipeError
        If there are less than two faces.
    """
    shares = [count // parts + (k < count % parts) for k in range(parts)]
    return [draw_pairs(faces, share, seed, _COMPOSITES, k) for k, share in enumerate(shares)]


def draw_rows(rows: Ints, count: int, seed: int, *stream: int) -> Ints:
    """Draw `count` of `rows` without replacement (all of them where there are fewer), sorted."""
    if count >= len(rows):
        return rows
    random = np.random.default_rng([seed, *(stream or (_ROWS,))])
    return np.sort(random.choice(rows, size=count, replace=False))
