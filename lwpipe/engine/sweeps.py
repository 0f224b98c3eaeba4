# mypy: ignore-errors
"""Compiled sweeps over a mesh: a whole layer of the network in one pass from first row to last.

Rows are ordered so that neighbours are near each other, and cut into blocks at least as wide as
neighbours are apart. A recurrence then needs no finished term to start the next: as soon as T_k is
known in one block, T_{k+1} is computed in the block before it. So all orders work on a window of
few blocks; channels are mixed as soon as a block of the coarse mesh is complete (or just before it
is needed), and what a layer reads from memory and writes to it is little more than its input and
its output.

One call works on a group of meshes whose channels stand side by side in rows of sixteen or 32: two
meshes share the reading of the matrix, and several meshes of three coordinates the lanes. numba
reads no annotations, and mypy no numba.
"""

from lwpipe.engine.loops import compiled
from lwpipe.engine.mixing import contract, expand, expand_narrow, outer
from lwpipe.engine.recurrence import (
    clear,
    first_sum,
    next_sum,
    next_term,
    pack,
    scatter,
    unpack,
)
from lwpipe.engine.simd import LANES, at, load, zeros


@compiled
def analyse(mesh, fine, terms, mixing, gradient, work):
    """Take a group of meshes from fine to coarse.

    Parameters
    ----------
    mesh : (L, 2 L, R^T, rows opened, rows complete, fine rows, coarse rows, rows a block)
        R^T is empty where R = 1. After each block: how many coarse rows have been added to, and
        to how many nothing more will be added.
    fine : (x, x0, order, S, meshes)
        The meshes (fine rows, S) follow each other from x0; `order` is read where S < 16.
    terms : (t, t0, number of terms, width of a row)
        t_k is (coarse rows, width), the channels of all meshes side by side.
    mixing : (w, channels, out, o0, bias, code); without channels nothing is mixed
        w : (K, S, channels); the meshes (coarse rows, channels) follow each other in out.
    gradient : (y, y0, offsets, count, out, o0); with a count, out += sum_v t(v)^T y(v), a mesh
    work : 2 x fine rows x width
    """
    laplacian, twice, inject, opened, complete, rows, kept, block = mesh
    x, x0, vertex_order, side, meshes = fine
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
            # T_k, T_{k-1} and T_{k-2} stand in t itself, or in turns in two work arrays.
            buffer, here, last, before = t, t0 + k * tk, t0 + (k - 1) * tk, t0 + (k - 2) * tk
            if not whole:
                here = before = (k % 2) * rows * width
                buffer, last = work, ((k + 1) % 2) * rows * width
            if k == 0:
                pack(x, x0, vertex_order, side, rows, meshes, buffer, here, width, first, end)
                if not whole:
                    limit = at(opened, step)
                    for term in range(order):
                        clear(t, t0 + term * tk, width, cleared, limit)
                    cleared = limit
            elif k == 1:
                clear(buffer, here, width, first, end)
                next_term(laplacian, buffer, width, last, here, here, first, end)
            else:
                next_term(twice, buffer, width, last, before, here, first, end)
            if not whole:
                scatter(inject, work, here, t, t0 + k * tk, width, first, end)
        done = step - order + 1
        if done < 0:
            continue
        limit = at(complete, done)
        for m in range(meshes):
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
def synthesise(mesh, span, coarse, mixing, fine, work, c, rows_work):
    """Take a group of meshes from coarse to fine, or a part of its rows.

    Parameters
    ----------
    mesh : as in `analyse`
    span : (first block, end block, first row, end row, first coarse row)
        The rows to write, the blocks to compute them from, and where those begin to read.
    coarse : (y, y0, channels): the meshes (coarse rows, channels) follow each other from y0
    mixing : (w, columns, number of terms, bias, code)
        w : (K, channels, S), or for S < 16 side by side (channels, columns)
    fine : (out, o0, order, S, meshes, width of a row), as in `analyse`
    work : 2 x fine rows x width
    c : number of terms x (coarse rows + 1) x width
    rows_work : for S < 16, 32 x meshes x columns
    """
    laplacian, twice, inject, opened, _, rows, kept, block = mesh
    y, y0, channels = coarse
    w, columns, order, bias, code = mixing
    out, o0, vertex_order, side, meshes, width = fine
    block0, block_end, row0, row_end, coarse0 = span
    ck = (kept + 1) * width
    blocks = block_end - block0
    for step in range(blocks + order - 1):
        for stage in range(max(0, step - blocks + 1), min(order, step + 1)):
            number = block0 + step - stage
            first = number * block
            end = min(first + block, rows)
            k = order - 1 - stage
            here = (stage % 2) * rows * width
            last = ((stage + 1) % 2) * rows * width
            # Channels are mixed just before the recurrence needs them: for one term at a time, or
            # for all of them where they share rows of the product.
            start = at(opened, number - 1) if number > block0 else coarse0
            limit = at(opened, number)
            if side < LANES:
                if stage == 0:
                    expand_narrow(
                        y, y0, kept * channels, channels, channels, meshes, side, w, columns,
                        order, c, 0, ck, width, start, limit, rows_work,
                    )  # fmt: skip
            else:
                for m in range(meshes):
                    for lane in range(0, side, LANES):
                        expand(
                            y, y0 + m * kept * channels, channels, channels,
                            w, k * channels * side + lane, 0, side, 1,
                            c, k * ck + m * side + lane, 0, width, start, limit,
                        )  # fmt: skip
            if stage == 0:
                first_sum(inject, c, k * ck, work, width, here, first, end)
            else:
                if stage == 1:
                    clear(work, here, width, first, end)
                matrix = laplacian if k == 0 else twice
                next_sum(matrix, inject, c, k * ck, work, width, last, here, first, end)
            if k == 0:
                first, end = max(first, row0), min(end, row_end)
                unpack(
                    work, here, width, vertex_order, side, rows, meshes, out, o0, first, end,
                    bias, code,
                )  # fmt: skip


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
