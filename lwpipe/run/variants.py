"""The variants that lwpipe ships: the paper's model, whole and without its pieces, and ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lwpipe.editing.settings import KEEPING
from lwpipe.local_weights.settings import REFINE


@dataclass(frozen=True)
class Variant:
    """A variant of the configuration.

    Attributes
    ----------
    words : what it is
    overrides : the keys in which it differs
    """

    words: str
    overrides: dict[str, Any]


_WITHOUT_CYCLE = {"cycle_weight": 0.0}

SHIPPED: dict[str, Variant] = {
    "full": Variant("parts, local weights and cycle loss, as configured above", {}),
    "no_cycle": Variant("without the cycle loss", {"training": _WITHOUT_CYCLE}),
    "no_local_weights": Variant(
        "projections to part encodings, but no local weights", {"model": {"weighting": "none"}}
    ),
    "no_projection": Variant(
        "CoMA: one encoding for the whole face",
        {"model": {"weighting": "none", "projection": False}, "training": _WITHOUT_CYCLE},
    ),
    "outer": Variant(
        "local weights as an outer product with the encodings", {"model": {"weighting": "outer"}}
    ),
    "on_pca": Variant(
        "principal components that the network corrects, parts with borders where the faces have "
        "them, edits that keep what the model cannot represent",
        {
            "model": {"base": "pca"},
            "local_weights": {"refine": REFINE},
            "training": {**_WITHOUT_CYCLE, "blend_weight": 0.5, "partition_weight": 0.0},
            "editing": KEEPING.model_dump(exclude_defaults=True),
        },
    ),
    "magnitude_features": Variant(
        "parts found from the length of displacements", {"local_weights": {"features": "magnitude"}}
    ),
}


def shipped_overrides() -> dict[str, Any]:
    """Return the overrides of each shipped variant, as the key `variants` holds them."""
    return {name: variant.overrides for name, variant in SHIPPED.items()}
