"""Print what the tests of edits, or of samples, say: means over several runs, as Markdown.

Of every set of faces the measures of `detection/edits.csv`, means over its parts, or those of
`sampling/samples.csv`. Usage:

    python benchmarks/sets_table.py results/makehuman-0 results/makehuman-1 results/makehuman-2
    python benchmarks/sets_table.py --samples results/makehuman-0

Runs differ in their seeds; a cell is the mean and the standard deviation over them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from results_table import cell

EDITS = {
    "worst": "told from real", "border": "along the border", "likeness": "likeness",
    "neighbour": "1-NNA", "coverage": "COV", "matching_mm": "MMD, mm", "jsd": "JSD",
    "diversity_mm": "diversity, mm", "vp": "VP",
}  # fmt: skip
SAMPLES = {
    "worst": "told from real", "border": "along the border", "neighbour": "1-NNA",
    "coverage": "COV", "matching_mm": "MMD, mm", "jsd": "JSD", "diversity_mm": "diversity, mm",
    "nearest_ratio": "nearest training face / real", "closer_share": "closer",
    "generalisation_mm": "generalisation, mm",
}  # fmt: skip
# What a table of a variant has of the variant itself: the others stand in the table of the run.
OF_MODEL = {"model": "", "reconstruction": ", reconstruction", "samples": ", samples",
            "part_given_rest": ", part given the rest", "part_alone": ", part alone"}  # fmt: skip


def read_sets(run: Path, file: str, name: str) -> pd.DataFrame:
    """Return the rows of all variants of a run and of what stands beside them.

    Parameters
    ----------
    run : folder of a run
    file : of a table, in the folder of the run or of a variant
    name : the column that names the sets
    """
    tables = []
    for path in sorted(run.glob(f"variants/*/{file}")):
        table = pd.read_csv(path)
        table = table[table[name].isin(list(OF_MODEL))]
        names = path.parents[1].name + table[name].map(OF_MODEL)
        tables.append(table.assign(**{name: names}))
    of_run = run / file
    if of_run.exists():
        tables.append(pd.read_csv(of_run))
    return pd.concat([table for table in tables if len(table)], ignore_index=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs, results/<name>")
    parser.add_argument("--samples", action="store_true", help="of samples, not of edits")
    parser.add_argument("--digits", type=int, default=3, help="after the point")
    options = parser.parse_args()
    file, name, shown = "detection/edits.csv", "edit", EDITS
    if options.samples:
        file, name, shown = "sampling/samples.csv", "set", SAMPLES
    of_runs = [
        read_sets(run, file, name).groupby(name, sort=False)[list(shown)].mean()
        for run in options.runs
    ]
    print("| " + " | ".join(["faces", *shown.values()]) + " |")
    print("|" + "---|" * (1 + len(shown)))
    for each in of_runs[0].index:
        rows = pd.DataFrame([table.loc[each] for table in of_runs])
        cells = [cell(rows[key], options.digits) for key in shown]
        print("| " + " | ".join([f"`{each}`", *cells]) + " |")


if __name__ == "__main__":
    main()
