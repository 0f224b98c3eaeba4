"""Edits of one part, as plain functions on part encodings and on vertices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Real = TypeVar("Real", bound=np.floating[Any])


def alphas(steps: int) -> npt.NDArray[np.float64]:
    """Return the interpolation steps i / (steps + 1), i = 1..steps, float64 (steps,).

    Neither end is included: at 8 steps the first face is 1/9 of the way and the last 8/9
    (Locally Weighted 3D Face Generative Model, section 5.1).

    Examples
    --------
    >>> alphas(3)
    array([0.25, 0.5 , 0.75])
    """
    return np.arange(1, steps + 1, dtype=np.float64) / (steps + 1)


def blend_part(
    source_parts: npt.NDArray[Real], target_parts: npt.NDArray[Real], part: int, alpha: float
) -> npt.NDArray[Real]:
    """Move part `part` of the source towards the target: p_k = (1 - alpha) source + alpha target.

    Parameters
    ----------
    source_parts, target_parts : float (..., K, Z)
        Part encodings p_k; the other parts stay the source's.
    part : int
        k, from 0 to K - 1.
    alpha : float
        0 gives the source, 1 the target's part.

    Returns
    -------
    float (..., K, Z), of the source's dtype

    Raises
    ------
    ValueError
        If the shapes differ or there is no such part.

    Examples
    --------
    >>> source, target = np.zeros((2, 3)), np.ones((2, 3))
    >>> blend_part(source, target, part=1, alpha=0.5)
    array([[0. , 0. , 0. ],
           [0.5, 0.5, 0.5]])
    """
    if source_parts.shape != target_parts.shape:
        raise ValueError(f"source parts {source_parts.shape}, target parts {target_parts.shape}")
    _check_part(part, source_parts.shape[-2])
    result = source_parts.copy()
    result[..., part, :] = (1 - alpha) * source_parts[..., part, :] + alpha * target_parts[
        ..., part, :
    ]
    return result


def interpolate_part(
    source_parts: npt.NDArray[Real],
    target_parts: npt.NDArray[Real],
    part: int,
    alphas: npt.ArrayLike,
) -> npt.NDArray[Real]:
    """Return the source with part `part` at each step towards the target (figures 4 and 5).

    Parameters
    ----------
    source_parts, target_parts : float (K, Z)
    part : int
    alphas : float (S,)

    Returns
    -------
    float (S, K, Z)

    Raises
    ------
    ValueError
        If the shapes differ or there is no such part.
    """
    steps = np.asarray(alphas, dtype=np.float64)
    result = np.empty((len(steps), *source_parts.shape), dtype=source_parts.dtype)
    for row, alpha in enumerate(steps):
        result[row] = blend_part(source_parts, target_parts, part, float(alpha))
    return result


def combine(parts: npt.NDArray[Real], sources: Sequence[int]) -> npt.NDArray[Real]:
    """Put one face together from parts of any faces.

    Parameters
    ----------
    parts : float (n, K, Z)
        Part encodings of n faces.
    sources : int (K,)
        `sources[k]` is the face that gives part k.

    Returns
    -------
    float (K, Z)

    Raises
    ------
    ValueError
        If there is not one source a part, or a source is not among the n faces.

    Examples
    --------
    >>> parts = np.arange(4.0).reshape(2, 2, 1)  # two faces, two parts, Z = 1
    >>> combine(parts, [1, 0])  # part 0 of face 1, part 1 of face 0
    array([[2.],
           [1.]])
    """
    chosen = np.asarray(sources, dtype=np.int64)
    if parts.ndim != 3 or chosen.shape != (parts.shape[1],):
        raise ValueError(f"parts {parts.shape} need one source a part, got {chosen.shape}")
    if chosen.min() < 0 or chosen.max() >= len(parts):
        raise ValueError(f"sources {chosen.tolist()} are not all among the {len(parts)} faces")
    return parts[chosen, np.arange(parts.shape[1])]


def mask_blend(
    source: npt.ArrayLike, target: npt.ArrayLike, weights: npt.ArrayLike, alpha: float = 1.0
) -> npt.NDArray[np.float32]:
    """Blend vertices by one part's local weights: source + alpha w_k (target - source).

    Parameters
    ----------
    source, target : float (..., V, C)
    weights : float (V,)
        w_k.
    alpha : float

    Returns
    -------
    float32 (..., V, C)
        Exactly the source wherever w_k = 0.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> source, target = np.zeros((2, 3)), np.full((2, 3), 4.0)
    >>> mask_blend(source, target, weights=[0.0, 0.5])
    array([[0., 0., 0.],
           [2., 2., 2.]], dtype=float32)
    """
    source, target = np.asarray(source, np.float32), np.asarray(target, np.float32)
    factor = np.asarray(alpha * np.asarray(weights, np.float64), np.float32)
    if source.shape != target.shape or source.shape[-2:-1] != factor.shape:
        raise ValueError(f"source {source.shape}, target {target.shape}, weights {factor.shape}")
    blended: npt.NDArray[np.float32] = source + factor[:, None] * (target - source)
    return blended


def _check_part(part: int, count: int) -> None:
    if not 0 <= part < count:
        raise ValueError(f"part {part} is not among the {count} parts")
