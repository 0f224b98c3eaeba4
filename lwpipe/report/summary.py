"""What a run comes to, on the first screen: an edit beside the truth, the front, the parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lwpipe.core.errors import LwpipeError
from lwpipe.figures.tables import read_table
from lwpipe.report.page import Number

_TEST, _EDIT, _SHARE = "reconstruction_mean_mm", "edit_error_mm", "edit_error_share"
_LEAK, _TOLD = "leak_mean", "detect_worst"


def best_of(table: str | Path, variants: Sequence[str]) -> str | None:
    """Return which of some variants edits nearest to the truth; where that is not known, the first.

    Parameters
    ----------
    table : `summary.csv`
    variants : names

    Raises
    ------
    LwpipeError
        If the table cannot be read.
    """
    rows = read_table(table, ["variant"], [_EDIT]).set_index("variant")[_EDIT]
    known = [name for name in variants if name in rows.index]
    told = rows.reindex(known).dropna()
    return str(told.idxmin()) if len(told) else next(iter(known), None)


def numbers_of(table: str | Path, variant: str) -> list[Number]:
    """Return what is measured of a variant, in a few numbers; what is not defined is left out.

    Raises
    ------
    LwpipeError
        If the table cannot be read, or has no such variant.
    """
    rows = read_table(table, ["variant"], [_TEST, _EDIT, _SHARE, _LEAK, _TOLD])
    chosen = rows[rows["variant"] == variant]
    if len(chosen) == 0:
        raise LwpipeError(f"{table}: has no variant {variant}: make it again.")
    row = chosen.iloc[0]
    error, share = row[_EDIT], row[_SHARE]
    left = f"; the source left as it is: {error / share:.2f} mm" if share > 0 else ""
    shown = (
        (error, "{:.2f} mm", f"from an edited face to the true one{left}"),
        (
            row[_TOLD],
            "{:.2f}",
            "how surely a classifier tells edited faces from real ones; 0.5: not at all",
        ),
        (row[_LEAK], "{:.3f}", "motion outside the part over that inside"),
        (row[_TEST], "{:.2f} mm", "from unseen faces to what the model gives back of them"),
    )
    # What is not a number is not equal to itself.
    return [Number(form.format(value), words) for value, form, words in shown if value == value]
