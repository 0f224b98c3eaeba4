"""The examples in docstrings give what they say."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = [
    "lwpipe.core.rounding",
    "lwpipe.data.split",
    "lwpipe.editing.edits",
    "lwpipe.local_weights.make",
    "lwpipe.mesh.topology",
    "lwpipe.mesh.units",
    "lwpipe.run.load",
    "lwpipe.run.points",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    result = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert result.attempted > 0
    assert result.failed == 0
