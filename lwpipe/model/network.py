"""The locally weighted mesh autoencoder.

Encoder: one [Chebyshev convolution, activation, downsampling] a level, then a linear layer to the
latent code z. Projection: part encodings p_k = P_k z. Decoder: one linear layer FC to features at
the coarsest level, h = sum_k w_k (.) FC(p_k) with the local weights w_k, then one [upsampling,
convolution, activation] a level and a last convolution to coordinates. With one part, P = 1 and
w = 1 this is CoMA (Ranjan et al., ECCV 2018). Parts may also have decoders of their own, whose
faces are composed by the local weights at full resolution. A linear base may be what encoder and
decoder correct: see `lwpipe.model.base`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from lwpipe.engine import Geometry, make_backend
from lwpipe.model.base import LinearBase
from lwpipe.model.settings import ModelSettings
from lwpipe.model.weightings import WEIGHTINGS

if TYPE_CHECKING:
    from jaxtyping import Float, Int64


# A variational encoder begins nearly sure: at a deviation of a seventh.
_LOG_VARIANCE = -4.0


class Convolution(nn.Module):
    """The parameters of one Chebyshev convolution of order K (Defferrard et al., 2016).

    y = sum_k T_k(L~) x W_k + b, T_0 = 1, T_1 = L~, T_k = 2 L~ T_{k-1} - T_{k-2}, where L~ is the
    symmetric normalised Laplacian scaled to lambda_max = 2.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, inputs: int, outputs: int, order: int, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(order, inputs, outputs))
        self.register_parameter("bias", nn.Parameter(torch.zeros(outputs)) if bias else None)
        # Glorot's bound over the whole stencil: all K terms feed an output.
        bound = math.sqrt(6.0 / (order * inputs + outputs))
        nn.init.uniform_(self.weight, -bound, bound)


class Decoder(nn.Module):
    """The layers of a decoder of one part: linear, one convolution a level, and the last."""

    def __init__(self, from_latent: nn.Linear, decoder: nn.ModuleList, last: Convolution) -> None:
        super().__init__()
        self.from_latent, self.decoder, self.last = from_latent, decoder, last


