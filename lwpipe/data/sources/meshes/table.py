"""The table that may come with own meshes: who is where, and which are held out."""

from __future__ import annotations

import csv
import difflib
import reprlib
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lwpipe.core.errors import LwpipeError, short_reason
from lwpipe.core.paths import searched, user_path
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

    Every mesh needs one row; each row names a mesh. Empty lines are passed over.

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
        raise LwpipeError(
            f"data.meshes.table: {searched(path)} cannot be read: {reason}."
        ) from error
    distinct = set(columns)
    shown = reprlib.repr(", ".join(columns))
    if "file" not in columns or len(columns) < 2 or not distinct <= set(COLUMNS):
        raise LwpipeError(
            f"{path}: has the columns {shown[1:-1] or '(none)'}; it needs 'file' "
            "and any of 'split', 'subject' and 'expression'."
        )
    if len(distinct) < len(columns):
        raise LwpipeError(f"{path}: has a column twice ({shown[1:-1]}).")
    find = _finder(files)
    named: dict[str, dict[str, str]] = {}
    for number, row in enumerate(rows, start=2):
        if None not in row and not any((value or "").strip() for value in row.values()):
            continue
        if None in row or None in row.values():
            raise LwpipeError(f"{path}: line {number} has not {len(columns)} values.")
        name = find(row["file"])
        if name is None:
            raise LwpipeError(
                f"{path}: line {number} names {reprlib.repr(row['file'])}, which is not among the "
                f"meshes{_nearest(row['file'], files)}."
            )
        if name in named:
            count = sum(find(other["file"] or "") == name for other in rows)
            raise LwpipeError(f"{path}: names {reprlib.repr(name)} {count} times.")
        if "split" in columns and row["split"] not in SPLITS:
            raise LwpipeError(
                f"{path}: line {number} has the split {reprlib.repr(row['split'])}; use 'train' or "
                "'test'."
            )
        named[name] = row
    left_out = [name for name in files if name not in named]
    if left_out:
        raise LwpipeError(f"{path}: has no row for {left_out[0]!r}.")
    by_column = {
        column: {name: row[column] for name, row in named.items()}
        for column in columns
        if column != "file"
    }
    return MeshTable(**by_column)


def _finder(files: Sequence[str]) -> Callable[[str], str | None]:
    """Return what finds the mesh that a table names; None where there is none, or several.

    Names are the same in any normal form of Unicode; where it leaves no doubt, also in other case,
    without their suffix, and with backslashes.
    """
    ways: list[Callable[[str], str]] = [
        lambda name: unicodedata.normalize("NFC", name.strip().replace("\\", "/")),
        lambda name: ways[0](name).casefold(),
        lambda name: str(PurePosixPath(ways[1](name)).with_suffix("")) if ways[0](name) else "",
    ]
    known: list[dict[str, list[str]]] = []
    for way in ways:
        found: dict[str, list[str]] = {}
        for file in files:
            found.setdefault(way(file), []).append(file)
        known.append(found)
    exact = set(files)

    def find(name: str) -> str | None:
        if name in exact:
            return name
        looked_up = (
            known[0].get(ways[0](name)),
            known[1].get(ways[1](name)),
            # A name that has a suffix, or dots of its own, means what it says.
            known[2].get(ways[1](name)),
        )
        found = next((some for some in looked_up if some), [])
        return found[0] if len(found) == 1 else None

    return find


def _nearest(name: str, files: Sequence[str]) -> str:
    close = difflib.get_close_matches(name[:200], files, n=1, cutoff=0.6)
    return f"; the nearest is {reprlib.repr(close[0])}" if close else ""
