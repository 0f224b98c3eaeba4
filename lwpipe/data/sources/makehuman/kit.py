"""People of MakeHuman in one region: macro targets, local factors, and bends.

A face is `base + sum_m c_m(person) macro_m + sum_j local_j(x_j)`, then bent: the macro targets'
coefficients are products (see `people`), each pair of opposite targets is one factor whose sign
chooses the target, and jaw, fingers or limbs turn. So it is not linear in its parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lwpipe.data.sources.makehuman import MakeHumanSettings
from lwpipe.data.sources.makehuman.bending import (
    REGION_BENDS,
    Bend,
    Turns,
    bend_points,
    turns_of,
)
from lwpipe.data.sources.makehuman.files import (
    BASE,
    MACROS,
    RIG,
    TARGETS,
    UNITS,
    WEIGHTS,
    known_hashes,
    read_files,
)
from lwpipe.data.sources.makehuman.people import macro_coefficients, macro_targets
from lwpipe.data.sources.makehuman.skeleton import Skeleton, cut_region, parse_skeleton
from lwpipe.data.sources.makehuman.targets import (
    Pair,
    deformation,
    pair_targets,
    parse_target,
    unit_targets,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MM_PER_DM = 100.0
# A target that deforms the region nowhere by more than this is no factor of it: moving the whole
# region, as those of legs and neck do, is none.
MIN_MOVE_MM = 1.0
# A shape is drawn weaker where it would move a vertex by more than this share of the region's
# largest extent: whole heads and legs would else outweigh noses and lips, and be caricatures.
REACH = 0.03
# So are shapes that make the two sides of a person unlike.
ASYMMETRIC = ("asym", 0.4)
# The jaw turns, which does what these units do.
JAW_UNITS = ("jawOpen", "mouthClose")
# Height and breasts matter to bodies; cup sizes are told for women alone.
_BODY_MACROS = (f"{MACROS}height/", f"{TARGETS}breast/female-")


@dataclass(frozen=True)
class MakeHumanKit:
    """What moves the vertices of a region; the joints of its bends are moved along.

    Attributes
    ----------
    triangles : int64 (F, 3)
    neutral : float64 (V + T, 3), mm, vertices and joints of the base mesh
    macro_names : of M macro targets
    macros : float64 (M, V + T, 3), mm
    shapes, units : local factors, of shape and of expression
    up, down : float64 (S, V + T, 3), mm, what shapes and units move at +1 and at -1
    strength : float64 (S,), the strongest that shapes and units are drawn, at most 1
    bends : factors in degrees
    turns : Turns
    """

    triangles: Ints
    neutral: Floats
    macro_names: tuple[str, ...]
    macros: Floats
    shapes: tuple[Pair, ...]
    units: tuple[Pair, ...]
    up: Floats
    down: Floats
    strength: Floats
    bends: tuple[Bend, ...]
    turns: Turns

    @property
    def vertex_count(self) -> int:
        """How many vertices the region has, V."""
        return len(self.neutral) - len(self.turns.joints)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the J factors: shapes, units, bends."""
        local = [pair.name for pair in (*self.shapes, *self.units)]
        return (*local, *(bend.name for bend in self.bends))


