"""Stages that draw faces from trained models and measure them."""

from dataclasses import replace

from lwpipe.core.stage import Input, Needs, Output, Size, Stage, Target
from lwpipe.editing.settings import EditingSettings
from lwpipe.evaluation.settings import DetectionSettings, FreshSettings, SampleSettings
from lwpipe.figures.settings import FiguresSettings
from lwpipe.model.settings import LatentSettings
from lwpipe.run.stages.data import DATA
from lwpipe.run.stages.detection import FRESH, OF_BASELINES, OF_MODEL, minutes_of_tests
from lwpipe.run.stages.local_weights import LOCAL_WEIGHTS
from lwpipe.run.stages.training import MODEL
from lwpipe.sampling.settings import PriorSettings

TARGET = Target(
    "sampling",
    5.8,
    "Sampling",
    "Faces drawn from models: whole ones, and one part given the rest. Could they be faces "
    "(two-sample tests against faces that no model has seen; 0.5 is chance), are they many, and "
    "are they new (distance to the nearest training face, beside that of real faces)?",
)


def _minutes(needed: float, size: Size, detection: FreshSettings, **sections: object) -> float:
    """Return minutes, with those of some hundred tests and of the draws of parts."""
    return needed + minutes_of_tests(100, size, detection.faces)


FIT = Stage(
    name="fit_prior",
    target="sampling",
    does="fit what faces of a model are drawn from",
    function="lwpipe.evaluation.samples:fit_model_prior",
    inputs={"dataset": DATA, "model": MODEL},
    reads={"sampling": PriorSettings},
    outputs={"prior": Output("prior.npz")},
    members="sampling.variants",
    needs=Needs(program=620, copies=6, of_vertex=12, minutes_of_gigabyte=30),
)
_TABLES = {
    "tests": Output(
        "tests.csv",
        "Two-sample tests of faces drawn from {variant} against faces that no model has seen.",
        "table",
        "two-sample tests",
    ),
    "table": Output(
        "samples.csv",
        "Faces drawn from {variant}: largest accuracy of the classifier over the spaces, on whole "
        "faces and along the border of a part; share of faces whose nearest neighbour is of their "
        "own set (0.5 is best); coverage and matching distance of the references, JSD; distance to "
        "the nearest training face (mm), its ratio to that of real faces, and the share of samples "
        "that are nearer than the nearest twentieth of real faces; mean distance of two samples, "
        "or of a part drawn twice; error of unseen faces given back (mm).",
        "table",
        "samples",
    ),
}
MEASURE = Stage(
    name="measure_samples",
    target="sampling",
    does="draw faces and measure them",
    function="lwpipe.evaluation.samples:measure_samples",
    inputs={
        "dataset": DATA,
        "local_weights": LOCAL_WEIGHTS,
        "model": MODEL,
        "prior": Input("fit_prior", ("prior",)),
        "fresh": FRESH,
    },
    reads={"sampling": SampleSettings, "detection": DetectionSettings, "editing": EditingSettings},
    outputs={**_TABLES, "examples": Output("examples.npz")},
    members="sampling.variants",
    needs=replace(OF_MODEL, copies=3, minutes=_minutes),
)
MEASURE_BASELINES = Stage(
    name="measure_samples_of_baselines",
    target="sampling",
    does="measure real faces, and samples of principal components",
    function="lwpipe.evaluation.samples:measure_samples_of_baselines",
    inputs={"dataset": DATA, "local_weights": LOCAL_WEIGHTS, "fresh": FRESH},
    reads={"sampling": SampleSettings, "detection": DetectionSettings, "model": LatentSettings},
    outputs={
        name: replace(
            output,
            caption=output.caption.replace(
                "{variant}", "Gaussians of principal components, and real faces"
            ),
        )
        for name, output in _TABLES.items()
    },
    scope="run",
    needs=replace(OF_BASELINES, minutes=_minutes),
)
DRAW = Stage(
    name="draw_samples",
    target="sampling",
    does="render faces that were drawn",
    function="lwpipe.figures.samples:draw_samples",
    inputs={"dataset": DATA, "examples": Input("measure_samples", ("examples",))},
    reads={"figures": FiguresSettings},
    outputs={
        "grid": Output(
            "samples.png", "Faces drawn from {variant}.", "figure", "faces that were drawn"
        ),
        "nearest": Output(
            "nearest.png",
            "Faces drawn from {variant}, above the training face that is nearest to each, and how "
            "far it is (mm).",
            "figure",
            "nearest training faces",
        ),
        "parts": Output(
            "parts.png",
            "Each part of a face drawn sixteen times by {variant}, given the rest.",
            "figure",
            "parts drawn given the rest",
        ),
        "directions": Output(
            "directions.png",
            "Each part of a face along the directions in which it varies most, given the rest.",
            "figure",
            "main directions of the parts",
        ),
    },
    members="sampling.variants",
    needs=Needs(program=600, of_vertex=12, minutes_of_gigabyte=20),
)
