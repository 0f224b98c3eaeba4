"""The file `local_weights.npz`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lwpipe.core.arrays import array_shapes, read_npz, write_npz
from lwpipe.core.errors import LwpipeError

Weights = npt.NDArray[np.float32]
_KIND = "local weights"


def save_local_weights(
    path: str | Path, weights: Weights, basis: Weights, names: Sequence[str] | None = None
) -> None:
    """Write `local_weights.npz` atomically.

    Parameters
    ----------
    path : the file
    weights : float32 (V, K), rows sum to 1
    basis : float32 (V, K), columns have maximum 1
    names : of the parts, where they have some
    """
    named = {"names": np.array(names, dtype=np.str_)} if names else {}
    write_npz(path, {"weights": weights, "basis": basis, **named})


def load_local_weights(path: str | Path) -> tuple[Weights, Weights]:
    """Read `local_weights.npz`.

    Returns
    -------
    weights : float32 (V, K), >= 0, rows sum to 1
    basis : float32 (V, K), >= 0, columns have maximum 1

    Raises
    ------
    LwpipeError
        If the file is missing, damaged, or does not hold such arrays.
    """
    arrays = read_npz(path, _KIND, ("weights", "basis"))
    weights, basis = arrays["weights"], arrays["basis"]
    for name, array in (("weights", weights), ("basis", basis)):
        if array.ndim != 2 or array.size == 0 or array.dtype.kind != "f":
            raise LwpipeError(f"{path}: {name} is {array.dtype} {array.shape}, not float (V, K).")
        if not np.isfinite(array).all() or (array < 0).any():
            raise LwpipeError(f"{path}: {name} holds values that are negative or not finite.")
    if weights.shape != basis.shape:
        raise LwpipeError(
            f"{path}: weights are {weights.shape} and basis is {basis.shape}; they must be alike."
        )
    if not np.allclose(weights.sum(axis=1), 1.0, atol=1e-4):
        raise LwpipeError(f"{path}: the weights of a vertex must sum to 1.")
    return weights.astype(np.float32), basis.astype(np.float32)


def load_names(path: str | Path, parts: int) -> list[str] | None:
    """Read the names of the parts from an archive of local weights; None where it has none.

    Raises
    ------
    LwpipeError
        If the file is missing or damaged, or they are not one text a part.
    """
    if "names" not in array_shapes(path):
        return None
    names = read_npz(path, _KIND, ("names",))["names"]
    if names.dtype.kind != "U" or names.shape != (parts,):
        raise LwpipeError(
            f"{path}: names are {names.dtype} {names.shape}, not one text for each of {parts} "
            "parts."
        )
    try:
        return [str(name) for name in names]
    except (ValueError, SystemError) as error:  # numbers that stand for no letter
        raise LwpipeError(f"{path}: a name is no text.") from error
