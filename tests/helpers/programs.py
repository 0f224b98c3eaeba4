"""Other programs that the tests ask, where they are installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

NODE_FOLDER = Path(__file__).resolve().parents[1] / "node"
_MODULES = NODE_FOLDER / "node_modules"
CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser")) if p), None)
BLENDER = shutil.which("blender")
NODE = shutil.which("node")

needs_blender = pytest.mark.skipif(
    BLENDER is None,
    reason="needs Blender (apt-get install --no-install-recommends blender python3-numpy)",
)


def needs_node(package: str) -> pytest.MarkDecorator:
    """Skip where node, or a package of tests/node/package.json, is missing."""
    return pytest.mark.skipif(
        NODE is None or not (_MODULES / package).is_dir(),
        reason=f"needs node and {package} (npm ci --prefix tests/node)",
    )


def run_node(script: str, *arguments: str | Path) -> Any:
    """Run a module of tests/node and return the JSON that it prints."""
    words = [str(NODE), str(NODE_FOLDER / script), *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def run_blender(script: Path, *arguments: str | Path) -> None:
    """Run a Python script within Blender, without a window."""
    words = [str(BLENDER), "--background", "--factory-startup", "--python-exit-code", "3"]
    words += ["--python", str(script), "--", *map(str, arguments)]
    # Blender brings no Python of its own on Debian, and must not find that of the tests.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL"))}
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
