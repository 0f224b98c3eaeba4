"""Time sparse NMF by nimfa's solver and by the fast one on the same data, each in its own process.

Prints a Markdown table: seconds of the solve alone (imports and compilation are done before),
how many times faster than nimfa, the objective, and the peak memory of the process during the
solve, data and libraries included.
Without --data the features are lengths of smooth random motion.

Usage: python benchmarks/sparse_nmf.py [--vertices 53215] [--features 1780] [--parts 4]
       python benchmarks/sparse_nmf.py --data results/demo/data [--kind signed --faces 400]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SOLVERS = ("nimfa, float64", "fast, float64", "fast, float32")
MODES, ROWS = 30, 1000
PROCESS = Path("/proc/self")


def smooth_motion(vertices: int, columns: int, dtype: str) -> npt.NDArray[np.floating[Any]]:
    """Return lengths of smooth displacements of points on a square, (vertices, columns)."""
    generator = np.random.default_rng(0)
    points = generator.uniform(size=(vertices, 2))
    centres = generator.uniform(size=(MODES, 2))
    widths = generator.uniform(0.05, 0.4, size=MODES)
    strength = generator.standard_normal((3, MODES, columns))
    made = np.empty((vertices, columns), dtype)
    for first in range(0, vertices, ROWS):  # in blocks: the peak of memory is that of the solver
        part = slice(first, first + ROWS)
        distance = np.linalg.norm(points[part, None] - centres, axis=2)
        motion = np.exp(-((distance / widths) ** 2)) @ strength
        made[part] = np.sqrt(np.square(motion).sum(axis=0))
    return made


def load(arguments: argparse.Namespace, dtype: str) -> npt.NDArray[np.floating[Any]]:
    """Return the features to factorise."""
    if arguments.data is None:
        return smooth_motion(arguments.vertices, arguments.features, dtype)
    from lwpipe.data.store import Dataset
    from lwpipe.local_weights.features import choose_faces, features

    dataset = Dataset.open(arguments.data)
    rows = choose_faces(dataset.indices("train"), arguments.faces)
    kind = getattr(np, dtype)
    return features(dataset.vertices, dataset.template, arguments.kind, rows, kind)


def reset_peak() -> None:
    """Let the peak of memory count from now, where the system can do so (Linux)."""
    if PROCESS.exists():
        (PROCESS / "clear_refs").write_text("5")


def peak() -> float:
    """Return the peak of this process's memory in GB."""
    if PROCESS.exists():
        lines = (PROCESS / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def run(solver: str, arguments: argparse.Namespace) -> None:
    """Solve in this process and print what came of it as JSON."""
    name, dtype = solver.split(", ")
    if name == "nimfa":
        from lwpipe.local_weights import solve_snmf as solve
    else:
        from lwpipe.local_weights.fast_snmf import solve_fast_snmf as solve
    options = arguments.sparsity, None, arguments.iterations, arguments.seed
    solve(smooth_motion(50, 40, dtype), arguments.parts, *options)  # compiles
    started = time.perf_counter()
    data = load(arguments, dtype)
    loaded = time.perf_counter()
    reset_peak()
    result = solve(data, arguments.parts, *options)
    solved = time.perf_counter()
    told = {
        "shape": data.shape,
        "features": loaded - started,
        "seconds": solved - loaded,
        "objective": result.objective,
        "iterations": result.iterations,
        "restarts": result.restarts,
        "data": data.nbytes / 1e9,
        "peak": peak(),
    }
    print(json.dumps(told))


def main() -> None:
    """Run every solver and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vertices", type=int, default=53215)
    parser.add_argument("--features", type=int, default=1780)
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--sparsity", type=float, default=7.5)
    parser.add_argument("--iterations", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", help="folder of a data set, instead of random motion")
    parser.add_argument("--kind", default="magnitude", help="features of the data set")
    parser.add_argument("--faces", type=int, help="training faces of it; default: all")
    parser.add_argument("--solvers", nargs="+", choices=SOLVERS, default=SOLVERS)
    parser.add_argument("--only", choices=SOLVERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        run(arguments.only, arguments)
        return
    rows = []
    for solver in arguments.solvers:
        command = [sys.executable, __file__, *sys.argv[1:], "--only", solver]
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        rows.append(json.loads(answer))
    vertices, columns = rows[0]["shape"]
    print(
        f"{vertices} vertices x {columns} features, {arguments.parts} parts, "
        f"{os.environ.get('OMP_NUM_THREADS', os.cpu_count())} threads\n"
    )
    print(
        f"| solver | solve, s | {arguments.solvers[0].split(',')[0]} / this | objective | "
        "iterations | restarts | features, s | features, GB | peak memory, GB |"
    )
    print("|---" * 9 + "|")
    for solver, row in zip(arguments.solvers, rows, strict=True):
        print(
            f"| {solver} | {row['seconds']:.1f} | {rows[0]['seconds'] / row['seconds']:.1f} | "
            f"{row['objective']:.10g} | {row['iterations']} | {row['restarts']} | "
            f"{row['features']:.1f} | {row['data']:.2f} | {row['peak']:.2f} |"
        )


if __name__ == "__main__":
    main()
