"""Fit the prior of a model to its training faces."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import cast

import numpy as np
import numpy.typing as npt

from lwpipe.core.threads import one_blas_thread
from lwpipe.data.store import Dataset
from lwpipe.editing.editors import Codes, Faces, PlacedModel
from lwpipe.editing.harmony import Harmony
from lwpipe.editing.pca import Pca
from lwpipe.model.kernel import distances
from lwpipe.sampling.mixture import Mixture
from lwpipe.sampling.prior import Detail, Prior
from lwpipe.sampling.settings import PriorSettings

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FOLDS = 5
COMPONENTS = (2, 4, 8)
# How far the covariance of a component is drawn to that of all: chosen with the components.
SHRINKAGES = (0.0, 0.5, 0.8)
# Widths of a component at each face, in deviations of the faces.
WIDTHS = tuple(step / 20 for step in range(6, 20))
# Added to the variances, as a share of their mean: encodings that never vary have none.
_FLOOR = 1e-6
_BATCH = 64
_DRAWS = 500


def fit_prior(
    model: PlacedModel,
    vertices: Faces,
    rows: Ints,
    settings: PriorSettings | None = None,
    groups: npt.ArrayLike | None = None,
) -> Prior:
    """Fit the prior of a model to faces, which should be those that it was trained on.

    Parameters
    ----------
    model : a trained model
    vertices : float32 (N, V, C), mm
        May be memory-mapped.
    rows : int (n,), the faces
    settings : PriorSettings
    groups : (n,), whose face each is: no person is on both sides where faces are held out
    """
    settings = settings or PriorSettings()
    with one_blas_thread():
        codes, residuals, decoded = _encoded(model, vertices, rows)
        pca = Pca.fit(residuals, np.arange(len(rows)), settings.detail)
        inside = _energies(model, codes, decoded)
        named = np.arange(len(rows)) if groups is None else np.asarray(groups)
        mixture = fit_codes(codes, settings.prior, inside.sum(axis=0), settings.seed, named)
        detail = Detail(
            pca.mean.reshape(-1, pca.channels).astype(np.float32),
            pca.basis,
            np.asarray(pca.deviation),
        )
        variances = detail.deviation**2
        total = float(variances.sum())
        noise = float((variances**2).sum()) / total if total > 0 else 0.0
        floor = _FLOOR * float(np.trace(inside.sum(axis=0) @ mixture.covariance))
        return Prior(settings.prior, mixture, detail, inside, max(noise, floor))


def fit_to_training(model: PlacedModel, data: Dataset, settings: PriorSettings) -> Prior:
    """Fit the prior of a model to the training faces of a data set, no person on two sides."""
    train = data.indices("train")
    persons = data.faces["subject"].astype(str).to_numpy()[train]
    # A lazy array is read as an array is.
    faces = data.vertices if model.channels == 3 else cast(Faces, data.signals)
    return fit_prior(model, faces, train, settings, persons)


def fit_codes(codes: npt.ArrayLike, kind: str, metric: Floats, seed: int, groups: Ints) -> Mixture:
    """Fit a mixture of Gaussians to encodings.

    Parameters
    ----------
    codes : float (n, Z)
    kind : 'faces', 'mixture', 'gaussian' or 'standard'
    metric : float64 (Z, Z), by which the distance of two faces is that of their encodings
    seed : of the held-out faces and of the mixtures' start
    groups : (n,), what is held out together
    """
    z = np.asarray(codes, np.float64)
    if kind == "standard":
        size = z.shape[1]
        return Mixture(np.ones(1), np.zeros((1, size)), np.eye(size)[None])
    if kind == "gaussian":
        return _mixture(z, 1, 0.0, seed)
    folds = _folds(groups, seed)
    if kind == "faces":
        return about_faces(z, _width(z, metric, folds, seed))
    # A component needs more faces than it has directions.
    most = len(z) * (FOLDS - 1) // FOLDS // (z.shape[1] + 1)
    choices = [(1, 0.0), *((m, a) for m in COMPONENTS if m <= most for a in SHRINKAGES)]
    found = [_held_out(z, m, a, seed, folds) for m, a in choices]
    return _mixture(z, *choices[int(np.argmax(found))], seed)


def about_faces(codes: Floats, width: float) -> Mixture:
    """Return the mixture of a component at each face, with the mean and covariance of all of them.

    A component has `width`^2 of the covariance, and the means are drawn together for what is left:
    a smoothed bootstrap (Silverman, *Density Estimation*, 1986, section 6.4). At width 1 it is one
    Gaussian.

    Parameters
    ----------
    codes : float64 (n, Z)
    width : in (0, 1]
    """
    mean = codes.mean(axis=0)
    means = mean + np.sqrt(1 - width**2) * (codes - mean)
    shares = np.full(len(codes), 1 / len(codes))
    return Mixture(shares, means, width**2 * _covariance(codes)[None])


def _encoded(model: PlacedModel, vertices: Faces, rows: Ints) -> tuple[Codes, Faces, Faces | None]:
    """Return encodings and residuals, and decoded faces where the decoder has no linear path."""
    codes, residuals, decoded = [], np.empty((len(rows), *vertices.shape[1:]), np.float32), []
    for start in range(0, len(rows), _BATCH):
        faces = np.asarray(vertices[rows[start : start + _BATCH]], np.float32)
        z = model.encode(faces)
        made = model.decode(model.parts(z))
        residuals[start : start + _BATCH] = faces - made
        codes.append(z)
        decoded += [made] if model.linear_path is None else []
    return np.concatenate(codes), residuals, np.concatenate(decoded) if decoded else None


def _energies(model: PlacedModel, codes: Codes, decoded: Faces | None) -> Floats:
    """Return E_k of each part, float64 (K, Z, Z), mm^2."""
    if decoded is None:
        return Harmony.of(model.projections, model.linear_path).inside
    z = codes.astype(np.float64)
    away = z - z.mean(axis=0)
    slopes = np.linalg.lstsq(away, decoded.reshape(len(z), -1).astype(np.float64), rcond=None)[0]
    fields = slopes.T
    columns = np.asarray(model.weights, np.float64).T
    channels = len(fields) // columns.shape[1]
    return np.stack([fields.T @ (np.repeat(each, channels)[:, None] * fields) for each in columns])


def _covariance(z: Floats) -> Floats:
    away = z - z.mean(axis=0)
    covariance = away.T @ away / len(z)
    floor = _FLOOR * (np.trace(covariance) / len(covariance) or 1.0)
    return np.asarray(covariance + floor * np.eye(len(covariance)))


def _folds(groups: Ints, seed: int) -> Ints:
    """Return the fold of each face, int64 (n,); a group is in one, unless there is but one."""
    members = np.unique(groups, return_inverse=True)[1].reshape(-1)
    if members.max() == 0:
        members = np.arange(len(members))
    count = int(members.max()) + 1
    place = np.random.default_rng(seed).permutation(count) % FOLDS
    return np.asarray(place[members])


def _parted(folds: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield rows that are kept and rows that are held out."""
    for fold in range(FOLDS):
        kept, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if len(kept) > 1 and len(held):
            yield kept, held


