"""What a measure is: the one declaration that files, tables and figures are made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.editing import Editor

if TYPE_CHECKING:
    from lwpipe.evaluation.bench import Bench

Faces = npt.NDArray[np.float32]
Values = Mapping[str, npt.NDArray[np.float64]]
Section = dict[str, Any]
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Column:
    """A column of the tables that compare models: of variants, of a sweep, of the README.

    Attributes
    ----------
    key : its name in the CSV
    value : name of the number in the measure's section
    heading : its name in the README's table; empty: not shown there
    digits : after the decimal point, there
    unit : as 'mm'; empty for a number without one
    better : which end is better: 'low', 'high', or 'real' where it is that of real faces
    panel : title and axis label of its panel in the figure of a sweep; None: not shown there
    beside_leak : axis label of its panel in the figure of the trade-off; empty: not shown there
    """

    key: str
    value: str
    heading: str = ""
    digits: int = 2
    unit: str = ""
    better: Literal["low", "high", "real", ""] = ""
    panel: tuple[str, str] | None = None
    beside_leak: str = ""


@dataclass(frozen=True)
class Composites:
    """Faces whose part `part` has been replaced.

    Attributes
    ----------
    part : k, from 0
    faces, sources, targets : float32 (n, V, 3), mm
    """

    part: int
    faces: Faces
    sources: Faces
    targets: Faces


@dataclass(frozen=True)
class Found:
    """What was measured of one model, as the files hold it.

    Attributes
    ----------
    measures : content of `measures.json`
    path : that file, for messages
    spread : ratio of areas by method, of `diversity.csv`; None where there is none
    truth : error of the edits by 'mm' and by 'share' of that of the source left as it is, of
        `truth.csv`; None where there is none
    detection : means over the parts of the columns of `edits.csv` of the stage of detection; None
        where there is none
    samples : what `samples.csv` of the stage of sampling says of whole faces; None where there is
        none
    """

    measures: Any
    path: Any
    spread: Mapping[str, float | None] | None = None
    truth: Mapping[str, float | None] | None = None
    detection: Mapping[str, float | None] | None = None
    samples: Mapping[str, float | None] | None = None


class Measure(ABC):
    """A measure. Its module is found by scanning `lwpipe.evaluation.measures`.

    Attributes
    ----------
    name : of its section in `measures.json`
    place : where it stands among the others
    columns : its columns of the tables
    optional : those that tables have only where there is something in them
    """

    name: ClassVar[str]
    place: ClassVar[float] = 100
    columns: ClassVar[tuple[Column, ...]] = ()
    optional: ClassVar[tuple[Column, ...]] = ()

    def numbers(self, found: Found) -> dict[str, Any]:
        """Return the values of its columns.

        Raises
        ------
        LwpipeError
            If the file lacks one.
        """
        values = {}
        for column in self.columns:
            try:
                section = found.measures[self.name]
                values[column.key] = None if section is None else section[column.value]
            except (KeyError, TypeError) as error:
                raise LwpipeError(
                    f"{found.path}: has no key {self.name}.{column.value}: make it again."
                ) from error
        return values


class OfReconstruction(Measure):
    """A measure of how a model gives back whole faces."""

    @abstractmethod
    def measure(self, bench: Bench, reconstruct: Callable[[Faces], Faces]) -> Section:
        """Return its section.

        Parameters
        ----------
        bench : Bench
        reconstruct : from faces (n, V, 3) to faces (n, V, 3), mm
        """


class OfEdits(Measure):
    """A measure of the edits of a part, whatever faces they are made on.

    Attributes
    ----------
    part_columns : its columns of `parts.csv`
    """

    part_columns: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def measure(
        self, bench: Bench, editor: Editor, codes: npt.NDArray[np.float32], match: bool
    ) -> tuple[Section | None, Rows, str | None]:
        """Return its section, a row of `parts.csv` a part, and a remark; None where not defined.

        Parameters
        ----------
        bench : Bench
        editor : Editor
        codes : float32 (n, ...), `editor.encode` of the test faces
        match : nothing ties part k of the editor to column k of the local weights
        """


class OfComposites(Measure):
    """A measure of faces with one part replaced.

    Attributes
    ----------
    part_columns : the value that each of its columns of `parts.csv` is the mean of
    """

    part_columns: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def values(self, bench: Bench, composites: Composites) -> Values:
        """Return numbers of each composite, float64 (n,), by name."""

    @abstractmethod
    def section(self, bench: Bench, values: Values) -> Section:
        """Return its section, from the values of all composites."""

    def of_real(self, bench: Bench) -> Section | None:
        """Return its section for the real test faces; None where it has none."""
        return None


class OfColor(Measure):
    """A measure of colours. Its section is there where the data set has colours."""

    @abstractmethod
    def measure(
        self, bench: Bench, reconstruct: Callable[[Faces], Faces], editor: Editor | None
    ) -> Section:
        """Return its section.

        Parameters
        ----------
        bench : Bench
        reconstruct : from faces (n, V, C) as `bench.given` has them, or colours (n, V, 3), L*a*b*,
            to the same
        editor : whose edits give the colours (n, V, 3), L*a*b*; None: there are none
        """


class OfModel(Measure):
    """A measure of the model itself."""

    @abstractmethod
    def measure(self, info: Mapping[str, Any]) -> Section:
        """Return its section, from the facts about the training."""


def of_kind(kind: type[Any] | tuple[type[Any], ...], measures: Sequence[Measure]) -> list[Any]:
    """Return the measures of a kind, or of one of several, in their order."""
    return [measure for measure in measures if isinstance(measure, kind)]
