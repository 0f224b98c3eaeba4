"""Print the ablation table of a run as Markdown: the tables of the README and of docs/results.md.

Usage: python benchmarks/results_table.py results/ict
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from lwpipe.evaluation.measures import COLUMNS

SHOWN = [column for column in COLUMNS if column.heading]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of the run, results/<name>")
    table = pd.read_csv(parser.parse_args().run / "ablation" / "summary.csv")
    headings = ["model or edit", *(column.heading for column in SHOWN)]
    print("| " + " | ".join(headings) + " |")
    print("|" + "---|" * len(headings))
    for _, row in table.iterrows():
        values = [(row[column.key], column.digits) for column in SHOWN]
        cells = ["-" if pd.isna(value) else f"{value:.{digits}f}" for value, digits in values]
        print("| " + " | ".join([f"`{row['variant']}`", *cells]) + " |")


if __name__ == "__main__":
    main()
