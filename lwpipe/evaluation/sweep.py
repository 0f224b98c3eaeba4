"""One table of every point of a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import read_json, write_csv
from lwpipe.core.rounding import rounded
from lwpipe.evaluation.measure import Found
from lwpipe.evaluation.summary import DIGITS, numbers


def collect_sweep(
    points: Mapping[str, Mapping[str, Any]],
    measures: Mapping[str, str | Path],
    table: str | Path,
) -> list[dict[str, Any]]:
    """Write one row a point: its name, the values of the swept keys, and its measures.

    The measures are the columns of the table of variants without the diversity ratios, rounded as
    there; what is not defined, and a point without measures, is empty. Values are written as in
    YAML: true, false and null, and lists in brackets.

    Parameters
    ----------
    points : mapping of point to the values of the swept keys
        All points have the same keys.
    measures : mapping of point to the `measures.json` of `evaluate_model`
        Points may be missing: those that failed or have yet to run.
    table : CSV to write

    Returns
    -------
    list of dict
        The rows.

    Raises
    ------
    LwpipeError
        If there is no point with measures, or a file is missing or lacks a key.
    """
    rows: list[dict[str, Any]] = []
    columns: list[str] = []
    for point, values in points.items():
        row: dict[str, Any] = {"point": point}
        row |= {key: written(value) for key, value in values.items()}
        columns = columns or list(row)
        if point in measures:
            measured = Found(read_json(measures[point]), measures[point])
            found = rounded(numbers(measured), DIGITS)
            row |= found
            columns += [column for column in found if column not in columns]
        rows.append(row)
    if not measures:
        raise LwpipeError(f"{table}: no point of the sweep has been evaluated.")
    write_csv(table, rows, columns)
    return rows


def written(value: Any) -> str:
    """Return a value of a swept key as the table holds it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    return str(value)
