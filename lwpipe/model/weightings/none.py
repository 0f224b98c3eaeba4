"""Weighting 'none': h = sum_k h_k, parts without places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lwpipe.model.weighting import Weighting

if TYPE_CHECKING:
    from torch import Tensor


class Unweighted(Weighting):
    """Local weights do not act at all: nothing ties a part to a column of them."""

    name = "none"
    place = 3
    words = "not at all"
    parts_match_weights = False

    def combine(self, h: Tensor, weights: Tensor) -> Tensor:
        """Sum over the parts."""
        features: Tensor = h.unflatten(2, (len(weights), -1)).sum(1)
        return features
