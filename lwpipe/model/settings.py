"""The section `model`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from lwpipe.core.settings import Section, composed
from lwpipe.model.weightings import WEIGHTINGS


class LatentSettings(Section):
    """The size of the codes."""

    latent_size: Annotated[int, Field(ge=1, le=4096)] = 16
    """Z: size of the latent code and of each part encoding."""


class _Shipped(LatentSettings):
    """The network."""

    base: Literal["none", "pca", "kernel"] = "none"
    """What the network corrects: nothing, the principal components of the training faces (pca), to
    which it adds nothing at first, or those with what they tell of further ones, where they tell
    something (kernel): for few people with many expressions."""
    channels: Annotated[
        list[Annotated[int, Field(ge=1, le=1024)]], Field(min_length=1, max_length=16)
    ] = [16, 16, 16, 32]
    """Channels of the convolution of each level; one entry a level, as template.factors."""
    order: Annotated[int, Field(ge=1, le=25)] = 6
    """Order of the Chebyshev filters."""
    activation: Literal["elu", "relu", "leaky_relu", "tanh"] = "elu"
    """Activation after each convolution but the last."""
    weighting: str = "vertex"
    projection: bool = True
    """Project the latent code to one encoding a part; false with weighting none is CoMA."""
    standardise: Literal["scalar", "vertex"] = "scalar"
    """Divide by one standard deviation, or by one a vertex."""
    variational: bool = False
    """Let the encoder give a distribution of the code, which training draws from and draws towards
    N(0, 1); faces are encoded to its mean."""


def _weighting() -> Any:
    """Return type and default of the key `weighting`."""
    named: Any = Literal[tuple(WEIGHTINGS)]
    words = ", ".join(f"{each.words} ({each.name})" for each in WEIGHTINGS.values())
    return named, Field("vertex", description=f"How local weights act: {words}.")


if TYPE_CHECKING:

    class ModelSettings(_Shipped):
        """The network."""

else:
    ModelSettings = composed("ModelSettings", _Shipped, {"weighting": _weighting()})
