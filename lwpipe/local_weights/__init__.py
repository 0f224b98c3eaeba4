"""Local weights: of sparse NMF of the vertices' motion, or painted; a partition of unity."""

from typing import TYPE_CHECKING

from lwpipe.core.lazy import lazily

if TYPE_CHECKING:
    from lwpipe.local_weights.archive import load_local_weights
    from lwpipe.local_weights.make import make_local_weights
    from lwpipe.local_weights.snmf import solve_snmf
    from lwpipe.local_weights.solve import SnmfResult

__all__ = [
    "SnmfResult",
    "load_local_weights",
    "make_local_weights",
    "solve_snmf",
]

# Reading settings must not wait for what the room computes with.
__getattr__ = lazily(
    __name__,
    {
        "SnmfResult": "lwpipe.local_weights.solve",
        "load_local_weights": "lwpipe.local_weights.archive",
        "make_local_weights": "lwpipe.local_weights.make",
        "solve_snmf": "lwpipe.local_weights.snmf",
    },
)
