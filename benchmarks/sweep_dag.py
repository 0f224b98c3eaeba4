"""How long Snakemake takes to plan a sweep: `python benchmarks/sweep_dag.py [POINTS ...]`.

Plans sweeps of 10, 100 and 1,000 points of the smoke preset with `snakemake -n`, once over keys of
the training, so that all points share their local weights, and once over keys of the local
weights, so that each has its own. Nothing is run or written outside a temporary folder.
"""

import math
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
GRIDS = {
    "training": ("training.learning_rate", "training.cycle_weight", "training.seed"),
    "local weights": ("local_weights.sparsity", "local_weights.eta", "local_weights.seed"),
}


def grid(keys: tuple[str, ...], points: int) -> dict[str, list[float]]:
    """Return a grid of about so many points over three keys, the last of them a seed."""
    side = round(points ** (1 / 3))
    rest = math.ceil(points / side**2)
    sizes = (side, side, rest)
    return {
        key: [i if key.endswith("seed") else round(0.001 * (i + 1), 3) for i in range(size)]
        for key, size in zip(keys, sizes, strict=True)
    }


def seconds(sweep: dict[str, list[float]], folder: Path) -> tuple[float, float, int]:
    """Return wall and processor time of one dry run, and the number of jobs it plans."""
    file = folder / "sweep.yaml"
    file.write_text(yaml.safe_dump({"sweep": sweep}))
    command = [
        *(sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1", "sweep"),
        *("--snakefile", str(ROOT / "Snakefile"), "--configfile", str(ROOT / "config.yaml")),
        *(str(ROOT / "presets" / "smoke.yaml"), str(file)),
    ]
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    taken, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.returncode:
        sys.exit(run.stdout + run.stderr)
    jobs = max(map(int, re.findall(r"^total +(\d+)$", run.stdout + run.stderr, re.MULTILINE)))
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return taken, processor, jobs


def main() -> None:
    """Print a table."""
    counts = [int(word) for word in sys.argv[1:]] or [10, 100, 1000]
    print("| swept keys | points | jobs | seconds | of the processor |\n|---|---|---|---|---|")
    for name, keys in GRIDS.items():
        for count in counts:
            sweep = grid(keys, count)
            points = math.prod(map(len, sweep.values()))
            with tempfile.TemporaryDirectory() as folder:
                taken, processor, jobs = seconds(sweep, Path(folder))
            numbers = f"{points:,} | {jobs:,} | {taken:.1f} | {processor:.1f}"
            print(f"| {name} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
