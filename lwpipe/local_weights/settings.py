"""The section `local_weights`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lwpipe.core.errors import LwpipeError
from lwpipe.core.paths import searched, user_path
from lwpipe.core.settings import (
    EXPONENT,
    Bounded,
    Count,
    KeyFaultError,
    NonNegative,
    Positive,
    Section,
    Seed,
)

# Parts that hardly overlap.
SHARPNESS, SUPPORT = 3.0, 0.05
# Parts with borders where the faces have them: the best edits on all data.
REFINE = 40

_OF_FILE = ("path",)
_OF_BOTH = ("source", "parts", "blur", "sharpness", "support")


class LocalWeightsSettings(Section):
    """The parts: found by sparse non-negative matrix factorisation, or painted."""

    source: Literal["nmf", "file"] = "nmf"
    """Where the parts come from: the factorisation (nmf), or weights that you bring (file)."""
    path: str | None = None
    """NPZ, NPY or CSV with the weights or regions of the template's vertices, or PLY in whose
    colours they are painted; read with source 'file'."""
    blur: NonNegative | None = None
    """How far the weights are blurred along the surface. Unit: mm (standard deviation); null: a
    fiftieth of the template's diagonal where each vertex is in one part only, as after refine, else
    not at all."""
    parts: Annotated[int, Field(ge=1, le=64)] = 4
    """Number of parts K; with source 'file', as many as it holds."""
    features: Literal["signed", "magnitude", "magnitude_std"] = "signed"
    """Features of a vertex: positive and negative displacements over its standard deviation
    (signed), length of the displacement (magnitude), length over its standard deviation
    (magnitude_std)."""
    sparsity: NonNegative = 7.5
    """beta: weight of the sparsity of the columns of H."""
    eta: NonNegative | None = None
    """eta: weight of the norm of W, squared in the objective; null: the largest feature."""
    refine: Annotated[int, Field(ge=0, le=1000)] = 0
    """Give each vertex to the part whose core foretells its motion best, by regression on so many
    principal components of the core's motion; 0: keep the borders of the factorisation."""
    neighbourhood: NonNegative | None = None
    """How far around a vertex motion counts where refine chooses its part. Unit: mm (standard
    deviation); null: a twenty-fifth of the template's diagonal; 0.0: the vertex alone."""
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

    @model_validator(mode="after")
    def _fits_the_source(self) -> Self:
        if self.source == "file" and self.path is None:
            raise KeyFaultError("path", "is needed where `local_weights.source` is 'file'")
        return self

    @classmethod
    def keys(cls, choice: str | None = None) -> tuple[str, ...]:
        """Return the keys that the source `choice` reads; None: all keys."""
        if choice == "file":
            return (*_OF_BOTH, *_OF_FILE)
        every = super().keys()
        return every if choice is None else tuple(key for key in every if key not in _OF_FILE)

    def user_files(self) -> list[Path]:
        """Return the file with the weights, where it is read.

        Raises
        ------
        LwpipeError
            If it is not there.
        """
        if self.source != "file":
            return []
        path = user_path("local_weights.path", self.path or "")
        if not path.is_file():
            fault = "is no file" if path.exists() else "does not exist"
            raise LwpipeError(f"local_weights.path: {searched(path)} {fault}.")
        return [path]
