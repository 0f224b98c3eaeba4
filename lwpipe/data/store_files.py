"""Reading the files of a data set store, each checked by itself and against the others."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import read_json
from lwpipe.mesh.ply_file import read_ply

FORMAT_VERSION = 1
FACE_COLUMNS = ("id", "split", "subject", "expression", "source")
SPLITS = ("train", "test")


def read_info(path: str | Path) -> dict[str, Any]:
    """Read `dataset.json`.

    Raises
    ------
    LwpipeError
        If it is missing, is not JSON, or does not describe a data set of this version.
    """
    info = read_json(path)
    if not isinstance(info, dict) or "content_sha256" not in info:
        raise LwpipeError(f"{path}: does not describe a data set: it has no content_sha256.")
    if info.get("format_version") != FORMAT_VERSION:
        raise LwpipeError(
            f"{path}: format_version is {info.get('format_version')!r}, this lwpipe reads "
            f"{FORMAT_VERSION}."
        )
    return info


def read_vertices(path: Path) -> npt.NDArray[np.float32]:
    """Open `vertices.npy`, float32 (N, V, 3), memory-mapped."""
    vertices = _mapped(path)
    if vertices.ndim != 3 or vertices.shape[2] != 3 or vertices.dtype != np.float32:
        raise LwpipeError(
            f"{path}: holds {vertices.dtype} {vertices.shape}, expected float32 (N, V, 3)."
        )
    if vertices.size == 0 or not vertices.flags.c_contiguous:
        raise LwpipeError(f"{path}: holds no face, or not one face after the other.")
    return vertices


def read_colors(path: Path, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Open `colors.npy`, uint8 (N, V, 3), sRGB, memory-mapped, of vertices of that shape."""
    colors = _mapped(path)
    if colors.shape != shape or colors.dtype != np.uint8 or not colors.flags.c_contiguous:
        raise LwpipeError(
            f"{path}: holds {colors.dtype} {colors.shape}, expected uint8 {shape} as vertices.npy "
            "has them."
        )
    return colors


def _mapped(path: Path) -> npt.NDArray[Any]:
    try:
        # Unlike np.load, this takes nothing but one plain array: no pickles, no archives.
        return np.lib.format.open_memmap(path, mode="r")
    except FileNotFoundError as error:
        raise LwpipeError(f"{path}: does not exist.") from error
    except Exception as error:  # a damaged header raises nearly anything
        raise LwpipeError(f"{path}: is no array of faces, or is cut off ({error}).") from error


def read_faces(path: Path, count: int) -> pd.DataFrame:
    """Read `faces.csv` of `count` faces."""
    try:
        faces = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError as error:
        raise LwpipeError(f"{path}: does not exist.") from error
    except (OSError, ValueError, csv.Error) as error:
        raise LwpipeError(f"{path}: cannot be read as CSV ({error}).") from error
    if tuple(faces.columns) != FACE_COLUMNS or len(faces) != count:
        raise LwpipeError(
            f"{path}: has {len(faces)} rows with the columns {', '.join(map(str, faces.columns))}; "
            f"it needs {count} rows with the columns {', '.join(FACE_COLUMNS)}."
        )
    splits = faces["split"]
    if not splits.isin(SPLITS).all() or "train" not in set(splits):
        raise LwpipeError(f"{path}: needs the split 'train' or 'test' in each row, both used.")
    if not faces["id"].is_unique:
        raise LwpipeError(
            f"{path}: has the id {faces['id'][faces['id'].duplicated()].iloc[0]!r} twice."
        )
    return faces


def read_template(
    path: Path, vertex_count: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Read `template.ply` of `vertex_count` vertices: (V, 3) in mm and (F, 3)."""
    template, triangles = read_ply(path)
    if template.shape[0] != vertex_count:
        raise LwpipeError(
            f"{path}: has {template.shape[0]} vertices, vertices.npy has {vertex_count}."
        )
    if not np.isfinite(template).all():
        raise LwpipeError(f"{path}: has coordinates that are not finite.")
    if triangles.size and (triangles.min() < 0 or triangles.max() >= vertex_count):
        raise LwpipeError(f"{path}: has triangles of vertices that do not exist.")
    return template, triangles


def content_digest(
    vertices: npt.NDArray[np.float32],
    triangles: npt.NDArray[np.int64],
    table: bytes,
    colors: npt.NDArray[np.uint8] | None = None,
) -> str:
    """Return the content hash of a store, of which `table` is faces.csv."""
    digest = hashlib.sha256()
    for face in vertices:
        digest.update(np.ascontiguousarray(face).data)
    digest.update(np.ascontiguousarray(triangles).data)
    digest.update(table)
    for painted in () if colors is None else colors:
        digest.update(np.ascontiguousarray(painted).data)
    return digest.hexdigest()
