"""Trained models on disk: `model.safetensors` with every array, `model.json` with every setting.

The two files suffice to run the model: weights, template, triangles, pyramid, local weights,
mean and scale. Nothing in them is ever unpickled or executed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors
from torch import Tensor

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import atomic_path, read_json, sha256, write_json
from lwpipe.engine import Geometry
from lwpipe.model.base import Components
from lwpipe.model.network import PartAutoencoder
from lwpipe.model.part_model import PartModel
from lwpipe.model.settings import ModelSettings
from lwpipe.template import Pyramid

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
    if model.components is not None:
        arrays |= {f"base.{name}": array for name, array in model.components.arrays.items()}
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
            **({} if model.channels == 3 else {"colors": "L*a*b*, D65"}),
            "weights_sha256": sha256(folder / WEIGHTS_NAME),
            "model": model.settings.model_dump(),
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
    >>> model = lwpipe.load("results/synthetic/variants/full/training")  # doctest: +SKIP
    >>> parts = model.parts(model.encode(faces))  # doctest: +SKIP
    """
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    file, settings_file = folder / WEIGHTS_NAME, folder / SETTINGS_NAME
    if not path.is_dir():
        file, settings_file = path, path.with_suffix(".json")
        if path.suffix != ".safetensors":
            raise LwpipeError(
                f"{path}: is not a model: name the folder with {WEIGHTS_NAME}, or that file."
            )
    about = read_description(settings_file)
    arrays = read_arrays(file, about["weights_sha256"], settings_file.name)
    settings: ModelSettings = about["model"]
    try:
        pyramid = Pyramid.from_arrays(_group(arrays, "pyramid."))
        state = _group(arrays, "network.")
        _check_shapes(arrays, state, pyramid, settings)
        base = _group(arrays, "base.")
        model = PartModel(
            pyramid, arrays["local_weights"], arrays["mean"], arrays["scale"], settings,
            about["info"] | _history(folder), backend, Components.of(base) if base else None,
        )  # fmt: skip
        model.network.load_state_dict(
            {name: torch.from_numpy(a.copy()) for name, a in state.items()}, strict=True
        )
    except (LwpipeError, KeyError, ValueError, RuntimeError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error).splitlines()[0]
        raise LwpipeError(f"{file}: does not fit its settings ({reason.rstrip('.')}).") from error
    model.network.eval()
    return model.to(device)


def read_description(path: str | Path) -> dict[str, Any]:
    """Read `model.json`; its key `model` comes back as ModelSettings.

    Raises
    ------
    LwpipeError
        If it is missing or does not describe a model of this version.
    """
    about = read_json(path)
    if not isinstance(about, dict) or about.get("format_version") != FORMAT_VERSION:
        raise LwpipeError(f"{path}: is not a model description of version {FORMAT_VERSION}.")
    try:
        return {
            **about,
            "model": ModelSettings.model_validate(about["model"]),
            "weights_sha256": str(about["weights_sha256"]),
            "info": dict(about["info"]),
        }
    except KeyError as error:
        raise LwpipeError(f"{path}: does not describe a model: it has no {error}.") from error
    except (TypeError, ValueError) as error:
        reason = str(error)
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            reason = f"`model.{'.'.join(str(part) for part in first['loc'])}`: {first['msg']}"
        raise LwpipeError(f"{path}: does not describe a model ({reason}).") from error


