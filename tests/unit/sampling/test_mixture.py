"""Mixtures of Gaussians: density, draws, and what is left of them where something is seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from lwpipe.sampling import Mixture
from lwpipe.sampling.fit import about_faces, fit_codes

RANDOM = np.random.default_rng(3)
SIZE = 3


def covariance(seed: int) -> np.ndarray:
    root = np.random.default_rng(seed).normal(size=(SIZE, SIZE))
    return root @ root.T + 0.1 * np.eye(SIZE)


TWO = Mixture(
    np.array([0.3, 0.7]),
    np.array([[1.0, 0.0, -2.0], [-1.0, 0.5, 1.0]]),
    np.stack([covariance(1), covariance(2)]),
)
SHARED = Mixture(TWO.shares, TWO.means, covariance(4)[None])


def density(mixture: Mixture, points: np.ndarray) -> np.ndarray:
    each = np.broadcast_to(mixture.covariances, (len(mixture.shares), SIZE, SIZE))
    return sum(
        share * multivariate_normal(mean, wide).pdf(points)
        for share, mean, wide in zip(mixture.shares, mixture.means, each, strict=True)
    )


@pytest.mark.parametrize("mixture", [TWO, SHARED])
def test_the_density_is_that_of_scipy(mixture: Mixture) -> None:
    points = RANDOM.normal(size=(20, SIZE))
    np.testing.assert_allclose(np.exp(mixture.log_density(points)), density(mixture, points))


@pytest.mark.parametrize("mixture", [TWO, SHARED])
def test_draws_have_the_mean_and_the_covariance(mixture: Mixture) -> None:
    drawn = mixture.draw(60_000, np.random.default_rng(0))
    np.testing.assert_allclose(drawn.mean(axis=0), mixture.shares @ mixture.means, atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.T), mixture.covariance, atol=0.15)


def test_temperature_is_a_factor_of_the_deviations() -> None:
    plain, half, none = (TWO.draw(5, np.random.default_rng(1), t) for t in (1.0, 0.5, 0.0))
    middle = TWO.shares @ TWO.means
    np.testing.assert_allclose(half - middle, 0.5 * (plain - middle))
    np.testing.assert_allclose(none, np.tile(middle, (5, 1)))


@pytest.mark.parametrize("mixture", [TWO, SHARED])
def test_what_is_seen_is_weighed_as_by_bayes(mixture: Mixture) -> None:
    """The density given y is that of z times that of y given z, but for one factor."""
    noise = covariance(7)
    seen = np.array([0.5, -1.0, 0.3])
    points = RANDOM.normal(size=(12, SIZE))
    found = mixture.given(seen, np.linalg.inv(noise)).log_density(points)
    product = np.log(density(mixture, points)) + multivariate_normal(seen, noise).logpdf(points)
    np.testing.assert_allclose(found - found[0], product - product[0], atol=1e-8)


def test_directions_that_are_not_seen_stay_as_they_were() -> None:
    apart = Mixture(np.ones(1), np.array([[1.0, 2.0, 3.0]]), np.diag([1.0, 4.0, 9.0])[None])
    precision = np.diag([1e8, 0.0, 0.0])
    left = apart.given([5.0, 5.0, 5.0], precision)
    np.testing.assert_allclose(left.means, [[5.0, 2.0, 3.0]], atol=1e-6)
    np.testing.assert_allclose(left.covariances[0], np.diag([1e-8, 4.0, 9.0]), atol=1e-9)


def test_nothing_seen_changes_nothing() -> None:
    left = TWO.given(np.ones(SIZE), np.zeros((SIZE, SIZE)))
    np.testing.assert_allclose(left.shares, TWO.shares)
    np.testing.assert_allclose(left.means, TWO.means)
    np.testing.assert_allclose(left.covariances, TWO.covariances)


@pytest.mark.parametrize("width", [0.3, 0.8, 1.0])
def test_components_about_faces_keep_mean_and_covariance(width: float) -> None:
    codes = RANDOM.normal(size=(40, SIZE)) @ covariance(5)
    made = about_faces(codes, width)
    np.testing.assert_allclose(made.shares @ made.means, codes.mean(axis=0))
    np.testing.assert_allclose(made.covariance, np.cov(codes.T, bias=True), rtol=1e-4)


def test_the_likelihood_of_held_out_faces_finds_two_kinds_of_faces() -> None:
    random = np.random.default_rng(0)
    sides = np.where(np.arange(400) < 200, -5.0, 5.0)
    codes = random.normal(size=(400, 2)) + sides[:, None]
    mixture = fit_codes(codes, "mixture", np.eye(2), 0, np.arange(400))
    assert len(mixture.shares) >= 2
    # With so few faces a component would fit nothing but itself.
    few = fit_codes(random.normal(size=(20, 8)), "mixture", np.eye(8), 0, np.arange(20))
    assert len(few.shares) == 1


def test_draws_about_faces_are_as_far_from_them_as_unseen_faces() -> None:
    """Of Gaussian faces the width is large; of faces in clusters, small."""
    random = np.random.default_rng(1)
    spread = random.normal(size=(300, 6))
    centres = 10 * random.normal(size=(30, 6))
    clusters = centres[np.arange(300) % 30] + 0.1 * random.normal(size=(300, 6))
    widths = []
    for codes in (spread, clusters):
        made = fit_codes(codes, "faces", np.eye(6), 0, np.arange(300))
        widths.append(np.sqrt(np.trace(made.covariances[0]) / np.trace(made.covariance)))
    assert widths[0] > 0.6
    assert widths[1] == pytest.approx(0.3, abs=0.01)


def test_persons_are_held_out_as_a_whole() -> None:
    """Where a person's faces are alike, holding out faces would ask for copies of them."""
    random = np.random.default_rng(2)
    persons = np.repeat(np.arange(30), 8)
    codes = 3 * random.normal(size=(30, 6))[persons] + 0.05 * random.normal(size=(240, 6))
    shares = []
    for groups in (np.arange(240), persons):
        made = fit_codes(codes, "faces", np.eye(6), 0, groups)
        shares.append(np.trace(made.covariances[0]) / np.trace(made.covariance))
    assert shares[1] > 2 * shares[0]


def test_of_one_person_faces_are_held_out_and_of_too_few_none() -> None:
    codes = np.random.default_rng(4).normal(size=(60, 4))
    alone = fit_codes(codes, "faces", np.eye(4), 0, np.zeros(60, np.int64))
    apart = fit_codes(codes, "faces", np.eye(4), 0, np.arange(60))
    np.testing.assert_array_equal(alone.means, apart.means)
    pair = fit_codes(codes[:2], "faces", np.eye(4), 0, np.arange(2))
    np.testing.assert_allclose(pair.means[0], pair.means[1])
