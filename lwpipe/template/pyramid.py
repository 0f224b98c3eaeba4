"""The template pyramid: the mesh at falling resolutions and the maps between its levels.

Quadric edge collapse picks which original vertices a coarser level keeps, so downsampling D is a
0/1 selection and everything known at a vertex (local weights, say) goes down by indexing.
Upsampling U interpolates: barycentric coordinates of the closest point on the coarser mesh
(Ranjan et al., ECCV 2018, section 3.3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from lwpipe.core.arrays import read_npz, write_npz
from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import write_csv
from lwpipe.data.store import Dataset
from lwpipe.mesh.topology import adjacency, edges
from lwpipe.template.decimate import boundary_vertices, components, decimate
from lwpipe.template.settings import SMALLEST_LEVEL, TemplateSettings
from lwpipe.template.upsample import upsampling

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
TABLE_COLUMNS = ("level", "vertices", "triangles", "edges", "boundary_vertices", "components")


def scaled_laplacian(triangles: npt.ArrayLike, vertex_count: int) -> sp.csr_matrix:
    """Return the symmetric normalised Laplacian scaled to [-1, 1] with lambda_max = 2.

    L~ = 2 L / lambda_max - I = -D^-1/2 A D^-1/2 (Defferrard et al., 2016). The row of a vertex
    without neighbours is zero.

    Returns
    -------
    csr_matrix, float32, (V, V), sorted indices
    """
    matrix = adjacency(triangles, vertex_count)
    degree = np.asarray(matrix.sum(axis=1)).ravel()
    scale = np.zeros(vertex_count)
    scale[degree > 0] = degree[degree > 0] ** -0.5
    laplacian = sp.csr_matrix(-(sp.diags(scale) @ matrix @ sp.diags(scale)), dtype=np.float32)
    laplacian.sort_indices()
    return laplacian


@dataclass(frozen=True)
class Pyramid:
    """A mesh at `levels + 1` resolutions, the finest first.

    Attributes
    ----------
    vertices : list of float64 (V_l, 3), mm
        `vertices[l + 1] == vertices[l][keep[l]]`.
    triangles : list of int64 (F_l, 3)
    keep : list of int64 (V_{l+1},)
        The vertices of level l that level l + 1 keeps, ascending: the selection D.
    up : list of csr_matrix, float32, (V_l, V_{l+1})
        U: rows are non-negative and sum to 1; a kept vertex is its own image.
    laplacian : list of csr_matrix, float32, (V_l, V_l)
        L~ of every level.
    """

    vertices: list[Floats]
    triangles: list[Ints]
    keep: list[Ints]
    up: list[sp.csr_matrix]
    laplacian: list[sp.csr_matrix]

    @property
    def levels(self) -> int:
        """Number of reductions: one less than the number of meshes."""
        return len(self.keep)

    def coarsest(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return what is known at the vertices, (V, ...), at those of the coarsest level.

        Raises
        ------
        LwpipeError
            If it is not known at the vertices of the finest mesh.
        """
        if len(values) != len(self.vertices[0]):
            raise LwpipeError(
                f"the local weights are for {len(values)} vertices, the pyramid has "
                f"{len(self.vertices[0])}."
            )
        for keep in self.keep:
            values = values[keep]
        return values

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays that describe the pyramid, as `pyramid.npz` holds them."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        for level, (vertices, triangles) in enumerate(
            zip(self.vertices, self.triangles, strict=True)
        ):
            arrays[f"vertices_{level}"] = vertices
            arrays[f"triangles_{level}"] = triangles
        for level, (keep, up) in enumerate(zip(self.keep, self.up, strict=True)):
            arrays[f"keep_{level}"] = keep
            arrays[f"up_{level}_indptr"] = up.indptr.astype(np.int64)
            arrays[f"up_{level}_indices"] = up.indices.astype(np.int64)
            arrays[f"up_{level}_data"] = up.data
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Pyramid:
        """Build a pyramid from what `to_arrays` gave; the Laplacians are computed anew.

        Raises
        ------
        LwpipeError
            If an array is missing or does not fit the others.
        """
        levels = sum(name.startswith("vertices_") for name in arrays) - 1
        if levels < 0:
            raise LwpipeError("the arrays are no mesh pyramid: vertices_0 is missing.")
        try:
            vertices = [_array(arrays, f"vertices_{i}", "f", 3) for i in range(levels + 1)]
            triangles = [_array(arrays, f"triangles_{i}", "iu", 3) for i in range(levels + 1)]
            keep = [_array(arrays, f"keep_{i}", "iu") for i in range(levels)]
            up = []
            for i in range(levels):
                parts = tuple(
                    _array(arrays, f"up_{i}_{part}", kinds)
                    for part, kinds in (("data", "f"), ("indices", "iu"), ("indptr", "iu"))
                )
                matrix = sp.csr_matrix(parts, shape=(len(vertices[i]), len(vertices[i + 1])))
                matrix.check_format(full_check=True)
                up.append(matrix)
        except KeyError as error:
            raise LwpipeError(f"the mesh pyramid lacks the array {error}.") from error
        except ValueError as error:
            raise LwpipeError(f"the mesh pyramid's arrays do not fit: {error}.") from error
        for i in range(levels + 1):
            if _outside(triangles[i], len(vertices[i])):
                raise LwpipeError(f"the mesh pyramid's triangles_{i} do not fit its vertices.")
        for i, (kept, matrix) in enumerate(zip(keep, up, strict=True)):
            fits = len(kept) == len(vertices[i + 1]) and not _outside(kept, len(vertices[i]))
            if not fits or (np.diff(kept) <= 0).any():
                raise LwpipeError(f"the mesh pyramid's keep_{i} does not fit its vertices.")
            if matrix.data.min(initial=0) < 0 or not np.allclose(matrix.sum(axis=1), 1, atol=1e-3):
                raise LwpipeError(f"the mesh pyramid's up_{i} is not a matrix of rows of sum 1.")
        laplacian = [scaled_laplacian(t, len(v)) for v, t in zip(vertices, triangles, strict=True)]
        return cls(vertices, triangles, keep, up, laplacian)

    def save(self, path: str | Path) -> None:
        """Write `pyramid.npz` atomically; the same pyramid gives the same bytes."""
        write_npz(path, self.to_arrays())

    @classmethod
    def load(cls, path: str | Path) -> Pyramid:
        """Read `pyramid.npz`.

        Raises
        ------
        LwpipeError
            If the file is missing or is not a pyramid.
        """
        arrays = read_npz(path, "a mesh pyramid")
        try:
            return cls.from_arrays(arrays)
        except LwpipeError as error:
            raise LwpipeError(f"{path}: {error}") from error

    def table(self) -> list[dict[str, int]]:
        """Return one row a level: vertices, triangles, edges, boundary vertices, components."""
        return [
            {
                "level": level,
                "vertices": len(vertices),
                "triangles": len(triangles),
                "edges": len(edges(triangles)),
                "boundary_vertices": int(boundary_vertices(triangles, len(vertices)).sum()),
                "components": int(components(triangles, len(vertices)).max(initial=-1)) + 1,
            }
            for level, (vertices, triangles) in enumerate(
                zip(self.vertices, self.triangles, strict=True)
            )
        ]


