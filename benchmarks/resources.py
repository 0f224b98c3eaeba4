"""Print what jobs asked for beside what they took, from the logs of a finished run.

python benchmarks/resources.py results/smoke --configfile presets/smoke.yaml
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from lwpipe.run import load_run
from lwpipe.run.layout import Layout, jobs
from lwpipe.run.needs import memory_mb, runtime_minutes, size_of
from lwpipe.run.stages import STAGES

# The last line of a job's log.
_TOOK = re.compile(r"done in ([\d.]+) s, at most (\d+) MB")


def rows(layout: Layout) -> Iterator[tuple[str, str, int, int, int, float]]:
    """Yield stage, root folder, MB asked for and taken, minutes asked for and taken."""
    for stage, root in jobs(layout):
        took = _TOOK.search(_text(Path(root) / "logs" / f"{stage}.log"))
        if took is None:
            continue
        variant = layout.variant_at(root)
        settings = layout.settings(variant)
        size = size_of(settings, layout.folder("make_dataset", variant))
        yield (
            stage,
            root,
            memory_mb(stage, settings, size),
            int(took[2]),
            runtime_minutes(stage, settings, size),
            float(took[1]) / 60,
        )


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8") if log.exists() else ""


def main() -> None:
    """Print the table as Markdown: of each stage the job that took most."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="results/<name>")
    parser.add_argument("--configfile", type=Path, nargs="+", default=[], help="as for snakemake")
    arguments = parser.parse_args()
    layout = Layout(
        load_run([Path("config.yaml"), *arguments.configfile]), str(arguments.folder.parent)
    )
    size = size_of(layout.run.base, layout.folder("make_dataset"))
    found = list(rows(layout))
    print(f"{size.faces} faces of {size.vertices} vertices, {size.megabytes:.0f} MB\n")
    print("| stage | asked for, MB | peak, MB | share | asked for, min | took, min |")
    print("|---|---|---|---|---|---|")
    for stage in STAGES:
        of_stage = [row for row in found if row[0] == stage]
        if of_stage:
            _, _, asked, peak, limit, took = max(of_stage, key=lambda row: row[3] / row[2])
            print(f"| {stage} | {asked} | {peak} | {peak / asked:.0%} | {limit} | {took:.1f} |")


if __name__ == "__main__":
    main()
