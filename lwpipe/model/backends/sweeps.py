# mypy: ignore-errors
"""Compiled sweeps over a mesh: a whole layer of the network in one pass from first row to last.

Rows are ordered so that neighbours are near each other, and cut into blocks at least as wide as
neighbours are apart. A recurrence then needs no finished term to start the next: as soon as T_k is
known in one block, T_{k+1} is computed in the block before it. So all orders work on a window of
few blocks; channels are mixed as soon as a block of the coarse mesh is complete (or just before it
is needed), and what a layer reads from memory and writes to it is little more than its input and
its output.

One call works on one mesh, or on a few meshes whose coordinates share one row of sixteen lanes. A
sparse matrix is a tuple (starts, columns, values) whose rows are padded with zeros to multiples of
three entries: row i has the triples starts[i] to starts[i + 1]. numba reads no annotations, and
mypy no numba.
"""

import numpy as np

from lwpipe.model.backends.mixing import activate, compiled, contract, expand, expand_narrow, outer
from lwpipe.model.backends.simd import LANES, add, at, fma, load, put, store, subtract, zeros


@compiled
def _row(matrix, row, x, x0, xs, total):
    """Return total + (matrix x)[row]."""
    starts, columns, values = matrix
    for group in range(np.int64(at(starts, row)), np.int64(at(starts, row + 1))):
        e = 3 * group
        total = fma(at(values, e), load(x, x0 + np.int64(at(columns, e)) * xs), total)
        total = fma(at(values, e + 1), load(x, x0 + np.int64(at(columns, e + 1)) * xs), total)
        total = fma(at(values, e + 2), load(x, x0 + np.int64(at(columns, e + 2)) * xs), total)
    return total


@compiled
def _clear(out, o0, os, first, end):
    for row in range(first, end):
        store(out, o0 + row * os, zeros(out))


@compiled
def _scatter(matrix, x, x0, xs, out, o0, os, first, end):
    """Add matrix^T x to out, for some rows of x."""
    starts, columns, values = matrix
    for row in range(first, end):
        value = load(x, x0 + row * xs)
        for group in range(np.int64(at(starts, row)), np.int64(at(starts, row + 1))):
            for e in range(3 * group, 3 * group + 3):
                place = o0 + np.int64(at(columns, e)) * os
                store(out, place, fma(at(values, e), value, load(out, place)))


@compiled
def _next_term(matrix, x, xs, last, before, here, first, end):
    """Set rows `here` to matrix (rows `last`) - rows `before`."""
    for row in range(first, end):
        total = _row(matrix, row, x, last, xs, zeros(x))
        store(x, here + row * xs, subtract(total, load(x, before + row * xs)))


@compiled
def _next_sum(matrix, inject, c, c0, cs, work, last, here, first, end):
    """Set rows `here` to matrix (rows `last`) + inject c - rows `here`."""
    if inject[0].shape[0] == 0:
        for row in range(first, end):
            place = here + row * LANES
            total = subtract(load(c, c0 + row * cs), load(work, place))
            store(work, place, _row(matrix, row, work, last, LANES, total))
    else:
        for row in range(first, end):
            place = here + row * LANES
            total = subtract(zeros(c), load(work, place))
            total = _row(inject, row, c, c0, cs, total)
            store(work, place, _row(matrix, row, work, last, LANES, total))


@compiled
def _first_sum(inject, c, c0, cs, work, here, first, end):
    """Set rows `here` to inject c."""
    if inject[0].shape[0] == 0:
        for row in range(first, end):
            store(work, here + row * LANES, load(c, c0 + row * cs))
    else:
        for row in range(first, end):
            store(work, here + row * LANES, _row(inject, row, c, c0, cs, zeros(c)))


@compiled
def _pack(x, order, channels, vertices, mesh, meshes, out, o0, first, end):
    """Put the channels of a few meshes side by side into rows of sixteen."""
    for row in range(first, end):
        target = o0 + row * LANES
        store(out, target, zeros(x))
        source = mesh * vertices * channels + at(order, row) * channels
        for _ in range(meshes):
            for channel in range(channels):
                put(out, target + channel, at(x, source + channel))
            source += vertices * channels
            target += channels


@compiled
def _unpack(x, x0, order, channels, vertices, mesh, meshes, out, first, end):
    """Undo `_pack`."""
    for row in range(first, end):
        source = x0 + row * LANES
        target = mesh * vertices * channels + at(order, row) * channels
        for _ in range(meshes):
            for channel in range(channels):
                put(out, target + channel, at(x, source + channel))
            source += channels
            target += vertices * channels


