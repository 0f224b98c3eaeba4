"""Whether a classifier can tell faces with one part replaced from real ones.

Edits of fresh sources and targets stand against references that have nothing to do with them, in
four spaces, as a whole and along the border of the part. Beside them stand the controls: real faces
against real ones, parts pasted with a hard border, whole faces that a model gives back, and pairs
of a part and a surrounding that were only shuffled, with no border at all: two people's parts may
not go together, however they are joined.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.files import write_csv
from lwpipe.core.rounding import rounded
from lwpipe.core.threads import one_blas_thread
from lwpipe.data.signals import COLOR, POSITION
from lwpipe.data.store import Dataset
from lwpipe.editing import ChannelEditor, EditingSettings, Editor, FaceModel, MaskBlend
from lwpipe.evaluation.baselines import BASELINES, Fitted
from lwpipe.evaluation.feature_spaces import (
    Components,
    FeatureSpace,
    Vertices,
    border,
    fit_spaces,
)
from lwpipe.evaluation.fresh import FreshFaces, open_fresh_faces
from lwpipe.evaluation.inputs import (
    editor_of,
    open_data,
    open_local_weights,
    open_model,
    taken_by,
)
from lwpipe.evaluation.measure import Faces, Rows
from lwpipe.evaluation.measures.locality import edit_profiles, leak
from lwpipe.evaluation.measures.reconstruction import vertex_distances
from lwpipe.evaluation.sampling import draw_pairs
from lwpipe.evaluation.set_measures import (
    coverage,
    minimum_matching_distance,
    occupancy_divergence,
    pair_diversity,
    variation_predictability,
)
from lwpipe.evaluation.settings import DetectionSettings
from lwpipe.evaluation.two_sample import TwoSample, draw_labels, squared_distances, two_sample
from lwpipe.model.settings import LatentSettings

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

# Rows that are no edit of the tables of measures.
REAL, PASTE, PAIRS = "real", "hard_paste", "shuffled_pairs"
MODEL, RECONSTRUCTION = "model", "reconstruction"
# Behind the names of sets whose colours were tested instead of positions.
COLORS = "_colors"
WHOLE, BORDER, ALL = "whole", "border", "all"
TEST_COLUMNS = (
    "edit", "part", "space", "region", "faces", "origin", *TwoSample.__annotations__, "excess",
)  # fmt: skip
EDIT_COLUMNS = (
    "edit", "part", "faces", "origin", "worst_space", "worst", "border_space", "border", "excess",
    "likeness", "leak", "neighbour", "coverage", "matching_mm", "jsd", "diversity_mm", "vp",
)  # fmt: skip
_CORE, _BEYOND, _INSIDE = 0.9, 0.1, 0.5
# Leak needs no more pairs than that, and diversity.
_LEAK_PAIRS, _DIVERSITY_PAIRS = 50, 200
# Of each part, where it shall be told which one was replaced: a tenth of them trains a classifier.
_LEAST_TO_PREDICT = 20
_BATCH = 32


def measure_detection(
    dataset: Dataset | str | Path,
    local_weights: npt.ArrayLike | str | Path,
    model: FaceModel | str | Path,
    fresh: FreshFaces | str | Path,
    tests: str | Path,
    edits: str | Path,
    detection: DetectionSettings,
    editing: EditingSettings,
) -> Rows:
    """Test the edits of a model, and what it gives back, against real faces; write two tables.

    `tests` has a row for each set of faces, part, space and region; `edits` has one for each set
    and part, with what is worst. A model whose parts do not belong to the columns of the local
    weights has no edits there. Both are empty where there are too few faces. Of faces with colours
    these are tested too, in the same spaces of L*a*b*, in rows whose names end in `_colors`.

    Parameters
    ----------
    dataset : Dataset, or its folder
    local_weights : float (V, K), which tell the parts; or `local_weights.npz`
    model : a trained model, or its file or folder
    fresh : FreshFaces, or the file of `draw_fresh_faces`
    tests, edits : CSV to write
    detection : DetectionSettings
    editing : how the model replaces a part

    Returns
    -------
    list of dict
        The rows of `edits`.

    Raises
    ------
    LwpipeError
        If data, weights, model and faces do not fit each other.
    """
    dataset = open_data(dataset)
    weights = open_local_weights(local_weights, dataset)
    model = open_model(model, dataset)
    faces = open_fresh_faces(fresh, dataset)
    with one_blas_thread():
        benches = _benches(dataset, weights, faces, detection, model.channels > 3)
        local = model.part_count == weights.shape[1] and model.parts_match_weights
        if benches[0].possible:
            back = _by_batches(model.reconstruct, taken_by(model, faces.sources))
        for bench in benches:
            if not bench.possible:
                continue
            bench.add_controls()
            shown = back if back.shape[-1] == 3 else np.ascontiguousarray(back[..., bench.channels])
            bench.add_whole(RECONSTRUCTION, shown)
            if local:
                bench.add_edits(MODEL, editor_of(model, weights, editing, bench.channels))
        return _write(benches, tests, edits)


def measure_detection_of_baselines(
    dataset: Dataset | str | Path,
    local_weights: npt.ArrayLike | str | Path,
    fresh: FreshFaces | str | Path,
    tests: str | Path,
    edits: str | Path,
    detection: DetectionSettings,
    model: LatentSettings,
) -> Rows:
    """Test the closed-form edits against real faces, as `measure_detection` does a model's.

    Parameters
    ----------
    dataset : Dataset, or its folder
    local_weights : float (V, K), or `local_weights.npz`
    fresh : FreshFaces, or the file of `draw_fresh_faces`
    tests, edits : CSV to write
    detection : DetectionSettings
    model : LatentSettings
        The latent size Z of the models that they stand beside.

    Returns
    -------
    list of dict
        The rows of `edits`.

    Raises
    ------
    LwpipeError
        If data, weights and faces do not fit each other.
    """
    dataset = open_data(dataset)
    weights = open_local_weights(local_weights, dataset)
    faces = open_fresh_faces(fresh, dataset)
    with one_blas_thread():
        benches = _benches(dataset, weights, faces, detection, dataset.colors is not None)
        for bench in benches:
            if not bench.possible:
                continue
            bench.add_controls()
            fitted = Fitted.to(bench.data, weights, model.latent_size)
            for baseline in BASELINES:
                reconstruct = baseline.reconstruct(fitted)
                editor = baseline.editor(fitted)
                if reconstruct is not None:
                    name = f"{baseline.name}_{RECONSTRUCTION}"
                    bench.add_whole(name, _by_batches(reconstruct, bench.fresh.sources))
                if editor is not None and baseline.name != PASTE:
                    bench.add_edits(baseline.name, editor)
        return _write(benches, tests, edits)


def _benches(
    data: Dataset,
    weights: npt.NDArray[np.float32],
    faces: FreshFaces,
    settings: DetectionSettings,
    of_colors: bool,
) -> list[DetectionBench]:
    """Return where positions are tested, and where colours are, in Delta E, if they are to be."""
    benches = [DetectionBench(data, weights, faces, settings)]
    if of_colors:
        painted = data.of_colors()
        benches.append(DetectionBench(painted, weights, faces, settings, COLOR, COLORS))
    return benches


def _write(benches: Sequence[DetectionBench], tests: str | Path, edits: str | Path) -> Rows:
    """Write both tables of some benches, and return the rows of `edits`."""
    for bench in benches:
        bench.compare()
    tested = [row for bench in benches for row in bench.named(bench.tests)]
    summed: Rows = rounded([row for bench in benches for row in bench.named(bench.summed())])
    write_csv(tests, rounded(tested), TEST_COLUMNS)
    write_csv(edits, summed, EDIT_COLUMNS)
    return summed


def likeness(edited: Faces, sources: Faces, targets: Faces, weight: npt.ArrayLike) -> float:
    """Return how much of the target arrives: 1 - |y - t| / |s - t|, where w_k > 0.5.

    Distances are means over faces and vertices: 0 is the source left as it is, 1 the target's part.
    NaN where there is no such vertex, or sources and targets are alike.

    Parameters
    ----------
    edited, sources, targets : float32 (n, V, 3), mm
    weight : float (V,), w_k
    """
    inside = np.asarray(weight) > _INSIDE
    wrong, before = (
        float(vertex_distances(faces[:, inside], targets[:, inside]).sum(dtype=np.float64))
        for faces in (edited, sources)
    )
    return 1 - wrong / before if before > 0 else float("nan")


class DetectionBench:
    """Where sets of faces are tested: the same references, folds and yardsticks for all.

    Parameters
    ----------
    data : Dataset
    weights : float (V, K), which tell the parts
    fresh : FreshFaces
    settings : DetectionSettings
    channels : which of the faces' are tested
    suffix : of the names of edits in the tables

    Attributes
    ----------
    fresh : those channels of the faces
    given : all of them, which a model takes
    tests : rows of the tests so far
    """

    def __init__(
        self,
        data: Dataset,
        weights: npt.NDArray[np.float32],
        fresh: FreshFaces,
        settings: DetectionSettings,
        channels: slice = POSITION,
        suffix: str = "",
    ) -> None:
        self.data, self.weights, self.settings, self._suffix = data, weights, settings, suffix
        self.channels, self.given, self.fresh = channels, fresh, fresh.of(channels)
        self.part_count = weights.shape[1]
        self.tests: Rows = []
        self._facts: dict[tuple[str, Any], dict[str, Any]] = {}

    @property
    def possible(self) -> bool:
        """Whether there are faces, and parts to replace."""
        return len(self.fresh.references) > 0 and self.part_count > 1

    @cached_property
    def spaces(self) -> list[FeatureSpace]:
        """The spaces of whole faces."""
        return fit_spaces(self.data)

    @cached_property
    def borders(self) -> list[list[FeatureSpace]]:
        """The spaces along the border of each part; none where a part has no border."""
        bands = (border(self.weights, k, self.data.triangles) for k in range(self.part_count))
        return [[space.restricted(band) for space in self.spaces if band.any()] for band in bands]

    def add_controls(self) -> None:
        """Test what all edits stand beside."""
        self.add_whole(REAL, self.fresh.sources)
        owner = self.weights.argmax(axis=1)
        self.add_edits(PASTE, MaskBlend(np.eye(self.part_count, dtype=np.float32)[owner]))
        for part in range(self.part_count):
            self.add_apart(PAIRS, part, self.fresh.targets, self.fresh.sources)

    def add_whole(self, name: str, faces: Faces) -> None:
        """Test faces of which no part was replaced."""
        self._add(name, ALL, WHOLE, self.spaces, faces)
        for part, spaces in enumerate(self.borders):
            self._add(name, part, BORDER, spaces, faces)

    def add_edits(self, name: str, editor: Editor, sets: bool = True) -> None:
        """Test the sources with each part replaced by the targets'.

        Parameters
        ----------
        name : of the edits
        editor : replaces the parts
        sets : also measure what other papers report of the sets
        """
        sources, targets = self.fresh.sources, self.fresh.targets
        leaks = self._leaks(editor)
        given = self._given(editor)
        edited = _edited(editor, given.sources, given.targets)
        predictability = self._predictability(edited) if sets else np.nan
        for part, faces in enumerate(edited):
            self._facts[name, part] = {
                "likeness": likeness(faces, sources, targets, self.weights[:, part]),
                "leak": leaks[part],
            }
            if sets:
                self._facts[name, part] |= {
                    "jsd": occupancy_divergence(faces, self.fresh.references),
                    "diversity_mm": pair_diversity(faces, self._pairs).mean(),
                    "vp": predictability,
                }
            self.add_replaced(name, part, faces)

    def add_replaced(self, name: str, part: int, faces: Faces) -> None:
        """Test faces of which a part was replaced, as a whole and along its border."""
        self._add(name, part, WHOLE, self.spaces, faces)
        self._add(name, part, BORDER, self.borders[part], faces)

    def compare(self) -> None:
        """Add to each test by how much it passes that of the shuffled pairs."""
        pairs = {
            (row["part"], row["space"]): row["accuracy"]
            for row in self.tests
            if row["edit"] == PAIRS
        }
        for row in self.tests:
            if row["region"] == WHOLE and row["edit"] != PAIRS:
                row["excess"] = row["accuracy"] - pairs.get((row["part"], row["space"]), np.nan)

    def named(self, rows: Rows) -> Rows:
        """Return rows with the names that edits have in the tables."""
        return [{**row, "edit": f"{row['edit']}{self._suffix}"} for row in rows]

    def summed(self) -> Rows:
        """Return a row for each set of faces and part, with what is worst."""
        worst: dict[tuple[str, Any], dict[str, Any]] = {}
        for row in self.tests:
            key = row["edit"], row["part"]
            shared = {name: row[name] for name in ("edit", "part", "faces", "origin")}
            found = worst.setdefault(key, {**shared, **self._facts.get(key, {})})
            value = {WHOLE: "worst", BORDER: "border"}[row["region"]]
            if row["accuracy"] > found.get(value, -1.0):
                found[value], found[f"{value}_space"] = row["accuracy"], row["space"]
        for (edit, part), found in worst.items():
            least = worst.get((PAIRS, part), {}).get("worst")
            if edit != PAIRS and least is not None and "worst" in found:
                found["excess"] = found["worst"] - least
        return list(worst.values())

    @cached_property
    def _pairs(self) -> Ints:
        """Pairs of faces of a set, of which its diversity is taken."""
        return draw_pairs(len(self.fresh.sources), _DIVERSITY_PAIRS, self.settings.seed)

    def _predictability(self, edited: npt.NDArray[np.float32]) -> float:
        """Return how well the change tells which part was replaced, of faces (K, n, V, 3), mm.

        The change is how far each vertex has moved; NaN where a tenth of the faces is not two of
        each part.
        """
        parts, count = edited.shape[:2]
        if parts < 2 or count < _LEAST_TO_PREDICT:
            return float("nan")
        moved = [vertex_distances(faces, self.fresh.sources) for faces in edited]
        varied = np.repeat(np.arange(parts), count)
        return variation_predictability(np.concatenate(moved), varied, self.settings.seed)

    def _leaks(self, editor: Editor) -> list[float]:
        """Return the leak of each part, of the first pairs of sources and targets."""
        given = self._given(editor)
        count = min(len(given.sources), _LEAK_PAIRS)
        ends = (given.sources[:count], given.targets[:count])
        codes = np.concatenate([_by_batches(editor.encode, faces) for faces in ends])
        pairs = np.arange(2 * count).reshape(2, -1).T
        profiles = edit_profiles(editor, codes, pairs)
        return [leak(profile, self.weights[:, k]) for k, profile in enumerate(profiles)]

    def _given(self, editor: Editor) -> FreshFaces:
        """Return the faces as an editor takes them."""
        return self.given if isinstance(editor, ChannelEditor) else self.fresh

    def add_apart(self, name: str, part: int, cores: Faces, others: Faces) -> None:
        """Test cores of a part beside the surroundings of other faces, with no border between them.

        Nothing is tested where a part has no core (w_k > 0.9), or no surroundings (w_k < 0.1).
        """
        core, beyond = self.weights[:, part] > _CORE, self.weights[:, part] < _BEYOND
        if not (core.any() and beyond.any()):
            return
        real = self.fresh.references
        for space in self.spaces:
            blocks = [
                _pair_blocks(space, core, beyond, *pair) for pair in ((real, real), (cores, others))
            ]
            self._test(name, part, WHOLE, space, *blocks)

    def _add(
        self, name: str, part: int | str, region: str, spaces: list[FeatureSpace], faces: Faces
    ) -> None:
        for space in spaces:
            sets = (space.blocks(self.fresh.references), space.blocks(faces))
            squares = self._test(name, part, region, space, *sets)
            if region == WHOLE and isinstance(space, Vertices):
                half = len(faces)
                apart = np.sqrt(squares[half:, :half] / len(space.chosen))
                about = self._facts.setdefault((name, part), {})
                about |= {
                    "neighbour": self.tests[-1]["neighbour"],
                    "coverage": coverage(apart),
                    "matching_mm": minimum_matching_distance(apart),
                }

    def _test(
        self,
        name: str,
        part: int | str,
        region: str,
        space: FeatureSpace,
        references: Iterator[npt.NDArray[Any]],
        others: Iterator[npt.NDArray[Any]],
    ) -> npt.NDArray[np.float64]:
        """Add the row of a test, and return the squared distances."""
        pooled = (np.concatenate(pair) for pair in zip(references, others, strict=True))
        squares = squared_distances(pooled)
        row = {"edit": name, "part": part, "space": space.name, "region": region}
        row |= {"faces": len(self.fresh.references), "origin": self.fresh.origin}
        self.tests.append({**row, **asdict(two_sample(squares, self._labels))})
        return squares

    @cached_property
    def _labels(self) -> Any:
        groups = np.concatenate([self.fresh.groups[2], self.fresh.groups[0]])
        count = len(self.fresh.references)
        return draw_labels(
            count,
            count,
            self.settings.folds,
            self.settings.permutations,
            self.settings.seed,
            groups if len(np.unique(groups)) < len(groups) else None,
        )


def _pair_blocks(
    space: FeatureSpace, core: Bools, beyond: Bools, cores: Faces, others: Faces
) -> Iterator[npt.NDArray[Any]]:
    """Yield the features of cores and of other faces' surroundings, without a border."""
    if isinstance(space, Components):
        yield from space.restricted(core | beyond).blocks(np.where(core[:, None], cores, others))
    else:
        yield from space.restricted(core).blocks(cores)
        yield from space.restricted(beyond).blocks(others)


def _edited(editor: Editor, sources: Faces, targets: Faces) -> Faces:
    """Return the sources with each part replaced, float32 (K, n, V, 3), mm."""
    edited = np.empty((editor.part_count, *sources.shape[:-1], 3), np.float32)
    for start in range(0, len(sources), _BATCH):
        rows = slice(start, start + _BATCH)
        ends = editor.encode(sources[rows]), editor.encode(targets[rows])
        for part in range(editor.part_count):
            edited[part, rows] = editor.blend(*ends, part, 1.0)
    return edited


def _by_batches(function: Any, faces: Faces) -> Any:
    """Return what a function of faces returns, of any number of faces."""
    starts = range(0, len(faces), _BATCH)
    return np.concatenate([function(faces[start : start + _BATCH]) for start in starts])
