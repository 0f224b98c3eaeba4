"""Two-sample tests, by which two sets of faces are told apart if they can be.

Every statistic comes from the pairwise squared distances d^2 of the pooled samples, in whatever
space of features:

- the accuracy of a classifier, cross-validated (Lopez-Paz and Oquab, ICLR 2017);
- the accuracy of the nearest neighbour, each sample left out in turn (the same paper);
- the energy distance (Szekely and Rizzo, J. Stat. Plan. Inference 2013);
- the maximum mean discrepancy (Gretton et al., JMLR 2012).

Probabilities are exact: labels are exchanged at random within the folds, whole groups at a time, a
group being what belongs together, such as the faces of one person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

# Of the classifiers: chosen by power on edits of faces (docs/method.md).
PENALTY = 10.0
RIDGE = 0.1
# Sums of the same numbers in another order are equal.
_SLACK = 1e-9


@dataclass(frozen=True)
class Labels:
    """Which samples are of the second set, in truth and in permutations.

    Attributes
    ----------
    second : bool (n,)
    folds : int64 (n,), the fold of each sample
    permuted : bool (P, n), `second` with labels exchanged within the folds
    """

    second: Bools
    folds: Ints
    permuted: Bools

    @property
    def every(self) -> Bools:
        """The true labels, then the permuted ones, bool (1 + P, n)."""
        return np.concatenate([self.second[None], self.permuted])


@dataclass(frozen=True)
class TwoSample:
    """What the tests say of two sets; each `p` is the probability of as much by chance.

    Attributes
    ----------
    accuracy : of a support vector machine; 0.5 is chance
    p : of the accuracy of its least-squares kin
    chance_low, chance_high : the middle 95% of that accuracy under permutations
    neighbour, neighbour_p : share of samples whose nearest neighbour is of their own set
    energy, energy_p : energy distance, in the unit of the features
    mmd, mmd_p : squared maximum mean discrepancy, unbiased
    """

    accuracy: float
    p: float
    chance_low: float
    chance_high: float
    neighbour: float
    neighbour_p: float
    energy: float
    energy_p: float
    mmd: float
    mmd_p: float


def squared_distances(blocks: Iterable[npt.NDArray[Any]]) -> Floats:
    """Return the squared Euclidean distances of samples, float64 (n, n).

    Parameters
    ----------
    blocks : float (n, d_1), (n, d_2), ...
        The features, some columns at a time: the memory is that of a block and of the result.
    """
    gram: Any = 0.0
    for block in blocks:
        # Distances do not see the mean, and products are more exact without it.
        columns = block - block.mean(axis=0, dtype=np.float64)
        gram = gram + columns @ columns.T
    norms = gram.diagonal()
    squares = np.maximum(norms[:, None] + norms - 2 * gram, 0.0)
    np.fill_diagonal(squares, 0.0)
    return np.asarray(squares)


def draw_labels(
    first: int,
    second: int,
    folds: int,
    permutations: int,
    seed: int,
    groups: npt.ArrayLike | None = None,
) -> Labels:
    """Cut the pooled samples into folds, and draw permutations of their labels within the folds.

    Parameters
    ----------
    first, second : sizes of the two sets, which stand one after the other
    folds : number of folds, of about as many samples of each set; fewer where a set is smaller
    permutations : how many
    seed : of folds and permutations
    groups : (n,), what belongs together: no group is split between folds, and its labels are
        exchanged as one; a group with samples of both sets exchanges them within itself

    Raises
    ------
    ValueError
        If a set has less than two samples or groups.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    labels = np.arange(first + second) >= first
    named = np.arange(len(labels)) if groups is None else np.asarray(groups)
    members = np.unique(named, return_inverse=True)[1].reshape(-1)
    splits = min(folds, *(len(np.unique(members[labels == side])) for side in (False, True)))
    if splits < 2:
        raise ValueError("a set of less than two samples or groups cannot be cut into folds")
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    cut = kind(splits, shuffle=True, random_state=seed)
    places = np.empty(len(labels), np.int64)
    for fold, (_, rows) in enumerate(
        cut.split(labels, labels, None if groups is None else members)
    ):
        places[rows] = fold
    random = np.random.default_rng(seed)
    permuted = np.empty((permutations, len(labels)), bool)
    for fold in range(splits):
        rows = np.flatnonzero(places == fold)
        permuted[:, rows] = _exchanged(labels[rows], members[rows], permutations, random)
    return Labels(labels, places, permuted)


def _exchanged(labels: Bools, members: Ints, count: int, random: np.random.Generator) -> Bools:
    """Return permutations of the labels of some samples, bool (count, n)."""
    groups, own = np.unique(members, return_inverse=True)
    share = np.bincount(own, labels) / np.bincount(own)
    whole = (share == 0) | (share == 1)
    drawn = np.zeros((count, len(groups)), bool)
    drawn[:, whole] = random.permuted(np.tile(share[whole] == 1, (count, 1)), axis=1)
    permuted = drawn[:, own]
    for group in np.flatnonzero(~whole):
        inside = own == group
        permuted[:, inside] = random.permuted(np.tile(labels[inside], (count, 1)), axis=1)
    return permuted


def two_sample(squares: Floats, labels: Labels) -> TwoSample:
    """Compare two sets by all tests.

    Parameters
    ----------
    squares : float64 (n, n), from `squared_distances` of the pooled samples
    labels : Labels, from `draw_labels`
    """
    every = labels.every
    kernel = gaussian_kernel(squares)
    kin = least_squares_accuracies(kernel, labels.folds, every)
    neighbour = neighbour_accuracies(squares, every)
    energy = energy_distances(squares, every)
    mmd = mean_discrepancies(gaussian_kernel(squares, 0.5), every)
    low, high = np.percentile(kin[1:], [2.5, 97.5]) if len(kin) > 1 else (np.nan, np.nan)
    return TwoSample(
        classifier_accuracy(kernel, labels.folds, labels.second),
        probability(kin),
        float(low),
        float(high),
        float(neighbour[0]),
        probability(neighbour),
        float(energy[0]),
        probability(energy),
        float(mmd[0]),
        probability(mmd),
    )


