"""Print the ablation table of a run, or the means of several, as Markdown.

The tables of the README and of docs/results.md. Usage:

    python benchmarks/results_table.py results/ict
    python benchmarks/results_table.py results/ict-0 results/ict-1 results/ict-2 \
        --columns reconstruction_mean_mm edit_error_mm edit_error_share --digits 4

Of several runs, which differ in their seeds, a cell is the mean and the standard deviation.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from lwpipe.evaluation.measures import COLUMNS


def cell(values: pd.Series, digits: int) -> str:
    """Return the mean of a measure over the runs, and how far they spread."""
    if values.isna().any():
        return "-"
    mean = f"{values.mean():.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {values.std():.{digits}f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs, results/<name>")
    parser.add_argument(
        "--columns", nargs="+", choices=[column.key for column in COLUMNS], metavar="KEY"
    )
    parser.add_argument("--digits", type=int, help="after the point; else each column's own")
    options = parser.parse_args()
    shown = [column for column in COLUMNS if column.heading]
    if options.columns:
        shown = [column for column in COLUMNS if column.key in options.columns]
    tables = [pd.read_csv(run / "ablation" / "summary.csv") for run in options.runs]
    print("| " + " | ".join(["model or edit", *(c.heading or c.key for c in shown)]) + " |")
    print("|" + "---|" * (1 + len(shown)))
    together = pd.concat(tables)
    for variant in tables[0]["variant"]:
        rows = together[together["variant"] == variant]
        cells = [
            cell(rows[column.key], column.digits if options.digits is None else options.digits)
            for column in shown
        ]
        print("| " + " | ".join([f"`{variant}`", *cells]) + " |")


if __name__ == "__main__":
    main()
