"""One optimiser step: the pieces of a batch, their gradients and their measures."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor, nn

from lwpipe.data.signals import POSITION
from lwpipe.model.part_model import PartModel
from lwpipe.training.objective import objective, partition
from lwpipe.training.settings import TrainingSettings

# Summed over the faces of a batch; the last is the mean distance of a face's vertices, mm.
MEASURES = (
    "loss", "reconstruction_loss", "cycle_loss", "blend_loss", "partition_loss", "kl_loss",
    "train_mm",
)  # fmt: skip


def make_optimizer(network: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """Return the optimiser of the settings."""
    if settings.optimizer == "sgd":
        return torch.optim.SGD(
            network.parameters(),
            lr=settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )
    # Fused, a step takes a third of the time: one pass over the parameters, on CPU and GPU.
    return torch.optim.Adam(
        network.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def cut(count: int, pieces: int) -> list[slice]:
    """Cut `count` things in a row into `pieces` runs of sizes that differ by at most one.

    None is empty: fewer things than pieces give fewer pieces.
    """
    pieces = min(count, pieces)
    return [slice(count * i // pieces, count * (i + 1) // pieces) for i in range(pieces)]


def draw_order(
    rng: np.random.Generator, count: int, parts: int, settings: TrainingSettings
) -> Tensor | None:
    """Draw the shuffles of parts for a piece of `count` faces.

    Returns
    -------
    int64 (K, n) : one permutation a part of the piece's first faces; None where no loss needs them
    """
    if settings.cycle_weight == settings.blend_weight == 0:
        return None
    chosen = max(1, round(settings.cycle_share * count))
    return torch.from_numpy(np.stack([rng.permutation(chosen) for _ in range(parts)]))


def draw_noise(rng: np.random.Generator, count: int, size: int) -> Tensor:
    """Draw by what the codes of `count` faces differ from their means, float32 (count, size)."""
    return torch.from_numpy(rng.standard_normal((count, size), dtype=np.float32))


def precision(device: torch.device, settings: TrainingSettings) -> AbstractContextManager[object]:
    """Return the context of the forward pass: mixed precision on a GPU if it is asked for.

    The CPU always computes in float32.
    """
    if device.type == "cuda" and settings.precision == "bfloat16":
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()


def error_mm(model: PartModel, output: Tensor, x: Tensor) -> Tensor:
    """Return the sum over faces (n, V, C) of the mean vertex distance, mm, float64 ()."""
    with torch.no_grad():
        apart = ((output - x) * model.scale)[..., POSITION]
        distance: Tensor = apart.norm(dim=2)
        return distance.mean(dim=1).double().sum()


def add_gradients(
    model: PartModel,
    x: Tensor,
    orders: Sequence[Tensor | None],
    batch: int,
    settings: TrainingSettings,
    noises: Sequence[Tensor] = (),
    kl_weight: float = 0.0,
) -> Tensor:
    """Add the gradients of a batch, or of one process's share of it, piece by piece.

    Each piece counts by its size, so that the reconstruction loss and its gradient are those of
    the whole batch up to rounding. Shuffled faces mix within a piece: that estimates the same
    losses from other shuffles, and the fewer the faces of a piece, the more often a part stays
    with its own face (one in n for n faces). Memory is that of one piece.

    Parameters
    ----------
    model : PartModel
    x : (n, V, C)
        The share: standardised faces.
    orders : shuffles of each piece, as `draw_order` gives them; as many as there are pieces
    batch : number of faces of the whole batch
    noises : of a variational network those of each piece, as `draw_noise` gives them
    kl_weight : weight of the divergence of the codes at this step

    Returns
    -------
    float64 (7,) : MEASURES, summed over the faces of the share, on the device
    """
    sums = torch.zeros(len(MEASURES), dtype=torch.float64, device=x.device)
    shares = model.shares if settings.blend_weight else None
    each = noises or (None,) * len(orders)
    for piece, order, noise in zip(cut(len(x), len(orders)), orders, each, strict=True):
        part = x[piece]
        if noise is not None:
            noise = noise.to(x.device, non_blocking=True)
        if order is not None:
            order = order.to(x.device, non_blocking=True)
        with precision(x.device, settings):
            found = objective(
                model.network, part, order, shares, settings.cycle_weight > 0, noise,
                settings.free_bits, settings.color_weight,
            )  # fmt: skip
            none = torch.zeros_like(found.reconstruction)
            cycle = none if found.cycle is None else found.cycle
            blend = none if found.blend is None else found.blend
            divided = partition(model.network.matrices()) if settings.partition_weight else none
            loss = found.reconstruction
            loss = loss + settings.cycle_weight * cycle + settings.blend_weight * blend
            loss = loss + settings.partition_weight * divided
            spread = none if found.divergence is None else found.divergence
            if found.divergence is not None:
                loss = loss + kl_weight * spread
        (loss * (len(part) / batch)).backward()
        losses = torch.stack([loss, found.reconstruction, cycle, blend, divided, spread])
        losses = losses.detach().double()
        error = error_mm(model, found.output.detach(), part)
        sums += torch.cat([losses * len(part), error[None]])
    return sums
