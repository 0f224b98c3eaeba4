"""Run the smoke workflow on a real Slurm of one node and compare it with a local run.

    python -m tests.robust.cluster

Installs Debian's Slurm where it is missing, starts it with a state of its own, runs three
workflows at once (all rules; a training that is pre-empted; one that exceeds its limit), and
compares their files byte for byte with those of local runs.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

from ..reference import place
from .scenarios import (
    MODEL,
    TRAINING,
    ScenarioError,
    Workflow,
    copy_upstream,
    over_the_limit,
    preempted,
    whole_workflow,
)
from .slurm import ClusterError, MissingError, install, running

# More than the machine may have: the jobs mostly wait for their turn.
CPUS = 4


def main() -> int:
    """Run all scenarios; return 0 if each went as it must."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, help="keep everything here (default: temporary)")
    parser.add_argument(
        "--install-only", action="store_true", help="install Slurm where it is missing, and end"
    )
    options = parser.parse_args()
    # A terminated test also stops what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("cluster: terminated"))
    try:
        install()
        if options.install_only:
            return 0
        if options.folder is not None:
            options.folder.mkdir(parents=True, exist_ok=True)
            return _run(options.folder.resolve())
        # A short path: sockets in it may have 107 characters.
        with tempfile.TemporaryDirectory(prefix="lwpipe_") as folder:
            return _run(Path(folder))
    except MissingError as error:
        print(f"cluster: not run: {error}", file=sys.stderr)
        return 1
    except (ClusterError, ScenarioError) as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 1


def _run(folder: Path) -> int:
    started = time.monotonic()
    files = (folder / "training.yaml",)
    files[0].write_text(TRAINING, encoding="utf-8")
    whole, training = folder / "local", folder / "local_training"
    place(whole)
    copy_upstream(whole, training)
    _locally(training, str(MODEL), files=files)
    print(f"local runs: {time.monotonic() - started:.0f} s", flush=True)
    with running(folder / "slurm", CPUS) as cluster:
        scenarios: dict[str, Callable[[], str]] = {
            "the whole workflow": partial(whole_workflow, cluster, folder / "whole", whole),
            "pre-empted (scancel --signal=TERM)": partial(
                preempted, cluster, folder / "preempted", training, files
            ),
            "over its time limit": partial(
                over_the_limit, cluster, folder / "limited", training, files
            ),
        }
        good = _all(scenarios)
    print(f"{good} of {len(scenarios)} as they must be, {time.monotonic() - started:.0f} s")
    return 0 if good == len(scenarios) else 1


def _locally(folder: Path, *arguments: str, files: tuple[Path, ...] = ()) -> None:
    Workflow.start(folder, *arguments, "--cores", "2", files=files).finish()


def _all(scenarios: dict[str, Callable[[], str]]) -> int:
    """Run the scenarios at once, print a line for each, return how many went as they must."""
    good = 0
    with ThreadPoolExecutor(len(scenarios)) as pool:
        results = {name: pool.submit(call) for name, call in scenarios.items()}
        try:
            for name, result in results.items():
                try:
                    print(f"ok     {name}: {result.result()}", flush=True)
                    good += 1
                except (ScenarioError, ClusterError) as error:
                    print(f"FAILED {name}: {error}", flush=True)
        except BaseException:
            _kill_workflows()
            raise
    return good


def _kill_workflows() -> None:
    """End Snakemake before its cluster, which ends the jobs."""
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if "snakemake" in child.cmdline():
                child.kill()


if __name__ == "__main__":
    sys.exit(main())
