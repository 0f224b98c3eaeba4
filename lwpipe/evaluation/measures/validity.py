"""Whether the mesh stays sound where parts meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from lwpipe.evaluation.measure import Column, Composites, OfComposites, Section, Values
from lwpipe.mesh.topology import edges, triangle_normals

if TYPE_CHECKING:
    from lwpipe.evaluation.bench import Bench

# A vertex belongs to a part when that part has at least this much of its weight.
OWNED = 0.9
# Lengths below this, in mm, are taken for it: a collapsed edge gives a large stretch, not infinity.
SHORTEST = 1e-6


def border_triangles(
    triangles: npt.NDArray[np.int64], weights: npt.ArrayLike
) -> npt.NDArray[np.int64]:
    """Return the triangles along the part borders, int64 (B, 3).

    They have a vertex whose largest weight is below 0.9, or vertices of different parts.

    Parameters
    ----------
    triangles : int64 (F, 3)
    weights : float (V, K)
    """
    weights = np.asarray(weights)
    owner = weights.argmax(axis=1)[triangles]
    mixed = (weights.max(axis=1) < OWNED)[triangles].any(axis=1)
    chosen: npt.NDArray[np.int64] = triangles[mixed | (owner != owner[:, :1]).any(axis=1)]
    return chosen


def edge_stretch(
    face: npt.NDArray[np.float32],
    source: npt.NDArray[np.float32],
    target: npt.NDArray[np.float32],
    pairs: npt.NDArray[np.int64],
) -> npt.NDArray[np.float64]:
    """Return by how much each edge leaves the range of its lengths in source and target, (E,).

    max(l / l_max, l_min / l) - 1, and 0 within the range: 0.1 is ten per cent longer than the
    longer of the two, or shorter than the shorter by the same factor. Any edit that mixes two
    sound faces smoothly stays near 0; a seam does not.

    Parameters
    ----------
    face, source, target : float32 (V, 3), mm
    pairs : int64 (E, 2)
        The edges.
    """
    length, one, other = (
        np.maximum(np.linalg.norm(f[pairs[:, 0]] - f[pairs[:, 1]], axis=1), SHORTEST).astype(
            np.float64
        )
        for f in (face, source, target)
    )
    longest, shortest = np.maximum(one, other), np.minimum(one, other)
    stretch: npt.NDArray[np.float64] = np.maximum(length / longest, shortest / length) - 1.0
    return np.maximum(stretch, 0.0)


def flipped_share(
    face: npt.NDArray[np.float32],
    source: npt.NDArray[np.float32],
    target: npt.NDArray[np.float32],
    triangles: npt.NDArray[np.int64],
) -> float:
    """Return the share of triangles that face away from both source's and target's, in [0, 1].

    Parameters
    ----------
    face, source, target : float32 (V, 3), mm
    triangles : int64 (B, 3)
    """
    normal = triangle_normals(face, triangles)
    against = [
        np.einsum("fc,fc->f", normal, triangle_normals(other, triangles)) < 0
        for other in (source, target)
    ]
    return float(np.mean(against[0] & against[1]))


def validity(
    faces: npt.NDArray[np.float32],
    sources: npt.NDArray[np.float32],
    targets: npt.NDArray[np.float32],
    border: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Measure the mesh of composites along the part borders.

    Parameters
    ----------
    faces, sources, targets : float32 (n, V, 3), mm
        Composites and the real faces they come from.
    border : int64 (B, 3)
        From `border_triangles`.

    Returns
    -------
    stretch : float64 (n,)
        95th percentile of `edge_stretch` over the border's edges.
    stretch_max : float64 (n,)
    flipped : float64 (n,)
        `flipped_share` of the border's triangles.

        All NaN when there is no border.
    """
    result = np.full((3, len(faces)), np.nan)
    if len(border):
        pairs = edges(border)
        for i, (face, source, target) in enumerate(zip(faces, sources, targets, strict=True)):
            stretch = edge_stretch(face, source, target, pairs)
            result[0, i] = np.percentile(stretch, 95)
            result[1, i] = stretch.max()
            result[2, i] = flipped_share(face, source, target, border)
    return result[0], result[1], result[2]


class Validity(OfComposites):
    """The mesh of composites along the part borders."""

    name = "validity"
    place = 4
    columns = (
        Column("stretch", "stretch_p95", better="low"),
        Column("flipped", "flipped", better="low"),
    )
    part_columns: ClassVar = {"stretch_p95": "stretch_p95", "flipped": "flipped"}

    def values(self, bench: Bench, composites: Composites) -> Values:
        """Return stretch and flipped triangles of each composite."""
        stretch, largest, flipped = validity(
            composites.faces, composites.sources, composites.targets, _border(bench)
        )
        return {"stretch_p95": stretch, "stretch_max": largest, "flipped": flipped}

    def section(self, bench: Bench, values: Values) -> Section:
        """Return their means, and the largest stretch of all."""
        return {
            "stretch_p95": values["stretch_p95"].mean(),
            "stretch_max": values["stretch_max"].max(),
            "flipped": values["flipped"].mean(),
            "border_triangles": len(_border(bench)),
        }


def _border(bench: Bench) -> npt.NDArray[np.int64]:
    return bench.once("border", lambda: border_triangles(bench.data.triangles, bench.weights))
