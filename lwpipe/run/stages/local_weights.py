"""Stages of the local weights."""

from lwpipe.core.stage import Input, Needs, Output, Size, Stage, Target
from lwpipe.figures.settings import FiguresSettings
from lwpipe.local_weights.settings import LocalWeightsSettings
from lwpipe.run.stages.data import DATA

TARGET = Target(
    "local_weights",
    3,
    "Local weights",
    "How much each vertex belongs to each part: found by sparse non-negative matrix factorisation "
    "of the displacements, or painted. The weights of a vertex sum to 1.",
)

LOCAL_WEIGHTS = Input("make_local_weights", ("weights",))


def _features_mb(size: Size, local_weights: LocalWeightsSettings) -> float:
    """Return the features in double precision, and nimfa's copies of them.

    Painted weights have none: blurring them takes less than 4 kB a vertex.
    """
    if local_weights.source == "file":
        return 4e-3 * size.vertices
    columns = min(size.faces, local_weights.max_faces or size.faces)
    columns *= 6 if local_weights.features == "signed" else 1
    copies = 2 if local_weights.solver == "fast" else 8
    return copies * 8e-6 * size.vertices * columns


def _memory(needed: float, size: Size, local_weights: LocalWeightsSettings) -> float:
    return needed + _features_mb(size, local_weights)


def _minutes(needed: float, size: Size, local_weights: LocalWeightsSettings) -> float:
    # A thousandth of a second an iteration for a MB of features; nimfa takes ten times as long.
    slower = 1 if local_weights.solver == "fast" else 10
    work = _features_mb(size, local_weights) * local_weights.iterations
    return needed + slower * work / 60_000


MAKE = Stage(
    name="make_local_weights",
    target="local_weights",
    does="factorise the faces into parts, or read painted ones",
    function="lwpipe.local_weights.make:make_local_weights",
    inputs={"data": DATA},
    reads={"local_weights": LocalWeightsSettings},
    outputs={
        "weights": Output("local_weights.npz", show="viewer"),
        "info": Output("local_weights.json"),
    },
    scope="shared",
    needs=Needs(program=560, copies=1, memory=_memory, minutes=_minutes),
)
DRAW = Stage(
    name="draw_local_weights",
    target="local_weights",
    does="draw the local weights",
    function="lwpipe.figures.local_weights:draw_local_weights",
    inputs={"data": DATA, "local_weights": LOCAL_WEIGHTS},
    reads={"figures": FiguresSettings},
    outputs={
        "picture": Output(
            "local_weights.png",
            "Local weights (figure 2 of the paper): how much each vertex belongs to each part.",
            "figure",
            "local weights",
        )
    },
    scope="shared",
    needs=Needs(program=420, of_vertex=7, minutes_of_gigabyte=5),
)
