"""One undisturbed run of the smoke workflow, which the cluster and the kills are compared with.

    python -m tests.robust.reference FOLDER

Where the environment variable LWPIPE_REFERENCE names such a folder, nobody makes another.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

from .faults.process import run, said

_SECONDS = "seconds.txt"


def make(folder: Path) -> float:
    """Run the workflow in a new folder; return the seconds it took."""
    folder.mkdir(parents=True)
    started = time.monotonic()
    if run(folder) != 0:
        sys.exit(f"the undisturbed run failed:\n{said(folder)[-4000:]}")
    seconds = time.monotonic() - started
    (folder / _SECONDS).write_text(f"{seconds:.1f}\n")
    return seconds


def place(folder: Path) -> float:
    """Copy the run that is there into a new folder, or make one; return the seconds it took."""
    there = os.environ.get("LWPIPE_REFERENCE")
    if there is None:
        return make(folder)
    # With their times, by which Snakemake sees that nothing is to be done.
    shutil.copytree(there, folder)
    return float((folder / _SECONDS).read_text())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="to be made")
    make(parser.parse_args().folder.resolve())
