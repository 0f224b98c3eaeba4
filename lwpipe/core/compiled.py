# mypy: ignore-errors
"""How loops are compiled: without Python's lock, and once for each version of their sources."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

try:
    import numba
except ImportError:  # pragma: no cover - numba is a dependency, yet not on every platform
    numba = None

# Without numba the functions are slow Python, and nothing should call them.
AVAILABLE = numba is not None


def compiler(file: str, sources: Sequence[str]) -> Callable:
    """Return a function that makes decorators for the compiled functions of some modules.

    A function is compiled at its first call, and kept on disk for later processes; where there is
    nowhere to keep it, it is compiled in each of them, and a warning says so.

    Parameters
    ----------
    file : `__file__` of a module
    sources : names of the modules beside it whose functions may be compiled into each other
    """
    mark = stamp(file, sources)

    def options(**given) -> Callable:
        def decorate(function):
            if numba is None:
                return function
            try:
                made = numba.njit(nogil=True, cache=True, **given)(function)
            except RuntimeError:
                _warn()
                return numba.njit(nogil=True, **given)(function)
            # numba looks at the date of the function's own file only, and the functions that it
            # calls stand in others: what was compiled from any other version must not be used.
            with contextlib.suppress(AttributeError):
                made._cache._cache_file._source_stamp = mark
            return made

        return decorate

    return options


def stamp(file: str, sources: Sequence[str]) -> str:
    """Return a hash of the sources beside a file."""
    here = Path(file).parent
    return hashlib.sha256(b"".join((here / name).read_bytes() for name in sources)).hexdigest()


@cache
def _warn() -> None:
    logging.getLogger("lwpipe").warning(
        "lwpipe: warning: numba has no folder to keep what it compiles, so every process compiles "
        "anew, which takes some ten seconds: set NUMBA_CACHE_DIR to a folder that can be written."
    )
