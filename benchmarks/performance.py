"""Measure training steps, inference and the other stages, and write docs/performance.md.

Every figure of a backend is measured in a process of its own; the two backends of a row take turns
in one run. Usage: python benchmarks/performance.py [--output docs/performance.md] [--quick]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from performance_page import draw_cost, page, replace_cost
from roofline import decode_work, measure_machine, step_work, wait

from lwpipe.data.make import make_dataset
from lwpipe.data.settings import DataSettings
from lwpipe.engine import Geometry
from lwpipe.model.network import PartAutoencoder
from lwpipe.model.settings import ModelSettings
from lwpipe.template import Pyramid, build_pyramid
from lwpipe.training.objective import objective

ROOT = Path(__file__).resolve().parents[1]
FACTORS = [4, 4, 4, 4]
PARTS = 4
STEPS = [(6706, 32, False), (6706, 32, True), (53215, 8, False), (53215, 8, True)]
SIZES = [6000, 12000, 25000, 50000, 100000, 200000]


def face(folder: Path, vertices: int) -> Path:
    """Return the pyramid of a synthetic face of about so many vertices, made once a run."""
    file = folder / f"pyramid-{vertices}.npz"
    if not file.exists():
        settings = DataSettings.model_validate({"faces": 4, "synthetic": {"vertices": vertices}})
        data = make_dataset(settings, folder / f"data-{vertices}")
        build_pyramid(data.template, data.triangles, FACTORS).save(file)
    return file


def make_network(pyramid: Pyramid, backend: str, device: torch.device) -> PartAutoencoder:
    """Return the network of DESIGN: 16, 16, 16, 32 channels, order 6, 64 latent, four parts."""
    torch.manual_seed(0)
    weights = torch.rand(len(pyramid.vertices[-1]), PARTS)
    settings = ModelSettings(latent_size=64)
    return PartAutoencoder(Geometry.of(pyramid), weights, settings, backend).to(device)


def warm_up(backend: str, device: torch.device) -> None:
    """Compile and load whatever the backend needs, on a small mesh."""
    with tempfile.TemporaryDirectory() as folder:
        network = make_network(Pyramid.load(face(Path(folder), 1500)), backend, device)
    x = torch.randn(2, network.vertex_count, 3, device=device)
    # The first optimiser loads a hundred megabytes of PyTorch: not the step's own.
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)
    objective(network, x)[0].backward()
    optimizer.step()
    with torch.inference_mode():
        network(x)


def reset_peak(device: torch.device) -> float:
    """Forget the peak of memory so far; return what is in use, MB."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated() / 1e6
    Path("/proc/self/clear_refs").write_text("5")
    return status("VmRSS")


def peak(device: torch.device) -> float:
    """Return the peak of memory since `reset_peak`, MB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    return status("VmHWM")


def status(key: str) -> float:
    """Return a figure of this process in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(key)) / 1e3


def repeat(function: Any, seconds: float, least: int, device: torch.device) -> list[float]:
    """Time a function again and again."""
    times: list[float] = []
    while len(times) < least or sum(times) < seconds:
        wait(device)
        started = time.perf_counter()
        function()
        wait(device)
        times.append(time.perf_counter() - started)
    return times


def measure(task: dict[str, Any]) -> dict[str, float]:
    """Measure one task in this process."""
    device = torch.device(task["device"])
    backend, batch = task["backend"], task["batch"]
    warm_up(backend, device)
    network = make_network(Pyramid.load(task["pyramid"]), backend, device)
    x = torch.randn(batch, network.vertex_count, 3, device=device)
    before = reset_peak(device)
    if task["what"] == "step":
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)
        order = None
        if task["cycle"]:
            order = torch.stack([torch.randperm(batch) for _ in range(PARTS)]).to(device)

        def step() -> None:
            loss, cycle, *_ = objective(network, x, order)
            optimizer.zero_grad(set_to_none=True)
            (loss if cycle is None else loss + 0.5 * cycle).backward()
            optimizer.step()

        step()
        times = repeat(step, task["seconds"], 3, device)
    else:
        with torch.inference_mode():
            parts = network.parts(network.encode(x))
            call = {
                "decode": lambda: network.decode(parts),
                "encode": lambda: network.encode(x),
            }[task["what"]]
            call()
            times = repeat(call, task["seconds"], 3, device)
    return {
        "seconds": statistics.median(times),
        "best": min(times),
        "memory": peak(device) - before,
        "vertices": network.vertex_count,
    }


def run(task: dict[str, Any]) -> dict[str, float]:
    """Measure one task in a process of its own."""
    command = [sys.executable, __file__, "--measure", json.dumps(task)]
    # Threads that spin while they wait take the core from those that work.
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
    output = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    ).stdout
    result: dict[str, float] = json.loads(output.splitlines()[-1])
    return result


