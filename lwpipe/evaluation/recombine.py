"""The true answers of part edits, where the source of the faces knows their factors.

A factor belongs to the part within which its displacement d has the largest share of sum_v |d|^2,
if that is above three quarters; a vertex counts to the part of its largest weight, so that parts of
other sharpness ask for the same. Factors that belong to none are equal in source and target. The
truth of "part k from t onto s" is the face with t's factors where k owns them, and s's elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from lwpipe.core.arrays import check_arrays, read_npz, write_npz
from lwpipe.core.errors import LwpipeError
from lwpipe.core.threads import one_blas_thread
from lwpipe.data.factors import Factors
from lwpipe.data.settings import DataSettings
from lwpipe.data.store import Dataset
from lwpipe.evaluation.inputs import open_data, open_local_weights
from lwpipe.evaluation.placing import placed
from lwpipe.evaluation.settings import TruthSettings

Faces = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

OWNED = 0.75
# Where the part does not change there is nothing to be judged.
SMALLEST_CHANGE_MM = 0.5
_DRAWS = 20
# Share of the vertices of two parts, of those of either, from which on they are the same part.
_ALIKE = 0.5
_FACES = ("sources", "targets", "truths")
_NUMBERS = ("parts", "labels", "owners")


@dataclass(frozen=True)
class Recombinations:
    """Sources, targets and the true faces with one part of the target on the source.

    Attributes
    ----------
    sources, targets, truths : float32 (n, V, 3), mm, in the frame of the data set
    parts : int64 (n,), which part is replaced
    labels : int64 (V,), the part that each vertex belongs to
    owners : int64 (J,), the part that each factor belongs to; -1: none
    """

    sources: Faces
    targets: Faces
    truths: Faces
    parts: Ints
    labels: Ints
    owners: Ints

    @classmethod
    def none(cls, labels: Ints, factors: int = 0) -> Recombinations:
        """Return none, of faces of the parts `labels` (V,) and factors that belong to none."""
        faces = np.empty((0, len(labels), 3), np.float32)
        return cls(faces, faces, faces, np.empty(0, np.int64), labels, np.full(factors, -1))

    def asked_of(self, weights: npt.ArrayLike) -> Recombinations:
        """Return the same for other local weights, with the numbers of their parts.

        The parts are matched by the vertices that they share. None are returned where the weights
        have other parts: another number, or one that shares less than half with its match.

        Parameters
        ----------
        weights : float (V, K)
        """
        labels = labels_of(weights)
        count = np.asarray(weights).shape[1]
        if count <= max(self.labels.max(), self.parts.max(initial=0)):
            return self.none(labels, len(self.owners))
        shared = np.zeros((count, count))
        np.add.at(shared, (self.labels, labels), 1)
        either = shared.sum(axis=1)[:, None] + shared.sum(axis=0) - shared
        alike = shared / np.maximum(either, 1)
        mine, theirs = linear_sum_assignment(alike, maximize=True)
        asked = np.isin(mine, self.parts)
        if (alike[mine, theirs][asked] < _ALIKE).any():
            return self.none(labels, len(self.owners))
        owners = np.where(self.owners >= 0, theirs[self.owners], -1)
        return replace(self, parts=theirs[self.parts], labels=labels, owners=owners)


def labels_of(weights: npt.ArrayLike) -> Ints:
    """Return the part of each vertex' largest weight, int64 (V,), of weights (V, K)."""
    labels: Ints = np.asarray(weights).argmax(axis=1).astype(np.int64)
    return labels


def owners_of(fields: npt.NDArray[np.floating[Any]], weights: npt.ArrayLike) -> Ints:
    """Return the part that each factor belongs to, int64 (J,); -1 for those of several.

    Parameters
    ----------
    fields : float (J, V, 3)
    weights : float (V, K), rows sum to 1
    """
    weights = np.asarray(weights)
    largest = (weights == weights.max(axis=1, keepdims=True)).astype(np.float64)
    labels = largest / largest.sum(axis=1, keepdims=True)
    # One by one: a source may have hundreds of factors.
    share = np.stack([(field.astype(np.float64) ** 2).sum(axis=1) @ labels for field in fields])
    share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-300)
    owner = share.argmax(axis=1)
    return np.where(share.max(axis=1) > OWNED, owner, -1).astype(np.int64)


