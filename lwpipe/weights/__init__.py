"""Local weights: features of the vertices' motion, sparse NMF, a partition of unity."""

from lwpipe.weights.features import features
from lwpipe.weights.local import coarsen, load_local_weights, make_local_weights
from lwpipe.weights.snmf import solve_snmf
from lwpipe.weights.solve import SnmfResult

__all__ = [
    "SnmfResult",
    "coarsen",
    "features",
    "load_local_weights",
    "make_local_weights",
    "solve_snmf",
]
