"""The stage that measures the closed-form baselines."""

from lwpipe.core.stage import Needs, Output, Stage, Target
from lwpipe.evaluation.settings import EvaluationSettings
from lwpipe.model.settings import LatentSettings
from lwpipe.run.stages.data import DATA
from lwpipe.run.stages.evaluation import PARTS
from lwpipe.run.stages.local_weights import LOCAL_WEIGHTS

TARGET = Target(
    "baselines", 6, "Baselines", "PCA and the closed-form edits, measured as the variants are."
)

EVALUATE = Stage(
    name="evaluate_baselines",
    target="baselines",
    does="measure PCA and the closed-form edits",
    function="lwpipe.evaluation.evaluate:evaluate_baselines",
    inputs={"data": DATA, "local_weights": LOCAL_WEIGHTS},
    reads={"evaluation": EvaluationSettings, "model": LatentSettings},
    outputs={"measures": Output("measures.json"), "parts": PARTS},
    scope="run",
    needs=Needs(program=300, copies=4, minutes_of_gigabyte=60),
)
