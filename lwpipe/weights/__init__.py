"""Local weights: features of the vertices' motion, sparse NMF, a partition of unity."""

from typing import TYPE_CHECKING, Any

from lwpipe.weights.features import features
from lwpipe.weights.local import coarsen, load_local_weights, make_local_weights
from lwpipe.weights.solve import SnmfResult

if TYPE_CHECKING:
    from lwpipe.weights.snmf import solve_snmf

__all__ = [
    "SnmfResult",
    "coarsen",
    "features",
    "load_local_weights",
    "make_local_weights",
    "solve_snmf",
]


def __getattr__(name: str) -> Any:
    """Import nimfa, which takes more than a second, only for who uses its solver."""
    if name == "solve_snmf":
        from lwpipe.weights.snmf import solve_snmf

        return solve_snmf
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
