"""Stages of the part-by-part interpolation."""

from lwpipe.core.stage import Input, Needs, Output, Stage, Target
from lwpipe.editing.settings import EditingSettings
from lwpipe.evaluation.settings import AnimationSettings, InterpolationSettings
from lwpipe.figures.settings import FiguresSettings
from lwpipe.run.stages.data import DATA
from lwpipe.run.stages.local_weights import LOCAL_WEIGHTS
from lwpipe.run.stages.training import MODEL

TARGET = Target(
    "interpolation",
    7,
    "Interpolation",
    "One part at a time moves from a source to a target face: one row a part, one column a step, "
    "and last the distance from the first to the last face of the row.",
)

INTERPOLATE = Stage(
    name="interpolate",
    target="interpolation",
    does="move pairs of faces to each other part by part",
    function="lwpipe.evaluation.interpolation:interpolate",
    inputs={"data": DATA, "local_weights": LOCAL_WEIGHTS, "model": MODEL},
    reads={"interpolation": InterpolationSettings, "editing": EditingSettings},
    outputs={
        "faces": Output("interpolation.npz", show="viewer"),
        "table": Output(
            "interpolation.csv",
            "How far each part of {variant} moves the surface, from the first to the last face of "
            "an interpolation (Hausdorff distance, mm).",
            label="distances",
        ),
        "meshes": Output("meshes/"),
    },
    gives="folder",
    members="interpolation.variants",
    needs=Needs(program=560, of_vertex=12, minutes_of_gigabyte=20),
)
DRAW = Stage(
    name="draw_interpolation",
    target="interpolation",
    does="render the interpolations",
    function="lwpipe.figures.interpolation:draw_interpolation",
    inputs={"data": DATA, "faces": Input("interpolate", ("faces",))},
    reads={"interpolation": AnimationSettings, "figures": FiguresSettings},
    outputs={
        # A folder, because how many files it has depends on the variant's parts and pairs.
        "output": Output(
            "pictures/",
            "Interpolation of one part at a time from a source to a target face by {variant} "
            "(figures 4 and 5 of the paper): one row a part, one column a step. The sheets also "
            "show the local weight of each part and, last, the distance from the first to the last "
            "face of the row (Hausdorff map, mm). Animations hold the same faces.",
            "figure",
            "pair",
            ("pair_{figure}.png", "pair_{figure}.gif", "pair_{figure}.mp4"),
        )
    },
    members="interpolation.variants",
    needs=Needs(program=600, of_vertex=12, minutes_of_gigabyte=60),
)
