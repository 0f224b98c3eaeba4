"""Stages that make the true answers of edits and compare edits with them."""

from lwpipe.core.stage import Input, Needs, Output, Stage, Target
from lwpipe.data.settings import DataSettings
from lwpipe.editing.settings import EditingSettings
from lwpipe.evaluation.settings import TruthSettings
from lwpipe.figures.settings import FiguresSettings
from lwpipe.model.settings import LatentSettings
from lwpipe.run.stages.data import DATA
from lwpipe.run.stages.local_weights import LOCAL_WEIGHTS
from lwpipe.run.stages.training import MODEL

TARGET = Target(
    "truth",
    5.5,
    "Truth",
    "Sources that know the factors of their faces can make the true face with one part of another: "
    "how far edits are from it, beside the source left as it is.",
)

MAKE = Stage(
    name="make_recombinations",
    target="truth",
    does="make the true answers of edits",
    function="lwpipe.evaluation.recombine:make_recombinations",
    inputs={"dataset": DATA, "local_weights": LOCAL_WEIGHTS},
    reads={"data": DataSettings, "truth": TruthSettings},
    outputs={"recombinations": Output("recombinations.npz")},
    scope="run",
    needs=Needs(program=420, copies=1, of_vertex=12, minutes_of_gigabyte=20),
)
RECOMBINATIONS = Input("make_recombinations", ("recombinations",))
MEASURE = Stage(
    name="measure_truth",
    target="truth",
    does="compare edits with their true answers",
    function="lwpipe.evaluation.truth:measure_truth",
    inputs={
        "dataset": DATA,
        "recombinations": RECOMBINATIONS,
        "local_weights": LOCAL_WEIGHTS,
        "model": MODEL,
    },
    reads={"editing": EditingSettings},
    outputs={
        "table": Output(
            "truth.csv",
            "Distance (mm) of edits by {variant} from the true face with that part, over all "
            "vertices and inside and outside the part. Empty where the source of the faces does "
            "not know their factors, or the parts are others than those of the run.",
            "table",
            "distances from the truth",
        ),
        "examples": Output("examples.npz", show="viewer"),
    },
    needs=Needs(program=620, copies=1, of_vertex=12, minutes_of_gigabyte=20),
)
MEASURE_BASELINES = Stage(
    name="measure_truth_of_baselines",
    target="truth",
    does="compare the closed-form edits with their true answers",
    function="lwpipe.evaluation.truth:measure_truth_of_baselines",
    inputs={
        "dataset": DATA,
        "recombinations": RECOMBINATIONS,
        "local_weights": LOCAL_WEIGHTS,
    },
    reads={"model": LatentSettings},
    outputs={
        "table": Output(
            "truth.csv",
            "Distance (mm) of the closed-form edits from the same true faces.",
            "table",
            "distances from the truth",
        )
    },
    scope="run",
    needs=Needs(program=420, copies=4, of_vertex=12, minutes_of_gigabyte=30),
)
DRAW = Stage(
    name="draw_truth",
    target="truth",
    does="render edits beside their true answers",
    function="lwpipe.figures.truth:draw_truth",
    inputs={"dataset": DATA, "examples": Input("measure_truth", ("examples",))},
    reads={"figures": FiguresSettings},
    outputs={
        "picture": Output(
            "truth.png",
            "Edits by {variant} beside the true faces. Of each part, the pair of those drawn that "
            "changes most; last, how far the edit, and the source left as it is, are from the "
            "truth (mm).",
            "figure",
            "edits and their true answers",
        )
    },
    members="interpolation.variants",
    needs=Needs(program=600, of_vertex=12, minutes_of_gigabyte=20),
)
