"""Settings: their schema, and how files of them are read."""

from lwpipe.config.faults import all_keys
from lwpipe.config.load import load_run, merge, read_yaml, validate_run
from lwpipe.config.run import Point, Run
from lwpipe.config.schema import (
    DataSettings,
    DiversitySettings,
    EvaluationSettings,
    FiguresSettings,
    InterpolationSettings,
    LocalWeightsSettings,
    ModelSettings,
    Settings,
    TemplateSettings,
    TrainingSettings,
)

__all__ = [
    "DataSettings",
    "DiversitySettings",
    "EvaluationSettings",
    "FiguresSettings",
    "InterpolationSettings",
    "LocalWeightsSettings",
    "ModelSettings",
    "Point",
    "Run",
    "Settings",
    "TemplateSettings",
    "TrainingSettings",
    "all_keys",
    "load_run",
    "merge",
    "read_yaml",
    "validate_run",
]
