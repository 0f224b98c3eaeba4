"""Weighting 'none': h = sum_k h_k, parts without places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lwpipe.model.weighting import Weighting

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor


class Unweighted(Weighting):
    """Local weights do not act at all: nothing ties a part to a column of them."""

    name = "none"
    place = 3
    words = "not at all"
    parts_match_weights = False

    def of_base(self, weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the same share for all parts: none has a place."""
        shares: npt.NDArray[np.float32] = weights * 0 + weights.dtype.type(1 / weights.shape[1])
        return shares

    def combine(self, h: Tensor, weights: Tensor) -> Tensor:
        """Sum over the parts."""
        features: Tensor = h.unflatten(2, (len(weights), -1)).sum(1)
        return features
