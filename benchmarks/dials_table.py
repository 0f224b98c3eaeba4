"""Print what the dials of edits trade, means over several runs, as Markdown.

The tables of docs/results.md. Usage:

    python benchmarks/dials_table.py results/makehuman-0 results/makehuman-1 results/makehuman-2

Runs differ in their seeds; a cell is the mean and the standard deviation over them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from results_table import cell

from lwpipe.evaluation.measures import COLUMNS

SHOWN = ("detect_worst", "detect_border", "likeness", "leak_mean", "edit_error_mm",
         "edit_error_share")  # fmt: skip
POSITION = ["edit", "keep", "harmony"]


def read_dials(run: Path) -> pd.DataFrame:
    """Return the positions of the dials of all variants of a run and of its closed-form edits."""
    tables = [pd.read_csv(run / "detection" / "dials.csv")]
    for path in sorted(run.glob("variants/*/detection/dials.csv")):
        table = pd.read_csv(path)
        tables.insert(0, table.assign(edit=path.parents[1].name))
    return pd.concat([table for table in tables if len(table)], ignore_index=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs, results/<name>")
    parser.add_argument("--digits", type=int, default=3, help="after the point")
    options = parser.parse_args()
    headings = {column.key: column.heading or column.key for column in COLUMNS}
    named = ["edit", "keep", "harmony", *(headings[key] for key in SHOWN)]
    print("| " + " | ".join(named) + " |")
    print("|" + "---|" * len(named))
    tables = [read_dials(run) for run in options.runs]
    together = pd.concat(tables)
    for position in tables[0][POSITION].itertuples(index=False):
        rows = together[(together[POSITION] == list(position)).all(axis=1)]
        cells = [cell(rows[key], options.digits) for key in SHOWN]
        name = [f"`{position.edit}`", f"{position.keep:g}", f"{position.harmony:g}"]
        print("| " + " | ".join([*name, *cells]) + " |")


if __name__ == "__main__":
    main()
