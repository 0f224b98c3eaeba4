# mypy: ignore-errors
"""Compiled loops of the recurrences: some rows of a mesh, one term after the other.

A sparse matrix is a tuple (starts, columns, values) whose rows are padded with zeros to multiples
of three entries: row i has the triples starts[i] to starts[i + 1]. numba reads no annotations, and
mypy no numba.
"""

import numpy as np

from lwpipe.engine.loops import compiled
from lwpipe.engine.mixing import activate
from lwpipe.engine.simd import LANES, add, at, fma, load, put, store, subtract, zeros


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
def _row_twice(matrix, row, x, x0, xs, total, more):
    """Do the same for 32 columns: every entry of the matrix is read once for both halves."""
    starts, columns, values = matrix
    for group in range(np.int64(at(starts, row)), np.int64(at(starts, row + 1))):
        for e in range(3 * group, 3 * group + 3):
            value = at(values, e)
            place = x0 + np.int64(at(columns, e)) * xs
            total = fma(value, load(x, place), total)
            more = fma(value, load(x, place + LANES), more)
    return total, more


@compiled
def clear(out, o0, width, first, end):
    """Set some rows to zero."""
    for place in range(o0 + first * width, o0 + end * width, LANES):
        store(out, place, zeros(out))


@compiled
def scatter(matrix, x, x0, out, o0, width, first, end):
    """Add matrix^T x to out, for some rows of x."""
    starts, columns, values = matrix
    for row in range(first, end):
        place = x0 + row * width
        for group in range(np.int64(at(starts, row)), np.int64(at(starts, row + 1))):
            for e in range(3 * group, 3 * group + 3):
                value = at(values, e)
                target = o0 + np.int64(at(columns, e)) * width
                for lane in range(0, width, LANES):
                    total = load(out, target + lane)
                    store(out, target + lane, fma(value, load(x, place + lane), total))


@compiled
def next_term(matrix, x, width, last, before, here, first, end):
    """Set rows `here` to matrix (rows `last`) - rows `before`."""
    lane = 0
    while lane + 2 * LANES <= width:
        for row in range(first, end):
            place = row * width + lane
            a, b = _row_twice(matrix, row, x, last + lane, width, zeros(x), zeros(x))
            store(x, here + place, subtract(a, load(x, before + place)))
            store(x, here + place + LANES, subtract(b, load(x, before + place + LANES)))
        lane += 2 * LANES
    while lane < width:
        for row in range(first, end):
            place = row * width + lane
            a = _row(matrix, row, x, last + lane, width, zeros(x))
            store(x, here + place, subtract(a, load(x, before + place)))
        lane += LANES


@compiled
def next_sum(matrix, inject, c, c0, work, width, last, here, first, end):
    """Set rows `here` to matrix (rows `last`) + inject c - rows `here`."""
    whole = inject[0].shape[0] == 0
    lane = 0
    while lane + 2 * LANES <= width:
        for row in range(first, end):
            place = row * width + lane
            a = subtract(zeros(c), load(work, here + place))
            b = subtract(zeros(c), load(work, here + place + LANES))
            if whole:
                a = add(a, load(c, c0 + place))
                b = add(b, load(c, c0 + place + LANES))
            else:
                a, b = _row_twice(inject, row, c, c0 + lane, width, a, b)
            a, b = _row_twice(matrix, row, work, last + lane, width, a, b)
            store(work, here + place, a)
            store(work, here + place + LANES, b)
        lane += 2 * LANES
    while lane < width:
        for row in range(first, end):
            place = row * width + lane
            a = subtract(zeros(c), load(work, here + place))
            a = add(a, load(c, c0 + place)) if whole else _row(inject, row, c, c0 + lane, width, a)
            store(work, here + place, _row(matrix, row, work, last + lane, width, a))
        lane += LANES


@compiled
def first_sum(inject, c, c0, work, width, here, first, end):
    """Set rows `here` to inject c."""
    whole = inject[0].shape[0] == 0
    for lane in range(0, width, LANES):
        for row in range(first, end):
            place = row * width + lane
            a = load(c, c0 + place) if whole else _row(inject, row, c, c0 + lane, width, zeros(c))
            store(work, here + place, a)


@compiled
def pack(x, x0, order, side, vertices, meshes, out, o0, width, first, end):
    """Put the channels of a few meshes side by side into rows of `width`."""
    for row in range(first, end):
        target = o0 + row * width
        if side < LANES:
            for lane in range(0, width, LANES):
                store(out, target + lane, zeros(x))
            source = x0 + at(order, row) * side
            for _ in range(meshes):
                for channel in range(side):
                    put(out, target + channel, at(x, source + channel))
                source += vertices * side
                target += side
        else:
            source = x0 + row * side
            for _ in range(meshes):
                for lane in range(0, side, LANES):
                    store(out, target + lane, load(x, source + lane))
                source += vertices * side
                target += side


@compiled
def unpack(x, x0, width, order, side, vertices, meshes, out, o0, first, end, bias, code):
    """Undo `pack`; meshes with sixteen channels or more get their bias and activation."""
    if side < LANES:
        for row in range(first, end):
            source = x0 + row * width
            target = o0 + at(order, row) * side
            for _ in range(meshes):
                for channel in range(side):
                    put(out, target + channel, at(x, source + channel))
                source += side
                target += vertices * side
        return
    for lane in range(0, side, LANES):
        shift = zeros(x) if bias.shape[0] == 0 else load(bias, lane)
        for row in range(first, end):
            source = x0 + row * width + lane
            target = o0 + row * side + lane
            for _ in range(meshes):
                store(out, target, activate(add(load(x, source), shift), code))
                source += side
                target += vertices * side
