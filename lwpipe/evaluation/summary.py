"""One table of every variant and every baseline."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import read_json, write_csv
from lwpipe.core.rounding import rounded
from lwpipe.evaluation.baselines import BASELINES
from lwpipe.evaluation.diversity import METHODS
from lwpipe.evaluation.measure import Found
from lwpipe.evaluation.measures import COLUMNS as MEASURED
from lwpipe.evaluation.measures import MEASURES

COLUMNS = ("variant", "kind", *(column.key for column in MEASURED))
DIGITS = 4


def summarise(
    measures: Mapping[str, str | Path],
    diversity: Mapping[str, str | Path],
    baselines: str | Path,
    table: str | Path,
) -> list[dict[str, Any]]:
    """Write one row a variant, in the order given, then one a baseline, then the real faces.

    Numbers have 4 significant digits, whole numbers all of theirs; what is not defined is empty.
    The diversity ratios are those of the synthesised faces' ellipse to the training faces'.

    Parameters
    ----------
    measures : mapping of variant to the `measures.json` of `evaluate_model`
    diversity : mapping of variant to the `diversity.csv` of `measure_diversity`
        Variants may be missing.
    baselines : the `measures.json` of `evaluate_baselines`
    table : CSV to write

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
        spread = _ratios(diversity[variant]) if variant in diversity else None
        found = numbers(Found(read_json(path), path, spread))
        rows.append({"variant": variant, "kind": "model", **found})
    measured = read_json(baselines)
    for baseline in BASELINES:
        if not isinstance(measured, dict) or baseline.name not in measured:
            raise LwpipeError(f"{baselines}: has no key {baseline.name!r}: make it again.")
        found = numbers(Found(measured[baseline.name], baselines))
        rows.append({"variant": baseline.name, "kind": baseline.kind, **found})
    written: list[dict[str, Any]] = rounded(rows, DIGITS)
    write_csv(table, written, COLUMNS)
    return written


def numbers(found: Found) -> dict[str, Any]:
    """Return the columns of the tables that were measured of one model.

    Raises
    ------
    LwpipeError
        If a file lacks a key.
    """
    columns: dict[str, Any] = {}
    for measure in MEASURES:
        columns |= measure.numbers(found)
    return columns


def _ratios(path: str | Path) -> dict[str, float | None]:
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            table = {(row["set"], row["method"]): row["area_ratio"] for row in csv.DictReader(file)}
    except OSError as error:
        raise LwpipeError(f"{path}: cannot be read: {error.strerror}.") from error
    except KeyError as error:
        raise LwpipeError(f"{path}: has no column {error.args[0]!r}: make it again.") from error
    texts = {method: table.get(("synthesised", method), "") for method in METHODS}
    return {method: float(text) if text else None for method, text in texts.items()}