def recombine(
    factors: Factors, data: Dataset, weights: npt.ArrayLike, count: int, seed: int
) -> Recombinations:
    """Draw sources and targets and make the true answers, about as many for each part.

    Parameters
    ----------
    factors : of the source of the faces
    data : the data set, in whose frame the faces are put by the rigid transform of their source
    weights : float (V, K), which tell the parts
    count : how many in all; fewer where parts own no factor
    seed : of the draw
    """
    weights = np.asarray(weights, np.float64)
    owners = owners_of(factors.fields, weights)
    parts = sorted(set(owners.tolist()) - {-1})
    wanted = {part: -(-count // len(parts)) for part in parts} if parts else {}
    found: list[tuple[Faces, Faces, Faces, int]] = []
    for draw in range(_DRAWS):
        if not any(wanted.values()):
            break
        common, source, target = factors.draw(max(count, 8), seed * _DRAWS + draw)
        target = np.where(owners == -1, source, target)
        for row in range(len(source)):
            differ = {int(part) for part in owners[source[row] != target[row]]}
            part = max((p for p in differ if p in wanted), key=wanted.__getitem__, default=-1)
            if part < 0 or not wanted[part]:
                continue
            mixed = np.where(owners == part, target[row], source[row])
            three = np.stack([source[row], target[row], mixed])
            faces = factors.make(np.repeat(common[row : row + 1], 3, axis=0), three)
            if np.linalg.norm(faces[2] - faces[0], axis=1).max() < SMALLEST_CHANGE_MM:
                continue
            wanted[part] -= 1
            source_face, target_face, truth = placed(faces, data, together=True)
            found.append((source_face, target_face, truth, part))
    labels = labels_of(weights)
    if not found:
        return Recombinations.none(labels, len(owners))
    found.sort(key=lambda each: each[3])
    sources, targets, truths, numbers = zip(*found, strict=True)
    return Recombinations(
        np.stack(sources), np.stack(targets), np.stack(truths), np.array(numbers), labels, owners
    )


def make_recombinations(
    dataset: Dataset | str | Path,
    local_weights: npt.ArrayLike | str | Path,
    recombinations: str | Path,
    data: DataSettings,
    truth: TruthSettings,
) -> Recombinations:
    """Make the true answers that all edits of a run are compared with, and write them.

    Where the source of the faces does not know its factors there are none.

    Parameters
    ----------
    dataset : Dataset, or its folder
    local_weights : float (V, K), which tell the parts; or `local_weights.npz`
    recombinations : NPZ to write, for `read_recombinations`
    data : of the source of the faces
    truth : TruthSettings

    Raises
    ------
    LwpipeError
        If data, weights and source do not fit each other.
    """
    dataset = open_data(dataset)
    weights = open_local_weights(local_weights, dataset)
    factors = data.make_source().factors()
    if factors is None:
        made = Recombinations.none(labels_of(weights))
    elif factors.fields.shape[1] != len(weights):
        raise LwpipeError(
            f"{dataset.path}: the faces have {len(weights)} vertices and those of the source "
            f"'{data.source}' {factors.fields.shape[1]}: it was made by other settings."
        )
    else:
        with one_blas_thread():
            made = recombine(factors, dataset, weights, truth.recombinations, truth.seed)
    write_npz(recombinations, vars(made))
    return made


def read_recombinations(made: Recombinations | str | Path, data: Dataset) -> Recombinations:
    """Read what `make_recombinations` has written.

    Raises
    ------
    LwpipeError
        If the file is missing or damaged, or was made of other data.
    """
    if isinstance(made, Recombinations):
        return made
    read = read_npz(made, "recombinations", (*_FACES, *_NUMBERS))
    vertices, count = len(data.template), read["parts"].size
    kinds: dict[str, tuple[str, tuple[int, ...]]] = {
        "parts": ("i", (count,)),
        "labels": ("i", (vertices,)),
        "owners": ("i", (read["owners"].size,)),
    }
    kinds |= dict.fromkeys(_FACES, ("f", (count, vertices, 3)))
    check_arrays(made, read, kinds, f"holds no recombinations of faces of {vertices} vertices")
    sources, targets, truths = (np.asarray(read[name], np.float32) for name in _FACES)
    parts, labels, owners = (read[name].astype(np.int64) for name in _NUMBERS)
    return Recombinations(sources, targets, truths, parts, labels, owners)
