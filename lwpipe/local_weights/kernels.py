"""What sparse NMF spends its time in, compiled by numba: used on the CPU if numba is there.

Matrices with few rows are so thin that general routines reach a fraction of the speed of memory.
Two rows of H or W and four of V are taken together, so that what is loaded once is used often.
"""

from __future__ import annotations

import numpy as np

from lwpipe.core.compiled import AVAILABLE, compiler

COMPILED = AVAILABLE

# Columns that are worked on at a time: those of a few rows stay in the first cache.
_TILE = 512
# Bytes of V between whose two products nothing else is read: about half of a core's second cache.
_BLOCK = 1 << 19
# Steps of pivoting before all sets are tried.
_PIVOTS = 4

# numba infers the types, V being in single or in double precision.
# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"


_compile = compiler(__file__, ("kernels.py",))


@_compile(fastmath=True)
def project(V, H, out):
    """Set out, float64 (K, rows), to H V^T, with V (rows, n) and H float64 (K, n)."""
    rows, columns = V.shape
    parts = len(H)
    out[:] = 0.0
    for r in range(0, rows, 4):
        r1, r2, r3 = min(r + 1, rows - 1), min(r + 2, rows - 1), min(r + 3, rows - 1)
        for first in range(0, columns, _TILE):
            last = min(first + _TILE, columns)
            v, v1, v2, v3 = (
                V[r, first:last],
                V[r1, first:last],
                V[r2, first:last],
                V[r3, first:last],
            )
            for k in range(0, parts, 2):
                k1 = min(k + 1, parts - 1)
                h, h1 = H[k, first:last], H[k1, first:last]
                s, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
                t, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
                for j in range(last - first):
                    a, b = h[j], h1[j]
                    s += a * v[j]
                    s1 += a * v1[j]
                    s2 += a * v2[j]
                    s3 += a * v3[j]
                    t += b * v[j]
                    t1 += b * v1[j]
                    t2 += b * v2[j]
                    t3 += b * v3[j]
                sums = ((s, t), (s1, t1), (s2, t2), (s3, t3))
                # Rows and parts beyond the last are the last again, and are not counted twice.
                for i in range(min(4, rows - r)):
                    out[k, r + i] += sums[i][0]
                    if k1 > k:
                        out[k1, r + i] += sums[i][1]


@_compile(fastmath=True)
def accumulate(V, X, total):
    """Add X V to total, float64 (K, n), with V (rows, n) and X float64 (K, rows)."""
    rows, columns = V.shape
    parts = len(X)
    spare = np.zeros(_TILE)
    for first in range(0, columns, _TILE):
        last = min(first + _TILE, columns)
        for r in range(0, rows, 4):
            r1, r2, r3 = min(r + 1, rows - 1), min(r + 2, rows - 1), min(r + 3, rows - 1)
            v, v1, v2, v3 = (
                V[r, first:last],
                V[r1, first:last],
                V[r2, first:last],
                V[r3, first:last],
            )
            for k in range(0, parts, 2):
                k1 = min(k + 1, parts - 1)
                # Rows beyond the last count nothing; the sum of a part beyond it is dropped.
                x, y = X[k, r], X[k1, r]
                x1, y1 = (X[k, r1], X[k1, r1]) if r + 1 < rows else (0.0, 0.0)
                x2, y2 = (X[k, r2], X[k1, r2]) if r + 2 < rows else (0.0, 0.0)
                x3, y3 = (X[k, r3], X[k1, r3]) if r + 3 < rows else (0.0, 0.0)
                s = total[k, first:last]
                t = total[k1, first:last] if k1 > k else spare[: last - first]
                for j in range(last - first):
                    s[j] += x * v[j] + x1 * v1[j] + x2 * v2[j] + x3 * v3[j]
                    t[j] += y * v[j] + y1 * v1[j] + y2 * v2[j] + y3 * v3[j]


@_compile()
def _wrong(gram, inverse, members, b, limit, x):
    """Set x to the solution with a passive set; return what is wrong with it, a bit an unknown.

    Wrong are passive unknowns that are negative or whose equation does not hold, and others along
    which the objective falls.
    """
    wrong = 0
    for k in range(len(b)):
        x[k] = 0.0
        for i in range(len(b)):
            x[k] += inverse[k, i] * b[i]
    for k in range(len(b)):
        slope = -b[k]
        for i in range(len(b)):
            slope += gram[k, i] * x[i]
        if slope < -limit or (members >> k & 1 and (x[k] < -limit or slope > limit)):
            wrong |= 1 << k
    return wrong


@_compile()
def solve_by_table(gram, inverses, scale, tolerance, product, out, sets):
    """Solve all sides with the inverses of all passive sets; return which sides resist.

    Writes the solutions to out, (K, m). First comes the passive set in sets, (m,), then what block
    principal pivoting makes of it in a few steps, then all sets in turn; what is found is put back.
    """
    parts, sides = product.shape
    resists = np.zeros(sides, np.bool_)
    b, x = np.empty(parts), np.empty(parts)
    for m in range(sides):
        largest = 0.0
        for k in range(parts):
            b[k] = product[k, m] * scale[k]
            largest = max(largest, abs(b[k]))
        limit = tolerance * largest
        members = sets[m]
        wrong = _wrong(gram, inverses[members], members, b, limit, x)
        for _ in range(_PIVOTS):
            if wrong:
                members ^= wrong
                wrong = _wrong(gram, inverses[members], members, b, limit, x)
        if wrong:
            for members in range(len(inverses)):
                wrong = _wrong(gram, inverses[members], members, b, limit, x)
                if not wrong:
                    break
        resists[m] = wrong != 0
        sets[m] = members
        for k in range(parts):
            out[k, m] = max(x[k], 0.0) * scale[k]
    return resists


@_compile()
def update(V, H, gram, inverses, scale, tolerance, first, last, W, product, sets, total):
    """Solve for some vertices' W, and add their share of W^T V to total; return which resist.

    W and product, (K, V), get the solutions and H V^T; gram to tolerance and sets are as in
    `solve_by_table`. What resists is in the sum with what W got.
    """
    resists = np.zeros(last - first, np.bool_)
    rows = max(4, _BLOCK // (V.shape[1] * V.itemsize))
    for start in range(first, last, rows):
        stop = min(start + rows, last)
        part = np.empty((len(H), stop - start))
        x = np.empty_like(part)
        project(V[start:stop], H, part)
        resists[start - first : stop - first] = solve_by_table(
            gram, inverses, scale, tolerance, part, x, sets[start:stop]
        )
        accumulate(V[start:stop], x, total)
        W[:, start:stop] = x
        product[:, start:stop] = part
    return resists
