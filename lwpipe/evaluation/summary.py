"""One table of every variant and every baseline."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import read_json, write_csv
from lwpipe.core.rounding import rounded

COLUMNS = (
    "variant",
    "kind",
    "reconstruction_mean_mm",
    "reconstruction_median_mm",
    "reconstruction_p95_mm",
    "r_min",
    "r_mean",
    "leak_min",
    "leak_max",
    "leak_mean",
    "outside_mm",
    "mahalanobis",
    "stretch",
    "flipped",
    "specificity_mm",
    "diversity_pca_ratio",
    "diversity_tsne_ratio",
    "parameters",
    "seconds",
    "epochs",
)
DIGITS = 4
BASELINES = {
    "pca": "baseline",
    "mask_blend": "baseline",
    "mask_blend_pca": "baseline",
    "real_test": "reference",
}
# Where each column stands in a measures.json.
_PATHS = {
    "reconstruction_mean_mm": ("reconstruction", "mean"),
    "reconstruction_median_mm": ("reconstruction", "median"),
    "reconstruction_p95_mm": ("reconstruction", "p95"),
    "r_min": ("locality", "r_min"),
    "r_mean": ("locality", "r_mean"),
    "leak_min": ("locality", "leak_min"),
    "leak_max": ("locality", "leak_max"),
    "leak_mean": ("locality", "leak_mean"),
    "outside_mm": ("plausibility", "outside_mm"),
    "mahalanobis": ("plausibility", "mahalanobis"),
    "stretch": ("validity", "stretch_p95"),
    "flipped": ("validity", "flipped"),
    "specificity_mm": ("specificity", "mean_mm"),
    "parameters": ("model", "parameters"),
    "seconds": ("model", "seconds"),
    "epochs": ("model", "epochs"),
}


def summarise(
    measures: Mapping[str, str | Path],
    diversity: Mapping[str, str | Path],
    baselines_json: str | Path,
    table_csv: str | Path,
) -> list[dict[str, Any]]:
    """Write one row a variant, in the order given, then one a baseline, then the real faces.

    Numbers have 4 significant digits, whole numbers all of theirs; what is not defined is empty.
    The diversity ratios are those of the synthesised faces' ellipse to the training faces'.

    Parameters
    ----------
    measures : mapping of variant to the `measures.json` of `evaluate_model`
    diversity : mapping of variant to the `diversity.csv` of `measure_diversity`
        Variants may be missing.
    baselines_json : path
        From `evaluate_baselines`.
    table_csv : path

    Returns
    -------
    list of dict
        The rows.

    Raises
    ------
    LwpipeError
        If a file is missing or lacks a key.
    """
    rows = []
    for variant, path in measures.items():
        row = {"variant": variant, "kind": "model", **numbers(read_json(path), path)}
        if variant in diversity:
            row.update(_ratios(diversity[variant]))
        rows.append(row)
    baselines = read_json(baselines_json)
    for name, kind in BASELINES.items():
        if not isinstance(baselines, dict) or name not in baselines:
            raise LwpipeError(f"{baselines_json}: has no key {name!r}: make it again.")
        found = numbers(baselines[name], baselines_json)
        rows.append({"variant": name, "kind": kind, **found})
    table: list[dict[str, Any]] = rounded(rows, DIGITS)
    write_csv(table_csv, table, COLUMNS)
    return table


def numbers(values: Any, path: str | Path) -> dict[str, Any]:
    """Return the columns of the table that come from one `measures.json`.

    Parameters
    ----------
    values : content of the file
    path : names the file in errors

    Raises
    ------
    LwpipeError
        If it lacks a key.
    """
    found = {}
    for column, (section, key) in _PATHS.items():
        try:
            found[column] = None if values[section] is None else values[section][key]
        except (KeyError, TypeError) as error:
            raise LwpipeError(f"{path}: has no key {section}.{key}: make it again.") from error
    return found


def _ratios(path: str | Path) -> dict[str, float | None]:
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            table = {(row["set"], row["method"]): row["area_ratio"] for row in csv.DictReader(file)}
    except OSError as error:
        raise LwpipeError(f"{path}: cannot be read: {error.strerror}.") from error
    except KeyError as error:
        raise LwpipeError(f"{path}: has no column {error.args[0]!r}: make it again.") from error
    ratios = {}
    for method in ("pca", "tsne"):
        text = table.get(("synthesised", method), "")
        ratios[f"diversity_{method}_ratio"] = float(text) if text else None
    return ratios
