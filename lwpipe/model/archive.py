"""Trained models on disk: `model.safetensors` with every array, `model.json` with every setting.

The two files suffice to run the model: weights, template, triangles, pyramid, local weights,
mean and scale. Nothing in them is ever unpickled or executed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from lwpipe.config import ModelSettings
from lwpipe.errors import LwpipeError
from lwpipe.files import atomic_path, read_json, sha256, write_json
from lwpipe.model.part_model import PartModel
from lwpipe.pyramid import Pyramid

FORMAT_VERSION = 1
WEIGHTS_NAME = "model.safetensors"
SETTINGS_NAME = "model.json"


def save_model(model: PartModel, folder: str | Path, info: dict[str, Any]) -> None:
    """Write `model.safetensors` and `model.json` into `folder`, each atomically.

    Parameters
    ----------
    model : PartModel
    folder : made if missing
    info : facts for the JSON: deterministic ones only, so that equal trainings give equal bytes
    """
    folder = Path(folder)
    arrays = {
        f"network.{name}": parameter.detach().cpu().numpy()
        for name, parameter in model.network.state_dict().items()
    }
    arrays |= {f"pyramid.{name}": array for name, array in model.pyramid.to_arrays().items()}
    arrays |= {
        "mean": model.mean.cpu().numpy(),
        "scale": model.scale.cpu().numpy(),
        "local_weights": model.all_weights,
    }
    arrays = {name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())}
    with atomic_path(folder / WEIGHTS_NAME) as temporary:
        temporary.write_bytes(save_tensors(arrays))
    write_json(
        folder / SETTINGS_NAME,
        {
            "format_version": FORMAT_VERSION,
            "vertices": model.vertex_count,
            "triangles": len(model.triangles),
            "parts": model.part_count,
            "latent_size": model.latent_size,
            "parameters": model.parameter_count,
            "units": "mm",
            "weights_sha256": sha256(folder / WEIGHTS_NAME),
            "model": model.model_settings.model_dump(),
            "info": info,
        },
    )


def load(path: str | Path, device: str = "cpu", backend: str = "auto") -> PartModel:
    """Load a trained model.

    Parameters
    ----------
    path : `model.safetensors`, or the folder that holds it and `model.json`
    device : where to run it
    backend : implementation of the mesh convolution, as the setting `training.backend`

    Returns
    -------
    PartModel
        With `encode`, `parts`, `decode` and `reconstruct`.

    Raises
    ------
    LwpipeError
        If a file is missing, was altered, or does not describe a model of this version.

    Examples
    --------
    >>> import lwpipe
    >>> model = lwpipe.load("results/synthetic/variants/full/train")  # doctest: +SKIP
    >>> parts = model.parts(model.encode(faces))  # doctest: +SKIP
    """
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    file, settings_file = folder / WEIGHTS_NAME, folder / SETTINGS_NAME
    if not path.is_dir():
        file, settings_file = path, path.with_suffix(".json")
    about = read_json(settings_file)
    if not isinstance(about, dict) or about.get("format_version") != FORMAT_VERSION:
        raise LwpipeError(
            f"{settings_file}: is not a model description of version {FORMAT_VERSION}."
        )
    try:
        settings = ModelSettings.model_validate(about["model"])
        expected = about["weights_sha256"]
        info = dict(about["info"])
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise LwpipeError(
            f"{settings_file}: does not describe a model ({type(error).__name__})."
        ) from error
    if not file.is_file():
        raise LwpipeError(f"{file}: does not exist.")
    if sha256(file) != expected:
        raise LwpipeError(
            f"{file}: was altered, its SHA-256 is not the one in {settings_file.name}."
        )
    try:
        arrays = load_tensors(file.read_bytes())
        pyramid = Pyramid.from_arrays(_group(arrays, "pyramid."))
        model = PartModel(
            pyramid, arrays["local_weights"], arrays["mean"], arrays["scale"], settings,
            info | _history(folder), backend,
        )  # fmt: skip
        state = {name: torch.from_numpy(a.copy()) for name, a in _group(arrays, "network.").items()}
        model.network.load_state_dict(state, strict=True)
    except (SafetensorError, KeyError, IndexError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise LwpipeError(f"{file}: does not fit its settings ({reason}).") from error
    model.network.eval()
    return model.to(device)


def _group(arrays: dict[str, npt.NDArray[Any]], prefix: str) -> dict[str, npt.NDArray[Any]]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _history(folder: Path) -> dict[str, Any]:
    """Return the seconds of training, which stand in the history since they vary between runs."""
    file = folder / "history.csv"
    if not file.is_file():
        return {}
    lines = file.read_text(encoding="utf-8").splitlines()
    column = lines[0].split(",").index("seconds")
    return {"seconds": sum(float(line.split(",")[column]) for line in lines[1:])}
