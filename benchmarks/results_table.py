"""Print the ablation table of a run as Markdown: the tables of the README and of docs/results.md.

Usage: python benchmarks/results_table.py results/ict
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

COLUMNS = {
    "variant": "model or edit",
    "reconstruction_mean_mm": "test error, mean mm",
    "r_min": "r, worst part",
    "r_mean": "r, mean",
    "leak_mean": "leak, mean",
    "outside_mm": "outside the span, mm",
    "mahalanobis": "Mahalanobis",
    "specificity_mm": "specificity, mm",
    "diversity_pca_ratio": "diversity ratio, PCA",
    "epochs": "epochs",
    "seconds": "training, s",
}
DIGITS = {"epochs": 0, "seconds": 0}


def cell(name: str, value: object) -> str:
    """Format one value: two decimals, whole numbers where nothing else makes sense, or a dash."""
    if isinstance(value, float):
        return "-" if pd.isna(value) else f"{value:.{DIGITS.get(name, 2)}f}"
    return f"`{value}`"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of the run, results/<name>")
    table = pd.read_csv(parser.parse_args().run / "ablation" / "summary.csv")
    table = table.astype({name: float for name in COLUMNS if name != "variant"})
    print("| " + " | ".join(COLUMNS.values()) + " |")
    print("|" + "---|" * len(COLUMNS))
    for _, row in table.iterrows():
        print("| " + " | ".join(cell(name, row[name]) for name in COLUMNS) + " |")


if __name__ == "__main__":
    main()
