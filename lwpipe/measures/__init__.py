"""How good a model is: reconstruction, locality, plausibility, validity, specificity, diversity."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lwpipe.measures.diversity import measure_diversity
    from lwpipe.measures.evaluate import evaluate_baselines, evaluate_model
    from lwpipe.measures.summary import summarise
    from lwpipe.measures.surface import hausdorff_distance, surface_distances

__all__ = [
    "evaluate_baselines",
    "evaluate_model",
    "hausdorff_distance",
    "measure_diversity",
    "summarise",
    "surface_distances",
]

_HOMES = {
    "evaluate_baselines": "evaluate",
    "evaluate_model": "evaluate",
    "hausdorff_distance": "surface",
    "measure_diversity": "diversity",
    "summarise": "summary",
    "surface_distances": "surface",
}


def __getattr__(name: str) -> Any:
    """Import a measure at its first use: a table needs neither scikit-learn nor a model."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
