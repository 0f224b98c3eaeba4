"""The tool that kills the workflow finds what it is there to find."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from tests.robust.faults.compare import DIFFERENT, faults
from tests.robust.faults.moments import AtTime, AtWriting, InJob, draw
from tests.robust.faults.process import kill

HISTORY = "epoch,loss,seconds\n1,0.5,0.123\n2,0.25,0.124\n"


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    """Two runs of the same settings that took other times."""
    for run, seconds in (("one", "0.123"), ("two", "9.876")):
        root = tmp_path / run / "results" / "smoke"
        for name, text in (
            ("data/faces.csv", "id\nface_1\n"),
            ("variants/full/training/history.csv", HISTORY.replace("0.123", seconds)),
            ("variants/full/evaluation/measures.json", f'{{"model": {{"seconds": {seconds}}}}}\n'),
            ("logs/make_dataset.log", f"done in {seconds} s\n"),
        ):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
    return tmp_path / "one", tmp_path / "two"


def test_runs_that_differ_in_seconds_are_the_same(runs: tuple[Path, Path]) -> None:
    assert list(faults(*runs, finished=True)) == []


@pytest.mark.parametrize(
    ("file", "text", "said_after_a_kill"),
    [
        ("data/faces.csv", "id\nface_", "other bytes than undisturbed"),
        ("variants/full/training/history.csv", HISTORY[:-3], "is not whole"),
        ("variants/full/training/history.csv", HISTORY[:30], "is not whole"),
        ("variants/full/training/history.csv", HISTORY.replace("0.25", "0.26"), "differs in more"),
        ("variants/full/evaluation/measures.json", '{"model": {"sec', "is not whole"),
        ("data/other.csv", "", "an undisturbed run has no such file"),
        ("data/.faces.0123.csv", "half", None),
        ("logs/make_dataset.log", "half a li", None),
    ],
)
def test_what_is_not_whole_is_said(
    file: str, text: str, said_after_a_kill: str | None, runs: tuple[Path, Path]
) -> None:
    (runs[1] / "results/smoke" / file).write_text(text)
    found = list(faults(*runs, finished=False))
    if said_after_a_kill is None:
        assert found == []
    else:
        assert len(found) == 1
        assert said_after_a_kill in found[0]
    assert len(list(faults(*runs, finished=True))) == 1


def test_a_file_may_be_missing_after_a_kill_and_not_in_the_end(runs: tuple[Path, Path]) -> None:
    shutil.rmtree(runs[1] / "results/smoke/data")
    assert list(faults(*runs, finished=False)) == []
    (found,) = faults(*runs, finished=True)
    assert found == "results/smoke/data/faces.csv: is missing"


def test_every_kind_of_file_that_differs_has_a_reason() -> None:
    assert all(row.reason for row in DIFFERENT)
    assert len({row.pattern for row in DIFFERENT}) == len(DIFFERENT)


def test_moments_come_from_the_seed_and_reach_every_rule() -> None:
    rules = {f"rule_{number}": 2.0 for number in range(17)}
    folders = {rule: ["folder"] for rule in rules}
    moments = draw(50, 3, 60.0, rules, folders)
    assert moments == draw(50, 3, 60.0, rules, folders)
    assert moments != draw(50, 4, 60.0, rules, folders)
    firsts = [first for first, *_ in moments]
    assert Counter(map(type, firsts)) == {AtTime: 25, AtWriting: 13, InJob: 12}
    assert {first.rule for first in firsts if not isinstance(first, AtTime)} == set(rules)
    times = [first.seconds for first in firsts if isinstance(first, AtTime)]
    assert min(times) < 10
    assert max(times) > 50
    assert sum(len(trial) == 2 for trial in moments) == 10


FAMILY = """
import subprocess, sys, time
depth, program, word = sys.argv[1:]
if depth != "0":
    command = [sys.executable, "-c", program, str(int(depth) - 1), program, word]
    subprocess.Popen(command, start_new_session=depth == "2")
time.sleep(300)
"""


def test_a_kill_leaves_no_process(tmp_path: Path) -> None:
    """Also one that has a session of its own."""
    word = str(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", FAMILY, "3", FAMILY, word], start_new_session=True
    )

    def members() -> list[psutil.Process]:
        found = []
        for each in psutil.process_iter(["cmdline", "status"]):
            if word in (each.info["cmdline"] or []) and each.info["status"] != "zombie":
                found.append(each)
        return found

    try:
        deadline = time.monotonic() + 60
        while len(members()) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        kill(process)
    assert members() == []