def read_kit(settings: MakeHumanSettings) -> MakeHumanKit:
    """Read MakeHuman's data and cut them to the region.

    Raises
    ------
    LwpipeError
        If the data cannot be found or read, or differ from the hashes.
    """
    hashes = known_hashes()
    macros = macro_targets(_macro_files(hashes, settings), settings.age_min, settings.age_max)
    shapes = pair_targets(_shape_files(hashes)) if settings.shapes else []
    units = unit_targets(_unit_files(hashes)) if settings.max_expressions else []
    targets = [*macros, *(file for each in (*shapes, *units) for file in (each.up, each.down))]
    wanted = {name: hashes[name] for name in (BASE, RIG, WEIGHTS, *targets) if name}
    files = dict(read_files(settings.path, wanted))

    skeleton = parse_skeleton(files)
    vertices, triangles = cut_region(skeleton, settings.region)
    bends = REGION_BENDS[settings.region]
    turns = turns_of(skeleton, bends, vertices)
    frame = _frame(skeleton, settings.region)
    count = len(skeleton.vertices)

    def points(moved: Floats) -> Floats:
        joints = [moved[joint].mean(axis=0, keepdims=True) for joint in turns.joints]
        return np.concatenate([moved[vertices], *joints]) @ frame.T * MM_PER_DM

    def moves(file: str) -> Floats:
        return points(parse_target(files[file], count) if file else np.zeros((count, 3)))

    neutral = points(skeleton.vertices)
    extent = np.ptp(neutral[: len(vertices)], axis=0).max()
    kept: list[Pair] = []
    strength: list[float] = []
    # Filled from the start, for a body's targets are not to be held twice.
    up, down = np.empty((2, len(shapes) + len(units), *neutral.shape))
    for pair in (*shapes, *units):
        moved = moves(pair.up)
        inside = deformation(moved[: len(vertices)], neutral[: len(vertices)])
        largest = np.linalg.norm(inside, axis=1).max()
        if largest > MIN_MOVE_MM:
            up[len(kept)], down[len(kept)] = moved, moves(pair.down)
            kept.append(pair)
            strength.append(_strength(pair, largest / extent) if pair in shapes else 1.0)
    return MakeHumanKit(
        triangles=triangles,
        neutral=neutral,
        macro_names=tuple(macros),
        macros=np.stack([moves(file) for file in macros]),
        shapes=tuple(pair for pair in kept if pair in shapes),
        units=tuple(pair for pair in kept if pair in units),
        up=up[: len(kept)],
        down=down[: len(kept)],
        strength=np.array(strength),
        bends=tuple(bends),
        turns=replace(turns, axes=turns.axes @ frame.T),
    )


def _strength(pair: Pair, reach: float) -> float:
    word, strength = ASYMMETRIC
    return min(REACH / reach, strength if pair.name.startswith(word) else 1.0)


def _macro_files(hashes: Mapping[str, str], settings: MakeHumanSettings) -> list[str]:
    return [
        name
        for name in hashes
        if (name.startswith(MACROS) and not name.startswith(_BODY_MACROS))
        or (settings.region == "body" and name.startswith(_BODY_MACROS))
    ]


def _shape_files(hashes: Mapping[str, str]) -> list[str]:
    persons = (MACROS, *_BODY_MACROS)
    return [name for name in hashes if name.startswith(TARGETS) and not name.startswith(persons)]


def _unit_files(hashes: Mapping[str, str]) -> list[str]:
    named = [f"{UNITS}{unit}.target" for unit in JAW_UNITS]
    return [name for name in hashes if name.startswith(UNITS) and name not in named]


def _frame(skeleton: Skeleton, region: str) -> Floats:
    """Return the rotation into the frame of the region: a hand points up and shows its palm."""
    if region != "hand":
        return np.eye(3)
    joints = ("wrist.R", "finger3-1.R", "finger5-1.R", "finger2-1.R")
    wrist, middle, little, index = map(skeleton.place, joints)
    up = (middle - wrist) / np.linalg.norm(middle - wrist)
    across = index - little
    across -= (across @ up) * up
    across /= np.linalg.norm(across)
    return np.stack([across, up, np.cross(across, up)])


def make_faces(kit: MakeHumanKit, persons: npt.ArrayLike, factors: npt.ArrayLike) -> Floats:
    """Return the faces of persons and factors, float64 (n, V, 3), mm.

    Parameters
    ----------
    kit : MakeHumanKit
    persons : float (n, B), see `people.PERSON`
    factors : float (n, J), shapes in [-1, 1], units in [0, 1], bends in degrees
    """
    factors = np.asarray(factors, np.float64)
    local = factors[:, : len(kit.up)]
    parts = (
        (macro_coefficients(persons, kit.macro_names), kit.macros),
        (local.clip(min=0), kit.up),
        ((-local).clip(min=0), kit.down),
    )
    points = kit.neutral + sum(np.tensordot(amount, moved, axes=1) for amount, moved in parts)
    count = kit.vertex_count
    return bend_points(points[:, :count], points[:, count:], factors[:, len(kit.up) :], kit.turns)
