"""What evaluation works on: data, local weights and a model, each opened or named, that fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.data.signals import COLOR, POSITION, positions
from lwpipe.data.store import Dataset
from lwpipe.editing import ChannelEditor, EditingSettings, Editor, FaceModel, make_editor
from lwpipe.editing.editors import PlacedModel
from lwpipe.local_weights import load_local_weights

Weights = npt.NDArray[np.float32]


def open_data(data: Dataset | str | Path) -> Dataset:
    """Return an opened data set.

    Parameters
    ----------
    data : Dataset, or its folder
    """
    return data if isinstance(data, Dataset) else Dataset.open(data)


def open_local_weights(local_weights: npt.ArrayLike | str | Path, data: Dataset) -> Weights:
    """Return local weights, float32 (V, K).

    Parameters
    ----------
    local_weights : float (V, K), rows sum to 1; or `local_weights.npz`
    data : the data set that they are for

    Raises
    ------
    LwpipeError
        If the file cannot be read, or the weights are for another number of vertices.
    """
    where = data.path
    if isinstance(local_weights, str | Path):
        where = Path(local_weights)
        local_weights = load_local_weights(local_weights)[0]
    weights = np.asarray(local_weights, dtype=np.float32)
    if weights.ndim != 2 or len(weights) != data.vertices.shape[1]:
        raise LwpipeError(
            f"{where}: the local weights are {weights.shape} and the faces have "
            f"{data.vertices.shape[1]} vertices: they were made for other data."
        )
    return weights


def open_model(model: FaceModel | str | Path, data: Dataset) -> FaceModel:
    """Return a trained model.

    Parameters
    ----------
    model : a model, or `model.safetensors`, or its folder
    data : the data set that it is used on

    Raises
    ------
    LwpipeError
        If it cannot be loaded, or has other vertices than the data.
    """
    if isinstance(model, str | Path):
        from lwpipe.model import load  # importing PyTorch takes seconds: spare who has a model

        model = load(model)
    if model.channels > 3 and data.colors is None:
        raise LwpipeError(
            f"{data.path}: the faces have no colours, and the model was trained on faces with some."
        )
    vertices = data.vertices.shape[1]
    if model.vertex_count != vertices:
        raise LwpipeError(
            f"{data.path}: the faces have {vertices} vertices, the model {model.vertex_count}: "
            "it was trained on other data."
        )
    return model


def faces_for(model: FaceModel, data: Dataset) -> npt.NDArray[np.float32]:
    """Return all faces as a model takes them, float32 (N, V, C), made as they are read."""
    # A lazy array is read as an array is.
    return data.vertices if model.channels == 3 else cast(Weights, data.signals)


def taken_by(model: FaceModel, faces: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return faces (..., C) as a model takes them: without their colours where it has none."""
    return positions(faces) if model.channels == 3 else faces


def editor_of(
    model: FaceModel, weights: npt.ArrayLike, editing: EditingSettings, channels: slice = POSITION
) -> Editor:
    """Return the editor of a model, which gives the positions (n, V, 3), mm, or the colours.

    Of a model without colours it is `lwpipe.editing.make_editor`.
    """
    editor = make_editor(model, weights, editing)
    if model.channels == 3:
        return editor
    return ChannelEditor(editor, channels, cast(PlacedModel, model).average[:, COLOR])


def stored_channels(array: npt.NDArray[Any]) -> int:
    """Return how many channels faces (..., C) of a file may have: 6 if it has them, else 3."""
    return 6 if array.shape[-1:] == (6,) else 3
