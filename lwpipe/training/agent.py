"""torchrun's agent: starts the processes of a training, and ends all when one fails.

It ends when they do: a signal that asks for a stop is theirs to obey. It imports nothing else of
training, so that it starts quickly.
"""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from lwpipe.training.pipe import end_with_caller, tell

_WORKER = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from lwpipe.training.worker import work
work()
"""


def supervise() -> None:
    """Run the processes; the words are the search path and the job (JSON), and their number."""
    end_with_caller()
    path, job, count = sys.argv[1:]
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=int(count),
        run_id=str(uuid4()),
        rdzv_backend="c10d",
        # A free port, for this machine alone.
        rdzv_endpoint="localhost:0",
        local_addr="127.0.0.1",
        max_restarts=0,
        # No folder of logs: the processes write to what the caller has given the agent.
        logs_specs=DefaultLogsSpecs(log_dir=os.devnull),
    )
    start = elastic_launch(config, sys.executable)
    try:
        # In a thread, where torchrun leaves the signals as they are: this process and, until they
        # listen, those that it starts ignore what asks for a stop, which the caller passes on.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(start, "-P", "-c", _WORKER, path, job).result()
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        code = failure.exitcode
        name = signal.Signals(-code).name if code < 0 else None
        tell("ended", rank=rank, code=code, signal=name)
        sys.exit(1)
