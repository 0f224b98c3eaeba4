"""Weighting 'outer': h(v) = sum_k w_k(v) FC(p_k), the literal reading of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lwpipe.model.weighting import Weighting

if TYPE_CHECKING:
    from torch import Tensor


class Outer(Weighting):
    """Every vertex gets the same features of a part, times its weight."""

    name = "outer"
    place = 2
    words = "as an outer product with the encodings, the literal reading of the paper"

    def decoded(self, vertices: int, width: int) -> int:
        """Return the size of the features of one vertex."""
        return width

    def combine(self, h: Tensor, weights: Tensor) -> Tensor:
        """Multiply each vertex's weights with what is decoded of the parts."""
        import torch

        return torch.einsum("vk,bkc->bvc", weights, h)
