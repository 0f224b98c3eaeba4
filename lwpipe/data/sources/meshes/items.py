"""Which meshes there are: files of a folder, or the rows of one array."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.arrays import array_shapes, read_npz
from lwpipe.core.errors import LwpipeError, short_reason
from lwpipe.core.paths import check_names, user_path
from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.read import READERS, check_coordinates, read_mesh

Ints = npt.NDArray[np.int64]
Mesh = tuple[npt.NDArray[np.floating], Ints]

ARRAYS = (".npy", ".npz")


@dataclass(frozen=True)
class MeshItem:
    """One mesh that can be read.

    Attributes
    ----------
    name : str
        As the table names it: the file name, or the id of the row of an array.
    id : str
        As `faces.csv` shall name it.
    label : str
        As messages name it.
    read : callable
        Returns vertices (V, 3) and triangles int64 (F, 3); raises MeshError.
    """

    name: str
    id: str
    label: str
    read: Callable[[], Mesh]


def list_meshes(path: str | Path) -> list[MeshItem]:
    """List the meshes of a folder, sorted by name, or of an NPY or NPZ file, in its order.

    Hidden files and files of other types are passed over. A folder with no mesh file but one NPY or
    NPZ (and the template of an NPY) stands for that file.

    Raises
    ------
    LwpipeError
        If there is nothing to read, or the array has another shape or type.
    """
    path = user_path("data.meshes.path", path)
    if not path.exists():
        raise LwpipeError(f"data.meshes.path: {path} does not exist.")
    if path.is_file() and path.suffix.lower() in ARRAYS:
        return _list_array(path)
    if not path.is_dir():
        raise LwpipeError(
            f"data.meshes.path: {path} is neither a folder of meshes nor an .npy or .npz file."
        )
    try:
        files = sorted(
            # Links that lead nowhere and folders are told of where they have the name of a mesh.
            (file for file in path.iterdir() if not file.name.startswith(".")),
            key=lambda file: file.name,
        )
    except OSError as error:
        raise LwpipeError(f"data.meshes.path: {path} cannot be read: {error.strerror}.") from error
    meshes = [file for file in files if file.suffix.lower() in READERS]
    arrays = [file for file in files if file.suffix.lower() in ARRAYS]
    check_names([*meshes, *arrays])
    if _stands_for_array(meshes, arrays):
        if len(arrays) > 1:
            raise LwpipeError(
                f"data.meshes.path: {path} holds several arrays; name one, such as {arrays[0]}."
            )
        return _list_array(arrays[0])
    if arrays:
        raise LwpipeError(
            f"data.meshes.path: {path} holds both mesh files and {arrays[0].name}; name the array "
            "itself or move it elsewhere."
        )
    if not meshes:
        raise LwpipeError(
            f"data.meshes.path: {path} holds no mesh ({', '.join(sorted((*READERS, *ARRAYS)))})."
        )
    stems = Counter(file.stem for file in meshes)
    # `a.ply.obj` beside `a.ply` and `a.obj` keeps its suffix too.
    taken = {file.name for file in meshes}
    return [
        MeshItem(
            name=file.name,
            id=file.stem if stems[file.stem] == 1 and file.stem not in taken else file.name,
            label=str(file),
            read=partial(read_mesh, file),
        )
        for file in meshes
    ]


def files_of(path: Path, faces: int | None) -> list[Path]:
    """Return the files that are read of a folder or of an array, sorted; none if there are none.

    Other files in the folder, such as pictures and what starts with a dot, are not among them.

    Parameters
    ----------
    path : folder, or NPY or NPZ file
    faces : the first so many meshes are read; None: all
    """
    try:
        if path.is_file():
            template = template_of(path)
            return [path] if template is None else [path, template]
        named = sorted(file for file in path.iterdir() if not file.name.startswith("."))
        meshes = [file for file in named if file.suffix.lower() in READERS]
        arrays = [file for file in named if file.suffix.lower() in ARRAYS and file.is_file()]
        if len(arrays) == 1 and _stands_for_array(meshes, arrays):
            return files_of(arrays[0], faces)
        return sorted(file for file in (*arrays, *meshes[:faces]) if file.is_file())
    except OSError:
        return []


def array_size(path: Path) -> tuple[int, int]:
    """Return the numbers of faces N and vertices V of an array, as its header announces them.

    Raises
    ------
    LwpipeError
        If it cannot be read, or has another shape or type.
    """
    if path.suffix.lower() == ".npy":
        shape: tuple[int, ...] = _open_npy(path).shape
    else:
        shape, _ = array_shapes(path).get("vertices", ((), ""))
    if len(shape) != 3:
        raise LwpipeError(f"{path}: the vertices are no array (N, V, 3).")
    return shape[0], shape[1]


def template_of(path: Path) -> Path | None:
    """Return the mesh with the triangles of an NPY: of its own name, or else `template`."""
    if path.suffix.lower() != ".npy":
        return None
    beside = (
        path.with_name(f"{stem}{suffix}") for stem in (path.stem, "template") for suffix in READERS
    )
    return next((file for file in beside if file.is_file()), None)


def _stands_for_array(meshes: list[Path], arrays: list[Path]) -> bool:
    """Say whether the meshes of a folder are but templates of an array in it."""
    return bool(arrays) and all(file.stem in ("template", arrays[0].stem) for file in meshes)


def _list_array(path: Path) -> list[MeshItem]:
    if path.suffix.lower() == ".npz":
        vertices, triangles = _read_npz(path)
    else:
        vertices = _open_npy(path)
        triangles = _read_template(path, vertices)
    if triangles.min() < 0 or triangles.max() >= vertices.shape[1]:
        raise LwpipeError(
            f"{path}: has triangles of vertices {triangles.min()} to {triangles.max()} (counted "
            f"from 0), but {vertices.shape[1]} vertices."
        )

    def read(row: int) -> Mesh:
        # A signalling NaN warns when it is cast; it is told of as any other.
        with np.errstate(invalid="ignore", over="ignore"):
            face = np.asarray(vertices[row], dtype=np.float64)
        check_coordinates(face)
        return face, triangles

    width = max(5, len(str(len(vertices) - 1)))
    return [
        MeshItem(
            name=f"{path.stem}_{row:0{width}d}",
            id=f"{path.stem}_{row:0{width}d}",
            label=f"{path}: face {row} (counted from 0)",
            read=partial(read, row),
        )
        for row in range(len(vertices))
    ]


def _open_npy(path: Path) -> npt.NDArray[np.floating]:
    if not path.is_file():
        raise LwpipeError(f"{path}: is no file.")
    try:
        # Pickled objects could run code: refused. Mapped, only the face in use is in memory. Sizes
        # that overflow are told of by numpy itself, after a warning.
        with np.errstate(over="ignore"):
            array = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # a damaged header raises nearly anything
        raise LwpipeError(
            f"{path}: is no array of numbers, or is cut off ({short_reason(error)})."
        ) from error
    return _check_vertices(path, array)


def _read_npz(path: Path) -> tuple[npt.NDArray[np.floating], Ints]:
    if not path.is_file():
        raise LwpipeError(f"{path}: is no file.")
    arrays = read_npz(path, "an archive of meshes", ("vertices", "triangles"))
    vertices, triangles = arrays["vertices"], arrays["triangles"]
    if triangles.ndim != 2 or triangles.shape[1:] != (3,) or triangles.dtype.kind not in "iu":
        raise LwpipeError(
            f"{path}: 'triangles' is {triangles.dtype} {triangles.shape}; it must be whole "
            "numbers (F, 3)."
        )
    if len(triangles) == 0:
        raise LwpipeError(f"{path}: 'triangles' is empty.")
    return _check_vertices(path, vertices), triangles.astype(np.int64)


def _check_vertices(path: Path, array: npt.NDArray[Any]) -> npt.NDArray[np.floating]:
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype.kind != "f" or 0 in array.shape:
        raise LwpipeError(
            f"{path}: the vertices are {array.dtype} {array.shape}; they must be floating-point "
            "numbers (N, V, 3)."
        )
    return array


def _read_template(path: Path, vertices: npt.NDArray[np.floating]) -> Ints:
    """Read the triangles of an NPY from the mesh beside it."""
    template = template_of(path)
    if template is None:
        raise LwpipeError(
            f"{path}: has no triangles; put a mesh beside it, named {path.stem}.ply or "
            "template.ply, or use an NPZ with 'vertices' and 'triangles'."
        )
    try:
        points, triangles = read_mesh(template)
    except MeshError as error:
        raise LwpipeError(f"{template}: {error}.") from error
    if len(points) != vertices.shape[1]:
        raise LwpipeError(
            f"{template}: has {len(points)} vertices, but the faces in {path.name} have "
            f"{vertices.shape[1]}."
        )
    return triangles
