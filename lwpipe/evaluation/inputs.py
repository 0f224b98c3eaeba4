"""What evaluation works on: data, local weights and a model, each opened or named, that fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.data.store import Dataset
from lwpipe.editing import FaceModel
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
    vertices = data.vertices.shape[1]
    if model.vertex_count != vertices:
        raise LwpipeError(
            f"{data.path}: the faces have {vertices} vertices, the model {model.vertex_count}: "
            "it was trained on other data."
        )
    return model