def compare(task: dict[str, Any], backend: str) -> tuple[dict[str, float], dict[str, float]]:
    """Measure ours, the reference, and ours again; return ours at its median and the reference."""
    first = run(task | {"backend": backend})
    reference = run(task | {"backend": "pyg"})
    second = run(task | {"backend": backend})
    ours = {name: (first[name] + second[name]) / 2 for name in first}
    ours["best"] = min(first["best"], second["best"])
    return ours, reference


def machine_name() -> str:
    """Return the processor as Linux names it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def measure_cost(folder: Path, device: torch.device, shrink: int) -> list[tuple[float, ...]]:
    """Return vertices, seconds a vertex and face, and peak memory of steps of 8 faces.

    Two rounds over all sizes, of which the best counts: a moment of other work on the machine must
    not look like a size.
    """
    best: dict[int, tuple[float, ...]] = {}
    backend = "numba" if device.type == "cpu" else "triton"
    base = {"what": "step", "device": device.type, "seconds": 3.0, "cycle": False, "batch": 8}
    for _ in range(2):
        for size in SIZES:
            pyramid = face(folder, max(1500, size // shrink))
            result = run(base | {"pyramid": str(pyramid), "backend": backend})
            each = result["best"] / result["vertices"] / 8
            if size not in best or each < best[size][1]:
                best[size] = result["vertices"], each, result["memory"]
            print(f"cost {result['vertices']}: {each * 1e9:.0f} ns", file=sys.stderr)
    return list(best.values())


def main() -> None:
    """Measure everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "performance.md")
    parser.add_argument("--quick", action="store_true", help="smaller meshes; not for the page")
    parser.add_argument("--cost", action="store_true", help="only the cost per vertex, anew")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(json.loads(arguments.measure))))
        return
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with tempfile.TemporaryDirectory() as folder:
        if arguments.cost:
            cost = measure_cost(Path(folder), device, 10 if arguments.quick else 1)
            draw_cost(cost, arguments.output.parent / "pictures" / "cost_per_vertex.png")
            text = replace_cost(arguments.output.read_text(encoding="utf-8"), cost)
        else:
            text = write_page(Path(folder), device, arguments.quick, arguments.output)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(text, encoding="utf-8")
    print(text)


def write_page(folder: Path, device: torch.device, quick: bool, output: Path) -> str:
    """Measure and return the page as Markdown."""
    backend = "numba" if device.type == "cpu" else "triton"
    machine = measure_machine(device)
    base = {"device": device.type, "seconds": 3.0, "cycle": False}
    shrink = 10 if quick else 1
    steps = []
    for vertices, batch, cycle in STEPS:
        pyramid = face(folder, max(1500, vertices // shrink))
        task = base | {"what": "step", "pyramid": str(pyramid), "batch": batch, "cycle": cycle}
        ours, reference = compare(task, backend)
        work = step_work(make_network(Pyramid.load(pyramid), "torch", torch.device("cpu")), batch)
        least = None if cycle else work.seconds(machine)
        steps.append((vertices, batch, cycle, ours, reference, work, least))
        print(f"step {vertices} x {batch}, cycle {cycle}: {ours} {reference}", file=sys.stderr)
    inference = []
    pyramid = face(folder, max(1500, 53215 // shrink))
    network = make_network(Pyramid.load(pyramid), "torch", torch.device("cpu"))
    for what, batch in (("decode", 1), ("encode", 1), ("decode", 32), ("encode", 32)):
        ours, reference = compare(
            base | {"what": what, "pyramid": str(pyramid), "batch": batch}, backend
        )
        least = decode_work(network, batch).seconds(machine) if what == "decode" else None
        inference.append((what, batch, ours, reference, least))
        print(f"{what} {batch}: {ours} {reference}", file=sys.stderr)
    cost = measure_cost(folder, device, shrink)
    settings = DataSettings.model_validate(
        {"faces": 4, "synthetic": {"vertices": max(1500, 53215 // shrink)}}
    )
    data = make_dataset(settings, folder / "timed")
    started = time.perf_counter()
    build_pyramid(np.asarray(data.template), data.triangles, FACTORS)
    pyramid_seconds = time.perf_counter() - started
    draw_cost(cost, output.parent / "pictures" / "cost_per_vertex.png")
    return page(
        {
            "processor": machine_name() if device.type == "cpu" else torch.cuda.get_device_name(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "versions": ", ".join(
                f"{n} {version(n)}" for n in ("torch", "torch-geometric", "numba")
            ),
            "machine": machine,
            "backend": backend,
            "pyramid_seconds": pyramid_seconds,
        },
        steps,
        inference,
        cost,
    )


if __name__ == "__main__":
    main()
