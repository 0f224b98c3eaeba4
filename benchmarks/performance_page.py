"""The page docs/performance.md and its picture, from what `performance.py` measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from lwpipe.figures.style import paper_style

COST_TITLE = "## Cost per vertex"


def milliseconds(seconds: float) -> str:
    """Format a time."""
    return f"{seconds * 1e3:,.1f}" if seconds < 1 else f"{seconds * 1e3:,.0f}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def page(about: dict[str, Any], steps: list[Any], inference: list[Any], cost: list[Any]) -> str:
    """Return the page as Markdown."""
    machine = about["machine"]
    step_rows = [
        [
            f"{vertices:,} x {batch}{', cycle loss' if cycle else ''}",
            milliseconds(ours["seconds"]),
            milliseconds(reference["seconds"]),
            f"{reference['seconds'] / ours['seconds']:.0f}x",
            f"{ours['memory']:,.0f}",
            f"{reference['memory']:,.0f}",
            f"1/{reference['memory'] / ours['memory']:.1f}",
            "" if least is None else f"{work.operations / 1e9:.2f}",
            "" if least is None else f"{work.bytes / 1e6:,.0f}",
            "" if least is None else milliseconds(least),
            "" if least is None else f"{least / ours['seconds']:.0%}",
        ]
        for vertices, batch, cycle, ours, reference, work, least in steps
    ]
    inference_rows = [
        [
            f"{what}, {'one face' if batch == 1 else f'{batch} faces, a face'}",
            milliseconds(ours["seconds"] / batch),
            milliseconds(ours["best"] / batch),
            milliseconds(reference["seconds"] / batch),
            f"{reference['seconds'] / ours['seconds']:.0f}x",
            "" if least is None else f"{least / ours['seconds']:.0%}",
        ]
        for what, batch, ours, reference, least in inference
    ]
    return f"""# Performance

Written by `make bench`. Machine: {about["processor"]}, {about["cores"]} cores,
{about["threads"]} threads; {about["versions"]}. Measured in the same run: float32 matrix products
{machine.operations / 1e9:,.0f} GFLOP/s, copying {machine.bandwidth / 1e9:.1f} GB/s.

"Ours" is `backend: {about["backend"]}`, the reference is `backend: pyg`, the same network from
torch_geometric's `ChebConv`. Both take turns, each in a process of its own; times are medians.
Meshes are synthetic faces. Memory is the peak above what the process held before its first step.

## One training step

Forward, backward and Adam; order 6, channels 16, 16, 16, 32, latent size 64, four parts.

{
        table(
            [
                "vertices x batch",
                "ours, ms",
                "pyg, ms",
                "ratio",
                "ours, MB",
                "pyg, MB",
                "memory",
                "GFLOP",
                "MB to move",
                "least, ms",
                "share of roofline",
            ],
            step_rows,
        )
    }

The least time is that of the operations at the measured rate of matrix products, or of the bytes at
the measured rate of copying, whichever is longer: `benchmarks/roofline.py` counts both. Products of
sparse matrices cannot reach the rate of dense ones, as every entry is multiplied with another row.

## Inference at 53,215 vertices

{table(["", "ours, ms", "best, ms", "pyg, ms", "ratio", "share of roofline"], inference_rows)}

{cost_section(cost)}
## Other stages

Pyramid of 53,215 vertices, four levels: {about["pyramid_seconds"]:.1f} s.
Sparse NMF: `python benchmarks/sparse_nmf.py`. Whole workflow: docs/running.md.
"""


def cost_section(cost: list[Any]) -> str:
    """Return the section on the cost per vertex."""
    seconds = [each for _, each, _ in cost]
    rows = [
        [f"{vertices:,.0f}", f"{each * 1e9:.0f}", f"{memory:,.0f}"]
        for vertices, each, memory in cost
    ]
    return f"""{COST_TITLE}

One training step of 8 faces, divided by vertices and faces; the best of two rounds over all sizes.
The dearest size costs {max(seconds) / min(seconds) - 1:.0%} more than the cheapest.

{table(["vertices", "ns a vertex and face", "peak memory, MB"], rows)}

![Cost per vertex](pictures/cost_per_vertex.png)
"""


def replace_cost(page: str, cost: list[Any]) -> str:
    """Return a page with its section on the cost per vertex measured anew."""
    before, rest = page.split(COST_TITLE)
    return before + cost_section(cost) + "\n" + rest[rest.index("## ") :]


def draw_cost(cost: list[Any], path: Path) -> None:
    """Draw nanoseconds a vertex and face over the number of vertices."""
    vertices, seconds, _ = np.array(cost).T
    with paper_style():
        figure, axes = plt.subplots(figsize=(4.2, 2.8), layout="constrained")
        axes.plot(vertices, seconds * 1e9, marker="o")
        axes.set_xscale("log")
        axes.set_ylim(0, 1.25 * seconds.max() * 1e9)
        axes.set_xlabel("vertices")
        axes.set_ylabel("ns a vertex and face")
        axes.set_title("One training step, batch 8")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=200)
        plt.close(figure)
