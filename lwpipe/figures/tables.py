"""Reading the CSV tables that plots are made from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from lwpipe.core.errors import LwpipeError


def read_table(
    path: str | Path, text: Sequence[str], numbers: Sequence[str], may_be_empty: bool = False
) -> pd.DataFrame:
    """Read a CSV with at least these columns; empty numbers become NaN.

    Parameters
    ----------
    path : path of the CSV
    text : columns to keep as text
    numbers : columns to read as float64
    may_be_empty : a table without a row is no fault

    Raises
    ------
    LwpipeError
        If the file cannot be read, has no row, lacks a column, or a number is not one.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise LwpipeError(f"{path}: cannot be read as a table: {reason}.") from error
    for column in (*text, *numbers):
        if column not in table.columns:
            raise LwpipeError(f"{path}: has no column {column!r}: make it again.")
    if len(table) == 0 and not may_be_empty:
        raise LwpipeError(f"{path}: has no row.")
    for column in numbers:
        try:
            table[column] = [float(cell) if cell else math.nan for cell in table[column]]
        except ValueError as error:
            raise LwpipeError(f"{path}: column {column!r} is not numbers: {error}.") from error
    return table[[*text, *numbers]]
