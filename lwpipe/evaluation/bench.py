"""The faces, draws and yardsticks that every row of the tables shares."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from lwpipe.data.store import Dataset
from lwpipe.editing import Editor, Pca
from lwpipe.evaluation.measure import (
    Composites,
    OfComposites,
    OfEdits,
    Rows,
    Section,
    Values,
    of_kind,
)
from lwpipe.evaluation.measures import MEASURES
from lwpipe.evaluation.sampling import draw_composites, draw_pairs
from lwpipe.evaluation.settings import EvaluationSettings

# Alignment bends the span of a linear model a little, so that the PCA grows a long tail of
# directions in which faces hardly vary. A composite may go far along them at no cost; they are
# noise, not the span.
SPAN_TOLERANCE = 1e-3
NO_PARTS = (
    "the model has one part: nothing can be edited by parts, so locality and the measures of "
    "composites are not defined"
)
EDITED: list[OfEdits | OfComposites] = of_kind((OfEdits, OfComposites), MEASURES)
_OF_EDITS: list[OfEdits] = of_kind(OfEdits, MEASURES)
_OF_COMPOSITES: list[OfComposites] = of_kind(OfComposites, MEASURES)
PART_COLUMNS = (
    "edit",
    "part",
    *(column for measure in _OF_EDITS for column in measure.part_columns),
    "composites",
    *(column for measure in _OF_COMPOSITES for column in measure.part_columns),
)

Kept = TypeVar("Kept")


class Bench:
    """Where models and edits are measured: the same faces, draws and yardsticks for all.

    Parameters
    ----------
    data : Dataset
    weights : float (V, K), local weights that fit the data
    settings : EvaluationSettings
    inputs : float32 (N, V, C), the faces as what is measured takes them; None: their positions

    Raises
    ------
    LwpipeError
        If there are less than two test faces.

    Attributes
    ----------
    train, test_rows : int64 (n,), the faces of each split
    test : float32 (n, V, 3), mm, the test faces
    given : float32 (n, V, C), the same as what is measured takes them
    pairs : int64 (P, 2), source and target among the test faces
    """

    def __init__(
        self,
        data: Dataset,
        weights: npt.ArrayLike,
        settings: EvaluationSettings,
        inputs: npt.NDArray[np.float32] | None = None,
    ) -> None:
        self.data, self.settings = data, settings
        self.weights = np.asarray(weights, np.float32)
        self.train, self.test_rows = data.indices("train"), data.indices("test")
        self.pairs = draw_pairs(len(self.test_rows), settings.pairs, settings.seed)
        self.test: npt.NDArray[np.float32] = np.asarray(data.vertices[self.test_rows])
        self.inputs = data.vertices if inputs is None else inputs
        self.given = self.test if inputs is None else np.asarray(inputs[self.test_rows])
        self._kept: dict[str, Any] = {}

    @cached_property
    def pca(self) -> Pca:
        """All components of the training faces."""
        return Pca.fit(self.data.vertices, self.train, tolerance=SPAN_TOLERANCE)

    def once(self, name: str, make: Callable[[], Kept]) -> Kept:
        """Return what `make` returns, made at the first call for `name`."""
        if name not in self._kept:
            self._kept[name] = make()
        kept: Kept = self._kept[name]
        return kept

    def about(self) -> dict[str, Any]:
        """Return what was measured on."""
        return {
            "seed": self.settings.seed,
            "test_faces": len(self.test),
            "train_faces": len(self.train),
            "pairs": len(self.pairs),
            "weights_columns": self.weights.shape[1],
            "data_sha256": self.data.info.get("content_sha256"),
        }

    def no_edits(self) -> Section:
        """Return the sections of what cannot be edited by parts."""
        return dict.fromkeys([*(measure.name for measure in EDITED), "remark"])

    def real_faces(self) -> Section:
        """Return the sections of the real test faces, as far as they have some."""
        real = {measure.name: measure.of_real(self) for measure in _OF_COMPOSITES}
        return self.no_edits() | real

    def edits(self, name: str, editor: Editor, match: bool = False) -> tuple[Section, Rows]:
        """Return the sections of an editor, and its rows of `parts.csv`.

        Parameters
        ----------
        name : of the edit, in those rows
        editor : Editor
        match : nothing ties its part k to column k of the local weights
        """
        parts: Rows = [{"edit": name, "part": k} for k in range(editor.part_count)]
        if editor.part_count == 1:
            return {**self.no_edits(), "remark": NO_PARTS}, parts
        codes = editor.encode(self.given)
        sections: Section = {}
        remarks = []
        for measure in _OF_EDITS:
            sections[measure.name], rows, remark = measure.measure(self, editor, codes, match)
            remarks += [remark] if remark else []
            for part, row in zip(parts, rows, strict=True):
                part.update(row)
        composed, rows = self._composites(editor, codes)
        for part, row in zip(parts, rows, strict=True):
            part.update(row)
        ordered = {measure.name: (sections | composed)[measure.name] for measure in EDITED}
        count = sum(row["composites"] for row in rows)
        return {**ordered, "composites": count, "remark": "; ".join(remarks) or None}, parts

    def _composites(self, editor: Editor, codes: npt.NDArray[np.float32]) -> tuple[Section, Rows]:
        """Measure sources with one part replaced, in all and part by part."""
        draws = draw_composites(
            len(self.test), editor.part_count, self.settings.composites, self.settings.seed
        )
        pieces: list[dict[str, Values]] = []
        rows: Rows = []
        for part, pairs in enumerate(draws):
            sources, targets = pairs.T
            faces = editor.blend(codes[sources], codes[targets], part, 1.0)
            composites = Composites(part, faces, self.test[sources], self.test[targets])
            values = {measure.name: measure.values(self, composites) for measure in _OF_COMPOSITES}
            row: dict[str, Any] = {"composites": len(faces)}
            for measure in _OF_COMPOSITES:
                for column, value in measure.part_columns.items():
                    found = values[measure.name][value]
                    # With fewer composites than parts, some parts have none.
                    row[column] = found.mean() if len(found) else np.nan
            pieces.append(values)
            rows.append(row)
        sections = {}
        for measure in _OF_COMPOSITES:
            of_measure = [piece[measure.name] for piece in pieces]
            every = {k: np.concatenate([piece[k] for piece in of_measure]) for k in of_measure[0]}
            sections[measure.name] = measure.section(self, every)
        return sections, rows
