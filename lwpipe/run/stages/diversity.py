"""Stages of the diversity analysis."""

from lwpipe.core.stage import Input, Needs, Output, Stage, Target
from lwpipe.evaluation.settings import DiversitySettings
from lwpipe.figures.settings import PlotSettings
from lwpipe.run.stages.data import DATA
from lwpipe.run.stages.training import MODEL

TARGET = Target(
    "diversity",
    8,
    "Diversity",
    "Encodings of training, test and synthesised faces in the plane, with 2-sigma ellipses, and "
    "the areas of the ellipses.",
)

MEASURE = Stage(
    name="measure_diversity",
    target="diversity",
    does="measure the spread of encodings",
    function="lwpipe.evaluation.diversity:measure_diversity",
    inputs={"data": DATA, "model": MODEL},
    reads={"diversity": DiversitySettings},
    outputs={
        "points": Output("points.csv"),
        "table": Output(
            "diversity.csv",
            "Areas of the 2-sigma ellipses of training, test and synthesised encodings of "
            "{variant} in the plane, and their ratios.",
            "table",
            "areas of the ellipses",
        ),
    },
    needs=Needs(program=560, copies=1, of_vertex=5, minutes_of_gigabyte=20),
)
DRAW = Stage(
    name="draw_diversity",
    target="diversity",
    does="draw the spread of encodings",
    function="lwpipe.figures.diversity:draw_diversity",
    inputs={"points": Input("measure_diversity", ("points",))},
    reads={"figures": PlotSettings},
    outputs={
        "picture": Output(
            "diversity.png",
            "Encodings of training (red), test (yellow) and synthesised faces (green) of {variant} "
            "under PCA and t-SNE, with 2-sigma ellipses (figure 6 of the paper).",
            "figure",
            "encodings",
        )
    },
    needs=Needs(program=250),
)
