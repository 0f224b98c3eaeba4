"""The process that fuzzes one target: `python -m tests.robust.fuzz.one TARGET CORPUS [OPTION ...]`.

The first word names the target; libFuzzer gets the others.
"""

from __future__ import annotations

import sys

import atheris

# Only what is instrumented guides the search.
with atheris.instrument_imports(include=["lwpipe", "yaml"]):
    from .targets import run


def main() -> None:
    """Fuzz until time is up; libFuzzer ends the process."""
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, lambda content: run(name, content) and None)
    atheris.Fuzz()


main()
