"""Faces that neither the model nor the data set has seen: sources, targets and references."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lwpipe.core.arrays import check_arrays, read_npz, write_npz
from lwpipe.core.errors import LwpipeError
from lwpipe.core.threads import one_blas_thread
from lwpipe.data.settings import DataSettings
from lwpipe.data.signals import joined
from lwpipe.data.source import Colors, Opened, Rows
from lwpipe.data.source import Faces as Chunk
from lwpipe.data.store import Dataset
from lwpipe.evaluation.inputs import open_data, stored_channels
from lwpipe.evaluation.measure import Faces
from lwpipe.evaluation.placing import placed
from lwpipe.evaluation.settings import FreshSettings

Ints = npt.NDArray[np.int64]

DRAWN, TEST = "drawn anew", "test faces"
_SETS = 3
# With fewer on a side there is nothing to learn from.
_FEWEST = 4
# Persons are kept apart where there are so many on each side.
_PERSONS = 10
# Sets the seed of the faces apart from that of the data.
_STREAM = 6


@dataclass(frozen=True)
class FreshFaces:
    """Disjoint sets of faces, none of which a model was trained on.

    Attributes
    ----------
    sources, targets, references : float32 (n, V, C), mm, in the frame of the data set
        With their colours where the data set has colours.
    groups : int64 (3, n), whose face each is, by number
    origin : 'drawn anew' or 'test faces'
    """

    sources: Faces
    targets: Faces
    references: Faces
    groups: Ints
    origin: str

    def of(self, channels: slice) -> FreshFaces:
        """Return the same with some of the channels only; without colours they are themselves."""
        if self.sources.shape[-1] == 3:
            return self
        sources, targets, references = (
            np.ascontiguousarray(faces[..., channels])
            for faces in (self.sources, self.targets, self.references)
        )
        return replace(self, sources=sources, targets=targets, references=references)


def draw_fresh_faces(
    dataset: Dataset | str | Path, faces: str | Path, data: DataSettings, detection: FreshSettings
) -> FreshFaces:
    """Draw sources, targets and references, and write them.

    A source that makes as many faces, each of another person, as are asked for makes new ones: by
    another seed, none of them is in the data set. Of other sources the test faces are cut in three,
    by persons where there are at least thirty; there are none where less than twelve are.

    Parameters
    ----------
    dataset : Dataset, or its folder
    faces : NPZ to write, for `read_fresh_faces`
    data : of the source of the faces
    detection : how many, and the seed

    Raises
    ------
    LwpipeError
        If data and source do not fit each other.
    """
    dataset = open_data(dataset)
    with one_blas_thread():
        fresh = _drawn(dataset, data, detection) or _held_out(dataset, detection)
    write_npz(faces, {**vars(fresh), "origin": np.array(fresh.origin)})
    return fresh


def open_fresh_faces(fresh: FreshFaces | str | Path, data: Dataset) -> FreshFaces:
    """Return fresh faces, or read them as `read_fresh_faces` does."""
    return fresh if isinstance(fresh, FreshFaces) else read_fresh_faces(fresh, data)


def read_fresh_faces(path: str | Path, data: Dataset) -> FreshFaces:
    """Read the faces that `draw_fresh_faces` has written.

    Raises
    ------
    LwpipeError
        If the file is missing or damaged, or was made of other data.
    """
    sets = ("sources", "targets", "references")
    read = read_npz(path, "fresh faces", (*sets, "groups", "origin"))
    groups, origin = read["groups"], read["origin"]
    count, vertices = groups.shape[-1] if groups.ndim else 0, len(data.template)
    kinds = {"groups": ("i", (_SETS, count)), "origin": ("U", ())}
    channels = stored_channels(read["sources"])
    kinds |= dict.fromkeys(sets, ("f", (count, vertices, channels)))
    check_arrays(path, read, kinds, f"is no file of fresh faces of {vertices} vertices")
    sources, targets, references = (np.asarray(read[name], np.float32) for name in sets)
    return FreshFaces(sources, targets, references, groups.astype(np.int64), str(origin))


def _drawn(dataset: Dataset, data: DataSettings, detection: FreshSettings) -> FreshFaces | None:
    """Return faces that the source makes anew; None where it has no new persons to make."""
    source = data.make_source()
    if not source.endless:
        return None
    count = _SETS * detection.faces
    streams = np.random.SeedSequence([data.seed, detection.seed, _STREAM])
    seed = int(streams.generate_state(1)[0] >> 1)
    # The one seed that must not come out is that of the data set.
    other = type(source)(source.own, count, seed ^ (seed == data.seed))
    other.with_colors = dataset.colors is not None
    opened = other.open()
    if len(set(opened.subjects)) < count:
        return None
    if opened.vertex_count != len(dataset.template):
        raise LwpipeError(
            f"{dataset.path}: the faces have {len(dataset.template)} vertices and those of the "
            f"source '{data.source}' {opened.vertex_count}: it was made by other settings."
        )
    faces = _made(opened, dataset, count)
    sets = np.random.default_rng([detection.seed, _STREAM]).permutation(count).reshape(_SETS, -1)
    sources, targets, references = (faces[rows] for rows in sets)
    return FreshFaces(sources, targets, references, sets, DRAWN)


def _made(opened: Opened, dataset: Dataset, count: int) -> Faces:
    centred = isinstance(dataset.info.get("alignment"), dict)
    chunks: Iterator[tuple[Rows, Chunk, Colors | None]]
    if dataset.colors is None:
        chunks = ((rows, chunk, None) for rows, chunk in opened.chunks(centred))
    else:
        chunks = opened.colored_chunks(centred)
    faces = np.empty((count, *dataset.signals.shape[1:]), np.float32)
    for rows, chunk, colors in chunks:
        block = chunk if chunk.ndim == 3 else chunk[None]
        made = joined(placed(block * opened.unit(), dataset), colors)
        faces[rows] = made
    return faces


def _held_out(dataset: Dataset, detection: FreshSettings) -> FreshFaces:
    """Return the test faces, cut in three."""
    test = dataset.indices("test")
    subjects = dataset.faces["subject"].astype(str).to_numpy()[test]
    persons = np.unique(subjects, return_inverse=True)[1].reshape(-1)
    if persons.max(initial=-1) + 1 < _SETS * _PERSONS:
        # Of the same persons: what is asked is whether a face could be one of theirs.
        persons = np.arange(len(test))
    random = np.random.default_rng([detection.seed, _STREAM])
    sizes = Counter(persons.tolist())
    sets: list[list[int]] = [[], [], []]
    for person in random.permutation(len(sizes)).tolist():
        smallest = min(sets, key=len)
        smallest += np.flatnonzero(persons == person).tolist()
    count = min(detection.faces, *map(len, sets))
    count = count if count >= _FEWEST else 0
    rows = np.array([random.permutation(chosen)[:count] for chosen in sets], np.int64)
    sources, targets, references = (np.asarray(dataset.signals[test[chosen]]) for chosen in rows)
    return FreshFaces(sources, targets, references, persons[rows], TEST)
