"""Sparse non-negative matrix factorisation: nimfa's SNMF/R, made to run and to repeat itself.

nimfa 1.4.0 has four faults that are contained here and nowhere else:

- it uses names that NumPy 2 removed (`np.mat`, `np.Inf`): nimfa's modules, not NumPy, get them;
- it uses `numpy.matrix`, which warns: the warnings are silenced during the solve only;
- it draws its own random starts: the start is drawn here, from a seed;
- it stacks a copy of the data under the penalty rows twice an iteration: its solver sees only the
  normal equations, so the same ones go in through a K x K triangle (`_normal_equations`).
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import nimfa
import numpy as np
import numpy.typing as npt

from lwpipe.errors import LwpipeError

Floats = npt.NDArray[np.float64]

# The solve ends when an iteration lowers the objective by less than this share of it.
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class SnmfResult:
    """A factorisation V ~ W H.

    Attributes
    ----------
    W : float64 (V, K), >= 0
    H : float64 (K, n), >= 0
    objective : float
        1/2 (||V - WH||_F^2 + eta^2 ||W||_F^2 + beta sum_j ||h_j||_1^2), the lowest reached.
    objectives : list of float
        The same after each iteration; infinite where a part vanished and nimfa started afresh.
    iterations : int
    restarts : int
        How often a part vanished: more than a few means that beta is too large for V.
    converged : bool
        Whether the objective settled before the iterations ran out.
    eta : float
        The weight that was used.
    """

    W: Floats
    H: Floats
    objective: float
    objectives: list[float]
    iterations: int
    restarts: int
    converged: bool
    eta: float


class _RemovedNames(ModuleType):
    """NumPy with the names that its version 2 dropped and nimfa still uses."""

    mat = staticmethod(np.asmatrix)
    Inf = np.inf

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def _lend_removed_names() -> None:
    names = _RemovedNames("numpy")
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "nimfa" and getattr(module, "np", None) is np:
            module.np = names  # type: ignore[attr-defined]


_lend_removed_names()


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=PendingDeprecationWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        yield


class _Start:
    """Random factors for a start and for nimfa's restarts, from one generator."""

    name = "seeded"

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator

    def initialize(self, V: Any, rank: int, options: Any) -> tuple[Any, Any]:
        del options
        W = self.generator.uniform(size=(V.shape[0], rank))
        H = self.generator.uniform(size=(rank, V.shape[1]))
        return np.asmatrix(W), np.asmatrix(H)


class _Snmf(nimfa.Snmf):  # type: ignore[misc]  # nimfa has no types
    """SNMF/R that stops by its objective and copies no data."""

    W: Any
    H: Any

    def _normal_equations(self, gram: Floats, product: Floats) -> Floats:
        """Solve min_{X >= 0} 1/2 tr(X' gram X) - tr(X' product) by nimfa's FCNNLS.

        FCNNLS(C, A) uses C'C and C'A alone; a Cholesky factor R of the Gram matrix with
        A = R^-T product has the same two.
        """
        size = len(gram)
        ridge = 1e-12 * max(float(np.trace(gram)), 1e-300) / size
        root = np.linalg.cholesky(gram + ridge * np.eye(size)).T
        small = np.linalg.solve(root.T, product)
        solved = self._fcnnls(np.asmatrix(root), np.asmatrix(small))
        # FCNNLS gives up on feasibility after 3 K inner steps.
        feasible: Floats = np.maximum(np.asarray(solved, dtype=np.float64), 0.0)
        return feasible

    def update(self) -> None:
        """Solve for H, then for W (Kim and Park, 2007, equations 8 and 9)."""
        V, W = np.asarray(self.V), np.asarray(self.W)
        if not hasattr(self, "total"):
            self.total = float(np.vdot(V, V))
            self.objectives: list[float] = []
            self.best: tuple[float, Floats, Floats] | None = None
        ones = np.ones((self.rank, self.rank))
        H = self._normal_equations(W.T @ W + self.beta * ones, W.T @ V)
        if not H.any(axis=1).all():
            self.n_restart += 1
            self.W, _ = self.seed.initialize(self.V, self.rank, self.options)
            self.W = self.W / np.linalg.norm(self.W, axis=0)
            self.objectives.append(np.inf)
            return
        VHt, HHt = V @ H.T, H @ H.T
        W = self._normal_equations(HHt + self.eta**2 * np.eye(self.rank), VHt.T).T
        self.H, self.W = np.asmatrix(H), np.asmatrix(W)
        misfit = self.total - 2 * np.vdot(W, VHt) + np.vdot(W.T @ W, HHt)
        penalty = self.eta**2 * np.vdot(W, W) + self.beta * np.square(H.sum(axis=0)).sum()
        self.objectives.append(float(0.5 * (misfit + penalty)))
        # A restart throws away what came before it, and the iterations may end soon after one.
        if W.any(axis=0).all() and (self.best is None or self.objectives[-1] < self.best[0]):
            self.best = self.objectives[-1], W, H

    def objective(self) -> float:
        """Return the objective after the last update."""
        return self.objectives[-1]

    def is_satisfied(self, c_obj: float, iteration: int) -> bool:
        """Whether to go on."""
        del c_obj
        return iteration < self.max_iter and not (iteration > 1 and self.settled())

    def settled(self) -> bool:
        """Whether the last update changed the objective by next to nothing."""
        before, after = self.objectives[-2:]
        finite = np.isfinite(before) and np.isfinite(after)  # a restart counts as infinite
        return bool(finite and before - after <= _TOLERANCE * abs(after))


def solve_snmf(
    V: Floats, parts: int, beta: float, eta: float | None, iterations: int, seed: int
) -> SnmfResult:
    """Factorise V ~ W H with sparse columns of H.

    Minimises 1/2 (||V - WH||_F^2 + eta^2 ||W||_F^2 + beta sum_j ||h_j||_1^2) over W, H >= 0 by
    alternating least squares (Kim and Park, Bioinformatics 23, 2007, SNMF/R). beta and eta are
    taken as nimfa takes them: its eta multiplies the norm of W, not its square.

    Parameters
    ----------
    V : float64 (V, n), >= 0
    parts : K
    beta : weight of the squared L1 norms of H's columns
    eta : weight of the norm of W; None for the maximum of V
    iterations : at most so many updates of H and W
    seed : of the random start

    Raises
    ------
    LwpipeError
        If V is negative, not finite or zero, K does not fit it, or the sparsity is so large that a
        part vanishes.
    """
    if V.ndim != 2 or not np.isfinite(V).all() or (V < 0).any() or not V.any():
        raise LwpipeError("the features of sparse NMF must be finite, not negative, and not all 0.")
    if parts > min(V.shape):
        raise LwpipeError(
            f"local_weights.parts: {parts} parts cannot be drawn from {V.shape[0]} vertices and "
            f"{V.shape[1]} features; use fewer parts or more faces."
        )
    with _quiet():
        solver = _Snmf(V, rank=parts, max_iter=iterations, version="r", eta=eta, beta=beta)
        if eta is not None:
            solver.eta = eta  # nimfa takes 0 for None
        solver.seed = _Start(np.random.default_rng(seed))
        solver.factorize()
    history = solver.objectives
    if solver.best is None:
        raise LwpipeError(
            f"local_weights.sparsity: {beta:g} is so large for these features that sparse NMF "
            f"finds fewer than {parts} parts; use a smaller sparsity or fewer local_weights.parts."
        )
    objective, W, H = solver.best
    converged = len(history) > 1 and solver.settled()
    return SnmfResult(
        W, H, objective, history, len(history), solver.n_restart, converged, float(solver.eta)
    )
