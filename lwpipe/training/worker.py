"""What each process of a training does that torchrun has started."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import torch

from lwpipe.core.errors import LwpipeError
from lwpipe.training.distributed import LostProcessError, joined
from lwpipe.training.job import Job
from lwpipe.training.loop import choose_device, run
from lwpipe.training.pipe import follow_caller
from lwpipe.training.progress import Silent, TrainingProgress
from lwpipe.training.stop import SIGNALS, Stop, StopAskedError, listening

_PATIENCE_S, _SHORT_PATIENCE_S = 30, 3


def work(job: Job, folder: Path) -> None:
    """Be one of the processes; how it ended otherwise than well is told in a file of `folder`."""
    stop = Stop()
    follow_caller(stop.ask)
    # Standard output is the caller's to show; standard error is torchrun's.
    sys.stderr = sys.stdout
    rank = int(os.environ["RANK"])

    def tell(kind: str, **values: Any) -> None:
        (folder / f"{rank}.json").write_text(json.dumps({"kind": kind, "rank": rank, **values}))

    try:
        with listening(stop):
            _train(job, rank, stop)
        return
    except StopAskedError as asked:
        # All have stopped at one step: an orderly end.
        tell("stopped", signal=asked.signal, place=asked.place)
        return
    except LwpipeError as error:
        tell("fault", message=str(error))
    except LostProcessError:
        # torchrun knows which process was lost and why, and ends this one: to end by itself could
        # make it look like the first. If it has asked for that already, it knows.
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        time.sleep(_SHORT_PATIENCE_S if stop.signal else _PATIENCE_S)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else "no reason given"
        message = f"{type(error).__name__}: {reason[:500].rstrip('.')}"
        tell("crash", message=message, trace=traceback.format_exc())
    # Not sys.exit: tidying up a group with a process missing can wait for ever.
    os._exit(1)


def _train(job: Job, rank: int, stop: Stop) -> None:
    device = choose_device(job.training.device)
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    with joined(device) as group:
        # The progress is that of all processes: the first one shows it.
        run(job, device, group, TrainingProgress if rank == 0 else Silent, stop)
