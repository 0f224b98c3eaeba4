"""One small run for all tests of the studio."""

from __future__ import annotations

from pathlib import Path

import pytest

from lwpipe.editor import Editor
from tests.helpers.studio_run import make_run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("studio") / "faces")


@pytest.fixture(scope="session")
def editor(run: Path) -> Editor:
    return Editor.load(run)
