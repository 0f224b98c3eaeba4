"""The section `local_weights`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lwpipe.core.settings import EXPONENT, Bounded, Count, NonNegative, Positive, Section, Seed


class LocalWeightsSettings(Section):
    """Sparse non-negative matrix factorisation, which finds the parts."""

    parts: Annotated[int, Field(ge=1, le=64)] = 4
    """Number of parts K."""
    features: Literal["signed", "magnitude", "magnitude_std"] = "signed"
    """Features of a vertex: positive and negative displacements over its standard deviation
    (signed), length of the displacement (magnitude), length over its standard deviation
    (magnitude_std)."""
    sparsity: NonNegative = 7.5
    """beta: weight of the sparsity of the columns of H."""
    eta: NonNegative | None = None
    """eta: weight of the norm of W, squared in the objective; null: the largest feature."""
    sharpness: Positive = 1.0
    """Power that the weights of a vertex are raised to before they are brought to a sum of 1 again:
    above 1.0 parts overlap less."""
    support: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False), EXPONENT] = 0.0
    """Weights below it, after that, become exactly 0; the largest of a vertex stays."""
    iterations: Bounded = 60
    """Iterations of the solver."""
    max_faces: Count | None = 400
    """Factorise at most so many training faces, drawn by seed; null: all."""
    solver: Literal["fast", "nimfa"] = "fast"
    """Implementation of the factorisation: nimfa's, or the same steps to the same factors faster,
    also on a GPU (fast)."""
    seed: Seed = 0
    """Draws the start of the solver and the faces."""
