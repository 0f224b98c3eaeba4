"""The prior of a trained model: what faces its encodings and its residuals come from.

The encodings z of the training faces are given by a mixture of Gaussians. What the model does not
hold of a face, the residual x - D(x), is drawn from a Gaussian along its own principal components:
without it a face is told from real ones at once, by what it lacks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lwpipe.sampling.mixture import Mixture

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Detail:
    """Principal components of the residuals of the training faces.

    Attributes
    ----------
    mean : float32 (V, C), mm
    basis : float32 (R, CV), orthonormal rows
    deviation : float64 (R,), mm
    """

    mean: npt.NDArray[np.float32]
    basis: npt.NDArray[np.float32]
    deviation: Floats

    def draw(
        self, count: int, random: np.random.Generator, temperature: float = 1.0
    ) -> npt.NDArray[np.float32]:
        """Draw residuals, float32 (count, V, C), mm.

        Parameters
        ----------
        count : how many
        random : its state moves on
        temperature : factor of the deviations
        """
        noise = random.standard_normal((count, len(self.deviation)))
        moved = (temperature * noise * self.deviation).astype(np.float32) @ self.basis
        return np.asarray(self.mean + moved.reshape(count, *self.mean.shape), np.float32)


@dataclass(frozen=True)
class Prior:
    """What faces of a model come from.

    Attributes
    ----------
    kind : 'faces', 'mixture', 'gaussian' or 'standard'
    codes : of the encodings z
    detail : of the residuals
    inside : float64 (K, Z, Z), mm^2
        E_k = sum_v w_k(v) L(v)^T L(v) of each part, L being the linear path of the decoder, or the
        regression of decoded faces on z where there is none.
    noise : float, mm^2
        Variance of the residuals along their own directions, a mean weighed by it.
    """

    kind: str
    codes: Mixture
    detail: Detail
    inside: Floats
    noise: float

    @property
    def part_count(self) -> int:
        """Number of parts K."""
        return len(self.inside)

    def precision(self, part: int) -> Floats:
        """Return what the rest of a face says about z, E_o / noise, float64 (Z, Z).

        Residuals of neighbouring vertices go together, so that a coordinate of each says no more
        than one: the noise is their variance along their own directions, not that of a coordinate.
        For residuals that are independent the two are the same.

        Parameters
        ----------
        part : k
        """
        return np.asarray((self.inside.sum(axis=0) - self.inside[part]) / self.noise)

    def given_rest(self, z: npt.ArrayLike, part: int) -> Mixture:
        """Return the encodings of faces whose rest is that of a face.

        Parameters
        ----------
        z : float (Z,), encoding of the face
        part : k, which is not seen
        """
        return self.codes.given(z, self.precision(part))
