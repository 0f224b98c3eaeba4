"""Compiled loops where there is nowhere to keep them."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

# What numba finds in a container that runs as another user: no folder of its can be written.
CODE = """
import sys
from numba.core import caching
for locator in caching.CacheImpl._locator_classes:
    locator.from_function = classmethod(lambda cls, function, file: None)
import numpy as np
from lwpipe.local_weights import kernels
from lwpipe.engine import sweeps
out = np.empty((2, 4))
kernels.project(np.ones((4, 8)), np.ones((2, 8)), out)
print(out.sum())
"""


def test_without_a_place_to_write_they_run_and_say_so_once() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, cwd=ROOT, env=os.environ
    )
    assert ended.returncode == 0, ended.stderr
    assert float(ended.stdout) == 64.0
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("lwpipe: warning: numba has no folder to keep")
    assert "NUMBA_CACHE_DIR" in ended.stderr
