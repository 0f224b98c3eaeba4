"""Local weights: features of the vertices' motion, sparse NMF, a partition of unity."""

from typing import TYPE_CHECKING

from lwpipe.lazy import lazily
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

# nimfa takes more than a second: only who uses its solver waits for it.
__getattr__ = lazily(__name__, {"solve_snmf": "lwpipe.weights.snmf"})
