"""When to kill: seeded moments, half of them over the whole run and half inside a rule's job."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .process import ended, scripts

_POLL = 0.02
_POLL_WRITING = 0.0005


@dataclass(frozen=True)
class AtTime:
    """So many seconds after the start."""

    seconds: float

    def wait(self, process: subprocess.Popen[bytes], folder: Path) -> bool:
        """Wait for the moment; say whether the process still runs."""
        return not ended(process, time.monotonic() + self.seconds)

    def __str__(self) -> str:
        return "any"


@dataclass(frozen=True)
class InJob:
    """So many seconds after a job of the rule has started."""

    rule: str
    seconds: float

    def wait(self, process: subprocess.Popen[bytes], folder: Path) -> bool:
        """Wait for the moment; say whether the process still runs."""
        return _started(process, folder, self.rule) and not ended(
            process, time.monotonic() + self.seconds
        )

    def __str__(self) -> str:
        return f"in {self.rule}"


@dataclass(frozen=True)
class AtWriting:
    """When the first thing changes in the folders that the rule writes, or moments later."""

    rule: str
    folders: Sequence[str]
    seconds: float

    def wait(self, process: subprocess.Popen[bytes], folder: Path) -> bool:
        """Wait for the moment; say whether the process still runs."""
        before = self._entries(folder)
        while self.rule not in scripts(folder):
            before = self._entries(folder)
            if ended(process, time.monotonic() + _POLL):
                return False
        while self._entries(folder) == before:
            if process.poll() is not None:
                return False
            time.sleep(_POLL_WRITING)
        time.sleep(self.seconds)
        return process.poll() is None

    def _entries(self, folder: Path) -> list[set[str]]:
        found = []
        for name in self.folders:
            try:
                found.append(set(os.listdir(folder / name)))
            except FileNotFoundError:
                found.append(set())
        return found

    def __str__(self) -> str:
        return f"as {self.rule} writes"


Moment = AtTime | InJob | AtWriting


def _started(process: subprocess.Popen[bytes], folder: Path, rule: str) -> bool:
    while rule not in scripts(folder):
        if ended(process, time.monotonic() + _POLL):
            return False
    return True


def draw(
    kills: int,
    seed: int,
    seconds: float,
    rules: Mapping[str, float],
    folders: Mapping[str, Sequence[str]],
) -> list[tuple[Moment, ...]]:
    """Return the moments of each trial: one, and for every fifth trial another in the rerun.

    Every other trial is killed at any time of the run, uniformly; the others inside a job of a
    rule, the rules taken in turn, and of these every other at the moment when it writes.

    Parameters
    ----------
    kills : number of trials
    seed : draws everything
    seconds : what the undisturbed run took
    rules : seconds of a job of each rule
    folders : what each rule writes
    """
    random_ = random.Random(seed)
    order = list(rules)
    random_.shuffle(order)
    trials: list[tuple[Moment, ...]] = []
    for number in range(kills):
        first: Moment
        if number % 2 == 0:
            first = AtTime(random_.uniform(0.0, seconds))
        else:
            turn = number // 2
            rule = order[turn % len(order)]
            # An odd number of rules: the second round swaps the two kinds.
            if (turn + turn // len(order)) % 2:
                # Not to its very end: another time the job may be faster.
                first = InJob(rule, random_.uniform(0.0, 0.8 * rules[rule]))
            else:
                first = AtWriting(rule, folders[rule], random_.choice((0.0, 0.001, 0.005)))
        again = number % 5 == 4
        trials.append((first, AtTime(random_.uniform(0.0, 0.6 * seconds))) if again else (first,))
    return trials
