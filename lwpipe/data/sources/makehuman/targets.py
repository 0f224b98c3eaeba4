"""MakeHuman's targets: displacements of the base mesh, and which of them are opposites."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# The last words of two targets that are one factor; positive is the second.
OPPOSITES = (
    ("decr", "incr"),
    ("down", "up"),
    ("in", "out"),
    ("backward", "forward"),
    ("concave", "convex"),
    ("compress", "uncompress"),
    ("square", "round"),
    ("pointed", "triangle"),
    ("l", "r"),
)


# Face units that move to a side; all others named left and right are of a side.
SIDEWAYS = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")


@dataclass(frozen=True)
class Pair:
    """A factor: a target, and its opposite if it has one.

    Attributes
    ----------
    name : such as 'nose-hump-decr-incr'
    up, down : files of the targets at +1 and -1; down is '' where there is none
    group : factors of one group are drawn together: the left and the right side
    """

    name: str
    up: str
    down: str
    group: str


def parse_target(content: bytes, vertex_count: int) -> Floats:
    """Return the displacement of every vertex, float64 (vertex_count, 3), in the file's units.

    Parameters
    ----------
    content : of a `.target` or `.target.gz`, lines of `index dx dy dz`
    vertex_count : of the base mesh
    """
    text = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    if b"#" in text:
        text = b"\n".join(line for line in text.splitlines() if not line.startswith(b"#"))
    rows = np.fromstring(text.decode("ascii"), dtype=np.float64, sep=" ").reshape(-1, 4)
    moved = np.zeros((vertex_count, 3))
    moved[rows[:, 0].astype(np.int64)] = rows[:, 1:]
    return moved


def pair_targets(files: Iterable[str]) -> list[Pair]:
    """Return the factors that some shape targets make, sorted by name.

    Examples
    --------
    >>> [pair.name for pair in pair_targets(["head/head-oval.target.gz",
    ...     "nose/nose-hump-incr.target.gz", "nose/nose-hump-decr.target.gz"])]
    ['head-oval', 'nose-hump-decr-incr']
    """
    by_stem = {PurePosixPath(file).name.split(".")[0]: file for file in files}
    pairs, single = [], dict(by_stem)
    for low, high in OPPOSITES:
        for stem in sorted(by_stem):
            base, _, last = stem.rpartition("-")
            if last == low and f"{base}-{high}" in by_stem:
                up, down = single.pop(f"{base}-{high}"), single.pop(stem)
                name = f"{base}-{low}-{high}"
                pairs.append(Pair(name, up, down, _without_side(name)))
    pairs += [Pair(stem, file, "", _without_side(stem)) for stem, file in single.items()]
    return sorted(pairs, key=lambda pair: pair.name)


def unit_targets(files: Iterable[str]) -> list[Pair]:
    """Return the factors of some face units, sorted by name; left and right are a group."""
    named = {PurePosixPath(file).name.split(".")[0]: file for file in files}
    pairs = []
    for name in sorted(named):
        unsided = name.removesuffix("Left").removesuffix("Right")
        pairs.append(Pair(name, named[name], "", name if name in SIDEWAYS else unsided))
    return pairs


def _without_side(name: str) -> str:
    return name[2:] if name[:2] in ("l-", "r-") else name


def deformation(moved: Floats, points: Floats) -> Floats:
    """Return a displacement less the small rigid motion that is nearest to it, (V, 3).

    Parameters
    ----------
    moved : float64 (V, 3), displacement
    points : float64 (V, 3), where from
    """
    centred = points - points.mean(axis=0)
    zero, (x, y, z) = np.zeros(len(points)), centred.T
    turns = [np.stack(axis, axis=1) for axis in ((zero, -z, y), (z, zero, -x), (-y, x, zero))]
    shifts = [np.broadcast_to(axis, points.shape) for axis in np.eye(3)]
    basis = np.linalg.qr(np.stack([each.reshape(-1) for each in (*turns, *shifts)], axis=1))[0]
    flat = moved.reshape(-1)
    return np.asarray((flat - basis @ (basis.T @ flat)).reshape(points.shape))
