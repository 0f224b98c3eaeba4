"""Finding the model and the data set of a run."""

from __future__ import annotations

from pathlib import Path

from lwpipe.core.errors import LwpipeError
from lwpipe.model.archive import SETTINGS_NAME
from lwpipe.run.stages import STAGES


def find_trained(path: str | Path, variant: str) -> tuple[Path, Path | None]:
    """Return where a model lies, and the data set that it was trained on, if it lies there too.

    Parameters
    ----------
    path : folder of a run, `results/<run>`, of a variant or of a model, or `model.safetensors`
    variant : of a run, or a point of its sweep

    Raises
    ------
    LwpipeError
        If there is no such model.
    """
    path = Path(path)
    training = STAGES["train_model"].place
    trained = sorted(file.parts[-3] for file in path.glob(f"*/*/{training}/{SETTINGS_NAME}"))
    if trained or (path / "variants").is_dir():
        for root in (path / "variants" / variant, path / "sweep" / variant):
            if (root / training / SETTINGS_NAME).exists():
                return root / training, _data(root)
        raise LwpipeError(
            f"{path}: has no trained variant {variant!r}: it has {', '.join(trained) or 'none'}."
        )
    if (path / training / SETTINGS_NAME).exists():
        return path / training, _data(path)
    # What is no model is told of by its reader.
    return path, _data((path if path.is_dir() else path.parent).absolute().parent)


def find_prior(place: str | Path) -> Path:
    """Return where the workflow writes the prior of a model; it need not be there.

    Parameters
    ----------
    place : folder of the model, or its file
    """
    path, stage = Path(place), STAGES["fit_prior"]
    root = (path if path.is_dir() else path.parent).absolute().parent
    return root / stage.place / stage.outputs["prior"].file


def _data(root: Path) -> Path | None:
    """Return the data set of a variant: its own, or the run's."""
    place = STAGES["make_dataset"].place
    for folder in (root, root.parent.parent):
        if (folder / place / "dataset.json").exists():
            return folder / place
    return None
