"""What a data source is: the one declaration that settings, inputs, checks and data are made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar, cast

import numpy as np
import numpy.typing as npt

from lwpipe.core.settings import Section
from lwpipe.core.stage import Size
from lwpipe.data.factors import Factors
from lwpipe.mesh.texture import UvMap

Rows = slice | int
Faces = npt.NDArray[np.floating[Any]]
Colors = npt.NDArray[np.uint8]
Own = TypeVar("Own", bound=Section)

# Faces of a source that makes them are made so many bytes at a time.
CHUNK_BYTES = 64 * 2**20


@dataclass(kw_only=True)
class Opened(ABC):
    """The faces of a source, to be read once from first to last.

    Attributes
    ----------
    ids : of the faces, in their order
    subjects : whose face each is; whole subjects are held out together
    expressions : of each face, in words; may be empty
    triangles : int64 (F, 3)
    vertex_count : number of vertices V
    splits : 'train' or 'test' of each face, where the source tells it
    regions : true region of each shape parameter, (V,) in [0, 1], where the source knows it
    notes : what the user should know of how the data were taken, in sentences without a full stop
    """

    ids: Sequence[str]
    subjects: Sequence[str]
    expressions: Sequence[str]
    triangles: npt.NDArray[np.int64]
    vertex_count: int
    splits: Sequence[str] | None = None
    regions: Mapping[str, npt.NDArray[np.floating[Any]]] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @abstractmethod
    def chunks(self, centred: bool) -> Iterator[tuple[Rows, Faces]]:
        """Yield rows and their faces, (V, 3) of one row or (n, V, 3) of a slice, in file units.

        Parameters
        ----------
        centred : the faces will be aligned: their centroids may be moved to the origin

        Raises
        ------
        LwpipeError
            After the last row, of all faces that cannot be used.
        """

    def colored_chunks(self, centred: bool) -> Iterator[tuple[Rows, Faces, Colors]]:
        """Yield rows, their faces as `chunks` does, and their colours, uint8, sRGB, as many.

        Of sources alone that are `colored`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no colours")

    def unit(self) -> float:
        """Return the millimetres of a file unit. Asked for after the last chunk."""
        return 1.0

    def uv(self) -> UvMap | None:
        """Return where the corners of the triangles lie in an image; None where they do not."""
        return None

    @abstractmethod
    def provenance(self) -> dict[str, Any]:
        """Return what `dataset.json` shall say of the source, at least its licence.

        Asked for after the last chunk. Seed, test fraction and alignment are filled in.
        """


class Source(ABC, Generic[Own]):
    """A data source. Its module is found by scanning `lwpipe.data.sources`.

    The module must be quick to import: what a source computes with is imported in its methods.

    Parameters
    ----------
    own : its section of the settings
    faces : how many faces; None: all there are
    seed : of its draws

    Attributes
    ----------
    name : value of `data.source`
    place : where it stands among the others
    Settings : type of its section, `data.<key>`
    required : keys of that section that must be given
    alignment : whether the faces are aligned 'never', 'on request' or 'by default'
    endless : it has as many faces as are asked for, so a number must be given
    colored : it can give colours, and is asked for them by `with_colors`
    with_colors : whether it is to give colours
    """

    name: ClassVar[str]
    place: ClassVar[float] = 100
    Settings: ClassVar[type[Section]]
    required: ClassVar[tuple[str, ...]] = ()
    alignment: ClassVar[Literal["never", "on request", "by default"]] = "by default"
    endless: ClassVar[bool] = False
    colored: ClassVar[bool] = False
    with_colors: bool = False

    def __init__(self, own: Own, faces: int | None, seed: int) -> None:
        self.own, self.faces, self.seed = own, faces, seed

    @classmethod
    def key(cls) -> str:
        """Return the key of its section."""
        return cls.name.replace("-", "_")

    def inputs(self) -> list[Path]:
        """Return the user's files that it reads, those of them that are there.

        Raises
        ------
        LwpipeError
            If a setting is no path that a system could have.
        """
        return []

    @abstractmethod
    def size(self) -> Size:
        """Return the size of its data, or a bound of it, without reading them.

        What cannot be read counts as something usual: it is `open` that says what is wrong with it.
        """

    @abstractmethod
    def check(self) -> str:
        """Say in words where its data come from.

        Raises
        ------
        LwpipeError, OSError
            If they are not there.
        """

    def factors(self) -> Factors | None:
        """Return the factors of its faces; None where it does not know them.

        Raises
        ------
        LwpipeError
            If they are missing or cannot be used.
        """
        return None

    @abstractmethod
    def open(self) -> Opened:
        """Open the faces.

        Raises
        ------
        LwpipeError
            If they are missing or cannot be used.
        """


@dataclass(kw_only=True)
class Made(Opened):
    """Faces that a source makes in any order, a slice at a time.

    Attributes
    ----------
    at_once : how many faces; None: as many as a bounded size allows. Sums may round otherwise with
        another number.
    """

    at_once: int | None = None

    def chunks(self, centred: bool) -> Iterator[tuple[Rows, Faces]]:
        """Yield slices of faces of bounded size."""
        count = len(self.ids)
        step = self.at_once or max(1, CHUNK_BYTES // (self.vertex_count * 3 * 8))
        for start in range(0, count, step):
            rows = slice(start, min(start + step, count))
            yield rows, self.make(rows)

    def colored_chunks(self, centred: bool) -> Iterator[tuple[Rows, Faces, Colors]]:
        """Yield slices of faces of bounded size, with their colours."""
        for rows, faces in self.chunks(centred):
            yield rows, faces, self.paint(cast(slice, rows))

    @abstractmethod
    def make(self, rows: slice) -> Faces:
        """Return the faces of some rows, (n, V, 3), mm."""

    def paint(self, rows: slice) -> Colors:
        """Return the colours of the faces of some rows, uint8 (n, V, 3), sRGB."""
        raise NotImplementedError(f"{type(self).__name__} has no colours")


def numbered(word: str, count: int) -> list[str]:
    """Return ids as 'ict_00000', of five digits or as many as it takes."""
    width = max(5, len(str(count - 1)))
    return [f"{word}_{row:0{width}d}" for row in range(count)]
