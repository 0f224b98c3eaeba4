"""The settings of the prior, a part of the section `sampling`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lwpipe.core.settings import Section, Seed


class PriorSettings(Section):
    """Faces drawn from a trained model."""

    prior: Literal["faces", "mixture", "gaussian", "standard"] = "faces"
    """How encodings are distributed: about those of the training faces, at a width by which samples
    are as far from them as unseen faces are (faces); as a mixture of Gaussians, chosen by the
    likelihood of held-out faces (mixture); as one Gaussian (gaussian); or as N(0, 1), towards which
    model.variational trains them (standard)."""
    detail: Annotated[int, Field(ge=0, le=10_000)] = 1000
    """Principal components of what the model does not hold of the training faces, which are drawn
    too: at most so many; 0: none."""
    seed: Seed = 0
    """Draws the held-out faces, starts the mixtures, and draws the samples."""