def _mixture(z: Floats, components: int, shrinkage: float, seed: int) -> Mixture:
    """Return a mixture by expectation maximisation, its covariances drawn to the one within."""
    if components == 1:
        return Mixture(np.ones(1), z.mean(axis=0)[None], _covariance(z)[None])
    from sklearn.mixture import GaussianMixture

    floor = _FLOOR * (float(z.var(axis=0).mean()) or 1.0)
    machine = GaussianMixture(components, reg_covar=floor, random_state=seed)
    with warnings.catch_warnings():
        # What has not settled is judged by its likelihood like all else.
        warnings.simplefilter("ignore")
        machine.fit(z)
    within = np.einsum("m,mij->ij", machine.weights_, machine.covariances_)
    covariances = (1 - shrinkage) * machine.covariances_ + shrinkage * within
    return Mixture(machine.weights_, machine.means_, covariances)


def _held_out(z: Floats, components: int, shrinkage: float, seed: int, folds: Ints) -> float:
    """Return the mean logarithm of the density at held-out faces."""
    found = [
        _mixture(z[kept], components, shrinkage, seed).log_density(z[held])
        for kept, held in _parted(folds)
    ]
    return float(np.concatenate(found).mean()) if found else 0.0


def _width(z: Floats, metric: Floats, folds: Ints, seed: int) -> float:
    """Return the least width whose draws are no nearer to the faces than held-out faces are."""
    values, vectors = np.linalg.eigh(metric)
    places = z @ (vectors * np.sqrt(np.maximum(values, 0)))
    random = np.random.default_rng([seed, 1])
    parted = [(places[kept], places[held]) for kept, held in _parted(folds)]
    if not parted:
        return 1.0
    unseen = sum(_nearest(held, kept) for kept, held in parted)
    for width in WIDTHS:
        drawn = ((about_faces(kept, width).draw(_DRAWS, random), kept) for kept, _ in parted)
        if sum(_nearest(points, kept) for points, kept in drawn) >= unseen:
            return width
    return 1.0


def _nearest(points: Floats, others: Floats) -> float:
    """Return the mean distance of points to the nearest of others."""
    return float(np.sqrt(distances(points, others).min(axis=1)).mean())
