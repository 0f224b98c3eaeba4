"""Kill the smoke workflow at random moments, go on, and compare with an undisturbed run.

    python -m tests.robust.faults --kills 50 --seed 0

Each trial runs the workflow in a fresh folder, kills it with everything below it, looks at every
file, unlocks, runs it to the end, and compares every file with the undisturbed run's.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lwpipe.run import load_run
from lwpipe.run.layout import Layout, jobs
from lwpipe.run.stages import STAGES

from ..reference import place
from .compare import DIFFERENT, faults, files, rule_of
from .moments import Moment, draw
from .process import FILES, kill, run, said, start

_REACHED_AT_LATEST = 8  # tries, each at a moment that is a fifth earlier


@dataclass
class Result:
    """What came of a trial."""

    seconds: list[float] = field(default_factory=list)
    rules: list[set[str]] = field(default_factory=list)
    whole: int = 0
    seen: int = 0
    runs: int = 0
    complaints: list[str] = field(default_factory=list)


def main() -> int:
    """Run the trials; return 0 if nothing was lost in any."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=50, help="number of trials (default: 50)")
    parser.add_argument("--seed", type=int, default=0, help="draws the moments (default: 0)")
    parser.add_argument("--folder", type=Path, help="keep everything here (default: temporary)")
    options = parser.parse_args()
    if options.folder is not None:
        options.folder.mkdir(parents=True, exist_ok=True)
        return _trials(options.kills, options.seed, options.folder.resolve())
    with tempfile.TemporaryDirectory(prefix="lwpipe_faults_") as folder:
        return _trials(options.kills, options.seed, Path(folder))


def _trials(kills: int, seed: int, folder: Path) -> int:
    reference = folder / "undisturbed"
    seconds = _undisturbed(reference)
    rules = _seconds_of_rules(reference)
    exact = sum(rule_of(path) is None for path in files(reference))
    print(
        f"undisturbed: {seconds:.0f} s, {len(rules)} rules, {len(files(reference))} files, "
        f"{exact} of them the same bytes every time\n\nThe others, and what may differ:"
    )
    for row in DIFFERENT:
        print(f"  {row.pattern:28} {row.reason}")
    print(
        f"\n{'no.':>4} {'kill':30} {'at s':>11}  {'files whole':>11}  {'same bytes':10} runs  "
        "running at the kill",
        flush=True,
    )
    hit: Counter[str] = Counter()
    good = 0
    for number, moments in enumerate(draw(kills, seed, seconds, rules, _folders()), start=1):
        trial = folder / f"trial_{number:02d}"
        result = _trial(reference, trial, moments)
        hit.update(rule for running in result.rules for rule in running)
        good += not result.complaints
        _print(number, moments, result)
        if not result.complaints:
            shutil.rmtree(trial)
    print("\nrunning at a kill, times: " + ", ".join(f"{rule} {hit[rule]}" for rule in rules))
    missed = [rule for rule in rules if not hit[rule]]
    if missed:
        print("never running at a kill: " + ", ".join(missed))
    print(f"\n{good} of {kills}")
    return int(good < kills)


def _undisturbed(folder: Path) -> float:
    """Run the workflow once, or take the run that is there; return the seconds it took."""
    seconds = place(folder)
    found = list(faults(folder, folder, finished=True))
    if found:
        sys.exit("the undisturbed run is not whole: " + "; ".join(found))
    return seconds


def _seconds_of_rules(folder: Path) -> dict[str, float]:
    """Return what a job of each rule took, from Snakemake's benchmarks; the longest of several."""
    seconds: dict[str, float] = {}
    for path in sorted((folder / "results").rglob("benchmarks/*.tsv")):
        with path.open(encoding="utf-8") as file:
            row = next(csv.DictReader(file, delimiter="\t"))
        seconds[path.stem] = max(seconds.get(path.stem, 0.0), float(row["s"]))
    return {rule: seconds[rule] for rule in STAGES if rule in seconds}


def _folders() -> Mapping[str, Sequence[str]]:
    """Return the folders that the jobs of each rule write."""
    folders: dict[str, list[str]] = {}
    for stage, root in jobs(Layout(load_run(FILES))):
        folders.setdefault(stage, []).append(f"{root}/{STAGES[stage].place}")
    return folders


def _trial(reference: Path, folder: Path, moments: Sequence[Moment]) -> Result:
    result = Result()
    first, *later = moments
    for _ in range(_REACHED_AT_LATEST):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if _killed(reference, folder, first, result):
            break
        first = replace(first, seconds=0.8 * first.seconds)
    else:
        result.complaints.append(f"the run ended before the kill {first}")
    for moment in later:
        _unlock(folder, result)
        # A rerun that ends before the moment is a whole one, and is compared as such.
        _killed(reference, folder, moment, result, "--rerun-incomplete")
    _unlock(folder, result)
    result.runs += 1
    if run(folder, "--rerun-incomplete") != 0:
        result.complaints.append(f"the rerun failed:\n{said(folder)[-3000:]}")
    result.complaints += faults(reference, folder, finished=True)
    return result


def _killed(reference: Path, folder: Path, moment: Moment, result: Result, *arguments: str) -> bool:
    """Run until the moment and kill; say whether it came before the end."""
    result.runs += 1
    started = time.monotonic()
    process = start(folder, *arguments)
    reached = moment.wait(process, folder)
    seconds = time.monotonic() - started
    rules = kill(process)
    if reached:
        result.seconds.append(seconds)
        result.rules.append(rules)
        found = list(faults(reference, folder, finished=False))
        result.seen += len(files(folder))
        result.whole += len(files(folder)) - len(found)
        result.complaints += found
    return reached


def _unlock(folder: Path, result: Result) -> None:
    if run(folder, "--unlock") != 0:
        result.complaints.append(f"cannot be unlocked:\n{said(folder)[-3000:]}")


def _print(number: int, moments: Sequence[Moment], result: Result) -> None:
    at = " + ".join(f"{seconds:.1f}" for seconds in result.seconds)
    running = " | ".join(", ".join(sorted(rules)) or "no job" for rules in result.rules)
    kind = str(moments[0]) + (" + again" if len(result.seconds) > 1 else "")
    print(
        f"{number:4} {kind:30} {at:>11}  {f'{result.whole} of {result.seen}':>11}  "
        f"{'no' if result.complaints else 'yes':10} {result.runs:4}  {running}",
        flush=True,
    )
    for complaint in result.complaints:
        print(f"     WRONG: {complaint}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
