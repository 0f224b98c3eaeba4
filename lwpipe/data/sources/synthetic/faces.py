"""The embedded parametric face: a population drawn by seed, at any resolution.

A face is the mean face of `anatomy` moved by the parameters of `shapes` and those of `expressions`,
modules beside this one. The map from parameters to vertices is mildly non-linear on purpose:
parameters saturate, expressions work on the shape they find, and the head's size scales what came
before.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lwpipe.data.sources.synthetic.expressions import EXPRESSIONS, express
from lwpipe.data.sources.synthetic.grid import FaceGrid
from lwpipe.data.sources.synthetic.shapes import (
    ALL_PARAMETERS,
    HEAD_SCALES,
    Canvas,
    correlation,
)

Floats = npt.NDArray[np.float64]

_SATURATION = 3.0
_SCALES = len(HEAD_SCALES)


def shape_names() -> list[str]:
    """Return the names of the shape parameters, the global ones first."""
    return [item.name for item in ALL_PARAMETERS]


def expression_names() -> list[str]:
    """Return the names of the expressions."""
    return list(EXPRESSIONS)


def parameter_names() -> list[str]:
    """Return the names of the columns that `synthesize` takes: shape, then expressions."""
    return shape_names() + expression_names()


@lru_cache(maxsize=2)
def _fields(grid: FaceGrid) -> tuple[Canvas, npt.NDArray[np.float32]]:
    canvas = Canvas(grid)
    fields = np.stack([item.field(canvas) for item in ALL_PARAMETERS]).astype(np.float32)
    return canvas, fields


def regions(grid: FaceGrid) -> dict[str, npt.NDArray[np.float32]]:
    """Return where each shape parameter acts, float32 (V,) in [0, 1], by name.

    It is the length of the parameter's displacement divided by its maximum over the face.
    """
    _, fields = _fields(grid)
    truth = {}
    for name, field in zip(shape_names(), fields, strict=True):
        length = np.linalg.norm(field, axis=1)
        truth[name] = (length / length.max()).astype(np.float32)
    return truth


def synthesize(parameters: npt.ArrayLike, grid: FaceGrid) -> npt.NDArray[np.float32]:
    """Return the faces that the parameters describe, float32 (n, V, 3), mm.

    Parameters
    ----------
    parameters : float (n, P)
        In the order of `parameter_names`: shape parameters in standard deviations (they saturate
        smoothly at three), expressions from 0 (none) to 1 (full).
    grid : mesh in the canonical plane, from `lwpipe.data.sources.synthetic.grid.make_grid`
    """
    parameters = np.asarray(parameters, dtype=np.float64)
    names = parameter_names()
    if parameters.ndim != 2 or parameters.shape[1] != len(names):
        raise ValueError(f"parameters have shape {parameters.shape}, expected (n, {len(names)})")
    canvas, fields = _fields(grid)
    shape_count = len(ALL_PARAMETERS)
    saturated = _SATURATION * np.tanh(parameters[:, :shape_count] / _SATURATION)
    local = saturated[:, _SCALES:].astype(np.float32)
    moved = local @ fields[_SCALES:].reshape(shape_count - _SCALES, -1)
    faces = moved.reshape(len(parameters), *canvas.mean.shape) + canvas.mean.astype(np.float32)
    express(faces, parameters[:, shape_count:], canvas)
    scale = 1 + saturated[:, :_SCALES] * HEAD_SCALES
    faces *= scale[:, None, :].astype(np.float32)
    return np.asarray(faces, dtype=np.float32)


def draw_parameters(count: int, seed: int | Sequence[int], expressions: bool = True) -> Floats:
    """Draw a population, float64 (count, P), columns as in `parameter_names`.

    Shape parameters are normal with unit variance and the fixed correlations of
    `shapes.correlation`, through its Cholesky factor. With `expressions`, three faces in five show
    one or two, each at a strength of 0.3 to 1.
    """
    rng = np.random.default_rng(seed)
    factor = np.linalg.cholesky(correlation())
    shape = rng.standard_normal((count, len(factor))) @ factor.T
    shown = rng.integers(0, 5, count)
    first = rng.integers(0, len(EXPRESSIONS), count)
    second = rng.integers(0, len(EXPRESSIONS), count)
    strength = rng.uniform(0.3, 1.0, (count, 2))
    active = np.zeros((count, len(EXPRESSIONS)))
    if expressions:
        rows = np.arange(count)
        active[rows[shown == 4], second[shown == 4]] = 0.7 * strength[shown == 4, 1]
        active[rows[shown >= 2], first[shown >= 2]] = strength[shown >= 2, 0]
    return np.concatenate([shape, active], axis=1)


def expression_label(parameters: Floats) -> str:
    """Return the names of the expressions that a row of `draw_parameters` shows, or 'neutral'."""
    active = parameters[len(ALL_PARAMETERS) :]
    names = [name for name, value in zip(EXPRESSIONS, active, strict=True) if value > 0]
    return "+".join(names) or "neutral"
