# mypy: ignore-errors
"""Compiled loops that mix channels vertex by vertex: small products with many rows.

Arrays are flat: rows are given by the offset of the first (`x0`) and their distance (`xs`), and
blocks of rows, one a Chebyshev term, by their distance (`xk`). Sixteen output channels are computed
at a time, four rows of them in registers. numba reads no annotations, and mypy no numba.
"""

from lwpipe.engine.loops import compiled
from lwpipe.engine.simd import (
    LANES,
    add,
    at,
    exponential,
    fma,
    load,
    multiply,
    ones,
    reciprocal,
    scale,
    store,
    subtract,
    where_positive,
    zeros,
)

ELU, RELU, LEAKY_RELU, TANH = range(1, 5)
_LEAK = 0.01  # slope of PyTorch's leaky_relu
# Rows that are summed up in registers before they are added to the total.
_BLOCK = 256


@compiled
def activate(x, code):
    """Return the activation of x; code 0 is none."""
    if code == ELU:
        return where_positive(x, x, subtract(exponential(x), ones(x)))
    if code == RELU:
        return where_positive(x, x, scale(0.0, x))
    if code == LEAKY_RELU:
        return where_positive(x, x, scale(_LEAK, x))
    if code == TANH:
        # tanh x = 1 - 2 / (exp(2 x) + 1)
        half = reciprocal(add(exponential(add(x, x)), ones(x)))
        return subtract(ones(x), add(half, half))
    return x


@compiled
def _slope(gradient, y, code):
    """Return the gradient times the activation's derivative where its output is y."""
    if code == ELU:
        return where_positive(y, gradient, multiply(gradient, add(y, ones(y))))
    if code == RELU:
        return where_positive(y, gradient, scale(0.0, gradient))
    if code == LEAKY_RELU:
        return where_positive(y, gradient, scale(_LEAK, gradient))
    if code == TANH:
        return multiply(gradient, subtract(ones(y), multiply(y, y)))
    return gradient


@compiled
def before_activation(g, y, start, columns, code, out, o0, rows, sums, s0):
    """Undo an activation: out = g activation'(y), and its sums over the rows.

    g, y : rows of `columns` from `start`; out : the same from `o0`; sums : `columns` from `s0`
    """
    for column in range(0, columns, LANES):
        total = zeros(g)
        for first in range(0, rows, _BLOCK):
            part = zeros(g)
            for row in range(first, min(first + _BLOCK, rows)):
                place = row * columns + column
                value = _slope(load(g, start + place), load(y, start + place), code)
                store(out, o0 + place, value)
                part = add(part, value)
            total = add(total, part)
        store(sums, s0 + column, total)


@compiled
def contract(t, t0, tk, ts, order, inputs, w, w0, wk, wi, out, o0, os, first, end, shift, code):
    """Mix terms: out = activation(sum_k t_k W_k + shift), sixteen channels of some rows.

    t : rows of `inputs` channels; w : rows of sixteen, wi apart
    """
    row = first
    while row + 4 <= end:
        a, b, c, d = shift, shift, shift, shift
        for k in range(order):
            source = t0 + k * tk + row * ts
            place = w0 + k * wk
            for i in range(inputs):
                v = load(w, place + i * wi)
                a = fma(at(t, source + i), v, a)
                b = fma(at(t, source + ts + i), v, b)
                c = fma(at(t, source + 2 * ts + i), v, c)
                d = fma(at(t, source + 3 * ts + i), v, d)
        target = o0 + row * os
        store(out, target, activate(a, code))
        store(out, target + os, activate(b, code))
        store(out, target + 2 * os, activate(c, code))
        store(out, target + 3 * os, activate(d, code))
        row += 4
    while row < end:
        a = shift
        for k in range(order):
            for i in range(inputs):
                v = load(w, w0 + k * wk + i * wi)
                a = fma(at(t, t0 + k * tk + row * ts + i), v, a)
        store(out, o0 + row * os, activate(a, code))
        row += 1


@compiled
def expand(x, x0, xs, inputs, w, w0, wk, wi, order, c, c0, ck, cs, first, end):
    """Mix before the recurrence: c_k = x W_k for all k, sixteen channels of some rows."""
    nothing = zeros(x)
    for k in range(order):
        contract(
            x, x0, 0, xs, 1, inputs, w, w0 + k * wk, 0, wi,
            c, c0 + k * ck, cs, first, end, nothing, 0,
        )  # fmt: skip


@compiled
def expand_narrow(
    x, x0, xm, xs, inputs, meshes, channels, w, wi, order, c, c0, ck, cs, first, end, work
):
    """Do the same for W_k with few `channels`: those of several meshes share a row of c_k.

    x : meshes xm apart; w : (inputs, wi), all W_k side by side, padded with zeros
    c : rows cs apart, with one row to spare; work : 32 x meshes x wi
    """
    for start in range(first, end, 32):
        count = min(32, end - start)
        for mesh in range(meshes):
            source = x0 + mesh * xm + start * xs
            for column in range(0, wi, LANES):
                expand(
                    x, source, xs, inputs, w, column, 0, wi, 1,
                    work, mesh * wi + column, 0, meshes * wi, 0, count,
                )  # fmt: skip
        for k in range(order):
            for row in range(count):
                # Each mesh overwrites the zeros that the one before it wrote beyond its channels.
                target = c0 + k * ck + (start + row) * cs
                place = row * meshes * wi + k * channels
                for mesh in range(meshes):
                    store(c, target + mesh * channels, load(work, place + mesh * wi))


@compiled
def outer(t, t0, ts, offsets, f0, count, x, x0, xs, first, end, out, o0, os):
    """Add to out[j] the sum over rows of t[row, offsets[j]] x[row], sixteen columns of x.

    offsets : `count` from f0, a multiple of eight
    """
    for start in range(first, end, _BLOCK):
        stop = min(start + _BLOCK, end)
        for j in range(0, count, 8):
            p0, p1 = at(offsets, f0 + j), at(offsets, f0 + j + 1)
            p2, p3 = at(offsets, f0 + j + 2), at(offsets, f0 + j + 3)
            p4, p5 = at(offsets, f0 + j + 4), at(offsets, f0 + j + 5)
            p6, p7 = at(offsets, f0 + j + 6), at(offsets, f0 + j + 7)
            a0, a1, a2, a3 = zeros(x), zeros(x), zeros(x), zeros(x)
            a4, a5, a6, a7 = zeros(x), zeros(x), zeros(x), zeros(x)
            for row in range(start, stop):
                v = load(x, x0 + row * xs)
                s = t0 + row * ts
                a0 = fma(at(t, s + p0), v, a0)
                a1 = fma(at(t, s + p1), v, a1)
                a2 = fma(at(t, s + p2), v, a2)
                a3 = fma(at(t, s + p3), v, a3)
                a4 = fma(at(t, s + p4), v, a4)
                a5 = fma(at(t, s + p5), v, a5)
                a6 = fma(at(t, s + p6), v, a6)
                a7 = fma(at(t, s + p7), v, a7)
            target = o0 + j * os
            store(out, target, add(load(out, target), a0))
            store(out, target + os, add(load(out, target + os), a1))
            store(out, target + 2 * os, add(load(out, target + 2 * os), a2))
            store(out, target + 3 * os, add(load(out, target + 3 * os), a3))
            store(out, target + 4 * os, add(load(out, target + 4 * os), a4))
            store(out, target + 5 * os, add(load(out, target + 5 * os), a5))
            store(out, target + 6 * os, add(load(out, target + 6 * os), a6))
            store(out, target + 7 * os, add(load(out, target + 7 * os), a7))
