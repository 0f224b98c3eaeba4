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
from types import ModuleType
from typing import Any

import nimfa
import numpy as np
import numpy.typing as npt

from lwpipe.local_weights.solve import Floats, Progress, SnmfResult, check_features, draw_start


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
        return np.asmatrix(draw_start(self.generator, V.shape, rank)), None


class _Snmf(nimfa.Snmf):  # type: ignore[misc]  # nimfa has no types
    """SNMF/R that stops by its objective and copies no data."""

    W: Any
    H: Any
    total: float
    progress: Progress

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
        ones = np.ones((self.rank, self.rank))
        H = self._normal_equations(W.T @ W + self.beta * ones, W.T @ V)
        if not H.any(axis=1).all():
            self.progress.restart()
            self.W, _ = self.seed.initialize(self.V, self.rank, self.options)
            self.W = self.W / np.linalg.norm(self.W, axis=0)
            return
        VHt, HHt = V @ H.T, H @ H.T
        W = self._normal_equations(HHt + self.eta**2 * np.eye(self.rank), VHt.T).T
        self.H, self.W = np.asmatrix(H), np.asmatrix(W)
        misfit = self.total - 2 * np.vdot(W, VHt) + np.vdot(W.T @ W, HHt)
        penalty = self.eta**2 * np.vdot(W, W) + self.beta * np.square(H.sum(axis=0)).sum()
        self.progress.record(float(0.5 * (misfit + penalty)), W, H)

    def objective(self) -> float:
        """Return the objective after the last update."""
        return self.progress.objectives[-1]

    def is_satisfied(self, c_obj: float, iteration: int) -> bool:
        """Whether to go on."""
        del c_obj, iteration
        return self.progress.goes_on(self.max_iter)

    def __deepcopy__(self, memo: dict[int, Any]) -> _Snmf:
        """Return itself: nimfa copies the solver, data and all, at the end of its only run."""
        return self


def solve_snmf(
    V: npt.NDArray[np.floating[Any]],
    parts: int,
    beta: float,
    eta: float | None,
    iterations: int,
    seed: int,
) -> SnmfResult:
    """Factorise V ~ W H with sparse columns of H.

    Minimises 1/2 (||V - WH||_F^2 + eta^2 ||W||_F^2 + beta sum_j ||h_j||_1^2) over W, H >= 0 by
    alternating least squares (Kim and Park, Bioinformatics 23, 2007, SNMF/R). beta and eta are
    taken as nimfa takes them: its eta multiplies the norm of W, not its square.

    Parameters
    ----------
    V : float (V, n), >= 0, taken in double precision
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
    check_features(V, parts)
    V = np.asarray(V, dtype=np.float64)
    with _quiet():
        solver = _Snmf(V, rank=parts, max_iter=iterations, version="r", eta=eta, beta=beta)
        if eta is not None:
            solver.eta = eta  # nimfa takes 0 for None
        solver.seed = _Start(np.random.default_rng(seed))
        solver.total = float(np.vdot(V, V))
        solver.progress = Progress()
        solver.factorize()
    return solver.progress.result(parts, beta, solver.eta)