def read_arrays(
    path: str | Path, expected_sha256: str | None, described_in: str = SETTINGS_NAME
) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of a safetensors file.

    Parameters
    ----------
    path : the file
    expected_sha256 : its hash, or None where it is not known
    described_in : the file that says the hash

    Raises
    ------
    LwpipeError
        If the file is missing, was altered, or is no safetensors file of finite numbers.
    """
    path = Path(path)
    if not path.is_file():
        raise LwpipeError(f"{path}: does not exist.")
    try:
        if expected_sha256 is not None and sha256(path) != expected_sha256:
            raise LwpipeError(f"{path}: was altered, its SHA-256 is not the one in {described_in}.")
        arrays: dict[str, npt.NDArray[Any]] = load_tensors(path.read_bytes())
    except OSError as error:
        raise LwpipeError(f"{path}: cannot be read: {error.strerror}.") from error
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise LwpipeError(f"{path}: is no safetensors file of arrays ({reason}).") from error
    for name, array in arrays.items():
        if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
            raise LwpipeError(f"{path}: `{name}` has values that are not finite numbers.")
    return arrays


def _check_shapes(
    arrays: Mapping[str, npt.NDArray[Any]],
    state: Mapping[str, npt.NDArray[Any]],
    pyramid: Pyramid,
    settings: ModelSettings,
) -> None:
    """Raise ValueError unless every array has the shape that settings and pyramid give it.

    Before the network is made: see `_without_memory`.
    """
    if len(settings.channels) != pyramid.levels:
        raise ValueError(
            f"{len(settings.channels)} channels for {pyramid.levels} levels of the pyramid"
        )
    count, local = len(pyramid.vertices[0]), arrays["local_weights"]
    channels = 6 if arrays["mean"].shape[-1:] == (6,) else 3
    expected: dict[str, tuple[int, ...]] = {
        name: tuple(parameter.shape)
        for name, parameter in _without_memory(pyramid, local.shape[-1], settings, channels).items()
    }
    width = 1 if channels == 3 else channels
    scales = {"scalar": (1, width), "vertex": (count, width)}
    found = {name: array.shape for name, array in state.items()}
    found |= {name: arrays[name].shape for name in ("mean", "scale", "local_weights")}
    base = _group(dict(arrays), "base.")
    found |= {f"base.{name}": array.shape for name, array in base.items()}
    expected |= {
        "mean": (count, channels),
        "scale": scales[settings.standardise],
        "local_weights": (count, local.shape[-1]),
    }
    if settings.base != "none":
        expected |= {
            "base.basis": (settings.latent_size, channels * count),
            "base.deviation": (settings.latent_size,),
            "base.residual": (1,),
        }
    if settings.base == "kernel" and "base.kernel.values" in found:
        faces, further = (*found["base.kernel.values"], 0, 0)[:2]
        expected |= {
            "base.kernel.basis": (further, channels * count),
            "base.kernel.centers": (faces, settings.latent_size),
            "base.kernel.values": (faces, further),
            "base.kernel.length": (1,),
        }
    for name in sorted({*expected, *found}):
        if expected.get(name) != found.get(name):
            raise ValueError(
                f"{name} is {found.get(name, 'missing')}, expected {expected.get(name, 'nothing')}"
            )
    plain = {**state, **base, "local_weights": local, "scale": arrays["scale"]}
    for name, array in plain.items():
        if array.dtype != np.float32:
            raise ValueError(f"{name} is {array.dtype}, expected float32")
    if (arrays["scale"] <= 0).any() or (local < 0).any():
        raise ValueError("the scale or the local weights are not positive")
    positive = ("deviation", "residual", "kernel.length")
    if any((base[name] <= 0).any() for name in positive if name in base):
        raise ValueError("the deviations, the residual or the length of the base are not positive")


def _without_memory(
    pyramid: Pyramid, parts: int, settings: ModelSettings, channels: int
) -> dict[str, Tensor]:
    """Return the parameters of the network that settings and pyramid make, without their content.

    Settings alone could ask for any amount of memory.
    """
    with torch.device("meta"):
        coarse = torch.empty(len(pyramid.vertices[-1]), parts)
        network = PartAutoencoder(
            Geometry.of(pyramid), coarse, settings, backend=None, signal=channels
        )
    return network.state_dict()


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
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        column = lines[0].split(",").index("seconds")
        return {"seconds": sum(float(line.split(",")[column]) for line in lines[1:])}
    except (OSError, ValueError, IndexError) as error:
        raise LwpipeError(f"{file}: is not the history of a training ({error}).") from error
