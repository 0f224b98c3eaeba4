"""The editor of a command that is told faces."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lwpipe.editor import Editor

# What is slow to import is imported inside the functions: help must not wait for PyTorch.
FACE_WORDS = (
    "A face is a mesh with the vertices of the data set, in mm and in its pose, the id of a face "
    "of the data set, 'mean', or 'random:SEED'."
)


def add_places(parser: ArgumentParser) -> None:
    """Add the model, which variant of a run it is, and the data set."""
    parser.add_argument(
        "model", metavar="MODEL", help="folder of a run, results/NAME, or of a model, or its file"
    )
    parser.add_argument("--variant", default="on_pca", help="of a run (default: on_pca)")
    parser.add_argument(
        "--data", metavar="FOLDER", help="data set that ids refer to (default: that of the run)"
    )


def open_editor(
    model: str,
    variant: str,
    data: str | None,
    names: Iterable[str],
    prior: str | None = None,
    draws: bool = False,
) -> Editor:
    """Open the editor of a model.

    Parameters
    ----------
    model, variant, data : as `add_places` adds them
    names : of faces; where all are files the data set of the run is left alone
    prior : file; None: the one beside the model, if it is there
    draws : faces are drawn, for which a prior is needed or a data set to fit one to

    Raises
    ------
    LwpipeError
        As `lwpipe.Editor.load`.
    """
    from lwpipe.data.store import Dataset
    from lwpipe.editor.editor import Editor
    from lwpipe.model import load
    from lwpipe.run.trained import find_prior, find_trained

    place, folder = find_trained(model, variant)
    beside = find_prior(place)
    found = prior if prior is not None else beside if beside.is_file() else None
    if data is not None:
        folder = Path(data)
    elif all(Path(name).is_file() for name in names) and not (draws and found is None):
        folder = None
    return Editor(load(place), None if folder is None else Dataset.open(folder), prior=found)
