"""PLY files of the package's own kind: written whole or not at all, read with a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import atomic_path
from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.ply import parse_ply

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def write_ply(path: str | Path, vertices: npt.ArrayLike, triangles: npt.ArrayLike) -> None:
    """Write a binary little-endian PLY atomically, with double-precision coordinates.

    Parameters
    ----------
    vertices : float (V, 3), mm
    triangles : int (F, 3)
    """
    vertices = np.ascontiguousarray(vertices, dtype="<f8")
    triangles = np.asarray(triangles)
    records = np.empty(len(triangles), dtype=[("count", "u1"), ("index", "<i4", (3,))])
    records["count"] = 3
    records["index"] = triangles
    header = (
        "ply\nformat binary_little_endian 1.0\ncomment units: mm\n"
        f"element vertex {len(vertices)}\n"
        "property double x\nproperty double y\nproperty double z\n"
        f"element face {len(triangles)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(header.encode("ascii"))
        file.write(vertices.tobytes())
        file.write(records.tobytes())


def read_ply(path: str | Path) -> tuple[Floats, Ints]:
    """Read a PLY of triangles.

    Returns
    -------
    vertices : float64 (V, 3), in the file's units
    triangles : int64 (F, 3)

    Raises
    ------
    LwpipeError
        If the file is missing or is not a PLY of triangles.
    """
    try:
        # A signalling NaN would warn when it is cast.
        with np.errstate(invalid="ignore"):
            vertices, triangles = parse_ply(Path(path).read_bytes())
    except OSError as error:
        raise LwpipeError(f"{path}: cannot be read as a PLY mesh: {error.strerror}.") from error
    except MeshError as error:
        raise LwpipeError(f"{path}: cannot be read as a PLY mesh: it {error}.") from error
    return vertices, triangles
