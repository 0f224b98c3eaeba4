"""Whether faces drawn from a model could be faces, whether they are many, and whether they are new.

Samples stand against the references of the stage of detection, which no model has seen, in its
tests and spaces. Beside them stand Gaussians along the principal components of the training faces,
as many as the model has latent numbers and all that there are, and real faces. A part drawn given
the rest of a face stands beside one that was drawn without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from lwpipe.core.arrays import check_arrays, read_npz, write_npz
from lwpipe.core.files import write_csv
from lwpipe.core.rounding import rounded
from lwpipe.core.threads import one_blas_thread
from lwpipe.data.signals import POSITION, positions
from lwpipe.data.store import Dataset
from lwpipe.editing import EditingSettings, FaceModel, Pca
from lwpipe.editing.editors import PlacedModel
from lwpipe.evaluation.bench import SPAN_TOLERANCE
from lwpipe.evaluation.detection import ALL, REAL, TEST_COLUMNS, WHOLE, DetectionBench
from lwpipe.evaluation.feature_spaces import Vertices
from lwpipe.evaluation.fresh import FreshFaces, open_fresh_faces
from lwpipe.evaluation.inputs import (
    faces_for,
    open_data,
    open_local_weights,
    open_model,
    stored_channels,
    taken_by,
)
from lwpipe.evaluation.measure import Faces, Rows
from lwpipe.evaluation.measures.reconstruction import vertex_distances
from lwpipe.evaluation.measures.specificity import NearestFace
from lwpipe.evaluation.sampling import draw_pairs
from lwpipe.evaluation.set_measures import occupancy_divergence, pair_diversity
from lwpipe.evaluation.settings import DetectionSettings, SampleSettings
from lwpipe.model.settings import LatentSettings
from lwpipe.sampling import (
    Prior,
    fit_to_training,
    load_prior,
    sample,
    sample_part,
    save_prior,
    traverse,
)
from lwpipe.sampling.settings import PriorSettings

Floats = npt.NDArray[np.float64]

# Rows of the tables.
SAMPLES, GIVEN_REST, ALONE = "samples", "part_given_rest", "part_alone"
PCA_GAUSSIAN, FULL_GAUSSIAN = "pca_gaussian", "pca_full_gaussian"
COLUMNS = (
    "set", "part", "faces", "origin", "worst_space", "worst", "neighbour", "border_space", "border",
    "coverage", "matching_mm", "jsd", "nearest_mm", "nearest_ratio", "closer_share", "diversity_mm",
    "generalisation_mm",
)  # fmt: skip
SHOWN, BESIDE = 16, 8
DIRECTIONS = 2
# In standard deviations given the rest, which are some fifth of those of any face.
STEPS = (-9.0, -6.0, -3.0, 0.0, 3.0, 6.0, 9.0)
# Real faces nearer than that share of them to a training face are near.
_NEAR = 0.05
_PAIRS = 500
_INSIDE = 0.5
# Sets the draws apart from each other.
_OF_SAMPLES, _OF_PARTS, _OF_PAIRS, _OF_RIVALS = 0, 1, 2, 3


def fit_model_prior(
    dataset: Dataset | str | Path,
    model: PlacedModel | str | Path,
    prior: str | Path,
    sampling: PriorSettings,
) -> Prior:
    """Fit the prior of a model to the training faces, and write it.

    Parameters
    ----------
    dataset : Dataset, or its folder
    model : a trained model, or its file or folder
    prior : NPZ to write, for `lwpipe.sampling.load_prior`
    sampling : PriorSettings

    Raises
    ------
    LwpipeError
        If data and model do not fit each other.
    """
    dataset = open_data(dataset)
    found = _placed(open_model(model, dataset))
    made = fit_to_training(found, dataset, sampling)
    save_prior(prior, made)
    return made


def measure_samples(
    dataset: Dataset | str | Path,
    local_weights: npt.ArrayLike | str | Path,
    model: PlacedModel | str | Path,
    prior: Prior | str | Path,
    fresh: FreshFaces | str | Path,
    tests: str | Path,
    table: str | Path,
    examples: str | Path,
    sampling: SampleSettings,
    detection: DetectionSettings,
    editing: EditingSettings,
) -> Rows:
    """Draw faces and parts of faces from a model, and measure them.

    Parameters
    ----------
    dataset : Dataset, or its folder
    local_weights : float (V, K), or `local_weights.npz`
    model : a trained model, or its file or folder
    prior : of the model, or its file
    fresh : FreshFaces, or the file of `draw_fresh_faces`
    tests : CSV to write: a row for each set, part, region and space
    table : CSV to write: a row for each set and part
    examples : NPZ to write, for `read_sample_examples`
    sampling, detection : how faces are drawn and tested
    editing : how a part is put in

    Returns
    -------
    list of dict
        The rows of `table`.

    Raises
    ------
    LwpipeError
        If data, weights, model, prior and faces do not fit each other.
    """
    dataset = open_data(dataset)
    weights = open_local_weights(local_weights, dataset)
    found = _placed(open_model(model, dataset))
    known = prior if isinstance(prior, Prior) else load_prior(prior, found)
    faces = open_fresh_faces(fresh, dataset)
    with one_blas_thread():
        bench = _Bench(dataset, weights, faces, detection, sampling)
        drawn = sample(found, known, max(bench.count, SHOWN), _seed(sampling, _OF_SAMPLES),
                       sampling.temperature)  # fmt: skip
        bench.add_whole(SAMPLES, drawn[: bench.count], found.reconstruct, found)
        local = found.part_count == weights.shape[1] > 1 and found.parts_match_weights
        if local:
            for part in range(found.part_count):
                for name, given in ((GIVEN_REST, True), (ALONE, False)):
                    bench.add_part(name, part, _Parts(found, known, sampling, editing, given))
        _write_examples(examples, bench, drawn, found, known, sampling, editing, local)
        return bench.write(tests, table)


def measure_samples_of_baselines(
    dataset: Dataset | str | Path,
    local_weights: npt.ArrayLike | str | Path,
    fresh: FreshFaces | str | Path,
    tests: str | Path,
    table: str | Path,
    sampling: SampleSettings,
    detection: DetectionSettings,
    model: LatentSettings,
) -> Rows:
    """Measure real faces, and samples of Gaussians along principal components, as a model's.

    Parameters
    ----------
    dataset : Dataset, or its folder
    local_weights : float (V, K), or `local_weights.npz`
    fresh : FreshFaces, or the file of `draw_fresh_faces`
    tests, table : CSV to write
    sampling, detection : how faces are drawn and tested
    model : LatentSettings
        The latent size Z of the models that they stand beside.

    Returns
    -------
    list of dict
        The rows of `table`.

    Raises
    ------
    LwpipeError
        If data, weights and faces do not fit each other.
    """
    dataset = open_data(dataset)
    weights = open_local_weights(local_weights, dataset)
    faces = open_fresh_faces(fresh, dataset)
    with one_blas_thread():
        bench = _Bench(dataset, weights, faces, detection, sampling)
        bench.add_whole(REAL, bench.fresh.sources, None)
        span = Pca.fit(dataset.vertices, dataset.indices("train"), tolerance=SPAN_TOLERANCE)
        random = np.random.default_rng(_seed(sampling, _OF_RIVALS))
        for name, pca in ((PCA_GAUSSIAN, span.first(model.latent_size)), (FULL_GAUSSIAN, span)):
            noise = random.standard_normal((bench.count, pca.rank))
            drawn = pca.faces(sampling.temperature * noise * pca.deviation)
            bench.add_whole(name, drawn, pca.project)
        return bench.write(tests, table)


@dataclass(frozen=True)
class SampleExamples:
    """Faces to look at.

    Attributes
    ----------
    samples : float32 (n, V, 3), mm
    nearest : float32 (m, V, 3), mm, the training face nearest to each of the first samples
    nearest_mm : float64 (m,), how far it is
    real_mm : float64 (2,), how far a face that was not trained on is: mean, and the nearest 5%
    face : float32 (V, 3), mm
    varied : float32 (K, n, V, 3), mm: its parts, drawn given the rest
    moved : float32 (K, d, s, V, 3), mm: its parts, along their main directions
    dials : what the dials of the edits are
    """

    samples: Faces
    nearest: Faces
    nearest_mm: Floats
    real_mm: Floats
    face: Faces
    varied: Faces
    moved: Faces
    dials: str


def read_sample_examples(path: str | Path, data: Dataset) -> SampleExamples:
    """Read the examples that `measure_samples` has written.

    Raises
    ------
    LwpipeError
        If the file is missing or damaged, or was made of other data.
    """
    names = tuple(SampleExamples.__annotations__)
    read = read_npz(path, "examples of samples", names)
    vertices = len(data.template)
    parts = (*read["varied"].shape, 0)[0]
    near = read["nearest_mm"].size
    channels = stored_channels(read["face"])
    kinds: dict[str, tuple[str, tuple[int, ...]]] = {
        "samples": ("f", (SHOWN, vertices, channels)),
        "nearest": ("f", (near, vertices, channels)),
        "nearest_mm": ("f", (near,)),
        "real_mm": ("f", (2,)),
        "face": ("f", (vertices, channels)),
        "varied": ("f", (parts, SHOWN, vertices, channels)),
        "moved": ("f", (parts, DIRECTIONS, len(STEPS), vertices, channels)),
        "dials": ("U", ()),
    }
    check_arrays(path, read, kinds, f"is no file of samples of {vertices} vertices")
    samples, nearest, face, varied, moved = (
        np.asarray(read[name], np.float32)
        for name in ("samples", "nearest", "face", "varied", "moved")
    )
    distances, real = (np.asarray(read[name], np.float64) for name in ("nearest_mm", "real_mm"))
    dials = str(read["dials"])
    return SampleExamples(samples, nearest, distances, real, face, varied, moved, dials)


@dataclass(frozen=True)
class _Parts:
    """Draws a part of faces."""

    model: PlacedModel
    prior: Prior
    sampling: SampleSettings
    editing: EditingSettings
    given_rest: bool

    def __call__(self, face: Faces, part: int, count: int, seed: int) -> Faces:
        given = taken_by(self.model, face)
        return sample_part(
            self.model, self.prior, given, part, count, seed, self.sampling.temperature,
            self.editing, self.given_rest,
        )  # fmt: skip


class _Bench:
    """Where sets of drawn faces are measured: the same references and seeds for all."""

    def __init__(
        self,
        data: Dataset,
        weights: npt.NDArray[np.float32],
        fresh: FreshFaces,
        detection: DetectionSettings,
        sampling: SampleSettings,
    ) -> None:
        self.data, self.weights, self.sampling = data, weights, sampling
        self.given, self.fresh = fresh, fresh.of(POSITION)
        self.tested = DetectionBench(data, weights, fresh, detection)
        self.facts: dict[tuple[str, Any], dict[str, Any]] = {}
        self.nearest = NearestFace(data.vertices, data.indices("train"), data.template)
        self.real = self.nearest.distances(self.fresh.references)

    @property
    def count(self) -> int:
        """Number of faces of a set; 0 where there are too few to test."""
        return len(self.fresh.references)

    @property
    def real_mm(self) -> Floats:
        """How far real faces are from the nearest training face: mean, and the nearest 5%, mm."""
        if len(self.real) == 0:
            return np.full(2, np.nan)
        return np.array([self.real.mean(), np.quantile(self.real, _NEAR)])

    def add_whole(
        self,
        name: str,
        faces: Faces,
        reconstruct: Callable[[Faces], Faces] | None,
        model: FaceModel | None = None,
    ) -> None:
        """Measure whole faces, and how near what draws them comes to the references.

        Colours are not measured; a model takes the references with those that it knows.
        """
        if self.count == 0:
            return
        faces = positions(faces)
        self.tested.add_whole(name, faces)
        near = self.nearest.distances(faces)
        mean, least = self.real_mm
        pairs = draw_pairs(len(faces), _PAIRS, self.sampling.seed, _OF_PAIRS)
        about = {
            "jsd": occupancy_divergence(faces, self.fresh.references),
            "nearest_mm": near.mean(),
            "nearest_ratio": near.mean() / mean,
            "closer_share": (near < least).mean(),
            "diversity_mm": pair_diversity(faces, pairs).mean(),
        }
        if reconstruct is not None:
            references = self.fresh.references
            if model is not None:
                references = taken_by(model, self.given.references)
            back = reconstruct(references)
            about["generalisation_mm"] = vertex_distances(back, references).mean()
        self.facts[name, ALL] = about

    def add_part(self, name: str, part: int, draw: Callable[[Faces, int, int, int], Faces]) -> None:
        """Measure the sources with a part drawn anew, two draws each."""
        if self.count == 0:
            return
        seeds = [
            _seed(self.sampling, _OF_PARTS, part, row) for row in range(len(self.given.sources))
        ]
        draws = [
            draw(face, part, 2, seed) for face, seed in zip(self.given.sources, seeds, strict=True)
        ]
        both = positions(np.stack(draws, axis=1))
        self.tested.add_replaced(name, part, both[0])
        inside = self.weights[:, part] > _INSIDE
        apart = vertex_distances(both[0][:, inside], both[1][:, inside])
        self.facts[name, part] = {"diversity_mm": apart.mean() if inside.any() else np.nan}

    def write(self, tests: str | Path, table: str | Path) -> Rows:
        """Write both tables, and return the rows of `table`."""
        columns = ["set" if name == "edit" else name for name in TEST_COLUMNS if name != "excess"]
        renamed = [{"set": row["edit"], **row} for row in self.tested.tests]
        kept: Rows = [{name: row[name] for name in columns} for row in renamed]
        neighbours = {
            (row["set"], row["part"]): row["neighbour"]
            for row in kept
            if row["space"] == Vertices.name and row["region"] == WHOLE
        }
        found: Rows = []
        for row in self.tested.summed():
            key = row["edit"], row["part"]
            whole = {"set": row["edit"], "neighbour": neighbours.get(key), **row}
            whole |= self.facts.get(key, {})
            found.append({name: whole[name] for name in COLUMNS if name in whole})
        found = rounded(found)
        write_csv(tests, rounded(kept), columns)
        write_csv(table, found, COLUMNS)
        return found


def _write_examples(
    path: str | Path,
    bench: _Bench,
    drawn: Faces,
    model: PlacedModel,
    prior: Prior,
    sampling: SampleSettings,
    editing: EditingSettings,
    local: bool,
) -> None:
    data = bench.data
    inputs = faces_for(model, data)
    face = np.asarray(inputs[data.indices("test")[0]])
    found = [bench.nearest.distance(one) for one in positions(drawn[:BESIDE])]
    parts = range(model.part_count if local else 0)
    varied = [
        sample_part(model, prior, face, part, SHOWN, _seed(sampling, _OF_PARTS, part),
                    sampling.temperature, editing)
        for part in parts
    ]  # fmt: skip
    moved = [
        [traverse(model, prior, face, part, which, STEPS, editing) for which in range(DIRECTIONS)]
        for part in parts
    ]
    shape = (len(parts), DIRECTIONS, len(STEPS), *face.shape)
    arrays: dict[str, npt.NDArray[Any]] = {
        "samples": drawn[:SHOWN],
        "nearest": np.stack([np.asarray(inputs[row]) for _, row in found]),
        "nearest_mm": np.array([distance for distance, _ in found]),
        "real_mm": bench.real_mm,
        "face": face,
        "varied": np.array(varied, np.float32).reshape(len(parts), SHOWN, *face.shape),
        "moved": np.array(moved, np.float32).reshape(shape),
        "dials": np.array(editing.words()),
    }
    write_npz(path, arrays)


def _placed(model: FaceModel) -> PlacedModel:
    """Return a model, which has its local weights with it as every trained one has."""
    return cast(PlacedModel, model)


def _seed(sampling: SampleSettings, *stream: int) -> int:
    words = np.random.SeedSequence([sampling.seed, *stream]).generate_state(1)
    return int(words[0])
