"""The training loss: L1 reconstruction plus the cycle loss of part shuffling."""

from __future__ import annotations

import torch
from torch import Tensor

from lwpipe.model.network import PartAutoencoder, shuffle_parts


def objective(
    network: PartAutoencoder, x: Tensor, order: Tensor | None = None
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Return the reconstruction loss, the cycle loss and the reconstruction.

    The cycle (Dubrovina et al., ICCV 2019): part encodings are shuffled across the batch,
    decoded, encoded and projected again, un-shuffled and decoded, which must give the input back.
    Its cost is nearly twice that of the reconstruction; with the first faces of the batch only, it
    is an estimate of the same loss for less.

    Parameters
    ----------
    network : PartAutoencoder
    x : (batch, V, 3)
        Standardised faces.
    order : int (K, n), optional
        One permutation a part of the first n <= batch faces, which go through the cycle; without
        it there is none.
    """
    parts = network.parts(network.encode(x))
    reconstruction = network.decode(parts)
    loss = torch.nn.functional.l1_loss(reconstruction, x)
    if order is None:
        return loss, None, reconstruction
    count = order.shape[1]
    mixed = network.decode(shuffle_parts(parts[:count], order))
    again = network.parts(network.encode(mixed))
    restored = network.decode(shuffle_parts(again, torch.argsort(order, dim=1)))
    return loss, torch.nn.functional.l1_loss(restored, x[:count]), reconstruction
