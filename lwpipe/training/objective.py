"""The training loss: L1 reconstruction plus the cycle loss of part shuffling."""

from __future__ import annotations

import torch
from torch import Tensor

from lwpipe.model.network import PartAutoencoder, shuffle_parts


def objective(
    network: PartAutoencoder, x: Tensor, order: Tensor | None
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Return the reconstruction loss, the cycle loss and the reconstruction.

    The cycle (Dubrovina et al., ICCV 2019): part encodings are shuffled across the batch,
    decoded, encoded and projected again, un-shuffled and decoded, which must give the input back.

    Parameters
    ----------
    network : PartAutoencoder
    x : (V, batch, 3)
        Standardised faces.
    order : int (K, batch), optional
        One permutation of the batch a part; without it there is no cycle.
    """
    parts = network.parts(network.encode(x))
    reconstruction = network.decode(parts)
    loss = torch.nn.functional.l1_loss(reconstruction, x)
    if order is None:
        return loss, None, reconstruction
    mixed = network.decode(shuffle_parts(parts, order))
    again = network.parts(network.encode(mixed))
    restored = network.decode(shuffle_parts(again, torch.argsort(order, dim=1)))
    return loss, torch.nn.functional.l1_loss(restored, x), reconstruction
