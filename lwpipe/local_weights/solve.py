"""What every solver of sparse NMF shares: the input it takes, its start, its end, its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError

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
        The same after each iteration; infinite where a part vanished and the solver started afresh.
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


def check_features(V: npt.NDArray[np.floating[Any]], parts: int) -> float:
    """Return the largest feature, after checks that copy nothing.

    Raises
    ------
    LwpipeError
        If V is negative, not finite or zero, or so many parts do not fit it.
    """
    # A NaN makes both extremes NaN, and then no comparison holds.
    largest = float(V.max()) if V.ndim == 2 and V.size else np.nan
    if not (0 < largest < np.inf and V.min() >= 0):
        raise LwpipeError("the features of sparse NMF must be finite, not negative, and not all 0.")
    if parts > min(V.shape):
        raise LwpipeError(
            f"local_weights.parts: {parts} parts cannot be drawn from {V.shape[0]} vertices and "
            f"{V.shape[1]} features; use fewer parts or more faces."
        )
    return largest


def draw_start(generator: np.random.Generator, shape: tuple[int, int], parts: int) -> Floats:
    """Draw a W, (V, K), for a start or a restart.

    An H is drawn and dropped, as nimfa does it: the next restart depends on how much was drawn.
    """
    W = generator.uniform(size=(shape[0], parts))
    generator.uniform(size=(parts, shape[1]))
    return W


class Progress:
    """The objectives of a solve so far, its best factors, and whether to go on."""

    def __init__(self) -> None:
        self.objectives: list[float] = []
        self.restarts = 0
        self._best: tuple[float, Floats, Floats] | None = None

    def restart(self) -> None:
        """Note an iteration in which a part vanished."""
        self.restarts += 1
        self.objectives.append(np.inf)

    def record(self, objective: float, W: Floats, H: Floats) -> None:
        """Note an iteration and keep its factors if they are the best and no part is empty.

        A restart throws away what came before it, and the iterations may end soon after one.
        """
        self.objectives.append(objective)
        if W.any(axis=0).all() and (self._best is None or objective < self._best[0]):
            self._best = objective, W, H

    def settled(self) -> bool:
        """Whether the last iteration changed the objective by next to nothing."""
        if len(self.objectives) < 2:
            return False
        before, after = self.objectives[-2:]
        finite = np.isfinite(before) and np.isfinite(after)  # a restart counts as infinite
        return bool(finite and before - after <= _TOLERANCE * abs(after))

    def goes_on(self, limit: int) -> bool:
        """Whether to iterate again, at most `limit` times in all."""
        return len(self.objectives) < limit and not self.settled()

    def result(self, parts: int, beta: float, eta: float) -> SnmfResult:
        """Return the factors with the lowest objective, and how the solve went.

        Raises
        ------
        LwpipeError
            If the sparsity is so large that some part always vanished.
        """
        if self._best is None:
            raise LwpipeError(
                f"local_weights.sparsity: {beta:g} is so large for these features that sparse NMF "
                f"finds fewer than {parts} parts; use a smaller sparsity or fewer "
                "local_weights.parts."
            )
        objective, W, H = self._best
        return SnmfResult(
            np.ascontiguousarray(W),
            np.ascontiguousarray(H),
            objective,
            self.objectives,
            len(self.objectives),
            self.restarts,
            self.settled(),
            float(eta),
        )
