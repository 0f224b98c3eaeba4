"""Local weights: which part of the template each vertex belongs to, and how much."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import connected_components

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import write_json
from lwpipe.core.threads import one_blas_thread
from lwpipe.data.store import Dataset
from lwpipe.local_weights.archive import save_local_weights
from lwpipe.local_weights.blur import blurred, diffused
from lwpipe.local_weights.features import choose_faces, features
from lwpipe.local_weights.painted import read_painted
from lwpipe.local_weights.refine import refined
from lwpipe.local_weights.settings import LocalWeightsSettings
from lwpipe.local_weights.solve import SnmfResult
from lwpipe.mesh.topology import adjacency

if TYPE_CHECKING:
    from jaxtyping import Float32, Float64, Int64

Floats = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float32]

# Parts whose centres differ by less than this share of the template's height are one row.
_ROW_HEIGHT = 0.02
# Blur of parts with hard borders, painted and refined ones, as a share of the template's diagonal.
_BLUR = 0.02
# What counts as near a vertex where its part is chosen, likewise.
_NEIGHBOURHOOD = 0.04


class Found(NamedTuple):
    """Parts as they are found, before they are sharpened.

    Attributes
    ----------
    weights : float32 (V, K), rows sum to 1
    basis : float32 (V, K), columns have maximum 1
    about : how they were found
    names : of the parts, where they have some
    """

    weights: Weights
    basis: Weights
    about: dict[str, Any]
    names: list[str] | None = None


def make_local_weights(
    data: str | Path,
    weights: str | Path,
    info: str | Path,
    local_weights: LocalWeightsSettings,
) -> Weights:
    """Derive local weights from the training faces, or read painted ones, and write them.

    Sparse NMF of the vertices' motion gives one column a part (W). Each column is scaled to a
    maximum of 1 (`basis`) and the rows to a sum of 1 (`weights`). Parts are numbered in reading
    order: rows from top (+y) to bottom, within a row by rising x.

    Painted weights are blurred; columns and numbered regions keep their order, others are numbered
    in reading order.

    Parameters
    ----------
    data : folder of the data set
    weights : `local_weights.npz`
        weights and basis, float32 (V, K); names of painted parts that have some.
    info : `local_weights.json`
        How the solve ended, or what was read, and where each part lies.

    Returns
    -------
    weights : float32 (V, K), rows sum to 1

    Raises
    ------
    LwpipeError
        If the data set cannot be read, or its faces do not give so many parts, or the file does
        not hold so many of its vertices.
    """
    dataset = Dataset.open(data)
    area = vertex_areas(dataset.template, dataset.triangles)
    find = _painted if local_weights.source == "file" else _factorised
    found = find(dataset, area, local_weights)
    made = sharpened(found.weights, local_weights.sharpness, local_weights.support)
    save_local_weights(weights, made, found.basis, found.names)
    described = describe_parts(made, dataset, area)
    if found.names is not None:
        described = [
            {"name": name, **part} for name, part in zip(found.names, described, strict=True)
        ]
    write_json(
        info,
        {
            "source": local_weights.source,
            "parts": local_weights.parts,
            **found.about,
            "sharpness": local_weights.sharpness,
            "support": local_weights.support,
            "part": described,
        },
    )
    return made


def _factorised(dataset: Dataset, area: Floats, settings: LocalWeightsSettings) -> Found:
    """Return the parts that sparse NMF finds in the training faces."""
    rows = choose_faces(dataset.indices("train"), settings.max_faces)
    result, columns = _factorise(dataset, rows, settings)
    basis = result.W / result.W.max(axis=0)
    basis = basis[:, reading_order(basis, dataset.template, area)]
    weights = partition_of_unity(basis)
    if settings.refine:
        weights, deviation = refine_weights(weights, dataset, settings)
    else:
        deviation = settings.blur or 0.0
        weights = blurred(weights, dataset.template, dataset.triangles, area, deviation)
    about = {
        "solver": settings.solver,
        "features": settings.features,
        "faces": len(rows),
        "feature_columns": columns,
        "sparsity": settings.sparsity,
        "eta": result.eta,
        "seed": settings.seed,
        "iterations": result.iterations,
        "restarts": result.restarts,
        "converged": result.converged,
        "objective": result.objective,
        "vertices_without_part": int((basis == 0).all(axis=1).sum()),
        "refine": settings.refine,
        "neighbourhood_mm": _neighbourhood(dataset, settings) if settings.refine else 0.0,
        "blur_mm": deviation,
    }
    return Found(weights, basis.astype(np.float32), about)


def _factorise(
    dataset: Dataset, rows: npt.NDArray[np.int64], settings: LocalWeightsSettings
) -> tuple[SnmfResult, int]:
    """Return the factors of the features of some faces, and how many columns the features have."""
    # Only the solver that is asked for is imported: nimfa, or PyTorch and numba.
    solve: Callable[..., SnmfResult]
    dtype: type[np.float32] | type[np.float64]
    if settings.solver == "fast":
        from lwpipe.local_weights.fast_snmf import solve_fast_snmf

        solve, dtype = solve_fast_snmf, np.float32
    else:
        from lwpipe.local_weights.snmf import solve_snmf

        solve, dtype = solve_snmf, np.float64
    matrix = features(dataset.vertices, dataset.template, settings.features, rows, dtype)
    result = solve(
        matrix, settings.parts, settings.sparsity, settings.eta, settings.iterations, settings.seed
    )
    return result, matrix.shape[1]


def refine_weights(
    weights: Weights, dataset: Dataset, settings: LocalWeightsSettings
) -> tuple[Weights, float]:
    """Return weights with borders where the training faces have them, and their blur, mm.

    Parameters
    ----------
    weights : float32 (V, K), rows sum to 1
    dataset : Dataset
    settings : of which `refine`, `neighbourhood`, `blur` and `max_faces` are used
    """
    rows = choose_faces(dataset.indices("train"), settings.max_faces)
    template, triangles = dataset.template, dataset.triangles
    area = vertex_areas(template, triangles)
    near = _neighbourhood(dataset, settings)

    def nearby(explained: Floats) -> Floats:
        return diffused(explained, template, triangles, area, near)

    with one_blas_thread():
        hard = refined(weights, dataset.vertices, rows, triangles, settings.refine, nearby)
    return _blurred(hard, dataset, area, settings.blur)


def _neighbourhood(dataset: Dataset, settings: LocalWeightsSettings) -> float:
    """Return how far around a vertex motion counts where it is given to a part, mm."""
    if settings.neighbourhood is not None:
        return settings.neighbourhood
    return _NEIGHBOURHOOD * dataset.diagonal


def _painted(dataset: Dataset, area: Floats, settings: LocalWeightsSettings) -> Found:
    """Return the parts of a file."""
    path, template = settings.user_files()[0], dataset.template
    found = read_painted(path, len(template), dataset.triangles)
    weights, names = found.weights, found.names
    if weights.shape[1] != settings.parts:
        raise LwpipeError(
            f"{path}: has K = {weights.shape[1]}, and local_weights.parts is {settings.parts}: "
            f"set local_weights.parts: {weights.shape[1]}{found.rarest(settings.parts)}."
        )
    if not found.ordered:
        order = reading_order(weights.astype(np.float64), template, area)
        weights, names = weights[:, order], [names[part] for part in order] if names else None
    hard = _is_hard(weights)
    weights, deviation = _blurred(weights, dataset, area, settings.blur)
    about = {"file": path.name, "one_part_a_vertex": hard, "blur_mm": deviation}
    return Found(weights, weights / weights.max(axis=0), about, names)


def _is_hard(weights: Weights) -> bool:
    """Say whether each vertex is in one part only."""
    return bool(((weights > 0).sum(axis=1) == 1).all())


def _blurred(
    weights: Weights, dataset: Dataset, area: Floats, asked: float | None
) -> tuple[Weights, float]:
    """Return blurred weights, and how far they are blurred, mm.

    Without a wish, those of parts with hard borders by a share of the template's diagonal.
    """
    deviation = asked
    if deviation is None:
        deviation = _BLUR * dataset.diagonal if _is_hard(weights) else 0.0
    made = blurred(weights, dataset.template, dataset.triangles, area, deviation)
    return made, deviation


def partition_of_unity(basis: npt.ArrayLike) -> Float32[Weights, "V K"]:
    """Scale the rows of basis (V, K) to a sum of 1; a row of zeros belongs to all parts alike.

    Examples
    --------
    >>> partition_of_unity([[1.0, 3.0], [0.0, 0.0]])
    array([[0.25, 0.75],
           [0.5 , 0.5 ]], dtype=float32)
    """
    basis = np.asarray(basis, dtype=np.float64)
    total = basis.sum(axis=1, keepdims=True)
    share = basis / np.where(total > 0, total, 1.0)
    return np.where(total > 0, share, 1.0 / basis.shape[1]).astype(np.float32)


def sharpened(
    weights: Float32[Weights, "V K"], sharpness: float = 1.0, support: float = 0.0
) -> Float32[Weights, "V K"]:
    """Return weights whose parts overlap less; rows sum to 1.

    w_k <- w_k^s / sum_j w_j^s, then entries below `support` become exactly 0, but for the largest
    of a vertex, and the rows are brought to a sum of 1 again.

    Examples
    --------
    >>> sharpened(np.array([[0.5, 0.4, 0.1]], np.float32), sharpness=2.0, support=0.1)
    array([[0.6097561 , 0.39024392, 0.        ]], dtype=float32)
    """
    if sharpness == 1.0 and support == 0.0:
        return weights
    # Divided by the largest, no power comes to nothing.
    powers = (weights / weights.max(axis=1, keepdims=True)).astype(np.float64) ** sharpness
    share = powers / powers.sum(axis=1, keepdims=True)
    share[(share < support) & (powers < 1)] = 0
    made: Weights = (share / share.sum(axis=1, keepdims=True)).astype(np.float32)
    return made


def reading_order(
    basis: Float64[Floats, "V K"], vertices: Float64[Floats, "V 3"], area: Float64[Floats, " V"]
) -> list[int]:
    """Return the parts from top (+y) to bottom, and from low to high x where they are level.

    Parameters
    ----------
    basis : (V, K)
    vertices : (V, 3), mm
    area : (V,)
    """
    share = basis * area[:, None]
    centres = share.T @ vertices / share.sum(axis=0)[:, None]
    row_height = _ROW_HEIGHT * float(np.ptp(vertices[:, 1]))
    order: list[int] = []
    rest = sorted(range(len(centres)), key=lambda part: -centres[part, 1])
    while rest:
        top = centres[rest[0], 1]
        row = [part for part in rest if top - centres[part, 1] <= row_height]
        order += sorted(row, key=lambda part: centres[part, 0])
        rest = rest[len(row) :]
    return order


def vertex_areas(
    vertices: Float64[Floats, "V 3"], triangles: Int64[npt.NDArray[np.int64], "F 3"]
) -> Float64[Floats, " V"]:
    """Return a third of the area of the triangles at each vertex, mm^2, (V,), never 0."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    area = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    total = np.zeros(len(vertices))
    np.add.at(total, triangles.ravel(), np.repeat(area / 3, 3))
    # A vertex in no triangle still counts a little, so that a part made of such has a centre.
    total += 1e-9 * max(float(total.mean()), 1e-300)
    return total