@compiled
def analyse(mesh, fine, terms, mixing, gradient, work):
    """Take one mesh, or one group of narrow meshes, from fine to coarse.

    Parameters
    ----------
    mesh : (L, 2 L, R^T, rows to start, rows complete, fine rows, coarse rows, rows a block)
        Of a coarse mesh that is the fine one, R^T is empty.
    fine : (x, x0, order, side channels S, first mesh, meshes)
        `meshes` is 0 for features (V, S) from x0, else a count of meshes (V, S) to be packed.
    terms : (t, t0, number of terms, width of a row); t_k is (coarse rows, width)
    mixing : (w, channels, out, o0, bias, code); without channels nothing is mixed
        w : (K, S, channels); out : (coarse rows, channels) a mesh
    gradient : (y, y0, offsets, count, out, o0); with a count, out += sum_v t(v)^T y(v)
    work : 2 x fine rows x width
    """
    laplacian, twice, inject, opened, complete, rows, kept, block = mesh
    x, x0, vertex_order, side, mesh0, meshes = fine
    t, t0, order, width = terms
    w, channels, out, o0, bias, code = mixing
    y, y0, offsets, count, slopes, s0 = gradient
    whole = inject[0].shape[0] == 0
    tk = kept * width
    blocks = (rows + block - 1) // block
    cleared, mixed = 0, 0
    for step in range(blocks + order - 1):
        for k in range(max(0, step - blocks + 1), min(order, step + 1)):
            first = (step - k) * block
            end = min(first + block, rows)
            matrix = laplacian if k == 1 else twice
            if k == 0 and not whole:
                limit = np.int64(at(opened, step))
                for term in range(order):
                    for lane in range(0, width, LANES):
                        _clear(t, t0 + term * tk + lane, width, cleared, limit)
                cleared = limit
            for lane in range(0, width, LANES):
                if whole:
                    buffer, stride = t, width
                    here = t0 + k * tk + lane
                    last, before = here - tk, here - 2 * tk
                else:
                    buffer, stride = work, width
                    here = (k % 2) * rows * width + lane
                    last = ((k + 1) % 2) * rows * width + lane
                    before = here
                if k == 0:
                    if meshes > 0:
                        _pack(x, vertex_order, side, rows, mesh0, meshes, buffer, here, first, end)
                    else:
                        for row in range(first, end):
                            store(buffer, here + row * stride, load(x, x0 + lane + row * side))
                elif k == 1:
                    _clear(buffer, here, stride, first, end)
                    _next_term(matrix, buffer, stride, last, here, here, first, end)
                else:
                    _next_term(matrix, buffer, stride, last, before, here, first, end)
                if not whole:
                    _scatter(inject, work, here, width, t, t0 + k * tk + lane, width, first, end)
        done = step - order + 1
        if done < 0:
            continue
        limit = min((done + 1) * block, rows) if whole else np.int64(at(complete, done))
        for m in range(max(1, meshes)):
            for lane in range(0, channels, LANES):
                shift = zeros(t) if bias.shape[0] == 0 else load(bias, lane)
                contract(
                    t, t0 + m * side, tk, width, order, side, w, lane, side * channels, channels,
                    out, o0 + m * kept * channels + lane, channels, mixed, limit, shift, code,
                )  # fmt: skip
                if count > 0:
                    outer(
                        t, t0, width, offsets, m * count, count,
                        y, y0 + m * kept * channels + lane, channels, mixed, limit,
                        slopes, s0 + m * count * channels + lane, channels,
                    )  # fmt: skip
        mixed = limit


@compiled
def synthesise(mesh, coarse, mixing, fine, work, c, rows_work):
    """Take one mesh, or one group of narrow meshes, from coarse to fine.

    Parameters
    ----------
    mesh : as in `analyse`
    coarse : (y, y0, channels): (coarse rows, channels) a mesh
    mixing : (w, columns, number of terms, bias, code)
        w : (K, channels, S), or side by side (channels, columns) for narrow meshes
    fine : (out, o0, order, side channels S, first mesh, meshes, width of a row), as in `analyse`
    work : 2 x fine rows x width
    c : number of terms x (coarse rows + 1) x width
    rows_work : for narrow meshes, 32 x meshes x columns
    """
    laplacian, twice, inject, opened, _, rows, kept, block = mesh
    y, y0, channels = coarse
    w, columns, order, bias, code = mixing
    out, o0, vertex_order, side, mesh0, meshes, width = fine
    whole = inject[0].shape[0] == 0
    ck = (kept + 1) * width
    blocks = (rows + block - 1) // block
    mixed = 0
    for step in range(blocks + order - 1):
        for stage in range(max(0, step - blocks + 1), min(order, step + 1)):
            first = (step - stage) * block
            end = min(first + block, rows)
            k = order - 1 - stage
            if stage == 0:
                limit = end if whole else np.int64(at(opened, step))
                if meshes > 0:
                    expand_narrow(
                        y, y0, kept * channels, channels, channels, meshes, side, w, columns,
                        order, c, 0, ck, mixed, limit, rows_work,
                    )  # fmt: skip
                else:
                    for lane in range(0, side, LANES):
                        expand(
                            y, y0, channels, channels, w, lane, channels * side, side, order,
                            c, lane, ck, width, mixed, limit,
                        )  # fmt: skip
                mixed = limit
            for lane in range(0, width, LANES):
                here = ((stage % 2) * (width // LANES) + lane // LANES) * rows * LANES
                last = (((stage + 1) % 2) * (width // LANES) + lane // LANES) * rows * LANES
                c0 = k * ck + lane
                if stage == 0:
                    _first_sum(inject, c, c0, width, work, here, first, end)
                else:
                    if stage == 1:
                        _clear(work, here, LANES, first, end)
                    matrix = laplacian if k == 0 else twice
                    _next_sum(matrix, inject, c, c0, width, work, last, here, first, end)
                if k > 0:
                    continue
                if meshes > 0:
                    _unpack(work, here, vertex_order, side, rows, mesh0, meshes, out, first, end)
                    continue
                shift = zeros(c) if bias.shape[0] == 0 else load(bias, lane)
                for row in range(first, end):
                    total = add(load(work, here + row * LANES), shift)
                    store(out, o0 + lane + row * side, activate(total, code))


@compiled
def weight_gradient(terms, kept, channels, offsets, count, meshes, y, y0, out, o0):
    """Add sum_v t(v)^T y(v) of each mesh of a group to out."""
    t, t0, width = terms
    for start in range(0, kept, 128):
        end = min(start + 128, kept)
        for m in range(meshes):
            for lane in range(0, channels, LANES):
                outer(
                    t, t0, width, offsets, m * count, count,
                    y, y0 + m * kept * channels + lane, channels, start, end,
                    out, o0 + m * count * channels + lane, channels,
                )  # fmt: skip
