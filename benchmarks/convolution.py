"""Time one Chebyshev convolution, forward and backward, against torch_geometric in the same run.

Usage: python benchmarks/convolution.py [--vertices 6706] [--batch 32] [--repeats 5]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch_geometric.nn import ChebConv as ReferenceChebConv

from lwpipe.mesh import edges
from lwpipe.model.chebyshev import ChebConv
from lwpipe.model.sparse import SparseMatrix
from lwpipe.pyramid import scaled_laplacian

ORDER = 6
LAYERS = ((3, 16), (16, 16), (16, 3))


def grid_triangles(vertices: int) -> tuple[np.ndarray, int]:
    """Return the triangles of the square grid with about `vertices` vertices, and their number."""
    side = round(vertices**0.5)
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    corners = ((a, b, d), (a, d, c))
    return np.concatenate([np.stack(t, -1).reshape(-1, 3) for t in corners]), side * side


def seconds(step: Callable[[], Tensor]) -> float:
    """Return the seconds of one forward and backward pass."""
    started = time.perf_counter()
    step().sum().backward()
    return time.perf_counter() - started


def main() -> None:
    """Print one row a layer: seconds of both, and the median of the paired ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vertices", type=int, default=6706)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    triangles, count = grid_triangles(arguments.vertices)
    laplacian = SparseMatrix(scaled_laplacian(triangles, count))
    pairs = edges(triangles)
    one = torch.from_numpy(np.concatenate([pairs, pairs[:, ::-1]]).T.copy())
    # PyG takes a batch as one large graph of disconnected copies.
    shifts = torch.arange(arguments.batch).repeat_interleave(one.shape[1]) * count
    edge_index = one.repeat(1, arguments.batch) + shifts
    print(
        f"{count} vertices, batch {arguments.batch}, order {ORDER}, "
        f"{torch.get_num_threads()} threads"
    )
    print(f"{'channels':>10} {'lwpipe s':>10} {'PyG s':>10} {'ratio':>8}")
    for inputs, outputs in LAYERS:
        ours = ChebConv(laplacian, inputs, outputs, ORDER)
        theirs = ReferenceChebConv(inputs, outputs, ORDER)
        x = torch.randn(count, arguments.batch, inputs, requires_grad=inputs > 3)
        flat = x.detach().transpose(0, 1).reshape(-1, inputs).contiguous()
        flat.requires_grad_(x.requires_grad)
        rows = []
        for _ in range(arguments.repeats + 1):
            a = seconds(lambda layer=ours, x=x: layer(x))
            b = seconds(lambda layer=theirs, x=flat: layer(x, edge_index, lambda_max=2.0))
            rows.append((a, b))
        rows = rows[1:]  # the first run compiles and warms up
        a, b = (statistics.median(column) for column in zip(*rows, strict=True))
        ratio = statistics.median(b / a for a, b in rows)
        print(f"{inputs:>4} -> {outputs:<3} {a:>10.4f} {b:>10.4f} {ratio:>7.1f}x")


if __name__ == "__main__":
    main()
