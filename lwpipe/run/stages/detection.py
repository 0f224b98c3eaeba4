"""Stages that ask whether edits can be told from real faces."""

from dataclasses import replace

from lwpipe.core.stage import Input, Needs, Output, Size, Stage, Target
from lwpipe.data.settings import DataSettings
from lwpipe.editing.settings import EditingSettings
from lwpipe.evaluation.settings import DetectionSettings, DialSettings, FreshSettings
from lwpipe.figures.settings import PlotSettings
from lwpipe.model.settings import LatentSettings
from lwpipe.run.stages.data import DATA
from lwpipe.run.stages.local_weights import LOCAL_WEIGHTS
from lwpipe.run.stages.training import MODEL
from lwpipe.run.stages.truth import RECOMBINATIONS

TARGET = Target(
    "detection",
    5.7,
    "Detection",
    "Can a classifier tell faces with one part replaced from real ones? Accuracies of two-sample "
    "tests on faces that no model has seen, in four spaces of features, on whole faces and along "
    "the border of the part; 0.5 is chance. Controls: real faces, parts pasted with a hard border, "
    "whole faces given back, and pairs of a part and a surrounding that were only shuffled, "
    "without a border.",
)

# Sets of faces, and of their features, that are held at once: of some part counts.
_SETS_HELD = 12


def memory_of_sets(
    needed: float, size: Size, detection: FreshSettings, **sections: object
) -> float:
    """Return MB, with the sets of faces and the distances within them."""
    pairs = (2 * detection.faces) ** 2
    sets = Size(_SETS_HELD * detection.faces, size.vertices).megabytes
    return needed + sets + 8e-6 * pairs * 12


def _minutes(needed: float, size: Size, detection: FreshSettings, **sections: object) -> float:
    """Return minutes, with those of some three hundred tests."""
    return needed + minutes_of_tests(300, size, detection.faces)


def _minutes_of_dials(
    needed: float, size: Size, detection: DialSettings, **sections: object
) -> float:
    """Return minutes, with those of the tests at each position of two edits' dials."""
    return needed + minutes_of_tests(192 * len(detection.dials), size, detection.faces)


def minutes_of_tests(tests: int, size: Size, faces: int) -> float:
    """Return minutes of two-sample tests of so many faces a side."""
    return tests * (1e-3 * faces + 3e-7 * faces * size.vertices) / 60


OF_MODEL = Needs(
    program=620,
    copies=2,
    of_vertex=12,
    minutes_of_gigabyte=30,
    memory=memory_of_sets,
    minutes=_minutes,
)
OF_BASELINES = replace(OF_MODEL, program=420, copies=3)
FRESH_FACES = Stage(
    name="draw_fresh_faces",
    target="detection",
    does="draw faces that are not in the data set",
    function="lwpipe.evaluation.fresh:draw_fresh_faces",
    inputs={"dataset": DATA},
    reads={"data": DataSettings, "detection": FreshSettings},
    outputs={"faces": Output("fresh_faces.npz")},
    scope="shared",
    needs=Needs(program=420, copies=1, of_vertex=12, minutes_of_gigabyte=30, memory=memory_of_sets),
)
FRESH = Input("draw_fresh_faces", ("faces",))
_TABLES = {
    "tests": Output(
        "tests.csv",
        "Two-sample tests of {variant}: accuracy of a support vector machine, with the range of "
        "chance, of the nearest neighbour, energy distance and maximum mean discrepancy, each with "
        "its probability by chance.",
        "table",
        "two-sample tests",
    ),
    "edits": Output(
        "edits.csv",
        "Edits by {variant}: largest accuracy of the classifier over the spaces, on whole faces "
        "and along the border; its excess over that of shuffled pairs; likeness (1: the whole part "
        "of the target arrives) and leak; of the whole sets accuracy of the nearest neighbour in "
        "vertices, coverage and matching distance (mm) of the references, JSD and diversity (mm); "
        "and how well the change tells which part was replaced (VP).",
        "table",
        "edits",
    ),
}
MEASURE = Stage(
    name="measure_detection",
    target="detection",
    does="test edits against real faces",
    function="lwpipe.evaluation.detection:measure_detection",
    inputs={"dataset": DATA, "local_weights": LOCAL_WEIGHTS, "model": MODEL, "fresh": FRESH},
    reads={"detection": DetectionSettings, "editing": EditingSettings},
    outputs=_TABLES,
    members="detection.variants",
    needs=OF_MODEL,
)
MEASURE_BASELINES = Stage(
    name="measure_detection_of_baselines",
    target="detection",
    does="test the closed-form edits against real faces",
    function="lwpipe.evaluation.detection:measure_detection_of_baselines",
    inputs={"dataset": DATA, "local_weights": LOCAL_WEIGHTS, "fresh": FRESH},
    reads={"detection": DetectionSettings, "model": LatentSettings},
    outputs={
        name: replace(output, caption=output.caption.replace("{variant}", "closed form"))
        for name, output in _TABLES.items()
    },
    scope="run",
    needs=OF_BASELINES,
)
_DIALS = Output(
    "dials.csv",
    "Edits by {variant} at positions of the dials `keep` and `harmony`: how surely they "
    "are told from real faces, likeness, leak, and distance from the truth. Means over the parts.",
    "table",
    "positions of the dials",
)
MEASURE_DIALS = Stage(
    name="measure_dials",
    target="detection",
    does="turn the dials of a model's edits",
    function="lwpipe.evaluation.dials:measure_dials",
    inputs={
        "dataset": DATA,
        "local_weights": LOCAL_WEIGHTS,
        "model": MODEL,
        "fresh": FRESH,
        "recombinations": RECOMBINATIONS,
    },
    reads={"detection": DialSettings},
    outputs={"table": _DIALS},
    members="detection.variants",
    needs=replace(OF_MODEL, minutes=_minutes_of_dials),
)
MEASURE_DIALS_OF_BASELINES = Stage(
    name="measure_dials_of_baselines",
    target="detection",
    does="turn the dials of the closed-form edits",
    function="lwpipe.evaluation.dials:measure_dials_of_baselines",
    inputs={
        "dataset": DATA,
        "local_weights": LOCAL_WEIGHTS,
        "fresh": FRESH,
        "recombinations": RECOMBINATIONS,
    },
    reads={"detection": DialSettings, "model": LatentSettings},
    outputs={"table": replace(_DIALS, caption=_DIALS.caption.replace("{variant}", "closed form"))},
    scope="run",
    needs=replace(OF_BASELINES, minutes=_minutes_of_dials),
)
DRAW = Stage(
    name="draw_detection",
    target="detection",
    does="draw how surely edits are told from real faces",
    function="lwpipe.figures.detection:draw_detection",
    inputs={
        "tests": Input("measure_detection", ("tests",), "each"),
        "tests_of_baselines": Input("measure_detection_of_baselines", ("tests",)),
    },
    reads={"figures": PlotSettings},
    outputs={
        "picture": Output(
            "detection.png",
            "How surely a classifier tells edits from real faces, by the space of features: means "
            "over the parts. Grey: the middle 95% of what it reaches by chance.",
            "figure",
            "edits told from real faces",
        )
    },
    scope="run",
    needs=Needs(program=220),
)