def describe_parts(weights: Weights, dataset: Dataset, area: Floats) -> list[dict[str, Any]]:
    """Return for each part its share of the area, centre, spread, and the true region it is like.

    `spread` is the root mean square distance from the part's centre over that of the whole
    template: below 1 for a compact part. `pieces` counts the connected regions where w_k > 0.5.
    """
    regions = dataset.regions() or {}
    whole = _spread(area, dataset.template)
    graph = adjacency(dataset.triangles, len(weights))
    parts = []
    for part in range(weights.shape[1]):
        column = weights[:, part].astype(np.float64)
        share = column * area
        core = np.flatnonzero(column > 0.5)
        centre = share @ dataset.template / share.sum()
        description: dict[str, Any] = {
            "area_share": float(share.sum() / area.sum()),
            "centre_mm": [round(float(value), 4) for value in centre],
            "spread": _spread(share, dataset.template) / whole,
            "pieces": int(connected_components(graph[core][:, core])[0]) if len(core) else 0,
        }
        if regions:
            description["region"], description["region_correlation"] = _most_alike(column, regions)
        parts.append(description)
    return parts


def _spread(share: Floats, vertices: Floats) -> float:
    share = share / share.sum()
    moved = vertices - share @ vertices
    return float(np.sqrt(share @ (moved * moved).sum(axis=1)))


def _most_alike(
    column: Floats, regions: dict[str, npt.NDArray[np.float32]]
) -> tuple[str | None, float]:
    """Return the region with the highest Pearson correlation with a part, and the correlation."""
    best: tuple[str | None, float] = (None, 0.0)
    for name in sorted(regions):
        region = np.asarray(regions[name], dtype=np.float64)
        deviation = float(column.std() * region.std())
        if deviation > 0:
            value = float(np.mean((column - column.mean()) * (region - region.mean()))) / deviation
            if value > best[1]:
                best = name, value
    return best