class PartAutoencoder(nn.Module):
    """Encoder, projections and decoder on a fixed mesh pyramid.

    Works on standardised faces, (batch, V, C): positions, and colours where there are six channels.

    Parameters
    ----------
    geometry : Geometry
        The matrices of the pyramid.
    coarse_weights : float (V_L, K)
        Local weights at the coarsest level.
    settings : ModelSettings
    backend : name of the implementation of the convolutions; `use` changes it, and None is for
        who needs the parameters only
    base : what the network corrects, where the settings say that there is something
    shares : float (K, V, 1), how much of each part each vertex gets; they sum to 1. Decoders of
        their own are composed by them
    signal : number of channels C of the faces: 3, or 6 with colours
    """

    coarse_weights: Tensor
    shares: Tensor | None
    from_latent: nn.Linear
    decoder: nn.ModuleList
    last: Convolution

    def __init__(
        self,
        geometry: Geometry,
        coarse_weights: Tensor,
        settings: ModelSettings,
        backend: str | None = "torch",
        base: LinearBase | None = None,
        shares: Tensor | None = None,
        signal: int = 3,
    ) -> None:
        super().__init__()
        self.settings, self.geometry, self.signal = settings, geometry, signal
        self.register_buffer("coarse_weights", coarse_weights.float(), persistent=False)
        self.register_buffer("shares", shares, persistent=False)
        channels, order = settings.channels, settings.order
        inputs = [signal, *channels[:-1]]
        self.encoder = nn.ModuleList(
            Convolution(i, o, order) for i, o in zip(inputs, channels, strict=True)
        )
        self.weighting = WEIGHTINGS[settings.weighting]
        self.part_count = coarse_weights.shape[1] if settings.projection else 1
        own = self.weighting.own_decoders
        convolutions = [self._convolutions() for _ in range(self.part_count if own else 1)]
        if not own:
            self.decoder, self.last = convolutions[0]

        self.width = channels[-1]
        coarsest = geometry.vertex_count(geometry.levels)
        features = coarsest * self.width
        latent = settings.latent_size
        self.to_latent = nn.Linear(features, latent)
        self.to_spread: nn.Linear | None = None
        self.projections: nn.Parameter | None = None
        if settings.projection:
            self.projections = nn.Parameter(torch.empty(self.part_count, latent, latent))
            nn.init.normal_(self.projections, std=latent**-0.5)
        size = self.weighting.decoded(coarsest, self.width)
        self.decoders: nn.ModuleList | None = None
        if own:
            self.decoders = nn.ModuleList(
                Decoder(nn.Linear(latent, size), *layers) for layers in convolutions
            )
        else:
            self.from_latent = nn.Linear(latent, size)
        # The last to be drawn: a network without it has the same start.
        if settings.variational:
            self.to_spread = nn.Linear(features, latent)
            nn.init.zeros_(self.to_spread.weight)
            nn.init.constant_(self.to_spread.bias, _LOG_VARIANCE)
        self.base = base
        if settings.base != "none":
            self._begin_as_base()
        if backend is not None:
            self.use(backend)

    def _convolutions(self) -> tuple[nn.ModuleList, Convolution]:
        """Make the convolutions of a decoder."""
        channels, order = self.settings.channels, self.settings.order
        outputs = [*reversed(channels)]
        levels = zip([outputs[0], *outputs[:-1]], outputs, strict=True)
        layers = nn.ModuleList(Convolution(i, o, order) for i, o in levels)
        return layers, Convolution(channels[0], self.signal, order, bias=False)

    def each_decoder(self) -> Sequence[Decoder | PartAutoencoder]:
        """Return what holds the layers of the decoder that all parts share, or of that of each."""
        return [self] if self.decoders is None else [cast(Decoder, each) for each in self.decoders]

    def _begin_as_base(self) -> None:
        """Let the network add nothing, and every projection keep its code."""
        nn.init.zeros_(self.to_latent.weight)
        nn.init.zeros_(self.to_latent.bias)
        for decoder in self.each_decoder():
            nn.init.zeros_(decoder.last.weight)
        if self.projections is not None:
            nn.init.zeros_(self.projections)

    def use(self, backend: str) -> None:
        """Compute the convolutions with another of `lwpipe.engine.BACKENDS`."""
        self.backend_name = backend
        self.backend = make_backend(backend, self.geometry, self.settings.activation)

    @staticmethod
    def _layers(layers: nn.ModuleList) -> Iterator[Convolution]:
        return (cast(Convolution, layer) for layer in layers)

    @property
    def vertex_count(self) -> int:
        """Number of vertices V of the finest level."""
        return self.geometry.vertex_count(0)

    def encode(self, x: Tensor) -> Float[Tensor, "batch Z"]:
        """Encode standardised faces (batch, V, C) to latent codes (batch, Z).

        Raises
        ------
        ValueError
            If the shape is another.
        """
        return self._code(x, self._features(x))

    def posterior(self, x: Tensor) -> tuple[Float[Tensor, "batch Z"], Float[Tensor, "batch Z"]]:
        """Return the mean of the codes of standardised faces (batch, V, C), as `encode`.

        With it the logarithm of their variances (Kingma and Welling, *Auto-Encoding Variational
        Bayes*, 2014).

        Raises
        ------
        ValueError
            If the shape is another, or the network is not variational.
        """
        if self.to_spread is None:
            raise ValueError("the network gives no distribution of its codes")
        features = self._features(x)
        return self._code(x, features), cast(Tensor, self.to_spread(features))

    def _features(self, x: Tensor) -> Tensor:
        """Return the features of the coarsest level, flat."""
        if x.ndim != 3 or x.shape[1:] != (self.vertex_count, self.signal):
            raise ValueError(
                f"faces have shape {tuple(x.shape)}, expected (batch, {self.vertex_count}, "
                f"{self.signal})"
            )
        features = self.backend.enter(x)
        for level, layer in enumerate(self._layers(self.encoder)):
            features = self.backend.down(level, features, layer.weight, layer.bias)
        return self.backend.flatten(features, self.width)

    def _code(self, x: Tensor, features: Tensor) -> Float[Tensor, "batch Z"]:
        z = cast(Tensor, self.to_latent(features))
        return z if self.base is None else self.base.encode(x) + self.base.room * z

    def parts(self, z: Float[Tensor, "batch Z"]) -> Float[Tensor, "batch K Z"]:
        """Project latent codes (batch, Z) to part encodings (batch, K, Z)."""
        if self.projections is None:
            return z[:, None]
        parts = torch.einsum("bi,kji->bkj", z, self.projections)
        return parts if self.base is None else z[:, None] + self.base.room * parts

    def matrices(self) -> Float[Tensor, "K Z Z"]:
        """Return the projections P_k as they act on codes; 1 for a model without parts."""
        one = torch.eye(self.settings.latent_size).to(self.to_latent.weight)
        if self.projections is None:
            return one[None]
        if self.base is None:
            return self.projections
        return one + self.base.room[:, None] * self.projections

    def coarse_features(
        self, parts: Float[Tensor, "batch K Z"]
    ) -> Float[Tensor, "batch V_L channels"]:
        """Return h, the locally weighted features of the coarsest level, (batch, V_L, channels)."""
        return self.weighting.combine(self.from_latent(parts), self.coarse_weights)

    def decode(self, parts: Float[Tensor, "batch K Z"]) -> Float[Tensor, "batch V C"]:
        """Decode part encodings (batch, K, Z) to standardised faces (batch, V, C)."""
        corrections = self._decoded(self, parts) if self.decoders is None else self._composed(parts)
        if self.base is None:
            return corrections
        return self.base.decode(parts) + self.base.reach * corrections

    def _composed(self, parts: Float[Tensor, "batch K Z"]) -> Float[Tensor, "batch V C"]:
        """Return sum_k w_k (.) dec_k(p_k)."""
        corrections = parts.new_zeros(())
        shares = cast(Tensor, self.shares)
        for part, (decoder, share) in enumerate(zip(self.each_decoder(), shares, strict=True)):
            corrections = corrections + share * self._decoded(decoder, parts[:, part, None])
        return corrections

    def _decoded(
        self, decoder: Decoder | PartAutoencoder, parts: Float[Tensor, "batch K Z"]
    ) -> Float[Tensor, "batch V C"]:
        """Return what one decoder makes of the parts that it is given."""
        features = self.weighting.combine(decoder.from_latent(parts), self.coarse_weights)
        x = self.backend.unflatten(features)
        levels = reversed(range(self.geometry.levels))
        for level, layer in zip(levels, self._layers(decoder.decoder), strict=True):
            x = self.backend.up(level, x, layer.weight, layer.bias)
        return self.backend.last(x, decoder.last.weight)

    def forward(self, x: Float[Tensor, "batch V C"]) -> Float[Tensor, "batch V C"]:
        """Reconstruct standardised faces (batch, V, C)."""
        return self.decode(self.parts(self.encode(x)))


def shuffle_parts(
    parts: Float[Tensor, "batch K Z"], order: Int64[Tensor, "K batch"]
) -> Float[Tensor, "batch K Z"]:
    """Take part k of batch entry b from entry `order[k, b]`.

    Parameters
    ----------
    parts : (batch, K, Z)
    order : int (K, batch), one permutation of the batch a part
    """
    index = torch.arange(parts.shape[1], device=parts.device)
    return parts[order.T, index[None, :]]
