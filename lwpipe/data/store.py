"""The data set store: the one format that everything after conversion reads.

A store is a folder with `vertices.npy` (float32, N x V x 3, millimetres), `template.ply` (mean of
the training faces, in their mean colours if they have some, and the triangles), `faces.csv` (one
row a face), `dataset.json` (source, licence, seed, units, alignment, content hash) and
`regions.npz` (the true region of each shape parameter; empty where the truth is not known). Where
the faces have colours, `colors.npy` holds them (uint8, N x V x 3, sRGB), and `dataset.json` says
so; `uv.npz` is the UV map of the first mesh that the colours come from, if it has one.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lwpipe.core.arrays import read_npz, write_npz
from lwpipe.core.color import lab_of_srgb, srgb_of_lab
from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import allocate, atomic_path, write_json
from lwpipe.data.signals import COLOR, LazyFaces, joined_faces, lab_faces
from lwpipe.data.store_files import (
    FACE_COLUMNS,
    FORMAT_VERSION,
    SPLITS,
    content_digest,
    read_colors,
    read_faces,
    read_info,
    read_template,
    read_vertices,
)
from lwpipe.mesh.ply_file import write_ply
from lwpipe.mesh.texture import UvMap, uv_map

COLOR_SPACE = "sRGB, 8 bits"


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
    colors : ndarray, uint8, (N, V, 3), sRGB
        Memory-mapped, read-only; None where the faces have no colours.
    """

    path: Path
    vertices: npt.NDArray[np.float32]
    template: npt.NDArray[np.float64]
    triangles: npt.NDArray[np.int64]
    faces: pd.DataFrame
    info: dict[str, Any]
    colors: npt.NDArray[np.uint8] | None = None

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
        colors = read_colors(path / "colors.npy", vertices.shape) if info.get("colors") else None
        table = (path / "faces.csv").read_bytes()
        if content_digest(vertices, triangles, table, colors) != info["content_sha256"]:
            raise LwpipeError(
                f"{path}: was altered or written halfway: vertices.npy, the triangles of "
                f"template.ply{'' if colors is None else ', colors.npy'} and faces.csv do not have "
                "the SHA-256 in dataset.json; make the data set again."
            )
        return cls(path, vertices, template, triangles, faces, info, colors)

    @property
    def signals(self) -> npt.NDArray[np.float32] | LazyFaces:
        """The faces as a model takes them, float32 (N, V, C): see `lwpipe.data.signals`.

        Without colours they are `vertices`.
        """
        return self.vertices if self.colors is None else joined_faces(self.vertices, self.colors)

    @property
    def lab(self) -> LazyFaces:
        """The colours as L*a*b*, float32 (N, V, 3).

        Raises
        ------
        LwpipeError
            If the faces have none.
        """
        if self.colors is None:
            raise LwpipeError(f"{self.path}: the faces have no colours: set data.colors.")
        return lab_faces(self.colors)

    def of_colors(self) -> Dataset:
        """Return a data set whose vertices are the colours, L*a*b*.

        What measures shapes in mm then measures colours in Delta E (CIE 1976).

        Raises
        ------
        LwpipeError
            If the faces have no colours.
        """
        mean = self.mean_face()[:, COLOR].astype(np.float64)
        return replace(self, vertices=self.lab, template=mean, colors=None)  # type: ignore[arg-type]

    @property
    def diagonal(self) -> float:
        """The diagonal of the template's bounding box, mm."""
        return float(np.linalg.norm(np.ptp(self.template, axis=0)))

    def mean_face(self) -> npt.NDArray[np.floating[Any]]:
        """Return the template, (V, C), with the mean colours of the training faces if any."""
        if self.colors is None:
            return self.template
        train = self.indices("train")
        total = np.zeros(self.template.shape)
        for row in train:
            total += self.lab[row]
        return np.concatenate([self.template, total / len(train)], axis=1).astype(np.float32)

    def indices(self, split: str) -> npt.NDArray[np.int64]:
        """Return the rows of `vertices` that belong to `split` ('train' or 'test'), ascending."""
        return np.flatnonzero(self.faces["split"].to_numpy() == split).astype(np.int64)

    def face(self, name: str, channels: int = 3) -> npt.NDArray[np.float32]:
        """Return the face of an id, float32 (V, C), mm.

        Parameters
        ----------
        name : the id
        channels : C: 3, or 6 with its colours

        Raises
        ------
        LwpipeError
            If there is none, or it has no colours.
        """
        rows = np.flatnonzero(self.faces["id"].to_numpy() == name)
        if len(rows) == 0:
            raise LwpipeError(f"{self.path}: has no face with the id {name!r}.")
        if channels == 3:
            return np.array(self.vertices[rows[0]])
        if self.colors is None:
            raise LwpipeError(f"{self.path}: the faces have no colours: set data.colors.")
        return np.array(self.signals[rows[0]])

    def uv(self) -> UvMap | None:
        """Return where the corners of the triangles lie in an image; None where it is not known.

        Raises
        ------
        LwpipeError
            If the file is damaged or does not fit.
        """
        file = self.path / "uv.npz"
        if not file.exists():
            return None
        found = uv_map(read_npz(file, "a UV map", ("uv", "corners")), len(self.triangles))
        if found is None:
            raise LwpipeError(f"{file}: is no UV map of {len(self.triangles)} triangles.")
        return found

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
    with_colors : the faces have colours, which `colors` takes
    """

    def __init__(
        self,
        path: str | Path,
        count: int,
        triangles: npt.ArrayLike,
        vertex_count: int,
        with_colors: bool = False,
    ) -> None:
        self.path = Path(path)
        self.triangles = np.asarray(triangles, dtype=np.int64)
        # Files are renamed in the order of their contexts.
        self._contexts = ExitStack()
        self._colors: np.memmap[Any, np.dtype[np.uint8]] | None = None
        self._shape = (count, vertex_count, 3)
        needed = (15 if with_colors else 12) * count * vertex_count
        try:
            temporary = self._contexts.enter_context(atomic_path(self.path / "vertices.npy"))
            # A sparse file would be made all the same, and fill the disk face by face.
            free = shutil.disk_usage(temporary).free
            if needed > free:
                raise LwpipeError(
                    f"{self.path}: {count} faces of {vertex_count} vertices need "
                    f"{needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free on the disk."
                )
            self._vertices = self._allocated(temporary, np.float32)
            if with_colors:
                temporary = self._contexts.enter_context(atomic_path(self.path / "colors.npy"))
                self._colors = self._allocated(temporary, np.uint8)
        except (LwpipeError, OSError) as error:
            self._contexts.__exit__(type(error), error, error.__traceback__)
            raise

    def _allocated(self, path: Path, dtype: npt.DTypeLike) -> np.memmap[Any, Any]:
        array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=self._shape)
        allocate(path)
        return array

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is not None:
            self._contexts.__exit__(kind, error, trace)

    def __setitem__(self, index: int | slice, value: npt.ArrayLike) -> None:
        """Set face `index` (or a slice of faces) to float (V, 3) (or (n, V, 3)), in mm."""
        self._vertices[index] = value

    @property
    def vertices(self) -> npt.NDArray[np.float32]:
        """The faces, float32 (N, V, 3), writable: alignment works on it in place."""
        return self._vertices

    @property
    def colors(self) -> npt.NDArray[np.uint8]:
        """The colours, uint8 (N, V, 3), sRGB, writable.

        Raises
        ------
        ValueError
            If the writer was made without.
        """
        if self._colors is None:
            raise ValueError("the store was opened without colours")
        return self._colors

    def close(
        self,
        faces: Sequence[Mapping[str, Any]],
        info: Mapping[str, Any],
        regions: Mapping[str, npt.NDArray[np.floating[Any]]] | None = None,
        uv: UvMap | None = None,
    ) -> Dataset:
        """Check, hash and rename everything into place; return the opened store.

        Parameters
        ----------
        faces : one mapping a face with the keys id, split, subject, expression, source
        info : what `dataset.json` shall say: at least source, licence, seed, alignment
        regions : true region of each shape parameter, (V,) in [0, 1]
        uv : where the triangles lie in an image; None: nowhere

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
        mean_colors = self._mean_colors(train)
        self._vertices.flush()
        table_csv = table.to_csv(index=False, lineterminator="\n")
        if self._colors is not None:
            self._colors.flush()
        digest = content_digest(self._vertices, self.triangles, table_csv.encode(), self._colors)
        described = {} if self._colors is None else {"colors": COLOR_SPACE}
        del self._vertices, self._colors
        about = {
            "format_version": FORMAT_VERSION,
            "faces": self._shape[0],
            "train_faces": len(train),
            "test_faces": self._shape[0] - len(train),
            "vertices": self._shape[1],
            "triangles": len(self.triangles),
            "units": "mm",
            **described,
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
            write_ply(path, mean, self.triangles, mean_colors)
            renamed.push(self._contexts)
            # Those of an older store, which nothing would tell of.
            if not described:
                renamed.callback((self.path / "colors.npy").unlink, missing_ok=True)
            if uv is None:
                renamed.callback((self.path / "uv.npz").unlink, missing_ok=True)
            else:
                path = renamed.enter_context(atomic_path(self.path / "uv.npz"))
                write_npz(path, {"uv": uv.uv, "corners": uv.corners})
        return Dataset.open(self.path)

    def _mean_colors(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8] | None:
        """Return the mean colours of some faces, taken in L*a*b*, uint8 (V, 3), sRGB."""
        if self._colors is None:
            return None
        total = np.zeros(self._shape[1:], np.float64)
        for row in rows:
            total += lab_of_srgb(self._colors[row])
        return srgb_of_lab(total / len(rows))
