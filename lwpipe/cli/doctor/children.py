"""Checks in processes of their own, so that a library that crashes or hangs is only a fault."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

_SECONDS = 60

# What the child prints last is its answer; libraries may write before that.
LIBRARIES = """
import importlib, json
found, failed = {}, {}
for name in ("numpy", "scipy", "numba", "torch", "igl"):
    try:
        importlib.import_module(name)
    except Exception as error:
        failed[name] = f"{type(error).__name__}: {error}"
found["failed"] = failed
if "torch" not in failed:
    import torch
    from lwpipe.training.data import free_bytes
    gpus = []
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            about = torch.cuda.get_device_properties(index)
            free, total = torch.cuda.mem_get_info(index)
            gpus.append({"name": about.name, "free": free, "total": total})
    found["torch"] = {"version": torch.__version__, "cuda": torch.version.cuda, "gpus": gpus,
                      "threads": torch.get_num_threads(),
                      "free_bytes": free_bytes(torch.device("cpu"))}
if not {"numba", "numpy"} & set(failed):
    import numpy as np
    from lwpipe.local_weights import kernels
    out = np.empty((2, 4))
    try:
        kernels.project(np.ones((4, 8)), np.ones((2, 8)), out)
        found["kernel"] = float(out.sum())
        found["cache"] = kernels.project.stats.cache_path
    except Exception as error:
        found["kernel"] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""
RENDERING = """
import json
import numpy as np
from lwpipe.core.errors import LwpipeError
from lwpipe.figures.render import FaceRenderer
vertices = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
try:
    with FaceRenderer([[0, 1, 2]], vertices, 64) as renderer:
        found = {"spread": float(np.std(renderer.render(vertices)))}
except LwpipeError as error:
    found = {"error": str(error)}
print(json.dumps(found))
"""


class Child:
    """A Python process that runs some code and answers with a JSON object.

    Parameters
    ----------
    code : prints the answer as its last line
    """

    def __init__(self, code: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - nothing in it comes from outside
            [sys.executable, "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    def answer(self) -> dict[str, Any] | str:
        """Return the answer, or a phrase about how the process ended without one."""
        try:
            output, errors = self._process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return f"no answer within {_SECONDS} s"
        code, lines = self._process.returncode, output.splitlines()
        if code != 0 or not lines:
            said = [line.strip() for line in errors.splitlines() if line.strip()]
            ended = f"signal {-code}" if code < 0 else f"exit code {code}"
            return f"the check ended with {ended}" + (f" and said: {said[-1]}" if said else "")
        found: dict[str, Any] = json.loads(lines[-1])
        return found
