"""The training loss: L1 reconstruction, and two losses of faces whose parts are shuffled."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import l1_loss

from lwpipe.data.signals import COLOR, POSITION
from lwpipe.model.network import PartAutoencoder, shuffle_parts


class Losses(NamedTuple):
    """The losses of a batch, each (), and what it is decoded to, (batch, V, C)."""

    reconstruction: Tensor
    cycle: Tensor | None
    blend: Tensor | None
    output: Tensor
    divergence: Tensor | None = None


def partition(matrices: Tensor) -> Tensor:
    """Return by how much projections (K, Z, Z) fail to divide the code among the parts, ().

        |sum_k P_k - 1|^2 + sum_k |P_k P_k - P_k|^2 + sum_{k != j} |P_k P_j|^2

    in Frobenius norms: 0 for the projectors of a partition of the identity (Dubrovina et al., ICCV
    2019).
    """
    with torch.autocast(matrices.device.type, enabled=False):
        rest = matrices.sum(0) - torch.eye(matrices.shape[1]).to(matrices)
        products = matrices[:, None] @ matrices
        each = torch.arange(len(matrices), device=matrices.device)
        kept = torch.zeros_like(products).index_put((each, each), matrices)
        return rest.square().sum() + (products - kept).square().sum()


def divergence(mean: Tensor, log_variance: Tensor, free: float = 0.0) -> Tensor:
    """Return how far the codes' distributions are from N(0, 1), summed over their numbers, ().

    Of each number the mean over the faces of the Kullback-Leibler divergence of N(mean, variance)
    counts (Kingma and Welling, 2014, appendix B), at least `free` nats of it: what is below costs
    nothing (Kingma et al., *Improved Variational Inference with Inverse Autoregressive Flow*,
    2016).

    Parameters
    ----------
    mean, log_variance : (batch, Z)
    free : nats
    """
    wide = log_variance.float()
    each = 0.5 * (mean.float().square() + wide.exp() - 1 - wide)
    return each.mean(dim=0).clamp(min=free).sum()


def distance(output: Tensor, faces: Tensor, color_weight: float) -> Tensor:
    """Return the mean absolute difference of standardised faces (batch, V, C), ().

    Of six channels it is that of the positions and, by its weight, that of the colours.
    """
    if faces.shape[-1] == 3:
        return l1_loss(output, faces)
    apart = (output - faces).abs()
    return apart[..., POSITION].mean() + color_weight * apart[..., COLOR].mean()


def objective(
    network: PartAutoencoder,
    x: Tensor,
    order: Tensor | None = None,
    shares: Tensor | None = None,
    cycle: bool = True,
    noise: Tensor | None = None,
    free: float = 0.0,
    color_weight: float = 1.0,
) -> Losses:
    """Return the reconstruction loss, and those of shuffled parts.

    Part encodings are shuffled across the batch and decoded. The cycle (Dubrovina et al., ICCV
    2019): the result is encoded and projected again, un-shuffled and decoded, which must give the
    input back; it costs nearly twice the reconstruction. The blend: the result must be the blend of
    the faces by the local weights, so that a part is decoded from its own encoding, where it is.
    With the first faces of the batch only, they are estimates of the same losses for less.

    Parameters
    ----------
    network : PartAutoencoder
    x : (batch, V, C)
        Standardised faces.
    order : int (K, n), optional
        One permutation a part of the first n <= batch faces, which are shuffled; without it none
        are.
    shares : (K, V, 1), optional
        How much of each part each vertex gets; without it there is no blend.
    cycle : whether shuffled faces go through the cycle
    noise : (batch, Z), from N(0, 1): the codes are drawn by it from the encoder's distribution;
        without it they are its mean
    free : nats of the divergence of each number that cost nothing
    color_weight : what colours count beside positions, where the faces have six channels
    """
    spread = None
    if noise is None:
        z = network.encode(x)
    else:
        mean, log_variance = network.posterior(x)
        z = mean + noise * (0.5 * log_variance).exp()
        spread = divergence(mean, log_variance, free)
    parts = network.parts(z)
    output = network.decode(parts)
    reconstruction = distance(output, x, color_weight)
    if order is None:
        return Losses(reconstruction, None, None, output, spread)
    count = order.shape[1]
    mixed = network.decode(shuffle_parts(parts[:count], order))
    restored = blend = None
    if shares is not None:
        faces = x.new_zeros(count, *x.shape[1:])
        for rows, share in zip(order, shares, strict=True):
            faces.addcmul_(x[rows], share)
        blend = distance(mixed, faces, color_weight)
    if cycle:
        again = network.parts(network.encode(mixed))
        decoded = network.decode(shuffle_parts(again, torch.argsort(order, dim=1)))
        restored = distance(decoded, x[:count], color_weight)
    return Losses(reconstruction, restored, blend, output, spread)
