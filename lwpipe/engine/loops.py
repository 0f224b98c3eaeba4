# mypy: ignore-errors
"""How the loops of the engine are compiled."""

from lwpipe.core.compiled import compiler

SOURCES = ("simd.py", "mixing.py", "recurrence.py", "sweeps.py")

compiled = compiler(__file__, SOURCES)(fastmath=True)