def probability(values: Floats) -> float:
    """Return the share of values that are no smaller than the first, itself among them."""
    return float(np.mean(values >= values[0] - _SLACK * abs(values[0])))


def gaussian_kernel(squares: Floats, scale: float = 1.0) -> Floats:
    """Return exp(-scale d^2 / m), m being the median of d^2 over pairs of different samples.

    Parameters
    ----------
    squares : float64 (n, n), d^2
    scale : one half is the median heuristic of Gretton et al. (2012)
    """
    median = float(np.median(squares[np.triu_indices(len(squares), 1)]))
    return np.asarray(np.exp(squares * (-scale / (median or 1.0))))


def classifier_accuracy(kernel: Floats, folds: Ints, second: Bools) -> float:
    """Return how well a support vector machine tells two sets apart, in [0, 1].

    Every sample is judged by a machine that was trained without its fold. It is the mean of the
    accuracies on both sets, so that 0.5 is chance whatever their sizes.

    Parameters
    ----------
    kernel : float64 (n, n), of the pooled samples
    folds : int (n,)
    second : bool (n,), which samples are of the second set
    """
    from sklearn.svm import SVC

    hits = np.zeros((1, len(second)), bool)
    for fold in range(folds.max() + 1):
        test, train = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        machine = SVC(C=PENALTY, kernel="precomputed", class_weight="balanced")
        machine.fit(kernel[np.ix_(train, train)], second[train])
        hits[0, test] = machine.predict(kernel[np.ix_(test, train)]) == second[test]
    return float(_of_both(hits, second[None])[0])


def least_squares_accuracies(kernel: Floats, folds: Ints, labels: Bools) -> Floats:
    """Return the accuracy, as above, of a least-squares support vector machine.

    What it says without a fold has a closed form, y - (G_ff)^-1 (G y)_f with G = (k + 1 + r)^-1,
    so that it is trained on thousands of permutations at once (Suykens and Vandewalle, 1999;
    An et al., 2007, on the cross-validation).

    Parameters
    ----------
    kernel : float64 (n, n)
    folds : int (n,)
    labels : bool (P, n), which samples are of the second set, in P ways

    Returns
    -------
    float64 (P,)
    """
    inverse = np.linalg.inv(kernel + 1 + RIDGE * np.eye(len(kernel)))
    signs = np.where(labels, 1.0, -1.0).T
    weighted = inverse @ signs
    hits = np.empty(labels.shape, bool)
    for fold in range(folds.max() + 1):
        rows = np.flatnonzero(folds == fold)
        left = np.linalg.solve(inverse[np.ix_(rows, rows)], weighted[rows])
        hits[:, rows] = labels[:, rows] == ((signs[rows] - left) > 0).T
    return _of_both(hits, labels)


def neighbour_accuracies(squares: Floats, labels: Bools) -> Floats:
    """Return the share of samples whose nearest neighbour is of their set, float64 (P,).

    Parameters
    ----------
    squares : float64 (n, n), d^2
    labels : bool (P, n), which samples are of the second set, in P ways
    """
    apart = squares + np.diag(np.full(len(squares), np.inf))
    return _of_both(labels[:, apart.argmin(axis=1)] == labels, labels)


def energy_distances(squares: Floats, labels: Bools) -> Floats:
    """Return 2 E|X - Y| - E|X - X'| - E|Y - Y'|, float64 (P,).

    Means are over all pairs of samples, also those of a sample with itself: it is never negative.

    Parameters
    ----------
    squares : float64 (n, n), d^2
    labels : bool (P, n), which samples are of the second set, in P ways
    """
    first, across, second = _sums(np.sqrt(squares), labels)
    m, n = _sizes(labels)
    return np.asarray(2 * across / (m * n) - first / m**2 - second / n**2)


def mean_discrepancies(kernel: Floats, labels: Bools) -> Floats:
    """Return the unbiased MMD^2 (Gretton et al., 2012, equation 3), float64 (P,).

    Parameters
    ----------
    kernel : float64 (n, n)
    labels : bool (P, n), which samples are of the second set, in P ways
    """
    first, across, second = _sums(kernel - np.diag(kernel.diagonal()), labels)
    m, n = _sizes(labels)
    return np.asarray(first / (m * (m - 1)) + second / (n * (n - 1)) - 2 * across / (m * n))


def _sizes(labels: Bools) -> tuple[Floats, Floats]:
    second = labels.sum(axis=1).astype(np.float64)
    return labels.shape[1] - second, second


def _sums(matrix: Floats, labels: Bools) -> tuple[Floats, Floats, Floats]:
    """Return the sums of a symmetric matrix within the first set, across, and within the second."""
    chosen = labels.astype(np.float64)
    rows = matrix.sum(axis=1)
    second = np.einsum("pn,pn->p", chosen @ matrix, chosen)
    across = chosen @ rows - second
    return rows.sum() - second - 2 * across, across, second


def _of_both(hits: Bools, labels: Bools) -> Floats:
    """Return the mean of the accuracies on both sets, float64 (P,)."""
    m, n = _sizes(labels)
    return np.asarray(((hits & ~labels).sum(axis=1) / m + (hits & labels).sum(axis=1) / n) / 2)
