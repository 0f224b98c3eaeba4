"""What vertices carry: their positions, and their colours where the data set has some.

A model takes faces (n, V, C). C is 3, positions in millimetres, or 6: positions and colours in CIE
L*a*b*, so that an error of a colour is a Delta E. Files hold colours as 8-bit sRGB; they are
converted as they are read.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.color import lab_of_srgb, srgb_of_lab
from lwpipe.mesh.faults import check_count
from lwpipe.mesh.read import parse_mesh, read_mesh
from lwpipe.mesh.read_colors import parse_colors, read_colors

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Colors = npt.NDArray[np.uint8]

POSITION, COLOR = slice(0, 3), slice(3, 6)


class LazyFaces:
    """An array of faces, float32 (N, V, C), that is made as it is read.

    It is indexed as the array of positions is: by faces, and by faces and vertices.

    Parameters
    ----------
    shape : (N, V, C)
    read : what gives the faces of an index
    """

    dtype = np.dtype(np.float32)
    ndim = 3

    def __init__(self, shape: tuple[int, int, int], read: Callable[[Any], Floats]) -> None:
        self.shape, self._read = shape, read

    @property
    def nbytes(self) -> int:
        """How many bytes all faces take."""
        return 4 * self.shape[0] * self.shape[1] * self.shape[2]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        return self._read(index)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self._read(slice(None)), dtype)


def lab_faces(colors: Colors) -> LazyFaces:
    """Return colours (N, V, 3), sRGB, as L*a*b*."""
    count, vertices, _ = colors.shape
    return LazyFaces((count, vertices, 3), lambda index: lab_of_srgb(colors[index]))


def joined_faces(vertices: Floats, colors: Colors) -> LazyFaces:
    """Return faces of six channels: positions (N, V, 3), mm, and colours (N, V, 3) as L*a*b*."""
    count, size, _ = vertices.shape
    return LazyFaces((count, size, 6), lambda index: joined(vertices[index], colors[index]))


def joined(positions: npt.ArrayLike, colors: npt.ArrayLike | None) -> Floats:
    """Return positions (..., 3), mm, with their colours, uint8 (..., 3), sRGB, as (..., 6).

    Without colours they are returned as they are.
    """
    places = np.asarray(positions, np.float32)
    if colors is None:
        return places
    return np.concatenate([places, lab_of_srgb(colors)], axis=-1)


def read_face(path: str | Path, with_colors: bool) -> Floats:
    """Read the face of a mesh file, (V, C), mm, with its colours if they are asked for.

    Raises
    ------
    MeshError
        If `lwpipe.mesh.read.read_mesh` or `lwpipe.mesh.read_colors.read_colors` refuses the file.
    """
    points = read_mesh(path)[0]
    return _face(points, read_colors(path) if with_colors else None)


def parse_face(content: bytes, suffix: str, with_colors: bool) -> tuple[Floats, Ints]:
    """Read a face (V, C), mm, and its triangles (F, 3) as `read_face` does, from a file's content.

    Parameters
    ----------
    content : of the file, which stands alone
    suffix : of its name, such as '.ply'
    with_colors : whether to read colours too
    """
    points, triangles = parse_mesh(content, suffix)
    return _face(points, parse_colors(content, suffix) if with_colors else None), triangles


def _face(points: npt.NDArray[np.float64], colors: Colors | None) -> Floats:
    if colors is not None:
        check_count(len(colors), len(points))
    return joined(points, colors)


def positions(faces: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the positions of faces (..., C), as a view (..., 3), mm."""
    return faces if faces.shape[-1] == 3 else faces[..., POSITION]


def colors_of(faces: npt.NDArray[Any]) -> Colors | None:
    """Return the colours of faces (..., C), uint8 (..., 3), sRGB; None where they have none."""
    return None if faces.shape[-1] == 3 else srgb_of_lab(faces[..., COLOR])
