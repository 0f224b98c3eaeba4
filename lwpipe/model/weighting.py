"""What a weighting is: how the local weights act on what is decoded of each part."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor


class Weighting(ABC):
    """A weighting. Its module is found by scanning `lwpipe.model.weightings`.

    Settings know it by its name: PyTorch is imported in its methods.

    Attributes
    ----------
    name : value of `model.weighting`
    place : where it stands among the others
    words : how local weights act, for the documentation of that key
    parts_match_weights : whether part k of the model belongs to column k of the local weights
    own_decoders : whether each part has a decoder of its own, to be composed by `of_base`
    """

    name: ClassVar[str]
    place: ClassVar[float] = 100
    words: ClassVar[str]
    parts_match_weights: ClassVar[bool] = True
    own_decoders: ClassVar[bool] = False

    def decoded(self, vertices: int, width: int) -> int:
        """Return how many numbers D are decoded of each part encoding.

        Parameters
        ----------
        vertices : of the coarsest level, V_L
        width : channels of its features
        """
        return vertices * width

    def of_base(self, weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return how much each vertex gets of each part as a whole, float32 (V, K).

        Parameters
        ----------
        weights : float32 (V, K), local weights at full resolution
        """
        return weights

    @abstractmethod
    def combine(self, h: Tensor, weights: Tensor) -> Tensor:
        """Return the features of the coarsest level, (batch, V_L, width).

        Parameters
        ----------
        h : (batch, K, D), decoded of each part; K is 1 for a model without parts, and for a decoder
            of one part
        weights : (V_L, K), local weights
        """
