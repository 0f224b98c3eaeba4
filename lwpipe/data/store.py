"""The data set store: the one format that everything after conversion reads.

A store is a folder with `vertices.npy` (float32, N x V x 3, millimetres), `template.ply` (mean
of the training faces and the triangles), `faces.csv` (one row a face), `dataset.json` (source,
licence, seed, units, alignment, content hash) and `regions.npz` (the true region of each shape
parameter; empty where the truth is not known).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lwpipe.core.arrays import read_npz
from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import allocate, atomic_path, write_json
from lwpipe.data.store_files import (
    FACE_COLUMNS,
    FORMAT_VERSION,
    SPLITS,
    content_digest,
    read_faces,
    read_info,
    read_template,
    read_vertices,
)
from lwpipe.mesh.ply_file import write_ply


@dataclass(frozen=True)
class Dataset:
    """An opened store.

    Attributes
    ----------
    path : Path
        The folder.
    vertices : ndarray, float32, (N, V, 3), mm
        Memory-mapped, read-only.
    template : ndarray, float64, (V, 3), mm
        Mean of the training faces.
    triangles : ndarray, int64, (F, 3)
    faces : DataFrame
        Columns id, split, subject, expression, source; row i describes `vertices[i]`.
    info : dict
        What `dataset.json` says.
    """

    path: Path
    vertices: npt.NDArray[np.float32]
    template: npt.NDArray[np.float64]
    triangles: npt.NDArray[np.int64]
    faces: pd.DataFrame
    info: dict[str, Any]

    @classmethod
    def open(cls, path: str | Path) -> Dataset:
        """Open the store in folder `path`.

        All faces are read once, about a second a GB, to compare them with the hash in
        `dataset.json`.

        Raises
        ------
        LwpipeError
            If a file is missing, unreadable, altered or does not fit the others.
        """
        path = Path(path)
        info = read_info(path / "dataset.json")
        vertices = read_vertices(path / "vertices.npy")
        faces = read_faces(path / "faces.csv", len(vertices))
        template, triangles = read_template(path / "template.ply", vertices.shape[1])
        digest = content_digest(vertices, triangles, (path / "faces.csv").read_bytes())
        if digest != info["content_sha256"]:
            raise LwpipeError(
                f"{path}: was altered or written halfway: vertices.npy, the triangles of "
                "template.ply and faces.csv do not have the SHA-256 in dataset.json; make the data "
                "set again."
            )
        return cls(path, vertices, template, triangles, faces, info)

    def indices(self, split: str) -> npt.NDArray[np.int64]:
        """Return the rows of `vertices` that belong to `split` ('train' or 'test'), ascending."""
        return np.flatnonzero(self.faces["split"].to_numpy() == split).astype(np.int64)

    def face(self, name: str) -> npt.NDArray[np.float32]:
        """Return the face of an id, float32 (V, 3), mm.

        Raises
        ------
        LwpipeError
            If there is none.
        """
        rows = np.flatnonzero(self.faces["id"].to_numpy() == name)
        if len(rows) == 0:
            raise LwpipeError(f"{self.path}: has no face with the id {name!r}.")
        return np.array(self.vertices[rows[0]])

    def regions(self) -> dict[str, npt.NDArray[np.float32]] | None:
        """Return the true region of each shape parameter, float32 (V,) in [0, 1], if known."""
        file = self.path / "regions.npz"
        if not file.exists():
            return None
        regions = read_npz(file, "the regions of a data set")
        for name, region in regions.items():
            if region.shape != self.template.shape[:1] or region.dtype != np.float32:
                raise LwpipeError(
                    f"{file}: {name} is {region.dtype} {region.shape}, expected float32 "
                    f"{self.template.shape[:1]}."
                )
        return regions or None


class DatasetWriter:
    """Write a store face by face, in bounded memory.

    Faces are written to a temporary file, whose place on the disk is taken at once; `close` renames
    everything into place, `dataset.json` last. Used as a context manager, a block that raises
    leaves nothing behind.

    Parameters
    ----------
    path : folder of the store
    count : number of faces N
    triangles : int (F, 3)
        The one topology.
    vertex_count : number of vertices V
    """

    def __init__(
        self, path: str | Path, count: int, triangles: npt.ArrayLike, vertex_count: int
    ) -> None:
        self.path = Path(path)
        self.triangles = np.asarray(triangles, dtype=np.int64)
        self._context = atomic_path(self.path / "vertices.npy")
        self._temporary = self._context.__enter__()
        self._shape = (count, vertex_count, 3)
        needed = 12 * count * vertex_count
        try:
            # A sparse file would be made all the same, and fill the disk face by face.
            free = shutil.disk_usage(self._temporary).free
            if needed > free:
                raise LwpipeError(
                    f"{self.path}: {count} faces of {vertex_count} vertices need "
                    f"{needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free on the disk."
                )
            self._vertices = np.lib.format.open_memmap(
                self._temporary, mode="w+", dtype=np.float32, shape=self._shape
            )
            allocate(self._temporary)
        except (LwpipeError, OSError) as error:
            self._context.__exit__(type(error), error, error.__traceback__)
            raise

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is not None:
            self._context.__exit__(kind, error, trace)

    def __setitem__(self, index: int | slice, value: npt.ArrayLike) -> None:
        """Set face `index` (or a slice of faces) to float (V, 3) (or (n, V, 3)), in mm."""
        self._vertices[index] = value

    @property
    def vertices(self) -> npt.NDArray[np.float32]:
        """The faces, float32 (N, V, 3), writable: alignment works on it in place."""
        return self._vertices

    def close(
        self,
        faces: Sequence[Mapping[str, Any]],
        info: Mapping[str, Any],
        regions: Mapping[str, npt.NDArray[np.floating[Any]]] | None = None,
    ) -> Dataset:
        """Check, hash and rename everything into place; return the opened store.

        Parameters
        ----------
        faces : one mapping a face with the keys id, split, subject, expression, source
        info : what `dataset.json` shall say: at least source, licence, seed, alignment
        regions : true region of each shape parameter, (V,) in [0, 1]

        Raises
        ------
        LwpipeError
            If coordinates are not finite or there is no training face.
        """
        table = pd.DataFrame([dict(face) for face in faces], columns=list(FACE_COLUMNS))
        if len(table) != self._shape[0]:
            raise ValueError(f"{len(table)} rows for {self._shape[0]} faces")
        train = np.flatnonzero(table["split"].to_numpy() == "train")
        unknown = sorted(set(table["split"]) - set(SPLITS))
        if unknown:
            raise LwpipeError(f"split {unknown[0]!r} is unknown: use 'train' or 'test'.")
        if len(train) == 0:
            raise LwpipeError(f"{self.path}: the data set has no training face.")
        mean = np.zeros(self._shape[1:], dtype=np.float64)
        for row in range(self._shape[0]):
            face = self._vertices[row]
            if not np.isfinite(face).all():
                raise LwpipeError(f"face {table['id'][row]}: has coordinates that are not finite.")
            if table["split"][row] == "train":
                mean += face
        mean /= len(train)
        self._vertices.flush()
        table_csv = table.to_csv(index=False, lineterminator="\n")
        digest = content_digest(self._vertices, self.triangles, table_csv.encode())
        del self._vertices
        about = {
            "format_version": FORMAT_VERSION,
            "faces": self._shape[0],
            "train_faces": len(train),
            "test_faces": self._shape[0] - len(train),
            "vertices": self._shape[1],
            "triangles": len(self.triangles),
            "units": "mm",
            **info,
            "content_sha256": digest,
        }
        # All is written before the first file is renamed, so that a full disk leaves an older
        # store as it was; the last one to enter is the first to be renamed.
        with ExitStack() as renamed:
            write_json(renamed.enter_context(atomic_path(self.path / "dataset.json")), about)
            path = renamed.enter_context(atomic_path(self.path / "regions.npz"))
            arrays = {
                name: np.asarray(value, np.float32) for name, value in (regions or {}).items()
            }
            with path.open("wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
            path = renamed.enter_context(atomic_path(self.path / "faces.csv"))
            path.write_text(table_csv, encoding="utf-8")
            path = renamed.enter_context(atomic_path(self.path / "template.ply"))
            write_ply(path, mean, self.triangles)
            renamed.push(self._context)
        return Dataset.open(self.path)