def build_pyramid(
    vertices: npt.ArrayLike, triangles: npt.ArrayLike, factors: Sequence[int]
) -> Pyramid:
    """Reduce a mesh once for each factor.

    Level l + 1 has ceil(V_l / factor) vertices where edge collapse can reach that number: every
    connected component, an isolated vertex too, keeps at least one vertex.

    Parameters
    ----------
    vertices : float (V, 3), mm
    triangles : int (F, 3)
        May have boundaries, several components, isolated vertices and non-manifold edges.
    factors : how many times fewer vertices each level has

    Raises
    ------
    LwpipeError
        If the mesh has too few vertices for the factors or cannot be reduced.
    """
    meshes = [np.array(vertices, dtype=np.float64)]
    faces = [np.array(triangles, dtype=np.int64).reshape(-1, 3)]
    if _outside(faces[0], len(meshes[0])):
        raise LwpipeError("the template's triangles name vertices that do not exist.")
    if not np.isfinite(meshes[0]).all():
        raise LwpipeError("the template has coordinates that are not finite.")
    keep: list[Ints] = []
    up: list[sp.csr_matrix] = []
    for level, factor in enumerate(factors):
        count = len(meshes[level])
        target = -(-count // factor)
        if target < SMALLEST_LEVEL:
            raise LwpipeError(
                f"template.factors: {list(factors)} leave {target} of {len(meshes[0])} vertices "
                f"at level {level + 1}; use fewer or smaller factors (at least "
                f"{SMALLEST_LEVEL} vertices must remain)."
            )
        kept, coarse = decimate(meshes[level], faces[level], target)
        if len(kept) >= count:
            raise LwpipeError(
                f"template.factors: level {level} ({count} vertices) cannot be reduced any "
                "further without losing a connected component; use fewer factors."
            )
        keep.append(kept)
        meshes.append(meshes[level][kept])
        faces.append(coarse)
        up.append(upsampling(meshes[level], components(faces[level], count), kept, coarse))
    laplacian = [scaled_laplacian(t, len(v)) for v, t in zip(meshes, faces, strict=True)]
    return Pyramid(meshes, faces, keep, up, laplacian)


def make_template(
    data: str | Path, pyramid: str | Path, table: str | Path, template: TemplateSettings
) -> Pyramid:
    """Build the pyramid of a data set's template; write it and a table of its levels.

    Parameters
    ----------
    data : folder of the data set
    pyramid : `pyramid.npz`
    table : `pyramid.csv`
        Columns level, vertices, triangles, edges, boundary_vertices, components.

    Raises
    ------
    LwpipeError
        If the data set cannot be read or its template cannot be reduced.
    """
    dataset = Dataset.open(data)
    made = build_pyramid(dataset.template, dataset.triangles, template.factors)
    made.save(pyramid)
    write_csv(table, made.table(), TABLE_COLUMNS)
    return made


def _array(
    arrays: Mapping[str, npt.NDArray[Any]], name: str, kinds: str, width: int | None = None
) -> npt.NDArray[Any]:
    """Return an array of one of the kinds of type, (n,) or (n, width), of finite numbers.

    Raises
    ------
    KeyError
        If it is missing.
    ValueError
        If it is something else; the message names it.
    """
    array = arrays[name]
    shape = (*array.shape[:1], width) if width else array.shape[:1]
    if array.dtype.kind not in kinds or array.ndim == 0 or array.shape != shape:
        raise ValueError(f"{name} is {array.dtype} {array.shape}")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has values that are not finite")
        # The matrices U are in single precision, coordinates in double.
        return array if width is None else array.astype(np.float64)
    return array.astype(np.int64)


def _outside(indices: Ints, count: int) -> bool:
    return bool(indices.size and (indices.min() < 0 or indices.max() >= count))
