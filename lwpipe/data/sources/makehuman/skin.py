"""Where skin, lips, brows and eyes are on MakeHuman's base mesh, and whose colours they are.

Lips are what the targets of their volumes move, eyes the skin that looks at the eyeballs of the
helper geometry; the rest is laid out from there, in the neutral pose. How it is painted see
`lwpipe.data.skin`. Hands and bodies have even skin; the head of a body is painted as a head is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lwpipe.data.skin import Skin, draw_skins, smooth
from lwpipe.data.sources.makehuman import MakeHumanSettings
from lwpipe.data.sources.makehuman.files import (
    BASE,
    RIG,
    TARGETS,
    WEIGHTS,
    known_hashes,
    read_files,
)
from lwpipe.data.sources.makehuman.kit import MM_PER_DM
from lwpipe.data.sources.makehuman.people import PERSON
from lwpipe.data.sources.makehuman.skeleton import cut_region, parse_skeleton
from lwpipe.data.sources.makehuman.targets import parse_target
from lwpipe.mesh.topology import triangle_normals

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_STREAM = 11
_UPPER, _LOWER = (
    f"{TARGETS}mouth/mouth-{lip}lip-volume-incr.target.gz" for lip in ("upper", "lower")
)
_EYE = "helper-l-eye"
_BLOTCHES, _WAVE_MM = 24, 45.0
# Of a lip's largest move: from here on it is lip.
_LIP = (0.05, 0.30)
# Melanin of each origin, in deviations of people.
_MELANIN = {"african": 1.9, "asian": -0.1, "caucasian": -0.9}


def draw_people(persons: Floats, seed: int) -> Floats:
    """Draw the factors of the people's colours, float64 (n, 14 + D): `lwpipe.data.skin.FACTORS`.

    Melanin follows the mix of origins, beards and painted lips the sex, shadows age.

    Parameters
    ----------
    persons : float (n, B), see `people.PERSON`
    seed : of the population
    """
    who = dict(zip(PERSON, persons.T, strict=True))
    origin = sum(amount * who[name] for name, amount in _MELANIN.items())
    male = 2.0 * (who["male"] - 0.5)
    aged = (who["age"] - 45.0) / 20.0
    follows = {
        "melanin": (np.asarray(origin), 0.9),
        "hair_tone": (-0.8 * np.asarray(origin), 0.6),
        "iris_tone": (-np.asarray(origin), 0.5),
        "beard": (male, 0.8),
        "lip_paint": (-male, 0.7),
        "shadow": (aged, 0.6),
    }
    return draw_skins(len(persons), _BLOTCHES, np.random.default_rng([seed, _STREAM]), follows)


def skin_of(settings: MakeHumanSettings) -> Skin:
    """Return what is painted where on a region.

    Raises
    ------
    LwpipeError
        If the data cannot be found or read, or differ from the hashes.
    """
    hashes = known_hashes()
    wanted = {name: hashes[name] for name in (BASE, RIG, WEIGHTS, _UPPER, _LOWER)}
    files = dict(read_files(settings.path, wanted))
    skeleton = parse_skeleton(files)
    vertices, triangles = cut_region(skeleton, settings.region)
    points = skeleton.vertices[vertices] * MM_PER_DM
    blotches = _blotches(points)
    if settings.region == "hand":
        return Skin.bare(len(vertices), blotches)
    count = len(skeleton.vertices)
    moves = [
        np.linalg.norm(parse_target(files[name], count)[vertices], axis=1)
        for name in (_UPPER, _LOWER)
    ]
    upper, lower = (smooth(*_LIP, move / move.max()) for move in moves)
    ball = skeleton.vertices[skeleton.groups[_EYE]] * MM_PER_DM
    centre = (ball.min(axis=0) + ball.max(axis=0)) / 2
    radius = float(np.ptp(ball, axis=0).max()) / 2
    return Skin.bare(
        len(vertices),
        blotches,
        **_face(points, upper, lower, centre),
        **_eyes(points, triangles, centre, radius),
    )


def _face(points: Floats, upper: Floats, lower: Floats, eye: Floats) -> dict[str, Floats]:
    """Lay out what lies about eyes and lips; x of the left eye is positive."""
    x, y = np.abs(points[:, 0]), points[:, 1] - eye[1]
    wide = eye[0]
    lips = np.clip(upper + lower, 0, 1)
    head = smooth(-150, -120, y)
    mouth = points[lips > 0.5]
    middle = float(mouth[:, 1].mean()) - eye[1]
    front = smooth(eye[2] - 40, eye[2] - 10, points[:, 2])

    def bump(at: tuple[float, float], size: tuple[float, float]) -> Floats:
        found: Floats = (
            np.exp(-0.5 * (((x - at[0]) / size[0]) ** 2 + ((y - at[1]) / size[1]) ** 2)) * front
        )
        return found

    nose = middle + 25.0
    both = np.minimum(upper, lower)
    arch = 16.0 + 4.0 * np.sin(np.pi * np.clip((x - 6) / (1.7 * wide), 0, 1))
    half = 3.6 * (1 - 0.6 * np.clip((x - 10) / (1.4 * wide), 0, 1) ** 1.6)
    ends = smooth(8, 13, x) * (1 - smooth(1.55 * wide, 1.85 * wide, x)) * front
    jaw = (1 - smooth(middle - 2, middle + 16, y + 0.1 * x)) * smooth(-110, -95, y) * head
    moustache = bump((10, middle + 13), (14, 4))
    beard = np.clip(jaw * smooth(-20, 20, points[:, 2] - eye[2] + 75) + 0.9 * moustache, 0, 1)
    return {
        "lips": lips,
        "upper": upper,
        "line": np.clip(4 * both, 0, 1) * 0.6,
        "flush": 0.9 * bump((1.35 * wide, nose + 4), (16, 12))
        + 0.7 * bump((0, nose), (11, 9))
        + 0.25 * bump((0, middle - 32), (15, 10)),
        "hollow": bump((0.9 * wide, -12), (12, 4.5)) + 0.4 * bump((wide, 9), (14, 4)),
        "crease": 0.4 * bump((24, middle + 14), (3, 9)),
        "bridge": bump((10, nose + 14), (32, 12)),
        "shine": bump((0, 42), (26, 14)) + 0.7 * bump((0, nose + 16), (5, 16)),
        "beard": beard * (1 - lips),
        "brow": np.stack([y - arch, half, ends], axis=1),
    }


def _eyes(points: Floats, triangles: Ints, centre: Floats, radius: float) -> dict[str, Floats]:
    """Find the skin that looks at an eyeball, and lay out the iris before it."""
    normals = np.zeros_like(points)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], triangle_normals(points, triangles))
    inside = np.zeros(len(points))
    away = np.full(len(points), 1e3)
    for side in (1, -1):
        middle = centre * [side, 1, 1]
        to = middle - points
        distance = np.linalg.norm(to, axis=1)
        facing = np.einsum("vc,vc->v", normals, to) > 0
        near = (distance < 1.6 * radius) & facing & (points[:, 2] < centre[2] + 0.75 * radius)
        inside[near] = 1.0
        across = np.linalg.norm((points - middle)[:, :2], axis=1)
        away = np.where(near, np.minimum(away, across), away)
    iris = 0.43 * radius
    return {
        "inside": inside,
        "iris": 1 - smooth(iris - 0.8, iris + 0.6, away),
        "pupil": 1 - smooth(0.35 * iris - 0.5, 0.35 * iris + 0.9, away),
        "ring": np.exp(-(((away - iris + 0.6) / 1.1) ** 2)),
        "burst": np.clip(1 - away / iris, 0, 1),
        "shade": 0.3 * inside,
    }


def _blotches(points: Floats) -> Floats:
    """Return smooth waves over the skin, float64 (V, D)."""
    rng = np.random.default_rng(_BLOTCHES)
    directions = rng.standard_normal((_BLOTCHES, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lengths = _WAVE_MM * rng.uniform(0.5, 1.5, _BLOTCHES)
    phases = rng.uniform(0, 2 * np.pi, _BLOTCHES)
    waves = np.sin(2 * np.pi * points @ (directions / lengths[:, None]).T + phases)
    return np.asarray(waves * 0.7 * np.sqrt(2 / _BLOTCHES))
