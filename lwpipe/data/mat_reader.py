"""Reading numeric arrays from MATLAB files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.io

from lwpipe.errors import LwpipeError


def read_mat(path: str | Path, names: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """Read the named variables of a .mat file: arrays of real numbers, nothing else.

    Raises
    ------
    LwpipeError
        If the file is missing, empty, cut off or of version 7.3, or if a variable is missing or is
        no array of real numbers (a cell array, a structure, text).
    """
    path = Path(path)
    try:
        # Only the named variables are decoded: whatever else the file holds stays untouched.
        content = scipy.io.loadmat(str(path), variable_names=list(names), appendmat=False)
    except NotImplementedError as error:
        raise LwpipeError(
            f"{path}: is a MATLAB file of version 7.3 (HDF5); save it in MATLAB with '-v7'."
        ) from error
    except FileNotFoundError as error:
        raise LwpipeError(f"{path}: does not exist.") from error
    except Exception as error:
        # The reader reports damaged files by many types of exception.
        raise LwpipeError(
            f"{path}: cannot be read as a MATLAB file; it is damaged or cut off "
            f"({type(error).__name__}: {error})."
        ) from error
    for name in names:
        if name not in content:
            raise LwpipeError(f"{path}: has no variable {name}.")
        array = content[name]
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
            raise LwpipeError(f"{path}: {name} is not an array of real numbers.")
    return {name: content[name] for name in names}
