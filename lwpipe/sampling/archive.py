"""The file `prior.npz`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lwpipe.core.arrays import check_arrays, read_npz, write_npz
from lwpipe.core.errors import LwpipeError
from lwpipe.editing.editors import PlacedModel
from lwpipe.sampling.mixture import Mixture
from lwpipe.sampling.prior import Detail, Prior

NAME = "prior.npz"
_ARRAYS = ("shares", "means", "covariances", "detail_mean", "detail_basis", "detail_deviation",
           "inside", "noise")  # fmt: skip


def save_prior(path: str | Path, prior: Prior) -> None:
    """Write `prior.npz` atomically."""
    arrays = {
        "kind": np.array(prior.kind),
        "shares": prior.codes.shares,
        "means": prior.codes.means,
        "covariances": prior.codes.covariances,
        "detail_mean": prior.detail.mean,
        "detail_basis": prior.detail.basis,
        "detail_deviation": prior.detail.deviation,
        "inside": prior.inside,
        "noise": np.array(prior.noise),
    }
    write_npz(path, arrays)


def load_prior(path: str | Path, model: PlacedModel | None = None) -> Prior:
    """Read the prior that `save_prior` has written.

    Parameters
    ----------
    path : the file
    model : that it must be of

    Raises
    ------
    LwpipeError
        If the file is missing, damaged, holds no such arrays, or is of another model.
    """
    read = read_npz(path, "the prior of a model", ("kind", *_ARRAYS))
    components, size = (*read["means"].shape, 0, 0)[:2]
    shared = read["covariances"].shape[:1] == (1,)
    vertices, parts = ((*read[name].shape, 0)[0] for name in ("detail_mean", "inside"))
    channels = 6 if read["detail_mean"].shape[-1:] == (6,) else 3
    rank = read["detail_deviation"].size
    shapes: dict[str, tuple[int, ...]] = {
        "shares": (components,),
        "means": (components, size),
        "covariances": (1 if shared else components, size, size),
        "detail_mean": (vertices, channels),
        "detail_basis": (rank, channels * vertices),
        "detail_deviation": (rank,),
        "inside": (parts, size, size),
        "noise": (),
    }
    kinds = {"kind": ("U", ()), **{name: ("f", shape) for name, shape in shapes.items()}}
    check_arrays(path, read, kinds, "is no prior of a model")
    if not all(np.isfinite(read[name]).all() for name in _ARRAYS):
        raise LwpipeError(f"{path}: is no prior of a model: it holds numbers that are not finite.")
    if components == 0 or (read["shares"] < 0).any() or abs(read["shares"].sum() - 1) > 1e-6:
        raise LwpipeError(f"{path}: is no prior of a model: `shares` do not sum to 1.")
    if read["noise"] <= 0 or (np.linalg.eigvalsh(read["covariances"]) <= 0).any():
        raise LwpipeError(f"{path}: is no prior of a model: a variance is not above 0.")
    if model is not None:
        wanted = (model.vertex_count, *model.projections.shape[:2])
        if wanted != (vertices, parts, size):
            raise LwpipeError(
                f"{path}: is the prior of a model of {vertices} vertices, {parts} parts and "
                f"{size} latent numbers, and this one has {wanted[0]}, {wanted[1]} and {wanted[2]}."
            )
    shares, means, covariances = (
        read[name].astype(np.float64) for name in ("shares", "means", "covariances")
    )
    detail = Detail(
        read["detail_mean"].astype(np.float32),
        read["detail_basis"].astype(np.float32),
        read["detail_deviation"].astype(np.float64),
    )
    codes = Mixture(shares / shares.sum(), means, covariances)
    inside = read["inside"].astype(np.float64)
    return Prior(str(read["kind"]), codes, detail, inside, float(read["noise"]))
