"""How good a model is: reconstruction, locality, plausibility, validity, specificity, diversity."""

from typing import TYPE_CHECKING

from lwpipe.lazy import lazily

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

# A table needs neither scikit-learn nor a model.
__getattr__ = lazily(
    __name__,
    {
        "evaluate_baselines": "lwpipe.measures.evaluate",
        "evaluate_model": "lwpipe.measures.evaluate",
        "hausdorff_distance": "lwpipe.measures.surface",
        "measure_diversity": "lwpipe.measures.diversity",
        "summarise": "lwpipe.measures.summary",
        "surface_distances": "lwpipe.measures.surface",
    },
)
