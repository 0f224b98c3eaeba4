"""Reading the colours of the vertices of one mesh file, and its UV map."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.gltf_colors import glb_colors, glb_uv, gltf_colors
from lwpipe.mesh.obj_colors import obj_colors, obj_uv
from lwpipe.mesh.ply import parse_ply_colors
from lwpipe.mesh.texture import UvMap

Colors = npt.NDArray[np.uint8]


def read_colors(path: str | Path) -> Colors:
    """Read the colours of the vertices of a PLY, OBJ, GLB or glTF file.

    They are those of its vertices, or an image sampled to these; of files that `read_mesh` reads.

    Returns
    -------
    uint8 (V, 3), sRGB, in the order of the vertices that `lwpipe.mesh.read.read_mesh` gives

    Raises
    ------
    MeshError
        If the file has no colours, or they are damaged, in one sentence without the file.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise MeshError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return parse_colors(content, path.suffix.lower(), path)


def parse_colors(content: bytes, suffix: str, path: Path | None = None) -> Colors:
    """Read colours as `read_colors` does, from the content of a file.

    Parameters
    ----------
    content : of the file
    suffix : of its name, such as '.ply'
    path : of the file, beside which its images lie; None: it stands alone
    """
    if suffix not in _READERS:
        raise MeshError(f"has no colours: {suffix[1:].upper()} files hold none that are read")
    with np.errstate(invalid="ignore", over="ignore"):
        return _READERS[suffix](content, path)


def read_uv(path: str | Path) -> UvMap | None:
    """Read where the corners of the triangles of an OBJ or GLB lie in its image.

    None where the file has no UV map of all its triangles. It must be one that `read_mesh` reads.
    """
    path = Path(path)
    readers: dict[str, Callable[[bytes], UvMap | None]] = {".obj": obj_uv, ".glb": glb_uv}
    reader = readers.get(path.suffix.lower())
    return None if reader is None else reader(path.read_bytes())


_READERS: dict[str, Callable[[bytes, Path | None], Colors]] = {
    ".ply": lambda content, _: parse_ply_colors(content)[0],
    ".obj": obj_colors,
    ".glb": lambda content, _: glb_colors(content),
    ".gltf": lambda content, _: gltf_colors(content),
}
