"""Find the cases, run them, and judge the answers."""

from __future__ import annotations

import importlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .case import Case
from .zygote import SECONDS, Outcome, Zygote

PREFIX = "lwpipe: error: "
# What a bad input of some kilobytes may cost, over the process that has imported everything.
PEAK_MB = 200
# Payloads of cases that smuggle code in write a file of this name.
SENTINEL = "code_ran"


@dataclass(frozen=True)
class Result:
    """A case, how the command ended, and what is wrong with that (empty: nothing)."""

    case: Case
    outcome: Outcome
    complaints: list[str]

    @property
    def sentence(self) -> str:
        """The answer without its prefix and its line end."""
        return self.outcome.stderr.removeprefix(PREFIX).rstrip("\n")


def all_cases() -> list[Case]:
    """Return the cases of all modules `cases_*.py` beside this one, sorted by group and name."""
    modules = sorted(path.stem for path in Path(__file__).parent.glob("cases_*.py"))
    found = [
        case
        for name in modules
        for case in importlib.import_module(f".{name}", __package__).cases()
    ]
    return sorted(found, key=lambda case: (case.group, case.name))


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Return mode and size of everything in a folder, hidden files included, by path."""
    found = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        # The size of a folder is the file system's own affair.
        found[str(path.relative_to(folder))] = (
            status.st_mode,
            -1 if path.is_dir() else status.st_size,
        )
    return found


def run_case(case: Case, zygote: Zygote) -> Result:
    """Run a case in a folder of its own and judge it."""
    root = Path(tempfile.mkdtemp(prefix="lwpipe_bad_"))
    folder = root / "work"
    folder.mkdir()
    try:
        arguments = case.build(folder)
        before = snapshot(folder)
        outcome = zygote.run(arguments, folder, root / "log")
        return Result(case, outcome, _complaints(case, outcome, before, snapshot(folder)))
    finally:
        shutil.rmtree(root)


def _complaints(
    case: Case,
    outcome: Outcome,
    before: dict[str, tuple[int, int]],
    after: dict[str, tuple[int, int]],
) -> list[str]:
    text = outcome.stderr
    found = []
    if outcome.seconds >= SECONDS:
        found.append(f"was stopped after {SECONDS} s")
    if outcome.code != 1:
        found.append(f"ended with {outcome.code} instead of 1")
    if not outcome.peak_mb < PEAK_MB:
        found.append(f"took {outcome.peak_mb:.0f} MB")
    if outcome.stdout:
        found.append(f"wrote to stdout: {outcome.stdout[:200]!r}")
    if not text.startswith(PREFIX) or text.count("\n") != 1 or not text.endswith(".\n"):
        found.append(f"the answer is not one sentence: {text[-2000:]!r}")
    if case.names not in text:
        found.append(f"the answer does not name {case.names!r}")
    if not re.search(case.fault, text):
        found.append(f"the answer does not match {case.fault!r}")
    changed = sorted(set(before.items()) ^ set(after.items()))
    if changed:
        found.append(f"the folder has changed: {changed[:5]}")
    return found


def run_all(cases: list[Case]) -> Iterator[Result]:
    """Run cases one after another in forks of one process."""
    with Zygote() as zygote:
        for case in cases:
            yield run_case(case, zygote)
