"""Two-sample tests: hand-checked values, false alarms and power."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import binom, energy_distance

from lwpipe.evaluation.two_sample import (
    RIDGE,
    TwoSample,
    classifier_accuracy,
    draw_labels,
    energy_distances,
    gaussian_kernel,
    least_squares_accuracies,
    mean_discrepancies,
    neighbour_accuracies,
    probability,
    squared_distances,
    two_sample,
)

RNG = np.random.default_rng


def compared(first: np.ndarray, second: np.ndarray, seed: int, permutations: int = 99) -> TwoSample:
    labels = draw_labels(len(first), len(second), 5, permutations, seed)
    return two_sample(squared_distances([np.concatenate([first, second])]), labels)


def test_distances_are_those_of_the_features_whatever_the_blocks() -> None:
    samples = RNG(0).normal(1000, 1, (30, 20))
    squares = squared_distances(
        [samples[:, :7], samples[:, 7:8].astype(np.float32), samples[:, 8:]]
    )
    np.testing.assert_allclose(squares, cdist(samples, samples) ** 2, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        squared_distances([samples]), cdist(samples, samples) ** 2, rtol=1e-9, atol=1e-9
    )
    assert (squares.diagonal() == 0).all()


def test_nearest_neighbours_by_hand() -> None:
    # 0 and 1 are each other's; 3 is nearest to 4.5, which is of the other set; 5 to 4.5.
    squares = squared_distances([np.array([[0.0], [1.0], [3.0], [4.5], [5.0], [9.0]])])
    second = np.array([[False, False, False, True, True, True]])
    assert neighbour_accuracies(squares, second)[0] == pytest.approx((2 / 3 + 3 / 3) / 2)
    unequal = np.array([[False, False, True, True, True, True]])
    assert neighbour_accuracies(squares, unequal)[0] == 1.0


def test_energy_distance_is_scipys_squared_in_one_dimension() -> None:
    first, second = RNG(1).normal(size=13), RNG(2).normal(0.7, 2, size=8)
    squares = squared_distances([np.concatenate([first, second])[:, None]])
    found = energy_distances(squares, (np.arange(21) >= 13)[None])
    assert found[0] == pytest.approx(energy_distance(first, second) ** 2, rel=1e-9)


def test_mean_discrepancy_by_its_definition() -> None:
    first, second = RNG(1).normal(size=(6, 3)), RNG(2).normal(size=(9, 3))
    pooled = np.concatenate([first, second])
    apart = cdist(pooled, pooled)
    median = np.median(apart[np.triu_indices(15, 1)] ** 2)
    kernel = np.exp(-(apart**2) / (2 * median))
    x, y = kernel[:6, :6], kernel[6:, 6:]
    expected = (x.sum() - 6) / (6 * 5) + (y.sum() - 9) / (9 * 8) - 2 * kernel[:6, 6:].mean()
    squares = squared_distances([pooled])
    labels = (np.arange(15) >= 6)[None]
    found = mean_discrepancies(gaussian_kernel(squares, 0.5), labels)
    assert found[0] == pytest.approx(expected, rel=1e-9)


def test_least_squares_machines_are_trained_without_the_fold() -> None:
    samples = RNG(3).normal(size=(24, 4))
    kernel = gaussian_kernel(squared_distances([samples]))
    drawn = draw_labels(12, 12, 4, 3, 0)
    found = least_squares_accuracies(kernel, drawn.folds, drawn.every)
    for labels, accuracy in zip(drawn.every, found, strict=True):
        signs = np.where(labels, 1.0, -1.0)
        hits = np.empty(24, bool)
        for fold in range(4):
            test, train = np.flatnonzero(drawn.folds == fold), np.flatnonzero(drawn.folds != fold)
            inside = kernel[np.ix_(train, train)] + 1 + RIDGE * np.eye(len(train))
            said = (kernel[np.ix_(test, train)] + 1) @ np.linalg.solve(inside, signs[train])
            hits[test] = (said > 0) == labels[test]
        assert accuracy == pytest.approx(hits.mean())


def test_folds_and_permutations_keep_sizes_and_groups() -> None:
    groups = np.repeat(np.arange(20), 3)
    drawn = draw_labels(30, 30, 5, 50, 0, groups)
    for group in range(20):
        rows = np.flatnonzero(groups == group)
        assert len(set(drawn.folds[rows])) == 1
        assert (drawn.permuted[:, rows] == drawn.permuted[:, rows[:1]]).all()
    for fold in range(5):
        rows = drawn.folds == fold
        assert (drawn.permuted[:, rows].sum(axis=1) == drawn.second[rows].sum()).all()
    assert len(np.unique(drawn.permuted, axis=0)) > 40


def test_groups_of_both_sets_exchange_their_own_labels() -> None:
    """As of faces and their reconstructions."""
    groups = np.tile(np.arange(10), 2)
    drawn = draw_labels(10, 10, 5, 20, 0, groups)
    assert (drawn.folds[:10] == drawn.folds[10:]).all()
    assert (drawn.permuted[:, :10] != drawn.permuted[:, 10:]).all()
    assert 0.3 < drawn.permuted[:, :10].mean() < 0.7


@pytest.mark.parametrize("groups", [None, np.zeros(4, int)])
def test_what_cannot_be_cut_is_refused(groups: np.ndarray | None) -> None:
    with pytest.raises(ValueError, match="less than two samples or groups"):
        draw_labels(1 if groups is None else 2, 2, 5, 3, 0, groups)


def test_probabilities_count_the_truth_itself() -> None:
    assert probability(np.array([2.0, 1.0, 3.0, 2.0])) == 0.75
    assert probability(np.array([4.0, 1.0, 3.0, 2.0])) == 0.25
    assert probability(np.array([-1.0, -1.0 + 1e-15, -2.0])) == pytest.approx(2 / 3)


@pytest.mark.parametrize("dimensions", [3, 60])
def test_false_alarms_are_as_rare_as_they_say(dimensions: int) -> None:
    found = [
        compared(*RNG([dimensions, seed]).normal(size=(2, 25, dimensions)), seed)
        for seed in range(100)
    ]
    most = binom.ppf(0.999, 100, 0.05)
    for name in ("p", "neighbour_p", "energy_p", "mmd_p"):
        assert sum(getattr(each, name) <= 0.05 for each in found) <= most
    accuracies = np.array([each.accuracy for each in found])
    assert abs(accuracies.mean() - 0.5) < 0.04
    assert np.mean([e.chance_low <= e.accuracy <= e.chance_high for e in found]) > 0.85


def test_differences_are_found() -> None:
    first, second = RNG(0).normal(size=(2, 60, 5))
    moved = compared(first, second + 1.0, 0)
    assert max(moved.p, moved.neighbour_p, moved.energy_p, moved.mmd_p) == 0.01
    assert moved.accuracy > 0.7
    # No mean tells them apart: a linear machine would see nothing.
    wider = compared(first, 2.5 * second, 0)
    assert max(wider.p, wider.energy_p, wider.mmd_p) == 0.01
    assert wider.accuracy > 0.75


def test_a_set_against_itself_moved_far_is_told_with_certainty() -> None:
    first = RNG(0).normal(size=(20, 3))
    found = compared(first, first + 100, 0)
    assert (found.accuracy, found.neighbour) == (1.0, 1.0)


def test_the_same_seed_gives_the_same_numbers() -> None:
    first, second = RNG(0).normal(size=(2, 30, 4))
    assert compared(first, second, 3) == compared(first, second, 3)
    assert compared(first, second, 3) != compared(first, second, 4)


def test_equal_samples_are_no_fault() -> None:
    found = compared(np.ones((10, 3)), np.ones((10, 3)), 0)
    assert found.energy == 0
    assert found.p > 0.05


def test_accuracy_counts_both_sets_alike() -> None:
    second = np.arange(40) >= 30
    kernel = gaussian_kernel(squared_distances([np.ones((40, 2))]))
    folds = draw_labels(30, 10, 5, 0, 0).folds
    assert classifier_accuracy(kernel, folds, second) == 0.5
