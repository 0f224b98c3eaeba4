"""The files .npz and .npy: plain arrays, never objects, never a bomb."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError, short_reason
from lwpipe.core.files import atomic_path

# np.savez stores members as they are. A compressed one may be larger than it looks, within reason.
_MAX_RATIO = 100
_SUFFIX = ".npy"


def read_npz(
    path: str | Path, what: str, names: Collection[str] | None = None, harmless: int = 0
) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of an .npz file.

    Parameters
    ----------
    path : the file
    what : what it should be, for messages, as 'a mesh pyramid'
    names : which arrays to read; None: all of them
    harmless : bytes that an array may have however small it is in the file

    Raises
    ------
    LwpipeError
        If the file is missing or damaged, lacks an array, holds Python objects (which are never
        unpickled), or unpacks to far more than its size.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(_SUFFIX): info for info in archive.infolist()}
            missing = sorted(set(names or ()) - set(members))
            if missing:
                raise LwpipeError(f"{path}: is not {what}: it has no array '{missing[0]}'.")
            if len(members) < len(archive.infolist()):
                raise LwpipeError(f"{path}: is not {what}: it has an array twice.")
            arrays = {}
            for name in members if names is None else names:
                info = members[name]
                if info.file_size > max(harmless, _MAX_RATIO * max(info.compress_size, 1024)):
                    raise LwpipeError(
                        f"{path}: is not {what}: '{name}' unpacks to {info.file_size} bytes from "
                        f"{info.compress_size}."
                    )
                with archive.open(info) as file:
                    _check_header(file, info.file_size)  # type: ignore[arg-type]
                with archive.open(info) as file:
                    arrays[name] = np.lib.format.read_array(file, allow_pickle=False)
    except LwpipeError:
        raise
    except FileNotFoundError as error:
        raise LwpipeError(f"{path}: does not exist.") from error
    except Exception as error:  # a damaged archive raises nearly anything
        raise LwpipeError(f"{path}: cannot be read as {what} ({short_reason(error)}).") from error
    return arrays


def write_npz(path: str | Path, arrays: Mapping[str, npt.ArrayLike]) -> None:
    """Write arrays as an .npz file, atomically; equal arrays give equal bytes.

    Raises
    ------
    LwpipeError
        If the folder cannot be made or written.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def check_arrays(
    path: str | Path,
    arrays: Mapping[str, npt.NDArray[Any]],
    kinds: Mapping[str, tuple[str, tuple[int, ...]]],
    fault: str,
) -> None:
    """Check the kind and the shape of arrays.

    Parameters
    ----------
    path : where they come from
    arrays : by name
    kinds : of each that is checked, the letter of its dtype and its shape
    fault : what the file is where one is another, as 'is no file of examples'

    Raises
    ------
    LwpipeError
        If one is another.
    """
    for name, (kind, shape) in kinds.items():
        found = arrays[name]
        if found.dtype.kind != kind or found.shape != shape:
            raise LwpipeError(f"{path}: {fault}: `{name}` is {found.dtype} {found.shape}.")


def read_npy(path: str | Path, what: str) -> npt.NDArray[Any]:
    """Read the array of an .npy file.

    Parameters
    ----------
    path : the file
    what : what it should be, for messages

    Raises
    ------
    LwpipeError
        If the file is missing or damaged, or holds Python objects, which are never unpickled.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            _check_header(file, path.stat().st_size)
        with path.open("rb") as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except FileNotFoundError as error:
        raise LwpipeError(f"{path}: does not exist.") from error
    except Exception as error:  # a damaged header raises nearly anything
        raise LwpipeError(f"{path}: cannot be read as {what} ({short_reason(error)}).") from error


def array_shapes(path: str | Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Return shape and type of each array of an .npz file, without reading the arrays.

    Raises
    ------
    LwpipeError
        If the file is missing or is no archive of arrays.
    """
    shapes = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                with archive.open(info) as file:
                    shape, dtype = _check_header(file, info.file_size)  # type: ignore[arg-type]
                shapes[info.filename.removesuffix(_SUFFIX)] = (shape, str(dtype))
    except FileNotFoundError as error:
        raise LwpipeError(f"{path}: does not exist.") from error
    except Exception as error:  # a damaged archive raises nearly anything
        raise LwpipeError(f"{path}: is no archive of arrays ({short_reason(error)}).") from error
    return shapes


def _check_header(file: BinaryIO, size: int) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Read the header of an array; raise ValueError unless `size` bytes hold what it announces."""
    version = np.lib.format.read_magic(file)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize > size:
        raise ValueError(f"its header announces {dtype} {shape}, and the data end before")
    return shape, dtype
