"""Let torchrun start the processes of a training, and turn their failure into a sentence.

The processes hold the reading end of a pipe whose writing end only the caller has: when that
closes, however the caller ended, they end. What the caller writes into it asks them to save and
stop.
"""

from __future__ import annotations

import json
import math
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from lwpipe.core.errors import LwpipeError, StoppedError
from lwpipe.model import PartModel, load
from lwpipe.training.job import Job
from lwpipe.training.stop import SIGNALS, Stop, StopAskedError

# Signals first: one that asks for a stop must not end torchrun, or the processes before they
# listen, unsaved.
_TORCHRUN = f"""
import signal, sys
for number in {[int(number) for number in SIGNALS]}:
    signal.signal(number, signal.SIG_IGN)
from torch.distributed.run import main
main(sys.argv[1:])
"""
# With the search path of the caller: it may have found lwpipe where a bare Python does not.
_WORKER = """
import json, pathlib, sys
sys.path[:] = json.loads(sys.argv[1])
from lwpipe.training.job import Job
from lwpipe.training.worker import work
work(Job.from_json(sys.argv[2]), pathlib.Path(sys.argv[3]))
"""
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
_PATIENCE_S = 60
# For a step, or the start of the processes and then a step; a cluster is less patient by itself.
_STOP_PATIENCE_S = 120
# How often it is looked whether to stop.
_LOOK_S = 0.5


def launch(job: Job, device: torch.device, stop: Stop) -> PartModel:
    """Run `job` in its `training.processes` and return the model that they write.

    Parameters
    ----------
    job : the training
    device : 'cuda' for one GPU a process, or 'cpu'
    stop : is passed on to the processes

    Raises
    ------
    StopAskedError
        If a stop was asked for, of this process or of one of those: the training is saved.
    StoppedError
        If it was asked for and they ended without having saved.
    LwpipeError
        If there are too few GPUs, or a process fails.
    """
    count = job.training.processes
    if "TORCHELASTIC_RUN_ID" in os.environ:
        raise LwpipeError(
            f"`training.processes` is {count}: lwpipe starts its processes itself, "
            "so call it without torchrun."
        )
    if device.type == "cuda" and torch.cuda.device_count() < count:
        raise LwpipeError(
            f"`training.processes` is {count}, but PyTorch finds {torch.cuda.device_count()} "
            "GPU(s): each process needs one."
        )
    with tempfile.TemporaryDirectory(prefix="lwpipe_training_") as name:
        folder = Path(name)
        code = _run(job, folder, stop)
        told = [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]
        log = (folder / "torchrun.log").read_text(errors="replace")
    for end in told:
        if end["kind"] == "stopped":
            asked = end["signal"] if stop.signal is None else stop.signal.name
            raise StopAskedError(asked, end["place"])
    if code != 0:
        if stop.signal and not told:
            raise StoppedError(
                f"training was stopped by {stop.signal.name}, and its processes ended before they "
                "could save: the same command goes on from the last checkpoint."
            )
        raise LwpipeError(_sentence(told, log, code, count))
    return load(job.output, str(device), job.training.backend)


def _run(job: Job, folder: Path, stop: Stop) -> int:
    """Run torchrun to its end, show what the processes print, and return its exit code."""
    count = job.training.processes
    threads = dict.fromkeys(_THREADS, str(max(1, torch.get_num_threads() // count)))
    terminal = {"FORCE_COLOR": "1"} if sys.stderr.isatty() else {}
    # What asks for a stop is left to the caller; what torchrun leaves behind goes with the folder.
    torchrun = {"PET_SIGNALS_TO_HANDLE": "SIGHUP,SIGINT,SIGQUIT", "TMPDIR": str(folder)}
    worker = ["-P", "-c", _WORKER, json.dumps(sys.path), job.to_json(), str(folder)]
    words = ["--standalone", f"--nproc-per-node={count}", "--no-python", sys.executable, *worker]
    with (folder / "torchrun.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - nothing in it comes from outside
            [sys.executable, "-P", "-c", _TORCHRUN, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, **threads, **terminal, **torchrun},
            start_new_session=True,
        )
    try:
        _show(process, stop)
    finally:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def _show(process: subprocess.Popen[bytes], stop: Stop) -> None:
    """Show what the processes print, and pass a wish to stop on to them.

    They have a limited time to obey it.
    """
    if process.stdin is None or process.stdout is None:
        return
    reader, until = process.stdout.fileno(), math.inf
    while time.monotonic() < until:
        if stop.signal and until == math.inf:
            until = time.monotonic() + _STOP_PATIENCE_S
            with suppress(BrokenPipeError):
                os.write(process.stdin.fileno(), b"\n")
        if select.select([reader], [], [], _LOOK_S)[0]:
            read = os.read(reader, 65536)
            if not read:
                return
            sys.stderr.write(read.decode(errors="replace"))


def _sentence(told: list[dict[str, Any]], log: str, code: int, count: int) -> str:
    """Return what the user is told of a failure, by a process or by torchrun about one."""
    faults = [end["message"] for end in told if end["kind"] == "fault"]
    if faults:
        return str(faults[0])
    for end in told:
        # A defect of lwpipe: what is needed to mend it, before the sentence.
        sys.stderr.write(end["trace"])
        return f"training process {end['rank'] + 1} of {count} failed: {end['message']}."
    first = re.search(
        r"rank\s+: (\d+).*?exitcode\s+: (-?\d+)", log.partition("Root Cause")[2], re.S
    )
    if first is None:
        sys.stderr.write(log)
        return f"the {count} training processes ended with code {code}."
    name, code = f"training process {int(first[1]) + 1} of {count}", int(first[2])
    if code < 0:
        return (
            f"{name} was ended by {signal.Signals(-code).name}, as happens when memory runs out: "
            "raise `training.accumulate` or lower `training.processes`."
        )
    sys.stderr.write(log)
    return f"{name} ended with code {code}."
