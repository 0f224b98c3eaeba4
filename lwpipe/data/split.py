"""Which faces are held out for testing."""

from __future__ import annotations

import numpy as np

from lwpipe.core.errors import LwpipeError


def count_test_faces(count: int, test_fraction: float) -> int:
    """Return how many of `count` faces are held out, `round(count * test_fraction)`.

    At least one is, and at least one is left for training.
    """
    return min(max(round(count * test_fraction), 1), count - 1)


def split_labels(count: int, test_fraction: float, seed: int) -> list[str]:
    """Label each of `count` faces 'train' or 'test', the test faces drawn by seed.

    There are as many test faces as `count_test_faces` says.

    Parameters
    ----------
    count : number of faces, at least 2
    test_fraction : share of the faces to hold out, in (0, 1)
    seed : the draw; the same seed gives the same labels

    Returns
    -------
    labels : list of 'train' or 'test', one a face, in the order of the faces

    Raises
    ------
    LwpipeError
        If there are fewer than two faces or the fraction is not inside (0, 1).
    """
    if count < 2:
        raise LwpipeError(f"{count} face(s) cannot be split into training and test faces.")
    if not 0 < test_fraction < 1:
        raise LwpipeError(f"data.test_fraction is {test_fraction}: it must lie between 0 and 1.")
    test = count_test_faces(count, test_fraction)
    held_out = set(np.random.default_rng(seed).permutation(count)[:test].tolist())
    return ["test" if row in held_out else "train" for row in range(count)]
