"""Measures of sets of shapes: hand-checked cases."""

from __future__ import annotations

import numpy as np
import pytest

from lwpipe.evaluation.set_measures import (
    coverage,
    mean_distances,
    minimum_matching_distance,
    nearest_neighbour_accuracy,
    occupancy_divergence,
    pair_diversity,
    variation_predictability,
)
from lwpipe.evaluation.two_sample import neighbour_accuracies


def shifted(*shifts: float) -> np.ndarray:
    """Return faces of two vertices that are moved along x."""
    base = np.zeros((len(shifts), 2, 3), np.float32)
    base[:, 1, 1] = 1
    base[:, :, 0] = np.array(shifts)[:, None]
    return base


def test_distances_are_means_over_the_vertices() -> None:
    first, second = shifted(0, 3), shifted(1, 2, 5)
    second[0, 0] = (4, 3, 0)
    found = mean_distances(first, second)
    np.testing.assert_allclose(found, [[(5 + 1) / 2, 2, 5], [(np.sqrt(10) + 2) / 2, 1, 2]])


def test_coverage_and_matching() -> None:
    distances = mean_distances(shifted(0, 0.4, 9), shifted(0, 1, 10, 20))
    assert coverage(distances) == 0.5
    assert minimum_matching_distance(distances) == pytest.approx((0 + 0.6 + 1 + 11) / 4)


def test_nearest_neighbours() -> None:
    generated, real = shifted(0, 1, 8.4), shifted(8, 9, 20)
    found = nearest_neighbour_accuracy(
        mean_distances(generated, generated),
        mean_distances(generated, real),
        mean_distances(real, real),
    )
    # 0 and 1 are each other's, 20 is nearest to 9; 8.4, 8 and 9 have neighbours of the other set.
    assert found == pytest.approx(3 / 6)
    pooled = np.concatenate([generated, real])
    squares = mean_distances(pooled, pooled) ** 2
    assert neighbour_accuracies(squares, (np.arange(6) >= 3)[None])[0] == pytest.approx(found)


def test_divergence_of_occupancy() -> None:
    rng = np.random.default_rng(0)
    faces = rng.normal(size=(5, 200, 3)).astype(np.float32)
    assert occupancy_divergence(faces, faces) == pytest.approx(0, abs=1e-12)
    assert occupancy_divergence(faces, faces[:, ::-1]) == pytest.approx(0, abs=1e-12)
    assert occupancy_divergence(faces, faces + 100) == pytest.approx(1)
    # Half of the vertices in one cell, half in another, against all in the first.
    halves, one = shifted(0), shifted(0)
    one[0, 1] = one[0, 0]
    middle = np.array([0.75, 0.25])
    expected = -(middle * np.log2(middle)).sum() - (1 + 0) / 2
    assert occupancy_divergence(halves, one) == pytest.approx(expected)
    assert 0 < occupancy_divergence(faces, faces + np.float32(0.3)) < 0.9


def test_diversity_of_pairs_by_vertex() -> None:
    faces = shifted(0, 1, 3)
    faces[2, 0, 0] = 5
    pairs = np.array([[0, 1], [0, 2]])
    np.testing.assert_allclose(pair_diversity(faces, pairs), [(1 + 5) / 2, (1 + 3) / 2])


def test_variations_are_predicted_where_each_part_moves_its_own() -> None:
    rng = np.random.default_rng(0)
    varied = np.arange(400) % 4
    own = np.zeros((400, 12))
    for part in range(4):
        rows = varied == part
        own[np.ix_(rows, range(3 * part, 3 * part + 3))] = np.abs(rng.normal(1, 0.3, (100, 3)))
    assert variation_predictability(own, varied, 0) > 0.95
    assert variation_predictability(own, varied, 0) == variation_predictability(own, varied, 0)
    mixed = rng.normal(size=(400, 12))
    assert abs(variation_predictability(mixed, varied, 0) - 0.25) < 0.1
