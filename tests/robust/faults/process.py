"""Start Snakemake, see which jobs run, and kill the whole tree of processes at once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[3]
FILES = [ROOT / "config.yaml", ROOT / "presets" / "smoke.yaml"]
# Snakemake runs a job as a copy of the one script, which begins with what the job is told: its log
# among it.
SCRIPT = re.compile(r"\.snakemake/scripts/\w+\.stage\.py$")
_LOG = re.compile(r"/logs/(\w+)\.log")


def command(folder: Path, *arguments: str, files: Iterable[Path] = ()) -> list[str]:
    """Return the command that runs Snakemake on the smoke preset, and `files` over it, in a folder.

    A target stands first among the arguments: after an option that takes a list it would be one of
    the list.
    """
    return [
        sys.executable, "-m", "snakemake", *arguments, "--snakefile", str(ROOT / "Snakefile"),
        "--directory", str(folder), "--configfile", *map(str, (*FILES, *files)),
    ]  # fmt: skip


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start Snakemake on the smoke preset in `folder`, in a session of its own."""
    with (folder / "snakemake.txt").open("ab") as output:
        return subprocess.Popen(
            command(folder, *arguments, "--cores", "2"),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )


def run(folder: Path, *arguments: str) -> int:
    """Run Snakemake to its end and return its exit code."""
    return start(folder, *arguments).wait()


def said(folder: Path) -> str:
    """Return all that Snakemake and its jobs printed in `folder`."""
    return (folder / "snakemake.txt").read_text(encoding="utf-8", errors="replace")


def scripts(folder: Path) -> set[str]:
    """Return the rules whose jobs have been started in `folder` and have not ended."""
    files = (folder / ".snakemake" / "scripts").glob("*.py")
    return {rule for path in files if (rule := _rule_of(path))}


def _rule_of(script: Path) -> str | None:
    """Return the rule of the job that a script is of; None if it is gone or half written."""
    try:
        found = _LOG.search(script.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    return found[1] if found else None


def kill(process: subprocess.Popen[bytes]) -> set[str]:
    """Kill a process and everything below it with SIGKILL; return the rules that were running.

    Everything is stopped first, so that nothing starts a process while others are being killed.
    """
    _signal_group(process.pid, signal.SIGSTOP)
    found: dict[int, psutil.Process] = {}
    quiet = 0
    while quiet < 2:
        new = [each for each in _family(process.pid) if each.pid not in found]
        for each in new:
            _signal(each, signal.SIGSTOP)
            found[each.pid] = each
        quiet = 0 if new else quiet + 1
    rules = {rule for each in found.values() for rule in _rules(each)}
    for each in found.values():
        _signal(each, signal.SIGKILL)
    process.wait()
    _, left = psutil.wait_procs(list(found.values()), timeout=20)
    while left := [*left, *_family(process.pid)]:
        for each in left:
            _signal(each, signal.SIGKILL)
        _, left = psutil.wait_procs(left, timeout=1)
    return rules


def _family(root: int) -> Iterable[psutil.Process]:
    """Return the process, its descendants, and whoever else is in its session."""
    found: dict[int, psutil.Process] = {}
    for each in psutil.process_iter():
        try:
            if os.getsid(each.pid) == root:
                found[each.pid] = each
        except (ProcessLookupError, PermissionError):
            continue
    for pid in [root, *found]:
        try:
            children = psutil.Process(pid).children(recursive=True)
        except psutil.NoSuchProcess:
            continue
        found |= {each.pid: each for each in children}
    return [each for each in found.values() if _alive(each)]


def _alive(process: psutil.Process) -> bool:
    try:
        return process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def _rules(process: psutil.Process) -> set[str]:
    try:
        words = process.cmdline()
    except psutil.Error:
        return set()
    named = (Path(word) for word in words if SCRIPT.search(word))
    return {rule for path in named if (rule := _rule_of(path))}


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def ended(process: subprocess.Popen[bytes], until: float) -> bool:
    """Wait until the time `until` (of time.monotonic); say whether the process ended before."""
    try:
        process.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True
