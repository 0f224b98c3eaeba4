"""The stage that measures a variant."""

from lwpipe.core.stage import Needs, Output, Stage, Target
from lwpipe.editing.settings import EditingSettings
from lwpipe.evaluation.settings import EvaluationSettings
from lwpipe.run.stages.data import DATA
from lwpipe.run.stages.local_weights import LOCAL_WEIGHTS
from lwpipe.run.stages.training import MODEL

TARGET = Target(
    "evaluation", 5, "Evaluation", "Every measure of each variant on the test faces, part by part."
)

PARTS = Output(
    "parts.csv",
    "Measures of each part on pairs of test faces: Pearson correlation r of the edit with the "
    "local weight, and leak, the mean distance where the weight is below 0.1 over that where it is "
    "above 0.5.",
    label="measures a part",
)

EVALUATE = Stage(
    name="evaluate_model",
    target="evaluation",
    does="measure one variant on the test faces",
    function="lwpipe.evaluation.evaluate:evaluate_model",
    inputs={"data": DATA, "local_weights": LOCAL_WEIGHTS, "model": MODEL},
    reads={"evaluation": EvaluationSettings, "editing": EditingSettings},
    outputs={"measures": Output("measures.json"), "parts": PARTS},
    needs=Needs(program=560, copies=3, of_vertex=5, minutes_of_gigabyte=60),
)
