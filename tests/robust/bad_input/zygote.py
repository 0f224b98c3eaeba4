"""Run `lwpipe` commands in forks of one process that has imported everything.

Each command gets a process of its own, with limits on its memory and time, at the price of a fork
instead of the import of PyTorch. `Zygote` starts that process and talks to it by lines of JSON.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

# Address space that a command may take over what the zygote has: with it, a reader that believes
# a size in a header fails here, and not only on a machine that is full.
ADDRESS_SPACE = 1 << 30
SECONDS = 20
ROOT = Path(__file__).parents[3]
# Without threads before the fork, and with the warnings that a user would see.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "PYTHONWARNINGS": "default",
}


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes
    ----------
    code : int
        Exit code; that of a killed process is minus its signal.
    seconds : float
    peak_mb : float
        Peak resident memory over that of the zygote.
    stdout, stderr : str
    """

    code: int
    seconds: float
    peak_mb: float
    stdout: str
    stderr: str


class Zygote:
    """The process that forks; a context manager."""

    def __enter__(self) -> Zygote:
        environment = {k: v for k, v in os.environ.items() if k != "LWPIPE_ICT_SOURCE"}
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**environment, **ENVIRONMENT, "PYTHONPATH": str(ROOT)},
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=SECONDS)

    def run(self, arguments: list[str], folder: Path, log: Path) -> Outcome:
        """Run `lwpipe` with `arguments` in `folder`; its output goes to files beside `log`."""
        request = {"arguments": arguments, "folder": str(folder), "log": str(log)}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the zygote has ended with {self.process.wait()}")
        return Outcome(**json.loads(answer))


def _memory(key: str) -> float:
    """Return a size of this process in MB, such as VmRSS and VmHWM."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024
    raise KeyError(key)


def _command(request: dict[str, object], answer: int) -> None:
    """Be the command; never returns."""
    code = 70
    try:
        for number, suffix in ((1, ".out"), (2, ".err")):
            handle = os.open(f"{request['log']}{suffix}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(handle, number)
        os.chdir(request["folder"])
        limit = int(_memory("VmSize") * 2**20) + ADDRESS_SPACE
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        before = _memory("VmRSS")
        try:
            code = sys.modules["lwpipe.cli.main"].main(request["arguments"])
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(answer, str(_memory("VmHWM") - before).encode())
    finally:
        os._exit(code)


def _fork(request: dict[str, object]) -> Outcome:
    begin = time.monotonic()
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receive)
        _command(request, send)
    os.close(send)
    handle = os.pidfd_open(child)
    if not select.select([handle], [], [], SECONDS)[0]:
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(handle)
    peak = os.read(receive, 100).decode()
    os.close(receive)
    text = [
        Path(f"{request['log']}{suffix}").read_bytes().decode("utf-8", "backslashreplace")
        for suffix in (".out", ".err")
    ]
    return Outcome(code, time.monotonic() - begin, float(peak or "nan"), *text)


def _serve() -> None:
    import importlib

    for name in (
        "lwpipe.cli.main",
        "lwpipe.data.sources.aflw.model",
        "lwpipe.data.sources.ict.kit",
        "lwpipe.data.sources.makehuman.kit",
        "lwpipe.data.sources.meshes.convert",
        "lwpipe.engine.mesh_major",
        "lwpipe.model.archive",
        "lwpipe.template.pyramid",
        "lwpipe.local_weights.make",
        "lwpipe.local_weights.snmf",
        "lwpipe.training.loop",
        "lwpipe.evaluation.evaluate",
        "lwpipe.evaluation.diversity",
        "lwpipe.data.check",
        "scipy.io",
    ):
        importlib.import_module(name)
    # A fork takes only the thread that calls it: locks that others hold would stay shut.
    assert _memory("Threads") * 1024 == 1, "an import has started threads"
    for line in sys.stdin:
        outcome = _fork(json.loads(line))
        sys.stdout.write(json.dumps(outcome.__dict__) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
