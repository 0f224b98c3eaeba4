"""Mixtures of Gaussians: drawn from, and conditioned on what is seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular
from scipy.special import logsumexp

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Mixture:
    """A mixture of M Gaussians in Z dimensions.

    Attributes
    ----------
    shares : float64 (M,), sum to 1
    means : float64 (M, Z)
    covariances : float64 (M, Z, Z), or (1, Z, Z) where all have the same
    """

    shares: Floats
    means: Floats
    covariances: Floats

    @property
    def size(self) -> int:
        """The number Z of dimensions."""
        return int(self.means.shape[1])

    @property
    def covariance(self) -> Floats:
        """The covariance of the whole, float64 (Z, Z)."""
        away = self.means - self.shares @ self.means
        within = np.einsum("m,mij->ij", self.shares, self._each(self.covariances))
        return np.asarray(within + (self.shares * away.T) @ away)

    def _each(self, matrices: Floats) -> Floats:
        """Return one matrix a component, (M, Z, Z), without a copy."""
        return np.broadcast_to(matrices, (len(self.shares), *matrices.shape[1:]))

    def log_density(self, z: npt.ArrayLike) -> Floats:
        """Return the logarithm of the density at points (n, Z), float64 (n,)."""
        points = np.asarray(z, np.float64)
        factors = np.linalg.cholesky(self.covariances)
        logs = np.empty((len(self.shares), len(points)))
        for row, (share, mean) in enumerate(zip(self.shares, self.means, strict=True)):
            factor = factors[row if len(factors) > 1 else 0]
            away = solve_triangular(factor, (points - mean).T, lower=True)
            volume = np.log(factor.diagonal()).sum() + 0.5 * self.size * np.log(2 * np.pi)
            logs[row] = np.log(share) - volume - 0.5 * np.einsum("in,in->n", away, away)
        return np.asarray(logsumexp(logs, axis=0))

    def draw(self, count: int, random: np.random.Generator, temperature: float = 1.0) -> Floats:
        """Draw points, float64 (count, Z).

        Parameters
        ----------
        count : how many
        random : its state moves on
        temperature : factor of the deviations from the mean of the whole; 0 gives the mean
        """
        chosen = random.choice(len(self.shares), count, p=self.shares)
        noise = random.standard_normal((count, self.size))
        factors = np.linalg.cholesky(self.covariances)
        if len(factors) == 1:
            moved = noise @ factors[0].T
        else:
            moved = np.einsum("nij,nj->ni", factors[chosen], noise)
        middle = self.shares @ self.means
        return np.asarray(middle + temperature * (self.means[chosen] + moved - middle))

    def given(self, seen: npt.ArrayLike, precision: Floats) -> Mixture:
        """Return the mixture of z given an observation of z with Gaussian noise.

        With S_m the covariance and mu_m the mean of component m, and A the precision of the noise:
        component m becomes N(mu_m + (S_m^-1 + A)^-1 A (y - mu_m), (S_m^-1 + A)^-1), and counts by
        its share times N(y; mu_m, S_m + A^-1) (Bishop, *Pattern Recognition and Machine Learning*,
        2006, equations 2.113 to 2.117). A need not have an inverse.

        Parameters
        ----------
        seen : float (Z,), y
        precision : float64 (Z, Z), A; 0 in directions that are not seen
        """
        left = np.asarray(seen, np.float64) - self.means
        inverse = np.linalg.inv(self.covariances)
        narrowed = np.linalg.inv(inverse + precision)
        narrowed = 0.5 * (narrowed + narrowed.transpose(0, 2, 1))
        # A (S^-1 + A)^-1 S^-1 is the inverse of S + A^-1.
        unlikely = precision @ narrowed @ inverse
        moved = _applied(narrowed @ precision, left)
        squares = np.einsum("mi,mi->m", left, _applied(unlikely, left))
        volumes = np.linalg.slogdet(np.eye(self.size) + self.covariances @ precision)[1]
        logs = np.log(self.shares) - 0.5 * (squares + volumes)
        return Mixture(np.exp(logs - logsumexp(logs)), self.means + moved, narrowed)


def _applied(matrices: Floats, vectors: Floats) -> Floats:
    """Return the products of matrices (M, Z, Z), or of one for all, with vectors (M, Z)."""
    if len(matrices) == 1:
        return np.asarray(vectors @ matrices[0].T)
    return np.asarray(np.einsum("mij,mj->mi", matrices, vectors))
