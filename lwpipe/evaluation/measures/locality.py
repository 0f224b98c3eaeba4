"""Whether an edit of part k stays where the local weight w_k is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from lwpipe.editing import Editor
from lwpipe.evaluation.measure import Column, OfEdits, Rows, Section
from lwpipe.evaluation.measures.reconstruction import vertex_distances

if TYPE_CHECKING:
    from lwpipe.evaluation.bench import Bench

# The first and the last step of the paper's figures 4 and 5, whatever interpolation.steps is:
# measures of different runs stay comparable.
FIRST_ALPHA, LAST_ALPHA = 1 / 9, 8 / 9
OUTSIDE, INSIDE = 0.1, 0.5


def edit_profiles(
    editor: Editor,
    codes: npt.NDArray[np.float32],
    pairs: npt.NDArray[np.int64],
    batch: int = 16,
) -> npt.NDArray[np.float64]:
    """Return how far each vertex moves when each part is edited, d_k(v), float64 (K, V), mm.

    d_k is the mean over the pairs of the distance between the faces at alpha = 1/9 and 8/9.

    Parameters
    ----------
    editor : Editor
    codes : float32 (n, ...)
        `editor.encode` of the faces.
    pairs : int (P, 2)
        Source and target among the n.
    batch : int
        Pairs a call.
    """
    profiles = []
    for part in range(editor.part_count):
        total: npt.NDArray[np.float64] | float = 0.0
        for start in range(0, len(pairs), batch):
            sources, targets = codes[pairs[start : start + batch].T]
            first = editor.blend(sources, targets, part, FIRST_ALPHA)
            last = editor.blend(sources, targets, part, LAST_ALPHA)
            total = total + vertex_distances(first, last).sum(axis=0, dtype=np.float64)
        profiles.append(np.asarray(total) / len(pairs))
    return np.stack(profiles)


def correlations(
    profiles: npt.NDArray[np.float64], weights: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Return Pearson's r of every d_k with every w_j, float64 (K, K).

    NaN where either is constant.

    Parameters
    ----------
    profiles : float64 (K, V), mm
    weights : float (V, K)
    """
    d = profiles - profiles.mean(axis=1, keepdims=True)
    w = np.asarray(weights, np.float64).T
    w = w - w.mean(axis=1, keepdims=True)
    norms = np.outer(np.linalg.norm(d, axis=1), np.linalg.norm(w, axis=1))
    # Rounding leaves something of the order of 1e-16 of a constant.
    defined = norms > 1e-12 * np.outer(
        np.linalg.norm(profiles, axis=1), np.linalg.norm(np.asarray(weights, np.float64), axis=0)
    )
    r = np.full(norms.shape, np.nan)
    np.divide(d @ w.T, norms, out=r, where=defined)
    return r


def leak(profile: npt.NDArray[np.float64], weight: npt.ArrayLike) -> float:
    """Return mean d_k where w_k < 0.1 divided by mean d_k where w_k > 0.5.

    NaN if there is no such vertex on either side, or nothing moves inside.

    Parameters
    ----------
    profile : float64 (V,), mm
    weight : float (V,)
    """
    weight = np.asarray(weight)
    outside, inside = profile[weight < OUTSIDE], profile[weight > INSIDE]
    if len(outside) == 0 or len(inside) == 0 or inside.mean() == 0:
        return float("nan")
    return float(outside.mean() / inside.mean())


def locality(
    profiles: npt.NDArray[np.float64], weights: npt.ArrayLike, match: bool = False
) -> dict[str, Any]:
    """Measure the locality of every part.

    Parameters
    ----------
    profiles : float64 (K, V), mm
        d_k, from `edit_profiles`.
    weights : float (V, K)
        Local weights.
    match : bool
        Compare each part with the weight that the best one-to-one assignment gives it (largest
        sum of r): for a model that was not told which part is where.

    Returns
    -------
    dict
        `parts` (part, weights_column, r, leak, inside_mm, outside_mm), `r_min`, `r_mean`,
        `leak_min`, `leak_max`, `leak_mean`, `matching` ('identity' or 'assignment'), `remark`.
    """
    weights = np.asarray(weights)
    r = correlations(profiles, weights)
    columns = np.arange(len(profiles))
    if match:
        columns = linear_sum_assignment(np.nan_to_num(r, nan=-1.0), maximize=True)[1]
    parts = []
    for k, column in enumerate(columns):
        w = weights[:, column]
        inside, outside = profiles[k][w > INSIDE], profiles[k][w < OUTSIDE]
        parts.append(
            {
                "part": k,
                "weights_column": int(column),
                "r": float(r[k, column]),
                "leak": leak(profiles[k], w),
                "inside_mm": float(inside.mean()) if len(inside) else float("nan"),
                "outside_mm": float(outside.mean()) if len(outside) else float("nan"),
            }
        )
    r_known = [part["r"] for part in parts if not np.isnan(part["r"])]
    leaks = [part["leak"] for part in parts if not np.isnan(part["leak"])]
    remarks = []
    if len(r_known) < len(parts):
        remarks.append("r is not defined for a part that moves every vertex alike, or none")
    if len(leaks) < len(parts):
        remarks.append(
            f"leak is not defined for a part without weights below {OUTSIDE} or above {INSIDE}, "
            "or that moves nothing"
        )
    nan = float("nan")
    return {
        "parts": parts,
        "r_min": min(r_known, default=nan),
        "r_mean": float(np.mean(r_known)) if r_known else nan,
        "leak_min": min(leaks, default=nan),
        "leak_max": max(leaks, default=nan),
        "leak_mean": float(np.mean(leaks)) if leaks else nan,
        "matching": "assignment" if match else "identity",
        "remark": "; ".join(remarks) or None,
    }


class Locality(OfEdits):
    """Correlation of the edits with the local weights, and what leaks out of the part."""

    name = "locality"
    place = 2
    columns = (
        Column("r_min", "r_min", "r, worst part", better="high"),
        Column(
            "r_mean", "r_mean", "r, mean", better="high", panel=("Locality", "r, mean of the parts")
        ),
        Column("leak_min", "leak_min", better="low"),
        Column("leak_max", "leak_max", better="low"),
        Column(
            "leak_mean",
            "leak_mean",
            "leak, mean",
            better="low",
            panel=("Leak", "mean of the parts"),
        ),
    )
    part_columns = ("weights_column", "r", "leak", "inside_mm", "outside_mm")

    def measure(
        self, bench: Bench, editor: Editor, codes: npt.NDArray[np.float32], match: bool
    ) -> tuple[Section | None, Rows, str | None]:
        """Return `locality` of the edits of pairs of test faces."""
        columns = bench.weights.shape[1]
        if editor.part_count != columns:
            remark = (
                f"the model has {editor.part_count} parts and the local weights {columns}: "
                "locality is not defined"
            )
            return None, [{} for _ in range(editor.part_count)], remark
        found = locality(edit_profiles(editor, codes, bench.pairs), bench.weights, match)
        return found, found["parts"], None
