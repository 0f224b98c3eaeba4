"""Stages of the training."""

from lwpipe.core.stage import Input, Needs, Output, Size, Stage, Switch, Target
from lwpipe.figures.settings import PlotSettings
from lwpipe.local_weights.settings import LocalWeightsSettings
from lwpipe.model.kernel import MOST_COMPONENTS
from lwpipe.model.settings import ModelSettings
from lwpipe.model.weightings import WEIGHTINGS
from lwpipe.run.stages.data import DATA
from lwpipe.run.stages.local_weights import LOCAL_WEIGHTS
from lwpipe.training.settings import TrainingSettings

TARGET = Target(
    "training",
    4,
    "Training",
    "Losses and errors over the epochs; the settings of the first variant, and of each other what "
    "differs from them.",
)

MODEL = Input("train_model", ("model", "info"))


def _passes(training: TrainingSettings) -> int:
    """Return how often a step runs the network: three times with the cycle loss."""
    if training.cycle_weight > 0:
        return 3
    return 2 if training.blend_weight > 0 else 1


def _sides(model: ModelSettings, local_weights: LocalWeightsSettings) -> int:
    """Return how many halves the network has: an encoder and its decoders."""
    own = WEIGHTINGS[model.weighting].own_decoders and model.projection
    return 1 + (local_weights.parts if own else 1)


def _memory(
    needed: float,
    size: Size,
    model: ModelSettings,
    training: TrainingSettings,
    local_weights: LocalWeightsSettings,
) -> float:
    """Add the activations of all the faces of a step that are held at once.

    At full resolution each side of the network holds some 25 bytes a vertex, face and channel.
    """
    faces = training.batch_size / training.accumulate * _sides(model, local_weights)
    activations = 25e-6 * max(model.channels[:2]) * size.vertices * faces * _passes(training)
    if model.base == "kernel":
        # Fitted, kept, and beside the first components once more, in single precision.
        needed += 3 * 12e-6 * MOST_COMPONENTS * size.vertices
    return needed * training.processes + activations


def _minutes(
    needed: float,
    size: Size,
    model: ModelSettings,
    training: TrainingSettings,
    local_weights: LocalWeightsSettings,
) -> float:
    # 30 million vertices a minute in each pass and side: half of what is measured on two cores.
    work = _passes(training) * training.epochs * size.faces * size.vertices
    return needed + work * _sides(model, local_weights) / 3e7


def _gpus(
    model: ModelSettings, training: TrainingSettings, local_weights: LocalWeightsSettings
) -> int:
    # With 'auto' training takes a GPU where it finds one, but does not wait in a queue for it.
    return training.processes if training.device == "cuda" else 0


TRAIN = Stage(
    name="train_model",
    target="training",
    does="train one variant",
    function="lwpipe.training.loop:train",
    inputs={
        "data": DATA,
        "pyramid": Input("make_template", ("pyramid",)),
        "local_weights": LOCAL_WEIGHTS,
    },
    reads={"model": ModelSettings, "training": TrainingSettings},
    outputs={
        "model": Output("model.safetensors"),
        "info": Output("model.json", "The settings of the training.", "facts", "settings"),
        "history": Output(
            "history.csv",
            "Losses, errors on training and test faces (mean vertex distance, mm), learning rate "
            "and seconds of every epoch of {variant}.",
            label="history",
        ),
    },
    gives="folder",
    # Two threads, whatever --cores allows: another number may round otherwise and end with other
    # bytes. More for one large training: --set-threads train_model=8. Small meshes gain nothing by
    # the second: two trainings at a time do.
    needs=Needs(
        program=700,
        copies=1,
        of_vertex=5,
        memory=_memory,
        minutes=_minutes,
        sections=("local_weights",),
        gpus=_gpus,
        threads=2,
        one_thread_below=5000,
    ),
    places={"checkpoints": "checkpoints, by default beside the results"},
    switches={
        "resume": Switch(
            "--fresh", False, "begin at the first epoch, whatever checkpoints there are"
        )
    },
)
DRAW = Stage(
    name="draw_learning_curve",
    target="training",
    does="draw loss and error of every epoch",
    function="lwpipe.figures.learning_curve:draw_learning_curve",
    inputs={"history": Input("train_model", ("history",))},
    reads={"figures": PlotSettings},
    outputs={
        "picture": Output(
            "learning_curve.png",
            "Losses and errors (mean vertex distance, mm) of {variant} over the epochs of its "
            "training.",
            "figure",
            "learning curve",
        )
    },
    needs=Needs(program=150),
)
