"""What turns: the jaw, the fingers and the limbs, by linear blend skinning.

A bend turns one or more bones about axes through their joints; the joints follow the person's
shape. A vertex moves with each bone by the share that the bone carries of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lwpipe.data.sources.makehuman.skeleton import Skeleton

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Bend:
    """A factor in degrees.

    Attributes
    ----------
    name : of the factor
    bones : that turn, each by so many degrees
    axis : 'x', 'y', 'z' or their negatives; the way from one bone's joint to another's, as far as
        it is perpendicular to each bone that turns; or the hinge of three bones' joints, about
        which the way between the first two turns into that between the last two
    low, high : degrees that a body can reach
    kind : 'jaw', 'grip' (fingers bend alike) or 'limb'
    """

    name: str
    bones: tuple[str, ...]
    axis: tuple[str, ...]
    low: float
    high: float
    kind: str


def _fingers() -> list[Bend]:
    across = ("finger5-1.R", "finger2-1.R")
    hinge = ("finger1-1.R", "finger1-2.R", "finger1-3.R")
    bends = [
        Bend("thumb-bend", ("finger1-2.R",), hinge, 0, 40, "grip"),
        Bend("thumb-curl", ("finger1-3.R",), hinge, 0, 60, "grip"),
    ]
    for number, finger in enumerate(("index", "middle", "ring", "little"), start=2):
        first, *others = (f"finger{number}-{joint}.R" for joint in (1, 2, 3))
        bends.append(Bend(f"{finger}-bend", (first,), across, -15, 80, "grip"))
        bends.append(Bend(f"{finger}-curl", tuple(others), across, -5, 80, "grip"))
    return bends


def _limbs() -> list[Bend]:
    neck = ("neck01", "neck02", "neck03", "head")
    bends = [
        Bend("head-turn", neck, ("y",), -12, 12, "limb"),
        Bend("head-nod", neck, ("x",), -5, 5, "limb"),
    ]
    for side, outwards in (("L", "z"), ("R", "-z")):
        arm = [f"{bone}.{side}" for bone in ("upperarm01", "lowerarm01", "wrist")]
        leg = [f"{bone}.{side}" for bone in ("upperleg01", "lowerleg01", "foot")]
        bends += [
            Bend(f"arm-raise.{side}", (arm[0],), (outwards,), -25, 30, "limb"),
            Bend(f"arm-forward.{side}", (arm[0],), ("-x",), -25, 25, "limb"),
            Bend(f"elbow.{side}", (arm[1],), tuple(arm), -25, 35, "limb"),
            Bend(f"leg-spread.{side}", (leg[0],), (outwards,), -3, 8, "limb"),
            Bend(f"leg-forward.{side}", (leg[0],), ("-x",), -10, 20, "limb"),
            Bend(f"knee.{side}", (leg[1],), tuple(leg), 0, 25, "limb"),
        ]
    return bends


JAW = Bend("jaw", ("jaw",), ("x",), 0, 30, "jaw")
REGION_BENDS = {"face": [JAW], "head": [JAW], "hand": _fingers(), "body": _limbs()}


@dataclass(frozen=True)
class Turns:
    """The turns of a region, parents before their children.

    Attributes
    ----------
    bends : which bend drives each turn, int64 (T,)
    parents : the turn that each turn follows, -1 for none, int64 (T,)
    axes : float64 (T, 3), unit length
    shares : float64 (V, T), of each vertex, carried by a turn and not by those below it
    joints : of each turn, vertices of the base mesh in whose middle it turns
    """

    bends: Ints
    parents: Ints
    axes: Floats
    shares: Floats
    joints: tuple[Ints, ...]


def turns_of(skeleton: Skeleton, bends: Sequence[Bend], vertices: Ints) -> Turns:
    """Return the turns of some bends, for some vertices of the base mesh."""
    turns = [(bone, place) for place, bend in enumerate(bends) for bone in bend.bones]
    depth = {bone: len(skeleton.ancestors(bone)) for bone, _ in turns}
    turns.sort(key=lambda turn: depth[turn[0]])
    parents, shares = [], []
    for place, (bone, _) in enumerate(turns):
        above = skeleton.ancestors(bone)
        candidates = [other for other in range(place) if turns[other][0] in above]
        parents.append(
            max(candidates, key=lambda other: (depth[turns[other][0]], other), default=-1)
        )
        shares.append(skeleton.carried(skeleton.below(bone))[vertices])
    own = [share.copy() for share in shares]
    for place, parent in enumerate(parents):
        if parent >= 0:
            own[parent] -= shares[place]
    return Turns(
        bends=np.array([place for _, place in turns], dtype=np.int64),
        parents=np.array(parents, dtype=np.int64),
        axes=np.array([_axis(skeleton, bone, bends[place].axis) for bone, place in turns]),
        shares=np.stack(own, axis=1) if own else np.empty((len(vertices), 0)),
        joints=tuple(skeleton.joint(bone) for bone, _ in turns),
    )


def _axis(skeleton: Skeleton, bone: str, axis: tuple[str, ...]) -> Floats:
    if len(axis) == 1:
        sign = -1.0 if axis[0].startswith("-") else 1.0
        return np.asarray(sign * np.eye(3)["xyz".index(axis[0][-1])])
    ways = np.diff([skeleton.place(each) for each in axis], axis=0)
    if len(ways) == 1:
        along = skeleton.place(bone, "tail") - skeleton.place(bone)
        direction = ways[0] - (ways[0] @ along) / (along @ along) * along
    else:
        direction = np.cross(ways[0], ways[1])
    return np.asarray(direction / np.linalg.norm(direction))


def bend_points(points: Floats, joints: Floats, degrees: Floats, turns: Turns) -> Floats:
    """Return bent shapes, float64 (n, V, 3).

    Parameters
    ----------
    points : float64 (n, V, 3)
    joints : float64 (n, T, 3), of each turn, in the same units
    degrees : float64 (n, J), of each bend
    turns : Turns
    """
    bent = points.copy()
    matrices: list[Floats] = []
    shifts: list[Floats] = []
    for turn, bend in enumerate(turns.bends):
        rotation = _rotations(turns.axes[turn], np.radians(degrees[:, bend]))
        pivot = joints[:, turn]
        shift = pivot - np.einsum("nij,nj->ni", rotation, pivot)
        parent = turns.parents[turn]
        if parent >= 0:
            shift = np.einsum("nij,nj->ni", matrices[parent], shift) + shifts[parent]
            rotation = matrices[parent] @ rotation
        matrices.append(rotation)
        shifts.append(shift)
        share = turns.shares[:, turn]
        moved = np.flatnonzero(share)
        change = points[:, moved] @ (rotation - np.eye(3)).transpose(0, 2, 1) + shift[:, None]
        bent[:, moved] += share[moved, None] * change
    return bent


def _rotations(axis: Floats, angles: Floats) -> Floats:
    """Return the rotations about an axis of unit length, float64 (n, 3, 3) (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    sin, versine = np.sin(angles)[:, None, None], (1 - np.cos(angles))[:, None, None]
    return np.asarray(np.eye(3) + sin * cross + versine * (cross @ cross))
