"""The outcome of one check, and the table of all of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

Status = Literal["ok", "warning", "fault"]
_COLOURS: dict[Status, str] = {"ok": "green", "warning": "yellow", "fault": "bold red"}


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes
    ----------
    name : what was checked, in a word or two
    status : 'ok', 'warning' (the run may be slow, or fail later) or 'fault' (it will fail)
    found : what was found, a phrase
    remedy : what to do; empty where the status is 'ok'
    """

    name: str
    status: Status
    found: str
    remedy: str = ""


def ok(name: str, found: str) -> Check:
    """Return a check that found nothing wrong."""
    return Check(name, "ok", found)


def warning(name: str, found: str, remedy: str) -> Check:
    """Return a check that found what may do harm."""
    return Check(name, "warning", found, remedy)


def fault(name: str, found: str, remedy: str) -> Check:
    """Return a check that found what will make the run fail."""
    return Check(name, "fault", found, remedy)


def as_json(checks: Iterable[Check]) -> str:
    """Return the checks as a JSON list."""
    return json.dumps([asdict(check) for check in checks], indent=2)


def as_lines(checks: Sequence[Check]) -> str:
    """Return one line a check, for files and pipes."""
    width = max(len(check.name) for check in checks)
    return "\n".join(
        f"{check.status:7}  {check.name:{width}}  {check.found}"
        + (f" -> {check.remedy}" if check.remedy else "")
        for check in checks
    )


def print_table(checks: Iterable[Check], console: Console) -> None:
    """Print a table in colours on a terminal."""
    table = Table(box=None, pad_edge=False)
    for heading in ("", "check", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        # Text, not markup: a path may hold square brackets.
        table.add_row(
            Text(check.status, _COLOURS[check.status]), check.name, Text(check.found),
            Text(check.remedy),
        )  # fmt: skip
    console.print(table)
