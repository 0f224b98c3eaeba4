"""Stages of the sweep: training and evaluation at every point, one table, one figure."""

from dataclasses import replace

from lwpipe.core.stage import Input, Needs, Output, Stage, Target
from lwpipe.figures.settings import PlotSettings
from lwpipe.run.stages.evaluation import EVALUATE as EVALUATE_MODEL
from lwpipe.run.stages.training import TRAIN as TRAIN_MODEL

TARGET = Target(
    "sweep",
    10,
    "Sweep",
    "The model trained and evaluated at every combination of the swept keys; everything else is as "
    "in the rest of the configuration. Measures as in the table of variants.",
)

TRAIN = replace(
    TRAIN_MODEL,
    name="train_point",
    target="sweep",
    folder="training",
    scope="point",
    does="train at one point of the sweep",
    outputs={name: Output(output.file) for name, output in TRAIN_MODEL.outputs.items()},
)
EVALUATE = replace(
    EVALUATE_MODEL,
    name="evaluate_point",
    target="sweep",
    folder="evaluation",
    scope="point",
    does="measure one point of the sweep",
    inputs={**EVALUATE_MODEL.inputs, "model": Input("train_point", ("model", "info"))},
    outputs={name: Output(output.file) for name, output in EVALUATE_MODEL.outputs.items()},
)
COLLECT = Stage(
    name="collect_sweep",
    target="sweep",
    does="put the measures of all points into one table",
    function="lwpipe.evaluation.sweep:collect_sweep",
    inputs={"measures": Input("evaluate_point", ("measures",), "each", partly=True)},
    outputs={
        "table": Output(
            "sweep.csv",
            "All points of the sweep: the values of the swept keys, and the measures of the "
            "trained model as in the table of variants.",
            "table",
            "table",
        )
    },
    scope="sweep",
    about=("points",),
    needs=Needs(program=220),
)
DRAW = Stage(
    name="draw_sweep",
    target="sweep",
    does="draw the measures over the swept keys",
    function="lwpipe.figures.sweep:draw_sweep",
    inputs={"table": Input("collect_sweep", ("table",))},
    reads={"figures": PlotSettings},
    outputs={
        "picture": Output(
            "sweep.png",
            "Measures over the swept keys: means, and the range over the seeds where seeds are "
            "swept.",
            "figure",
            "measures over the swept keys",
        )
    },
    scope="sweep",
    needs=Needs(program=200),
)
