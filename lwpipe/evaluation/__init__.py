"""How good a model is: reconstruction, locality, plausibility, validity, specificity, diversity."""

from typing import TYPE_CHECKING

from lwpipe.core.lazy import lazily

if TYPE_CHECKING:
    from lwpipe.evaluation.diversity import measure_diversity
    from lwpipe.evaluation.evaluate import evaluate_baselines, evaluate_model
    from lwpipe.evaluation.summary import summarise
    from lwpipe.evaluation.surface import surface_distances

__all__ = [
    "evaluate_baselines",
    "evaluate_model",
    "measure_diversity",
    "summarise",
    "surface_distances",
]

# A table needs neither scikit-learn nor a model.
__getattr__ = lazily(
    __name__,
    {
        "evaluate_baselines": "lwpipe.evaluation.evaluate",
        "evaluate_model": "lwpipe.evaluation.evaluate",
        "measure_diversity": "lwpipe.evaluation.diversity",
        "summarise": "lwpipe.evaluation.summary",
        "surface_distances": "lwpipe.evaluation.surface",
    },
)
