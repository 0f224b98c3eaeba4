# mypy: ignore-errors
"""How the loops are compiled: without Python's lock, and once for each version of their sources."""

import contextlib
import hashlib
from pathlib import Path

import numba

_SOURCES = ("simd.py", "mixing.py", "recurrence.py", "sweeps.py")


def _stamp():
    here = Path(__file__).parent
    return hashlib.sha256(b"".join((here / name).read_bytes() for name in _SOURCES)).hexdigest()


_STAMP = _stamp()


def compiled(function):
    """Compile a function at its first call, and keep it on disk for later processes."""
    try:
        made = numba.njit(nogil=True, fastmath=True, cache=True)(function)
    except RuntimeError:  # nowhere to write
        return numba.njit(nogil=True, fastmath=True)(function)
    # numba looks at the date of the function's own file only, and the functions that it calls stand
    # in others: what was compiled from any other version of them must not be used.
    with contextlib.suppress(AttributeError):
        made._cache._cache_file._source_stamp = _STAMP
    return made
