"""What the first principal components of a face tell of the further ones.

Faces of few people, or of few degrees of freedom that turn and slide, lie on a curved surface in
the space of their components: the first Z say where on it a face is, and the surface says the
rest. It is found by kernel ridge regression (Saunders et al., *Ridge Regression Learning Algorithm
in Dual Variables*, ICML 1998) from the standardised coefficients z on the further ones,

    f(z) = sum_i a_i exp(-|z - z_i|^2 / 2 l^2),    (G + r 1) a = c,

with the training faces' z_i and further coefficients c and G their kernel. The length l and the
ridge r are those of the least error of leaving out one face at a time, or all faces of a person
where persons are what is to be unseen. That has a closed form: what is predicted of the faces g
without them is c_g - (((G + r 1)^-1)_gg)^-1 a_g. Away from all training faces f is 0, and so the
face is that of the components alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lwpipe.core.threads import one_blas_thread

Floats = npt.NDArray[np.float64]

# Lengths, as shares of the median distance of two faces, and ridges.
LENGTHS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
RIDGES = tuple(10.0**power for power in range(-5, 2))
# What explains less than a twentieth of the further components is not worth its time.
WORTH = 0.95
# Time goes with the cube of the faces, and a decoded face with the components.
MOST_FACES, MOST_COMPONENTS = 2000, 256


@dataclass(frozen=True)
class KernelRegression:
    """Further components as a function of the first ones.

    Attributes
    ----------
    basis : float32 (R, CV), orthonormal rows, the components that follow the first Z
    centers : float32 (n, Z), standardised coefficients of the faces it was fitted to
    values : float32 (n, R), mm
    length : float32 (1,)
    left : float
        Share of the further variance that it leaves, of faces left out.
    """

    basis: npt.NDArray[np.float32]
    centers: npt.NDArray[np.float32]
    values: npt.NDArray[np.float32]
    length: npt.NDArray[np.float32]
    left: float = 1.0

    @classmethod
    def fit(
        cls,
        codes: npt.ArrayLike,
        further: npt.ArrayLike,
        basis: npt.NDArray[np.float32],
        groups: npt.ArrayLike | None = None,
    ) -> KernelRegression | None:
        """Fit to faces; None where leaving some out says that there is nothing to be found.

        Parameters
        ----------
        codes : float (n, Z), standardised coefficients
        further : float (n, R), mm
        basis : float32 (R, CV)
        groups : (n,), what is left out together; None: one face at a time
        """
        z, coefficients = np.asarray(codes, np.float64), np.asarray(further, np.float64)
        total = float((coefficients**2).sum())
        if len(z) < 3 or total == 0:
            return None
        # What is regressed on are the numbers that will be stored.
        centers = z.astype(np.float32)
        squares = distances(centers, centers)
        apart = squares[np.triu_indices(len(z), 1)]
        typical = float(np.sqrt(np.median(apart)))
        if typical == 0:
            return None
        together = None if groups is None else _members(groups)
        best: tuple[float, Floats, float] | None = None
        with one_blas_thread():
            for share in LENGTHS:
                length = float(np.float32(share * typical))
                values, vectors = np.linalg.eigh(np.exp(-squares / (2 * length**2)))
                turned = vectors.T @ coefficients
                for ridge in RIDGES:
                    inverse = 1 / (np.maximum(values, 0) + ridge)
                    found = vectors @ (inverse[:, None] * turned)
                    left = _left(found, vectors, inverse, together) / total
                    if best is None or left < best[0]:
                        best = left, found, length
        if best is None or not best[0] < WORTH:
            return None
        left, found, length = best
        return cls(
            np.ascontiguousarray(basis, np.float32),
            centers,
            found.astype(np.float32),
            np.full(1, length, np.float32),
            left,
        )

    @property
    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """What it is made of, by name."""
        return {
            "basis": self.basis,
            "centers": self.centers,
            "values": self.values,
            "length": self.length,
        }

    def further(self, codes: npt.ArrayLike) -> Floats:
        """Return the further coefficients (n, R), mm, of standardised ones (n, Z)."""
        kernel = np.exp(-distances(codes, self.centers) / (2 * float(self.length[0]) ** 2))
        return np.asarray(kernel @ self.values.astype(np.float64))


def _members(groups: npt.ArrayLike) -> list[npt.NDArray[np.int64]] | None:
    """Return the faces of each group; None where each face is one."""
    names, place = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) == len(place):
        return None
    return [np.flatnonzero(place.reshape(-1) == group) for group in range(len(names))]


def _left(
    found: Floats,
    vectors: Floats,
    inverse: Floats,
    together: list[npt.NDArray[np.int64]] | None,
) -> float:
    """Return the squared error of faces left out, mm^2: a over the diagonal of the inverse."""
    if together is None:
        return float(((found / (vectors**2 @ inverse)[:, None]) ** 2).sum())
    wrong = 0.0
    for rows in together:
        block = (vectors[rows] * inverse) @ vectors[rows].T
        wrong += float((np.linalg.solve(block, found[rows]) ** 2).sum())
    return wrong


def distances(first: npt.ArrayLike, second: npt.ArrayLike) -> Floats:
    """Return the squared distances of points (n, Z) and (m, Z), float64 (n, m)."""
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.asarray(np.maximum(squares, 0))
