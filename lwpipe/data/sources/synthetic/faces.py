"""The embedded parametric face: a population drawn by seed, at any resolution.

A face is the mean face of `anatomy` moved by the parameters of `shapes`, the person's own `detail`
and `expressions`, modules beside this one. The map from parameters to vertices is non-linear on
purpose: parameters saturate, sizes multiply what they find, the jaw and the lids turn on the shape
that they are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lwpipe.data.sources.synthetic.canvas import Canvas
from lwpipe.data.sources.synthetic.detail import Detail, detail_names, draw_detail
from lwpipe.data.sources.synthetic.expressions import EXPRESSIONS, express
from lwpipe.data.sources.synthetic.grid import FaceGrid
from lwpipe.data.sources.synthetic.motions import Motion, Stretch, Turn
from lwpipe.data.sources.synthetic.shapes import ALL_PARAMETERS, HEAD, loadings

Floats = npt.NDArray[np.float64]
Faces = npt.NDArray[np.float32]

_SATURATION = 3.0
_MOST_EXPRESSIONS = 4
_AT_ONCE = 32
# Expressions that are shown so many times as often as others.
_OFTEN = {"jaw_open": 3}


def shape_names() -> list[str]:
    """Return the names of the shape parameters, the global ones first."""
    return [item.name for item in ALL_PARAMETERS]


def expression_names() -> list[str]:
    """Return the names of the expressions."""
    return list(EXPRESSIONS)


def parameter_names() -> list[str]:
    """Return the names of the columns that `synthesize` takes: shape, expressions, detail."""
    return shape_names() + expression_names() + detail_names()


@dataclass(frozen=True)
class _Worked:
    """The parameters on a mesh: fields, motions that follow them, the head's, and expressions."""

    mean: Faces
    fields: npt.NDArray[np.float32]
    added: list[int]
    sizes: list[tuple[int, Motion]]
    head: list[tuple[int, Motion]]
    expressions: list[Motion]
    detail: Detail


@lru_cache(maxsize=2)
def _worked(grid: FaceGrid) -> _Worked:
    canvas = Canvas(grid)
    added, fields = [], []
    sizes: list[tuple[int, Motion]] = []
    head: list[tuple[int, Motion]] = []
    for column, item in enumerate(ALL_PARAMETERS):
        if isinstance(item.acts, Stretch | Turn):
            (head if item in HEAD else sizes).append((column, item.acts.on(canvas)))
        else:
            added.append(column)
            fields.append(item.acts(canvas).astype(np.float32))
    return _Worked(
        canvas.mean.astype(np.float32),
        np.stack(fields),
        added,
        sizes,
        head,
        [make(canvas) for make in EXPRESSIONS.values()],
        Detail(grid.points),
    )


def unit_fields(grid: FaceGrid, columns: int | None = None) -> Faces:
    """Return what one unit of each parameter moves on the mean face, float32 (P, V, 3), mm.

    Parameters
    ----------
    grid : FaceGrid
    columns : only so many parameters, the first; None: all
    """
    units = np.eye(len(parameter_names()))[:columns]
    mean = synthesize(0 * units[:1], grid)
    fields = np.empty((len(units), *mean.shape[1:]), np.float32)
    for start in range(0, len(units), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        fields[some] = synthesize(units[some], grid) - mean
    return fields


def regions(grid: FaceGrid) -> dict[str, npt.NDArray[np.float32]]:
    """Return where each shape parameter acts, float32 (V,) in [0, 1], by name.

    It is how far a standard deviation of it moves the mean face, over its maximum.
    """
    names = shape_names()
    length = np.linalg.norm(unit_fields(grid, len(names)), axis=2)
    return dict(zip(names, length / length.max(axis=1, keepdims=True), strict=True))


def synthesize(parameters: npt.ArrayLike, grid: FaceGrid) -> Faces:
    """Return the faces that the parameters describe, float32 (n, V, 3), mm.

    Parameters
    ----------
    parameters : float (n, P)
        In the order of `parameter_names`: shape parameters in standard deviations (they saturate
        smoothly at three), expressions from 0 (none) to 1 (full), heights of the detail's bumps in
        standard deviations.
    grid : mesh in the canonical plane, from `lwpipe.data.sources.synthetic.grid.make_grid`
    """
    parameters = np.asarray(parameters, dtype=np.float64)
    names = parameter_names()
    if parameters.ndim != 2 or parameters.shape[1] != len(names):
        raise ValueError(f"parameters have shape {parameters.shape}, expected (n, {len(names)})")
    worked = _worked(grid)
    ends = np.cumsum([len(ALL_PARAMETERS), len(EXPRESSIONS)])
    shape, expressions, detail = np.split(parameters, ends, axis=1)
    shape = _SATURATION * np.tanh(shape / _SATURATION)
    local = shape[:, worked.added].astype(np.float32)
    faces = (local @ worked.fields.reshape(len(worked.fields), -1)).reshape(-1, *worked.mean.shape)
    faces += worked.mean
    worked.detail.add(faces, detail)
    for column, move in worked.sizes:
        move(faces, shape[:, column])
    express(faces, expressions, worked.expressions)
    for column, move in worked.head:
        move(faces, shape[:, column])
    return np.asarray(faces, dtype=np.float32)


def draw_parameters(count: int, seed: int | Sequence[int], expressions: bool = True) -> Floats:
    """Draw a population, float64 (count, P), columns as in `parameter_names`.

    Shape parameters are normal with unit variance, and correlate because they follow three normal
    traits by `shapes.loadings`; the detail follows them too, in its own way. With `expressions`,
    four faces in five show one to four, each at a strength of 0.3 to 1. Shape, expressions and
    detail have a stream each, so that the first faces of a larger population are the same.
    """
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(3)]
    follows = loadings()
    drawn = streams[0].standard_normal((count, follows.shape[1] + len(follows)))
    traits, own = np.split(drawn, [follows.shape[1]], axis=1)
    shape = traits @ follows.T + own * np.sqrt(1 - (follows**2).sum(axis=1))
    drawn = streams[1].random((count, 1 + 2 * _MOST_EXPRESSIONS))
    active = np.zeros((count, len(EXPRESSIONS)))
    shares = np.array([_OFTEN.get(name, 1) for name in EXPRESSIONS])
    shares = shares / shares.sum()
    if expressions:
        shown = (drawn[:, 0] * (_MOST_EXPRESSIONS + 1)).astype(int)
        for place in range(_MOST_EXPRESSIONS):
            rows = np.flatnonzero(shown > place)
            which, strength = drawn[rows, 1 + 2 * place], drawn[rows, 2 + 2 * place]
            column = np.searchsorted(np.cumsum(shares), which)
            active[rows, column] = 0.3 + 0.7 * strength
    return np.concatenate([shape, active, draw_detail(traits, streams[2])], axis=1)


def expression_label(parameters: Floats) -> str:
    """Return the names of the expressions that a row of `draw_parameters` shows, or 'neutral'."""
    active = parameters[len(ALL_PARAMETERS) :]
    names = [name for name, value in zip(EXPRESSIONS, active, strict=False) if value > 0]
    return "+".join(names) or "neutral"
