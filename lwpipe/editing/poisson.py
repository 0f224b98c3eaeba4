"""The gradient-domain paste: a part keeps the target's shape and meets the source at its border."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from lwpipe.editing.editors import Codes, Editor, Faces
from lwpipe.local_weights.make import vertex_areas
from lwpipe.mesh.laplacian import cotangent_laplacian

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# What has no border with the rest takes the target's place. Elsewhere a length of so many diagonals
# of the template moves nothing: by less than a hundred-thousandth of the change.
_PINNED = 100.0


class PoissonPaste(Editor):
    """Paste a part by its Laplacian coordinates; no other vertex moves.

    Of the vertices with w_k > 0, the part, the displacement d of the source s is solved so that its
    Laplacian coordinates are those of the change to the target t, with d = 0 on all others:

        (L + M / length^2) d = alpha (L + M / length^2) (t - s),

    the rows and columns being the part's. L is the cotangent Laplacian of the template and M the
    areas of its vertices: cotangents, since regular and irregular triangulations of one surface
    then give one answer, and of the template, so that one factorisation serves all faces. This is
    Poisson image editing (Perez et al., 2003) on a mesh (Sorkine et al., *Laplacian Surface
    Editing*, 2004; Yu et al., *Mesh Editing with Poisson-Based Gradient Field Manipulation*, 2004).
    Without a length the part finds its place by its border alone. With one it also keeps the
    target's place, and what is given up to meet the border fades over that length (the screened
    Poisson equation; Bhat et al., *Fourier Analysis of the 2D Screened Poisson Equation for
    Gradient Domain Problems*, 2008).

    Parameters
    ----------
    weights : float (V, K)
        Where w_k > 0 is part k.
    template : float (V, 3), mm
    triangles : int (F, 3)
    length : mm; None: without the term of places
    """

    def __init__(
        self,
        weights: npt.ArrayLike,
        template: npt.NDArray[np.float64],
        triangles: npt.NDArray[np.int64],
        length: float | None = None,
    ) -> None:
        self.supports: list[Ints] = [np.flatnonzero(column > 0) for column in np.asarray(weights).T]
        self.part_count = len(self.supports)
        vertices = np.asarray(template, np.float64)
        if length is None:
            length = _PINNED * float(np.linalg.norm(np.ptp(vertices, axis=0)))
        places = sp.diags_array(vertex_areas(vertices, triangles) / length**2)
        self._system = sp.csr_array(cotangent_laplacian(vertices, triangles) + places)
        self._solvers: dict[int, Callable[[Floats], Floats]] = {}

    def encode(self, faces: Faces) -> Codes:
        """Return the faces: they need no code."""
        return faces

    def blend(self, sources: Codes, targets: Codes, part: int, alpha: float) -> Faces:
        """Paste part `part` of the targets, (n, V, 3), mm, into the sources."""
        edited, support = sources.copy(), self.supports[part]
        if alpha == 0 or len(support) == 0:
            return edited
        change = targets.astype(np.float64) - sources
        # One column a coordinate of a face.
        columns = np.moveaxis(change, 1, 0).reshape(change.shape[1], -1)
        moved = self._solver(part)(self._system[support] @ columns)
        moved = np.moveaxis(moved.reshape(len(support), len(change), 3), 0, 1)
        edited[:, support] += (alpha * moved).astype(np.float32)
        return edited

    def _solver(self, part: int) -> Callable[[Floats], Floats]:
        """Return what solves the system of a part, factorised at the first call."""
        if part not in self._solvers:
            support = self.supports[part]
            block = sp.csc_array(self._system[support][:, support])
            factors = splu(block, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
            self._solvers[part] = factors.solve
        return self._solvers[part]
