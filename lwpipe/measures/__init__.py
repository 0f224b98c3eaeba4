"""How good a model is: reconstruction, locality, plausibility, validity, specificity, diversity."""

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
