"""The locally weighted mesh autoencoder.

Encoder: one [Chebyshev convolution, activation, downsampling] a level, then a linear layer to the
latent code z. Projection: part encodings p_k = P_k z. Decoder: one linear layer FC to features at
the coarsest level, h = sum_k w_k (.) FC(p_k) with the local weights w_k, then one [upsampling,
convolution, activation] a level and a last convolution to coordinates. With one part, P = 1 and
w = 1 this is CoMA (Ranjan et al., ECCV 2018).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor, nn

from lwpipe.config import ModelSettings
from lwpipe.model.chebyshev import ChebConv
from lwpipe.model.sparse import SparseMatrix, Upsample

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "elu": nn.functional.elu,
    "relu": nn.functional.relu,
    "leaky_relu": nn.functional.leaky_relu,
    "tanh": torch.tanh,
}


class PartAutoencoder(nn.Module):
    """Encoder, projections and decoder on a fixed mesh pyramid.

    Works on standardised coordinates, (batch, V, 3).

    Parameters
    ----------
    laplacians : L~ of each level, finest first, `levels + 1` of them
    keep : for each step, the vertices that downsampling keeps (D), int (V_{l+1},)
    up : for each step, U, (V_l, V_{l+1})
    coarse_weights : float (V_L, K)
        Local weights at the coarsest level.
    settings : ModelSettings
    """

    coarse_weights: Tensor

    def __init__(
        self,
        laplacians: Sequence[sp.csr_matrix],
        keep: Sequence[npt.NDArray[np.int64]],
        up: Sequence[sp.csr_matrix],
        coarse_weights: Tensor,
        settings: ModelSettings,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.levels = len(keep)
        self.activation = _ACTIVATIONS[settings.activation]
        channels = settings.channels
        operators = nn.ModuleList(SparseMatrix(matrix) for matrix in laplacians)
        self.register_buffer("coarse_weights", coarse_weights.float(), persistent=False)
        self.upsample = nn.ModuleList(Upsample(matrix) for matrix in up)

        def convolution(level: int, inputs: int, outputs: int, **options: Any) -> ChebConv:
            operator = cast(SparseMatrix, operators[level])
            return ChebConv(operator, inputs, outputs, settings.order, **options)

        inputs = [3, *channels[:-1]]
        self.encoder = nn.ModuleList(
            convolution(level, inputs[level], channels[level], keep=torch.from_numpy(kept.copy()))
            for level, kept in enumerate(keep)
        )
        outputs = [*reversed(channels)]
        self.decoder = nn.ModuleList(
            convolution(level, outputs[max(step - 1, 0)], outputs[step])
            for step, level in enumerate(reversed(range(self.levels)))
        )
        self.last = convolution(0, channels[0], 3, bias=False)

        coarse, self.width = laplacians[-1].shape[0], channels[-1]
        features = coarse * self.width
        latent = settings.latent_size
        self.part_count = coarse_weights.shape[1] if settings.projection else 1
        self.to_latent = nn.Linear(features, latent)
        self.projections: nn.Parameter | None = None
        if settings.projection:
            self.projections = nn.Parameter(torch.empty(self.part_count, latent, latent))
            nn.init.normal_(self.projections, std=latent**-0.5)
        self.from_latent = nn.Linear(
            latent, self.width if settings.weighting == "outer" else features
        )

    @property
    def vertex_count(self) -> int:
        """Number of vertices V of the finest level."""
        return self.last.laplacian.shape[0]

    def encode(self, x: Tensor) -> Tensor:
        """Encode standardised faces (batch, V, 3) to latent codes (batch, Z)."""
        x = x.transpose(0, 1).contiguous()
        for convolution in self.encoder:
            x = self.activation(convolution(x))
        return cast(Tensor, self.to_latent(x.transpose(0, 1).flatten(1)))

    def parts(self, z: Tensor) -> Tensor:
        """Project latent codes (batch, Z) to part encodings (batch, K, Z)."""
        if self.projections is None:
            return z[:, None]
        return torch.einsum("bi,kji->bkj", z, self.projections)

    def decode(self, parts: Tensor) -> Tensor:
        """Decode part encodings (batch, K, Z) to standardised faces (batch, V, 3)."""
        batch = parts.shape[0]
        h = self.from_latent(parts)
        weighting = self.settings.weighting
        if weighting == "outer":
            x = torch.einsum("vk,bkc->vbc", self.coarse_weights, h)
        else:
            h = h.view(batch, self.part_count, -1, self.width)
            if weighting == "vertex" and self.projections is not None:
                x = torch.einsum("vk,bkvc->vbc", self.coarse_weights, h)
            else:
                x = h.sum(1).transpose(0, 1).contiguous()
        for upsample, convolution in zip(reversed(self.upsample), self.decoder, strict=True):
            x = upsample(x.reshape(x.shape[0], -1)).view(-1, batch, x.shape[2])
            x = self.activation(convolution(x))
        return cast(Tensor, self.last(x).transpose(0, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruct standardised faces (batch, V, 3)."""
        return self.decode(self.parts(self.encode(x)))


def shuffle_parts(parts: Tensor, order: Tensor) -> Tensor:
    """Take part k of batch entry b from entry `order[k, b]`.

    Parameters
    ----------
    parts : (batch, K, Z)
    order : int (K, batch), one permutation of the batch a part
    """
    index = torch.arange(parts.shape[1], device=parts.device)
    return parts[order.T, index[None, :]]
