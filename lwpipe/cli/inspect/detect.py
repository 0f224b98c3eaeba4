"""Find out what a file or folder is by its name and by what it holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lwpipe.cli.inspect import declared, inputs, stages
from lwpipe.cli.inspect.finding import Finding
from lwpipe.core.arrays import array_shapes
from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import read_json

Describe = Callable[[str, Path], Finding]


def inspect(path: str | Path) -> Finding:
    """Tell what a file or folder is. Nothing in it is executed or unpickled.

    Parameters
    ----------
    path : a data set, pyramid, local weights, model, checkpoint, run, mesh, array, MATLAB file,
        configuration, table or file of measures, or the folder of one

    Raises
    ------
    LwpipeError
        If it is nothing that lwpipe knows, or is damaged.
    """
    given = Path(path)
    try:
        if given.is_dir():
            return _folder(given)(str(path), given)
        if not given.exists():
            raise LwpipeError(f"{path}: does not exist.")
        if not given.is_file():
            raise LwpipeError(f"{path}: is neither a file nor a folder.")
        return _file(given)(str(path), given)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise LwpipeError(f"{path}: cannot be read ({reason}).") from error


def _folder(folder: Path) -> Describe:
    def has(name: str) -> bool:
        return (folder / name).exists()

    if has("dataset.json") or (has("vertices.npy") and has("faces.csv")):
        return stages.data_set
    if has("model.json") or has("model.safetensors"):
        return stages.model
    if any(has(name) for name in stages.CHECKPOINTS):
        return stages.checkpoints
    if has(stages.PYRAMID):
        return stages.pyramid
    if has(stages.LOCAL_WEIGHTS):
        return stages.local_weights
    if has("data/dataset.json") or has("variants"):
        return stages.run_folder
    if declared.files(folder):
        return declared.stage_folder
    if inputs.holds_meshes(folder):
        return inputs.meshes
    raise LwpipeError(f"{folder}: holds nothing that lwpipe knows.")


def _file(file: Path) -> Describe:
    from lwpipe.mesh.read import READERS

    suffix = file.suffix.lower()
    if file.name == "vertices.npy" and (file.parent / "dataset.json").is_file():
        return stages.data_set
    if suffix == ".npz":
        return _archive(file)
    if suffix == ".json":
        return _document(file)
    known: dict[str, Describe] = {
        ".npy": inputs.array,
        ".safetensors": stages.model,
        ".pt": stages.checkpoint,
        ".mat": inputs.matlab,
        ".csv": inputs.table,
        ".yaml": inputs.configuration,
        ".yml": inputs.configuration,
        **dict.fromkeys(READERS, inputs.mesh),
    }
    if suffix not in known:
        raise LwpipeError(f"{file}: is no kind of file that lwpipe knows.")
    return known[suffix]


def _archive(file: Path) -> Describe:
    names = set(array_shapes(file))
    if any(name.startswith(("keep_", "up_")) for name in names):
        return stages.pyramid
    return stages.local_weights if {"weights", "basis"} & names else inputs.archive


def _document(file: Path) -> Describe:
    content = read_json(file)
    keys = content if isinstance(content, dict) else {}
    if file.name == "dataset.json" or "content_sha256" in keys:
        return stages.data_set
    if file.name == "model.json" or "weights_sha256" in keys:
        return stages.model
    return inputs.document
