"""Where the model and the faces of a run lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lwpipe.core.errors import LwpipeError
from lwpipe.run.stages import STAGES


@dataclass(frozen=True)
class Places:
    """Folders of one variant of a run.

    Attributes
    ----------
    model : the folder with `model.safetensors`
    data : the data set that it was trained on
    """

    model: Path
    data: Path


def find_places(run: str | Path, variant: str) -> Places:
    """Find the model of a variant and its data set.

    Parameters
    ----------
    run : `results/<run>`
    variant : name of a variant, or of a point of the sweep

    Raises
    ------
    LwpipeError
        If it is no run, has no such variant, or the variant is not trained.
    """
    run = Path(run)
    training, data = STAGES["train_model"].place, STAGES["make_dataset"].place
    file = f"{training}/model.safetensors"
    trained = sorted(path.parents[1].name for path in run.glob(f"*/*/{file}"))
    if not trained:
        raise LwpipeError(f"{run}: has no trained variant: name the folder of a run that has one.")
    roots = [run / "variants" / variant, run / "sweep" / variant]
    root = next((each for each in roots if (each / file).is_file()), None)
    if root is None:
        raise LwpipeError(
            f"{run}: has no trained variant {variant!r}; it has {', '.join(trained)}."
        )
    own = root / data
    return Places(root / training, own if own.is_dir() else run / data)
