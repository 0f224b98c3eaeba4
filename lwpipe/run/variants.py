"""The variants that lwpipe ships: the model of the paper, whole and without one of its pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


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
    "magnitude_features": Variant(
        "parts found from the length of displacements", {"local_weights": {"features": "magnitude"}}
    ),
}


def shipped_overrides() -> dict[str, Any]:
    """Return the overrides of each shipped variant, as the key `variants` holds them."""
    return {name: variant.overrides for name, variant in SHIPPED.items()}
