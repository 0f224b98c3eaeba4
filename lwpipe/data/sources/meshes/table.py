"""The table that may come with own meshes: who is where, and which are held out."""

from __future__ import annotations

import csv
import reprlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lwpipe.core.errors import LwpipeError, short_reason
from lwpipe.core.paths import user_path
from lwpipe.data.store_files import SPLITS

COLUMNS = ("file", "split", "subject", "expression")


@dataclass(frozen=True)
class MeshTable:
    """What the table says of each mesh; None for a column that it does not have.

    Attributes
    ----------
    split, subject, expression : dict from file name to text, or None
    """

    split: dict[str, str] | None = None
    subject: dict[str, str] | None = None
    expression: dict[str, str] | None = None


def read_table(path: str | Path, files: Sequence[str]) -> MeshTable:
    """Read a CSV with the column `file` and any of `split`, `subject` and `expression`.

    Every mesh needs one row; each row names a mesh.

    Raises
    ------
    LwpipeError
        If the table cannot be read, has other columns, names a file that is not there or one
        twice, leaves a mesh out, or has a split other than train and test.
    """
    path = user_path("data.meshes.table", path)
    if path.exists() and not path.is_file():
        raise LwpipeError(f"data.meshes.table: {path} cannot be read: it is no file.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = list(reader.fieldnames or [])
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or short_reason(error)
        raise LwpipeError(f"data.meshes.table: {path} cannot be read: {reason}.") from error
    distinct = set(columns)
    shown = reprlib.repr(", ".join(columns))
    if "file" not in columns or len(columns) < 2 or not distinct <= set(COLUMNS):
        raise LwpipeError(
            f"{path}: has the columns {shown[1:-1] or '(none)'}; it needs 'file' "
            "and any of 'split', 'subject' and 'expression'."
        )
    if len(distinct) < len(columns):
        raise LwpipeError(f"{path}: has a column twice ({shown[1:-1]}).")
    known = set(files)
    counts = Counter(row["file"] for row in rows)
    for number, row in enumerate(rows, start=2):
        name = row["file"]
        if None in row or None in row.values():
            raise LwpipeError(f"{path}: line {number} has not {len(columns)} values.")
        if name not in known:
            raise LwpipeError(
                f"{path}: line {number} names {reprlib.repr(name)}, which is not among the meshes."
            )
        if counts[name] > 1:
            raise LwpipeError(f"{path}: names {reprlib.repr(name)} {counts[name]} times.")
        if "split" in columns and row["split"] not in SPLITS:
            raise LwpipeError(
                f"{path}: line {number} has the split {reprlib.repr(row['split'])}; use 'train' or "
                "'test'."
            )
    left_out = [name for name in files if name not in counts]
    if left_out:
        raise LwpipeError(f"{path}: has no row for {left_out[0]!r}.")
    by_column = {
        column: {row["file"]: row[column] for row in rows} for column in columns if column != "file"
    }
    return MeshTable(**by_column)
