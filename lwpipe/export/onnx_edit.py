"""The edit of a part with all its dials as an ONNX graph."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lwpipe.editing.editors import WHOLE
from lwpipe.editing.harmony import Harmony, roots
from lwpipe.export.onnx_graph import Graph, Network
from lwpipe.model import PartModel

Floats = npt.NDArray[np.float64]

# Chebyshev series of the map of harmony end where their terms are below this share of the first.
_ACCURACY = 1e-8
_DEGREES = (8, 16, 32, 64)


def add_edit(graph: Graph, model: PartModel, name: str) -> None:
    """Add the edit, as `lwpipe.editing.KeepingEditor` does it with the residual.

    Its inputs are `source` and `target` (batch, V, 3), `part`, `alpha`, `keep` and `harmony`
    (batch or 1), its output `name`.
    """
    g, network = graph, Network(model, graph)
    both = g.op("Concat", "source", "target", axis=0)
    z = network.encode(both)
    source_z, target_z = g.split(z, 2)
    source, target = g.split(network.parts(z), 2)
    alpha, harmony = (g.reshape(dial, -1, 1, 1) for dial in ("alpha", "harmony"))

    numbers = g.constant(np.arange(model.part_count)[None, :, None], np.int64)
    chosen = g.op("Equal", g.reshape("part", -1, 1, 1), numbers)
    share = g.op("Mul", g.op("Cast", chosen, to=1), alpha)
    blended = g.op("Add", source, g.op("Mul", share, g.op("Sub", target, source)))
    if model.part_count > 1:
        whole = _harmonised(g, model, source_z, target_z)
        change = g.op("Mul", g.op("Sub", whole, source_z), g.reshape(alpha, -1, 1))
        following = g.op("Add", source, network.parts(change))
        rest = g.op("Mul", harmony, g.op("Sub", following, blended))
        blended = g.op("Add", blended, rest)
    on_base = model.part_count > 1 and model.parts_match_weights and model.components is not None
    decode = network.along_the_base if on_base else network.decode
    decoded = decode(g.op("Concat", source, target, blended, axis=0))
    source_face, target_face, blended_face = g.split(decoded, 3)
    edited = blended_face
    if model.part_count > 1:
        moved = g.op("Sub", blended_face, source_face)
        edited = g.op("Add", "source", moved)
        if model.parts_match_weights:
            edited = _kept(g, model, moved, g.op("Sub", target_face, source_face))
    none = g.op("Equal", alpha, g.constant(0.0))
    untouched = "source" if model.part_count > 1 else source_face
    g.op("Where", none, untouched, edited, name=name)


def _kept(g: Graph, model: PartModel, moved: str, beside: str) -> str:
    """Return the source with the part's vertices blended, and what the decoder says beyond it."""
    alpha, keep, harmony = (g.reshape(dial, -1, 1, 1) for dial in ("alpha", "keep", "harmony"))
    one = g.constant(1.0)
    column = g.op("Gather", g.constant(model.weights.T[:, :, None]), "part", axis=0)
    share = g.op("Mul", alpha, column)
    beyond = g.op("Sub", moved, g.op("Mul", share, beside))
    whole = g.op("Min", g.op("Div", column, g.constant(WHOLE)), one)
    held = g.op("Sub", one, g.op("Mul", keep, g.op("Sub", one, whole)))
    own = g.op("Mul", g.op("Sub", one, harmony), column)
    heard = g.op("Mul", held, g.op("Sub", one, own))
    blend = g.op("Mul", share, g.op("Sub", "target", "source"))
    edited = g.op("Add", g.op("Add", "source", blend), g.op("Mul", heard, beyond))
    zero = g.constant(0.0)
    still = g.op("And", g.op("Equal", held, zero), g.op("Equal", column, zero))
    return g.op("Where", still, "source", edited)


def _harmonised(g: Graph, model: PartModel, source: str, target: str) -> str:
    """Return z* of `lwpipe.editing.harmony`, (batch, Z).

    Its inverse square root of a matrix that depends on the correlation of the pair is no operator
    of ONNX: it is a Chebyshev series in that correlation.
    """
    series = harmony_series(Harmony.of(model.projections, model.linear_path))
    parts, terms, double, size = series.shape
    table = g.constant(series.reshape(parts, terms, double * size))
    rows = g.op("Gather", table, "part", axis=0)
    powers = _chebyshev(g, _correlation(g, source, target), terms)
    matrix = g.reshape(g.op("MatMul", powers, rows), -1, double, size)
    pair = g.op("Concat", source, target, axis=1)
    row = g.op("MatMul", g.reshape(pair, -1, 1, double), matrix)
    return g.reshape(row, -1, size)


def _correlation(g: Graph, source: str, target: str) -> str:
    """Return the correlation of each pair, from 0 to 1, (batch, 1); 0 for the mean face."""
    product = g.reshape(g.total(g.op("Mul", source, target), 1), -1, 1)
    squares = [g.total(g.op("Mul", z, z), 1) for z in (source, target)]
    length = g.reshape(g.op("Sqrt", g.op("Mul", *squares)), -1, 1)
    zero, one = g.constant(0.0), g.constant(1.0)
    nothing = g.op("Equal", length, zero)
    share = g.op("Div", product, g.op("Where", nothing, one, length))
    return g.op("Clip", g.op("Where", nothing, zero, share), zero, one)


def _chebyshev(g: Graph, rho: str, terms: int) -> str:
    """Return T_0(2 rho - 1), T_1, ..., (batch, 1, terms): T_{j+1} = 2 x T_j - T_{j-1}."""
    one, two = g.constant(1.0), g.constant(2.0)
    x = g.op("Sub", g.op("Mul", two, rho), one)
    twice = g.op("Mul", two, x)
    powers = [g.op("Sub", one, g.op("Mul", x, g.constant(0.0))), x]
    while len(powers) < terms:
        powers.append(g.op("Sub", g.op("Mul", twice, powers[-1]), powers[-2]))
    return g.reshape(g.op("Concat", *powers[:terms], axis=1), -1, 1, terms)


def harmony_series(harmony: Harmony) -> Floats:
    """Return Chebyshev coefficients of the map (z_s, z_t) -> z*, float64 (K, J, 2 Z, Z).

    With x = 2 rho - 1 the map of part k is sum_j T_j(x) C_kj, applied to (z_s, z_t) as a row. It is
    analytic in rho but for |rho| >= 1, so that the series ends soon.

    Parameters
    ----------
    harmony : Harmony
    """
    for degree in _DEGREES:
        series = np.stack([_series(harmony, k, degree) for k in range(len(harmony.inside))])
        if np.abs(series[:, -2:]).max() <= _ACCURACY * np.abs(series).max():
            break
    return series


def _series(harmony: Harmony, part: int, degree: int) -> Floats:
    """Return the coefficients of one part by its values at the zeros of T_{degree + 1}."""
    outside, inside = harmony.maps([part])
    together = outside @ inside
    apart = outside @ outside + inside @ inside
    angles = (np.arange(degree + 1) + 0.5) * np.pi / (degree + 1)
    maps = []
    for rho in (np.cos(angles) + 1) / 2:
        lengths, vectors = roots(apart + rho * (together + together.T))
        root = (vectors / lengths) @ vectors.T
        maps.append(np.concatenate([outside @ root, inside @ root]))
    cosines = np.cos(np.outer(np.arange(degree + 1), angles)) * 2 / (degree + 1)
    cosines[0] /= 2
    return np.asarray(np.einsum("jr,rab->jab", cosines, np.stack(maps)))
