"""Faces whose factors are known: what a source must give so that edits have a true answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Factors(ABC):
    """The factors of a source's faces, such as its expressions.

    Attributes
    ----------
    names : of the J factors
    fields : float (J, V, 3), mm
        What one unit of each factor moves, on the mean face.
    """

    names: tuple[str, ...]
    fields: npt.NDArray[np.floating[Any]]

    @abstractmethod
    def draw(self, count: int, seed: int) -> tuple[Floats, Floats, Floats]:
        """Draw pairs of faces, none of which is in the data set.

        Returns
        -------
        common : float64 (count, B), what source and target have in common, such as the person
        source, target : float64 (count, J), their factors
        """

    @abstractmethod
    def make(self, common: Floats, factors: Floats) -> npt.NDArray[np.floating[Any]]:
        """Return the faces, (n, V, 3), mm, in the pose that the source gives them."""
