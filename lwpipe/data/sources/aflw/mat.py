"""Reading numeric arrays from MATLAB files."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import scipy.io

from lwpipe.core.errors import LwpipeError, short_reason

HEADER_BYTES = 128
COMPRESSED = 15
CLASSES = {
    *("double", "single", "int8", "uint8", "int16", "uint16"),
    *("int32", "uint32", "int64", "uint64"),
}
# Coordinates hardly compress. A variable so small that it cannot unpack to `FREE_BYTES`, as deflate
# makes at most 1032 bytes of one, needs no look.
MAX_RATIO, FREE_BYTES, DEFLATE_RATIO = 200, 64_000_000, 1032
_STEP = 1_000_000


def read_mat(path: str | Path, names: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """Read the named variables of a .mat file: arrays of real numbers, nothing else.

    Raises
    ------
    LwpipeError
        If the file is missing, empty, cut off or of another version than 5 to 7.2, if it unpacks to
        far more than its size, or if a variable is missing or is no array of real numbers (a cell
        array, a structure, text).
    """
    path = Path(path)
    if not path.exists():
        raise LwpipeError(f"{path}: does not exist.")
    if not path.is_file():
        raise LwpipeError(f"{path}: cannot be read: it is no file.")
    try:
        with path.open("rb") as opened, warnings.catch_warnings():
            file: Any = opened  # the types of scipy know paths only
            # A variable that cannot be decoded or is there twice is only warned of.
            warnings.simplefilter("error")
            _check_version(path, file)
            _check_size(path, file)
            file.seek(0)
            # Cells and structures are made before their content is read, at any announced size.
            listed = scipy.io.whosmat(file, appendmat=False)
            _check_kinds(path, [(name, kind) for name, _, kind in listed], names)
            file.seek(0)
            # Only the named variables are decoded: whatever else the file holds stays untouched.
            content = scipy.io.loadmat(file, variable_names=list(names), appendmat=False)
    except LwpipeError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.strerror:
            raise LwpipeError(f"{path}: cannot be read: {error.strerror}.") from error
        # The reader reports damaged files by many types of exception.
        raise LwpipeError(
            f"{path}: cannot be read as a MATLAB file; it is damaged or cut off "
            f"({type(error).__name__}: {short_reason(error)})."
        ) from error
    for name in names:
        array = content.get(name)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
            raise LwpipeError(f"{path}: {name} is not an array of real numbers.")
    return {name: content[name] for name in names}


def variables(path: str | Path) -> list[str]:
    """Return the names of the variables of a .mat file; none where it cannot be read."""
    try:
        return [name for name, _, _ in scipy.io.whosmat(str(path), appendmat=False)]
    except Exception:  # what is wrong with it is told when it is read
        return []


def _check_version(path: Path, file: BinaryIO) -> None:
    header = file.read(HEADER_BYTES)
    if not header:
        raise LwpipeError(f"{path}: is empty.")
    order, version = header[126:128], header[124:126]
    if header.startswith(b"\x89HDF") or (order, version) in ((b"IM", b"\0\2"), (b"MI", b"\2\0")):
        raise LwpipeError(
            f"{path}: is a MATLAB file of version 7.3 (HDF5); save it in MATLAB with '-v7'."
        )
    if (order, version) not in ((b"IM", b"\0\1"), (b"MI", b"\1\0")):
        raise LwpipeError(
            f"{path}: is no MATLAB file of version 5 to 7, or is cut off; save it in MATLAB with "
            "'-v7'."
        )


def _check_size(path: Path, file: BinaryIO) -> None:
    """Raise LwpipeError where compressed variables unpack to far more than their size."""
    file.seek(126)
    order = "little" if file.read(2) == b"IM" else "big"
    while len(tag := file.read(8)) == 8:
        kind = int.from_bytes(tag[:4], order)  # type: ignore[arg-type]
        size = int.from_bytes(tag[4:], order)  # type: ignore[arg-type]
        end = file.tell() + size
        limit = max(MAX_RATIO * size, FREE_BYTES)
        if kind == COMPRESSED and size * DEFLATE_RATIO > limit:
            unpacker, unpacked, left = zlib.decompressobj(), 0, size
            while not unpacker.eof:
                piece = unpacker.unconsumed_tail
                if not piece:
                    piece = file.read(min(left, _STEP))
                    left -= len(piece)
                if not piece:
                    break
                unpacked += len(unpacker.decompress(piece, _STEP))
                if unpacked > limit:
                    raise LwpipeError(
                        f"{path}: has a variable of {size} bytes that unpacks to more than "
                        f"{limit // 1_000_000} MB: that is no data of faces."
                    )
        file.seek(end)


def _check_kinds(path: Path, listed: Sequence[tuple[str, str]], names: Sequence[str]) -> None:
    """Raise LwpipeError unless each name is listed once, with a class of real numbers."""
    for name in names:
        kinds = [kind for other, kind in listed if other == name]
        if not kinds:
            raise LwpipeError(f"{path}: has no variable {name}.")
        if len(kinds) > 1:
            raise LwpipeError(f"{path}: has the variable {name} twice.")
        if kinds[0] not in CLASSES:
            raise LwpipeError(
                f"{path}: {name} is not an array of real numbers, but of the class {kinds[0]}."
            )
