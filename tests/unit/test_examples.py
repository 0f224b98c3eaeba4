"""The examples in docstrings, and those of CONTRIBUTING.md, give what they say."""

from __future__ import annotations

import csv
import doctest
import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.test_plugins import RULE

ROOT = Path(__file__).resolve().parents[2]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted((ROOT / "lwpipe").rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


def test_modules_with_examples_are_found() -> None:
    assert {"lwpipe.editing.edits", "lwpipe.mesh.topology"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    result = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert result.attempted > 0
    assert result.failed == 0


@pytest.fixture(scope="module")
def contributed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the examples of CONTRIBUTING.md into the folder of a plugin."""
    folder = tmp_path_factory.mktemp("contributed")
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = r"^`(?:lwpipe/)?(\S+\.(?:py|smk))`"
    for match in re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        path = folder / re.findall(named, text[: match.start()], re.MULTILINE)[-1]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(match[1], encoding="utf-8")
    return folder


def test_every_kind_of_file_is_shown(contributed: Path) -> None:
    shown = {str(path.relative_to(contributed)) for path in contributed.rglob("*.*")}
    assert shown == {
        "data/sources/planes.py",
        "evaluation/measures/depth.py",
        "model/weightings/sharp.py",
        "run/stages/counting.py",
        "workflow/rules/counting.smk",
    }


def test_the_rule_is_one_that_is_tested(contributed: Path) -> None:
    assert (contributed / "workflow/rules/counting.smk").read_text().strip() == RULE.strip()


def run(plugin: Path, folder: Path, *words: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "LWPIPE_PLUGINS": str(plugin), "OMP_NUM_THREADS": "1"},
    )
    assert ended.returncode == 0, ended.stderr[-5000:]


@pytest.mark.slow
def test_what_contributors_are_shown_runs(contributed: Path, tmp_path: Path) -> None:
    (tmp_path / "planes.yaml").write_text(
        "name: planes\n"
        "data: {source: planes, faces: 24, test_fraction: 0.25, planes: {side: 40}}\n"
        "model: {weighting: sharp}\n"
        "local_weights: {parts: 2}\n"
    )
    files = [str(ROOT / "presets/smoke.yaml"), "planes.yaml"]
    for target in ("data", "template", "local_weights", "counting", "training", "evaluation"):
        run(contributed, tmp_path, "lwpipe", target, "--config", *files)
    results = tmp_path / "results/planes"
    variant = results / "variants/full"
    assert json.loads((results / "data/dataset.json").read_text())["source"] == "planes"
    with (results / "counting/counting.csv").open(newline="") as file:
        assert [row["part"] for row in csv.DictReader(file)] == ["0", "1"]
    model = json.loads((variant / "training/model.json").read_text())
    assert model["model"]["weighting"] == "sharp"
    measures = json.loads((variant / "evaluation/measures.json").read_text())
    assert measures["depth"]["mean"] > 0
