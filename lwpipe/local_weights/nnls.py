"""Non-negative least squares for very many right-hand sides with one small matrix, exactly.

A solution is known by its passive set: the unknowns that are above zero. They solve a linear
system, and the rest are zero. All right-hand sides are solved together, from a guess of their sets:
that of the last iteration is right for nearly all of them. The others are searched by block
principal pivoting (Portugal, Judice and Vicente, Mathematics of Computation 63, 1994; Kim and
Park, SIAM Journal on Scientific Computing 33, 2011). With few unknowns the inverses of all 2^K sets
are made beforehand, and what pivoting does not end is found by trying them all.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor

from lwpipe.local_weights import kernels

# Optimality conditions hold if nothing violates them by more than this share of the largest entry
# of the right-hand side, with unknowns scaled so that the matrix has a diagonal of ones.
_TOLERANCE = 1e-11
# All 2^K passive sets are kept up to this K: 256 matrices of 8 x 8.
_ENUMERABLE = 8
# Full exchanges that need not lower the number of violations before single ones take over.
_PATIENCE = 3
# Numbers in the matrices of a batch of right-hand sides: 32 MB in double precision.
_BATCH = 1 << 22


def everything(size: int, count: int, device: torch.device) -> Tensor:
    """Return `count` passive sets of all `size` unknowns, int64: a bit an unknown."""
    return torch.full((count,), (1 << size) - 1 if size < 64 else -1, device=device)


class Nnls:
    """Solve min 1/2 x'Gx - x'b over x >= 0 for many b.

    Parameters
    ----------
    gram : float64 (K, K), K <= 64, symmetric, positive semidefinite
        G. So much is added to its diagonal (1e-12 of its mean) that the solution is unique.
    """

    def __init__(self, gram: Tensor) -> None:
        self.size = len(gram)
        ridge = 1e-12 * max(float(gram.trace()), 1e-300) / self.size
        gram = gram + ridge * torch.eye(self.size, dtype=gram.dtype, device=gram.device)
        self._scale = gram.diagonal().rsqrt()[:, None]
        self._gram = gram * self._scale * self._scale.T
        self._bit = torch.arange(self.size, device=gram.device)[:, None]
        self._table: Tensor | None = None
        if self.size <= _ENUMERABLE:
            self._table = self._inverses(torch.arange(1 << self.size, device=gram.device))
        # What the kernels need, where they can be used.
        self.compiled: tuple[Any, ...] | None = None
        if kernels.COMPILED and gram.device.type == "cpu" and self._table is not None:
            inverses = self._table.permute(2, 0, 1).contiguous()
            scale = self._scale[:, 0].contiguous()
            self.compiled = self._gram.numpy(), inverses.numpy(), scale.numpy(), _TOLERANCE

    def solve(self, product: Tensor, guess: Tensor) -> tuple[Tensor, Tensor]:
        """Return the solutions and their passive sets.

        Parameters
        ----------
        product : float64 (K, m)
            A right-hand side a column.
        guess : int64 (m,)
            Passive sets to start from.

        Returns
        -------
        x : float64 (K, m), >= 0
        sets : int64 (m,)
        """
        width = _BATCH // self.size**2
        if product.shape[1] > width:
            pieces = zip(product.split(width, dim=1), guess.split(width), strict=True)
            solved = [self.solve(*piece) for piece in pieces]
            return torch.cat([x for x, _ in solved], dim=1), torch.cat([s for _, s in solved])
        sets = guess.clone()
        if self.compiled is not None:
            x = torch.empty_like(product)
            given = product.numpy(), x.numpy(), sets.numpy()
            wrong = torch.from_numpy(kernels.solve_by_table(*self.compiled, *given))
        else:
            b = product * self._scale
            x, violations = self._point(b, guess, _TOLERANCE * b.abs().amax(dim=0))
            x, wrong = x.clamp_(min=0) * self._scale, violations.any(dim=0)
        rest = wrong.nonzero()[:, 0]
        if len(rest):
            x[:, rest], sets[rest] = self.search(product[:, rest], sets[rest])
        return x, sets

    def search(self, product: Tensor, guess: Tensor) -> tuple[Tensor, Tensor]:
        """Return what `solve` returns, for a guess that is known to be wrong.

        All unknowns that are wrong change sides. Where that does not lower their number for a
        while, only the last of them does (Murty's rule), which cannot cycle. What rounding keeps
        from ending is solved one by one.
        """
        b, sets = product * self._scale, guess.clone()
        x, tolerance = torch.empty_like(b), _TOLERANCE * b.abs().amax(dim=0)
        fewest = torch.full_like(sets, self.size + 1)
        patience = torch.full_like(sets, _PATIENCE)
        rest = torch.arange(len(sets), device=sets.device)
        for _ in range(20 + 10 * self.size):
            x[:, rest], wrong = self._point(b[:, rest], sets[rest], tolerance[rest])
            count = wrong.sum(dim=0)
            rest, wrong, count = rest[count > 0], wrong[:, count > 0], count[count > 0]
            if not len(rest):
                break
            better = count < fewest[rest]
            patience[rest] = torch.where(better, _PATIENCE, patience[rest] - 1)
            fewest[rest] = torch.minimum(fewest[rest], count)
            last = (wrong * (self._bit + 1)).amax(dim=0) - 1
            every = (wrong.long() << self._bit).sum(dim=0)
            sets[rest] ^= torch.where(patience[rest] > 0, every, torch.ones_like(last) << last)
        if len(rest):
            x[:, rest] = self._one_by_one(b[:, rest], x[:, rest])
            sets[rest] = ((x[:, rest] > 0).long() << self._bit).sum(dim=0)
        return x.clamp_(min=0) * self._scale, sets

    def _members(self, sets: Tensor) -> Tensor:
        return (sets >> self._bit) & 1 == 1

    def _inverses(self, sets: Tensor) -> Tensor:
        """Return the inverses of the passive blocks of G, zero elsewhere, (K, K, m)."""
        passive = self._members(sets)
        block = (passive[:, None] & passive).permute(2, 0, 1)
        identity = torch.eye(self.size, dtype=self._gram.dtype, device=sets.device)
        inverse, _ = torch.linalg.inv_ex(torch.where(block, self._gram, identity))
        # A block that is singular in floating point never passes the check of a solution.
        inverse = torch.where(block & inverse.isfinite(), inverse, 0.0)
        return inverse.permute(1, 2, 0).contiguous()

    def _point(self, b: Tensor, sets: Tensor, tolerance: Tensor) -> tuple[Tensor, Tensor]:
        """Return the solutions x with the passive sets, (K, m), and what is wrong with them.

        Wrong are passive unknowns that are negative or whose equation does not hold, and others
        along which the objective falls.
        """
        if self._table is not None:
            inverse = self._table.index_select(2, sets)
        else:
            unique, index = sets.unique(return_inverse=True)
            inverse = self._inverses(unique).index_select(2, index)
        x = (inverse * b).sum(dim=1)
        # Refined once: an explicit inverse alone is less exact than a factorisation.
        x -= (inverse * (self._gram @ x - b)).sum(dim=1)
        slope = self._gram @ x - b
        violation = torch.where(self._members(sets), torch.maximum(slope.abs(), -x), -slope)
        return x, violation > tolerance

    def _one_by_one(self, b: Tensor, x: Tensor) -> Tensor:
        """Return the solutions by the active-set method of Lawson and Hanson (1974).

        It works on a root of G, whose condition is the root of G's, and keeps `x` where it fails.
        """
        values, vectors = np.linalg.eigh(self._gram.cpu().numpy())
        root = np.sqrt(np.maximum(values, np.finfo(values.dtype).eps))[:, None]
        sides = vectors.T @ b.cpu().numpy() / root
        solved = x.clamp(min=0).cpu().numpy()
        for column, side in enumerate(sides.T):
            with contextlib.suppress(RuntimeError):  # too many steps
                solved[:, column] = nnls(root * vectors.T, side, maxiter=100 * self.size)[0]
        return torch.from_numpy(solved).to(x.device)
