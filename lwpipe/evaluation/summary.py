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
from lwpipe.evaluation.detection import REAL
from lwpipe.evaluation.diversity import METHODS
from lwpipe.evaluation.measure import Found
from lwpipe.evaluation.measures import COLUMNS as MEASURED
from lwpipe.evaluation.measures import MEASURES
from lwpipe.evaluation.measures.detection import Detection
from lwpipe.evaluation.measures.samples import Samples
from lwpipe.evaluation.samples import PCA_GAUSSIAN, SAMPLES
from lwpipe.evaluation.truth import ALL, MODEL, SOURCE

COLUMNS = ("variant", "kind", *(column.key for column in MEASURED))
DIGITS = 4
# Under which name the table of samples has a baseline.
_DRAWN_AS = {"pca": PCA_GAUSSIAN}


def summarise(
    measures: Mapping[str, str | Path],
    diversity: Mapping[str, str | Path],
    baselines: str | Path,
    truth: Mapping[str, str | Path],
    truth_of_baselines: str | Path,
    detection: Mapping[str, str | Path],
    detection_of_baselines: str | Path,
    sampling: Mapping[str, str | Path],
    sampling_of_baselines: str | Path,
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
    truth : mapping of variant to the `truth.csv` of `measure_truth`
    truth_of_baselines : the `truth.csv` of `measure_truth_of_baselines`
    detection : mapping of variant to the `edits.csv` of `measure_detection`
        Variants may be missing.
    detection_of_baselines : the `edits.csv` of `measure_detection_of_baselines`
    sampling : mapping of variant to the `samples.csv` of `measure_samples`
        Variants may be missing.
    sampling_of_baselines : the `samples.csv` of `measure_samples_of_baselines`
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
        errors = _edit_error(truth[variant], MODEL)
        tested = _detection(detection[variant], MODEL) if variant in detection else None
        drawn = _samples(sampling[variant], SAMPLES) if variant in sampling else None
        found = numbers(Found(read_json(path), path, spread, errors, tested, drawn))
        rows.append({"variant": variant, "kind": "model", **found})
    measured = read_json(baselines)
    for baseline in BASELINES:
        if not isinstance(measured, dict) or baseline.name not in measured:
            raise LwpipeError(f"{baselines}: has no key {baseline.name!r}: make it again.")
        errors = _edit_error(truth_of_baselines, baseline.name)
        tested = _detection(detection_of_baselines, REAL if baseline.real else baseline.name)
        name = REAL if baseline.real else _DRAWN_AS.get(baseline.name, baseline.name)
        drawn = _samples(sampling_of_baselines, name)
        found = numbers(
            Found(measured[baseline.name], baselines, truth=errors, detection=tested, samples=drawn)
        )
        rows.append({"variant": baseline.name, "kind": baseline.kind, **found})
    written: list[dict[str, Any]] = rounded(rows, DIGITS)
    optional = [column.key for measure in MEASURES for column in measure.optional]
    there = {key for row in rows for key in row}
    write_csv(table, written, [*COLUMNS, *(key for key in optional if key in there)])
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
    table = _cells(path, ("set", "method"), "area_ratio")
    return {method: table.get(("synthesised", method)) for method in METHODS}


def _edit_error(path: str | Path, edit: str) -> dict[str, float | None]:
    """Return the error of an edit, and its share of that of the source left as it is."""
    table = _cells(path, ("edit", "part"), "mean_mm")
    error, left = table.get((edit, ALL)), table.get((SOURCE, ALL))
    return {"mm": error, "share": error / left if error is not None and left else None}


def _detection(path: str | Path, edit: str) -> dict[str, float | None]:
    """Return the means over the parts of what was found of an edit."""
    means: dict[str, float | None] = {}
    for column in Detection.columns:
        cells = _cells(path, ("edit", "part"), column.value)
        known = [cell for (name, _), cell in cells.items() if name == edit and cell is not None]
        means[column.value] = sum(known) / len(known) if known else None
    return means


def _samples(path: str | Path, name: str) -> dict[str, float | None]:
    """Return what was found of a set of whole faces that were drawn."""
    return {
        column.value: _cells(path, ("set", "part"), column.value).get((name, ALL))
        for column in Samples.columns
    }


def _cells(
    path: str | Path, rows: tuple[str, str], column: str
) -> dict[tuple[str, str], float | None]:
    """Return the numbers of a column of a table by two others; None where one is empty."""
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            texts = {(row[rows[0]], row[rows[1]]): row[column] for row in csv.DictReader(file)}
    except OSError as error:
        raise LwpipeError(f"{path}: cannot be read: {error.strerror}.") from error
    except KeyError as error:
        raise LwpipeError(f"{path}: has no column {error.args[0]!r}: make it again.") from error
    return {cell: float(text) if text else None for cell, text in texts.items()}
