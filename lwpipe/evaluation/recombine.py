"""The true answer of a part edit, where the source of the faces knows their factors.

A factor belongs to the part within which its displacement d has the largest share of sum_v |d|^2,
if that is above three quarters; a vertex counts to the part of its largest weight, so that parts of
other sharpness ask for the same. Factors that belong to none are equal in source and target. The
truth of "part k from t onto s" is the face with t's factors where k owns them, and s's elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.data.factors import Factors
from lwpipe.data.store import Dataset
from lwpipe.evaluation.placing import placed

Faces = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

OWNED = 0.75
# Where the part does not change there is nothing to be judged.
SMALLEST_CHANGE_MM = 0.5
_DRAWS = 20


@dataclass(frozen=True)
class Recombinations:
    """Sources, targets and the true faces with one part of the target on the source.

    Attributes
    ----------
    sources, targets, truths : float32 (n, V, 3), mm, in the frame of the data set
    parts : int64 (n,), which part is replaced
    owners : int64 (J,), the part that each factor belongs to; -1: none
    """

    sources: Faces
    targets: Faces
    truths: Faces
    parts: Ints
    owners: Ints

    @classmethod
    def none(cls, vertices: int, factors: int = 0) -> Recombinations:
        """Return none, of faces of that many vertices whose factors belong to no part."""
        faces = np.empty((0, vertices, 3), np.float32)
        return cls(faces, faces, faces, np.empty(0, np.int64), np.full(factors, -1))


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
    if not found:
        return Recombinations.none(len(weights), len(owners))
    found.sort(key=lambda each: each[3])
    sources, targets, truths, numbers = zip(*found, strict=True)
    return Recombinations(
        np.stack(sources), np.stack(targets), np.stack(truths), np.array(numbers), owners
    )
