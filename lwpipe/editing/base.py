"""Fit the base that a network corrects."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lwpipe.core.threads import one_blas_thread
from lwpipe.data.signals import LazyFaces
from lwpipe.editing.pca import Pca
from lwpipe.model.base import Components
from lwpipe.model.kernel import MOST_COMPONENTS, MOST_FACES, KernelRegression

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_BATCH = 64


def fit_base(
    faces: Floats | LazyFaces,
    rows: Ints,
    learned: Ints,
    size: int,
    units: Floats | None,
    curved: bool,
    groups: npt.ArrayLike | None = None,
) -> Components:
    """Return the principal components of faces, and what the first tell of the further ones.

    Parameters
    ----------
    faces : float32 (N, V, C)
    rows : of whose components
    learned : those of them that the regression may see
    size : Z
    units : of `lwpipe.model.part_model.channel_units`
    curved : look for such a regression
    groups : of `fit_kernel`
    """
    with one_blas_thread():
        most = size + MOST_COMPONENTS if curved else size
        fitted = Pca.fit(faces, rows, most, units=units)
        kernel = fit_kernel(fitted, faces, learned, size, groups) if curved else None
    return Components.padded(fitted.basis, fitted.deviation, size, fitted.variance, kernel)


def fit_kernel(
    fitted: Pca,
    faces: Floats | LazyFaces,
    rows: Ints,
    size: int,
    groups: npt.ArrayLike | None = None,
) -> KernelRegression | None:
    """Return what the first components of faces tell of the further ones, or None.

    Parameters
    ----------
    fitted : more than Z components
    faces : float32 (N, V, C)
    rows : of which faces; of more than `lwpipe.model.kernel.MOST_FACES`, some evenly spread
    size : Z
    groups : (n,), which of those faces are left out together to find out what is told of unseen
        ones, as `lwpipe.data.split.unseen_groups` has them; None: each by itself
    """
    if fitted.rank <= size:
        return None
    places = np.linspace(0, len(rows) - 1, min(len(rows), MOST_FACES)).round().astype(np.int64)
    chosen = rows[places]
    batches = (chosen[start : start + _BATCH] for start in range(0, len(chosen), _BATCH))
    found = np.concatenate([fitted.coefficients(np.asarray(faces[batch])) for batch in batches])
    codes = found[:, :size] / fitted.deviation[:size]
    names = None if groups is None else np.asarray(groups)[places]
    return KernelRegression.fit(codes, found[:, size:], fitted.basis[size:], names)
