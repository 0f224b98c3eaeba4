"""Start the processes of a training, show their progress, and turn a failure into a sentence.

They are started by torchrun's agent, which runs in a process of its own: neither its signal
handlers nor its ports live in the caller's. The agent and the processes hold the reading end of a
pipe whose writing end only the caller has; when that closes, however the caller ended, they end.
What the caller writes into it asks them to save and stop.
"""

from __future__ import annotations

import json
import math
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import torch

from lwpipe.core.errors import LwpipeError, StoppedError
from lwpipe.model import PartModel, load
from lwpipe.training.job import Job
from lwpipe.training.progress import TrainingProgress, Watcher
from lwpipe.training.stop import SIGNALS, Stop, StopAskedError

# With the search path of the caller: it may have found lwpipe where a bare Python does not.
# Signals first: one that asks for a stop must not end the agent, or the processes, unsaved.
_AGENT = f"""
import json, signal, sys
for number in {[int(number) for number in SIGNALS]}:
    signal.signal(number, signal.SIG_IGN)
sys.path[:] = json.loads(sys.argv[1])
from lwpipe.training.agent import supervise
supervise()
"""
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
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
    threads = str(max(1, torch.get_num_threads() // count))
    words = [json.dumps(sys.path), job.to_json(), str(count)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603 - nothing in it comes from outside
            [sys.executable, "-P", "-c", _AGENT, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, **dict.fromkeys(_THREAD_VARIABLES, threads)},
            start_new_session=True,
        )
        try:
            failure = _relay(_lines(process, stop), job)
        finally:
            _end(process)
        if failure is not None and failure["event"] == "stopped":
            name = failure["signal"] if stop.signal is None else stop.signal.name
            raise StopAskedError(name, failure["place"])
        if process.returncode != 0:
            if stop.signal and (failure is None or failure["event"] == "ended"):
                raise StoppedError(
                    f"training was stopped by {stop.signal.name}, and its processes ended before "
                    "they could save: the same command goes on from the last checkpoint."
                )
            failure = failure or {"event": "ended", "rank": None, "code": process.returncode}
            if failure["event"] == "ended" and failure.get("signal") is None:
                log.seek(0)
                sys.stderr.write(log.read().decode(errors="replace"))
            raise LwpipeError(_sentence(failure, count))
    return load(job.output, str(device), job.training.backend)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for the agent, which ends when its standard input does, if it has not yet."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _lines(process: subprocess.Popen[bytes], stop: Stop) -> Iterator[bytes]:
    """Yield the lines that the processes write, and pass a wish to stop on to them.

    They have a limited time to obey it: then there are no more lines.
    """
    if process.stdin is None or process.stdout is None:
        return
    reader, rest, until = process.stdout.fileno(), b"", math.inf
    while time.monotonic() < until:
        if stop.signal and until == math.inf:
            until = time.monotonic() + _STOP_PATIENCE_S
            with suppress(BrokenPipeError):
                os.write(process.stdin.fileno(), b"\n")
        if select.select([reader], [], [], _LOOK_S)[0]:
            read = os.read(reader, 65536)
            if not read:
                return
            *lines, rest = (rest + read).split(b"\n")
            yield from lines


def _relay(lines: Iterable[bytes], job: Job) -> dict[str, Any] | None:
    """Show the progress that the processes tell; return the event of the first failure."""
    failure: dict[str, Any] | None = None
    watcher: Watcher | None = None
    with ExitStack() as stack:
        for line in lines:
            try:
                event = json.loads(line)
                kind = event["event"]
            except (ValueError, TypeError, KeyError):
                continue  # a library has printed something
            if kind == "begin":
                progress = TrainingProgress(job.training.epochs, event["steps"], event["done"])
                watcher = stack.enter_context(progress)
            elif kind == "step" and watcher is not None:
                watcher.step(event["loss"], event["count"])
            elif kind == "epoch" and watcher is not None:
                watcher.epoch(event["row"])
            elif kind == "note" and watcher is not None:
                watcher.note(event["text"])
            elif kind in ("fault", "crash", "ended", "stopped"):
                failure = failure or event
    return failure


def _sentence(failure: dict[str, Any], count: int) -> str:
    """Return what the user is told of a failure, by a process or by the agent about one."""
    if failure["event"] == "fault":
        return str(failure["message"])
    if failure["rank"] is None:
        return f"the {count} training processes ended with code {failure['code']}."
    name = f"training process {failure['rank'] + 1} of {count}"
    if failure["event"] == "crash":
        # A defect of lwpipe: what is needed to mend it, before the sentence.
        sys.stderr.write(failure["trace"])
        return f"{name} failed: {failure['message']}."
    if failure["signal"] is None:
        return f"{name} ended with code {failure['code']}."
    return (
        f"{name} was ended by {failure['signal']}, as happens when memory runs out: "
        "raise `training.accumulate` or lower `training.processes`."
    )
