"""Weighting 'vertex': h = sum_k w_k (.) h_k at each vertex of the coarsest level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lwpipe.model.weighting import Weighting

if TYPE_CHECKING:
    from torch import Tensor


class Vertex(Weighting):
    """Each vertex takes its share of the features of each part."""

    name = "vertex"
    place = 1
    words = "on the decoded features of each vertex"

    def combine(self, h: Tensor, weights: Tensor) -> Tensor:
        """Weight the features of each vertex, and sum over the parts."""
        import torch

        h = h.unflatten(2, (len(weights), -1))
        if h.shape[1] != weights.shape[1]:
            features: Tensor = h.sum(1)
            return features
        return torch.einsum("vk,bkvc->bvc", weights, h)
