"""A small data set, its pyramid and its local weights, and a training on them."""

from pathlib import Path

from lwpipe.data.make import make_dataset
from lwpipe.data.settings import DataSettings
from lwpipe.local_weights import make_local_weights
from lwpipe.local_weights.settings import LocalWeightsSettings
from lwpipe.model import PartModel
from lwpipe.model.settings import ModelSettings
from lwpipe.template import make_template
from lwpipe.template.settings import TemplateSettings
from lwpipe.training import train
from lwpipe.training.settings import TrainingSettings

MODEL = ModelSettings(latent_size=8, channels=[8, 8], order=4)
TRAINING = TrainingSettings(epochs=25, batch_size=8, learning_rate=1e-2, device="cpu")
# 36 training faces in 3 batches an epoch, 4 test faces.
SHORT = TRAINING.model_copy(update={"epochs": 3, "batch_size": 12})


def make_inputs(folder: Path, **data: object) -> Path:
    """Write 36 training and 4 test faces with all that training needs."""
    made = {"faces": 40, "synthetic": {"vertices": 1500}, **data}
    return make_inputs_of(DataSettings.model_validate(made), folder)


def make_inputs_of(settings: DataSettings, folder: Path) -> Path:
    """Write faces of any source with all that training needs."""
    make_dataset(settings, folder / "data")
    make_template(
        folder / "data",
        folder / "pyramid.npz",
        folder / "pyramid.csv",
        TemplateSettings(factors=[4, 4]),
    )
    make_local_weights(
        folder / "data",
        folder / "weights.npz",
        folder / "weights.json",
        LocalWeightsSettings(iterations=10),
    )
    return folder


def run(
    inputs: Path, output: Path, checkpoints: Path, training=TRAINING, model=MODEL, **options
) -> PartModel:
    """Train on the inputs."""
    return train(
        inputs / "data",
        inputs / "pyramid.npz",
        inputs / "weights.npz",
        output,
        model,
        training,
        checkpoints=checkpoints,
        **options,
    )
