"""Which faces are held out for testing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError


def count_test_faces(count: int, test_fraction: float) -> int:
    """Return how many of `count` faces are held out, `round(count * test_fraction)`.

    At least one is, and at least one is left for training.

    Examples
    --------
    >>> count_test_faces(300, 0.11), count_test_faces(4, 0.01)
    (33, 1)
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


def unseen_groups(subjects: npt.ArrayLike, train: npt.ArrayLike, test: npt.ArrayLike) -> list[str]:
    """Return what faces have to be held out together to be as unseen as the test faces are.

    Parameters
    ----------
    subjects : (N,), whose face each is
    train, test : int (n,) and (m,), rows of either split

    Returns
    -------
    list of str, of each training face: its subject, or itself where the test faces are of subjects
        that the training knows, or where there is but one

    Examples
    --------
    >>> unseen_groups(["a", "a", "b", "b", "c"], [0, 1, 2, 3], [4])
    ['a', 'a', 'b', 'b']
    >>> unseen_groups(["a", "a", "b", "b"], [0, 2], [1, 3])
    ['0', '2']
    """
    names, rows = np.asarray(subjects).astype(str), np.asarray(train)
    known = set(names[rows].tolist())
    whole = len(known) > 1 and known.isdisjoint(names[np.asarray(test)].tolist())
    return [str(each) for each in (names[rows] if whole else rows)]


def draw_split(
    groups: Sequence[str], test_fraction: float, seed: int, of: str = "subject"
) -> list[str]:
    """Label faces 'train' or 'test' so that no group has faces in both.

    Groups are held out in an order drawn by seed, until at least the fraction of the faces is.
    Where each face is a group of its own, this is `split_labels`.

    Parameters
    ----------
    groups : of each face, such as its subject
    test_fraction, seed : as in `split_labels`
    of : what the groups are, for messages

    Raises
    ------
    LwpipeError
        If all faces are of one group.
    """
    sizes = Counter(groups)
    if len(sizes) == len(groups):
        return split_labels(len(groups), test_fraction, seed)
    if len(sizes) < 2:
        raise LwpipeError(
            f"data.split_by: all faces are of one {of}, so no {of} can be held out; set it to "
            f"'face', or give the splits in the column 'split' of data.meshes.table."
        )
    names = sorted(sizes)
    order = np.random.default_rng(seed).permutation(len(names))
    wanted = max(round(len(groups) * test_fraction), 1)
    held_out: set[str] = set()
    faces = 0
    for index in order[:-1]:
        if faces >= wanted:
            break
        held_out.add(names[index])
        faces += sizes[names[index]]
    return ["test" if group in held_out else "train" for group in groups]
