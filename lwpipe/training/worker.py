"""What each of the processes does that `lwpipe.training.launch` has started."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from types import TracebackType
from typing import Self

import torch

from lwpipe.core.errors import LwpipeError
from lwpipe.training.distributed import LostProcessError, joined
from lwpipe.training.job import Job
from lwpipe.training.loop import choose_device, run
from lwpipe.training.pipe import end_with_caller, tell
from lwpipe.training.stop import SIGNALS, Stop, StopAskedError, listening

# The end of a traceback: one write of up to 4096 bytes is never mixed with another process's.
_TRACE_CHARACTERS = 2500
_PATIENCE_S = 30
_SHORT_PATIENCE_S = 3


def work() -> None:
    """Be one of the processes; the words are the search path and the job (JSON)."""
    stop = Stop()
    end_with_caller(stop.ask)
    rank = int(os.environ["RANK"])
    try:
        with listening(stop):
            _train(rank, stop)
        return
    except LwpipeError as error:
        tell("fault", rank=rank, message=str(error))
    except LostProcessError:
        # The agent knows which process was lost and why, and ends this one: to end by itself
        # could make it look like the first. If it has asked for that already, it knows.
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        time.sleep(_SHORT_PATIENCE_S if stop.signal else _PATIENCE_S)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else "no reason given"
        message = f"{type(error).__name__}: {reason[:500].rstrip('.')}"
        trace = traceback.format_exc()[-_TRACE_CHARACTERS:]
        tell("crash", rank=rank, message=message, trace=trace)
    # Not sys.exit: tidying up a group with a process missing can wait for ever.
    os._exit(1)


def _train(rank: int, stop: Stop) -> None:
    job = Job.from_json(sys.argv[2])
    device = choose_device(job.training.device)
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    with joined(device) as group:
        try:
            run(job, device, group, _FirstTells if rank == 0 else _Silent, stop)
        except StopAskedError as asked:
            # All have stopped at one step: an orderly end.
            if rank == 0:
                tell("stopped", signal=asked.signal, place=asked.place)


class _Silent:
    """Tell nothing: the progress is that of all processes, and the first one tells it."""

    def __init__(self, epochs: int, steps: int, done: int) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def note(self, text: str) -> None:
        """Tell nothing."""

    def step(self, loss: float, count: int) -> None:
        """Tell nothing."""

    def epoch(self, row: dict[str, float]) -> None:
        """Tell nothing."""


class _FirstTells(_Silent):
    """Tell the caller, who shows it."""

    def __init__(self, epochs: int, steps: int, done: int) -> None:
        tell("begin", steps=steps, done=done)

    def note(self, text: str) -> None:
        """Tell a sentence."""
        tell("note", text=text)

    def step(self, loss: float, count: int) -> None:
        """Tell of optimiser steps."""
        tell("step", loss=loss, count=count)

    def epoch(self, row: dict[str, float]) -> None:
        """Tell of a finished epoch."""
        tell("epoch", row=row)
