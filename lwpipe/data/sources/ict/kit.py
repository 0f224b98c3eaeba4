"""Source 'ict': faces drawn from ICT-FaceKit Light, a morphable model from light-stage scans.

A face is `neutral + sum_i a_i (identity_i - neutral) + sum_j e_j (expression_j - neutral)` with
a_i ~ N(0, 1) (the identity modes are stored at one standard deviation) and a few active
expressions (Li et al., "Learning formation of physically-based face attributes", CVPR 2020). The
jaw may turn instead (`jaw`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.data.sources.ict import REGION_VERTICES, IctSettings
from lwpipe.data.sources.ict.files import known_hashes, read_files
from lwpipe.data.sources.ict.jaw import Jaw, fit_jaw

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NEUTRAL = "generic_neutral_mesh"
JAW_OPEN = "jawOpen"
MM_PER_CM = 10.0
# A shape that moves no vertex of the region by more than this (pupils, seen from the face) is no
# expression of the region.
MIN_MOVE_MM = 0.1


@dataclass(frozen=True)
class IctKit:
    """The part of ICT-FaceKit that lies in one region of the face.

    Attributes
    ----------
    neutral : float64 (V, 3), mm
    triangles : int64 (F, 3)
    identities : float64 (I, V, 3), mm
        Displacement of each identity mode, at one standard deviation.
    expressions : float64 (E, V, 3), mm
        Displacement of each full expression.
    expression_names : tuple of str
    jaw : how the jaw turns; None: it moves along straight lines
    """

    neutral: Floats
    triangles: Ints
    identities: Floats
    expressions: Floats
    expression_names: tuple[str, ...]
    jaw: Jaw | None = None


def read_kit(
    settings: IctSettings,
    *,
    hashes: Mapping[str, str] | None = None,
    vertex_count: int | None = None,
) -> IctKit:
    """Read the kit and cut it to the region.

    Polygons of which a vertex lies outside the region fall away. Quads are cut along the diagonal
    from their first to their third corner.

    Parameters
    ----------
    settings : where the kit lies, the region, and how many identity modes to take
    hashes : SHA-256 by file name; None: those of the pinned commit
    vertex_count : the region is the first so many vertices; None: as the region's name says

    Raises
    ------
    LwpipeError
        If the kit cannot be found, downloaded or read, or differs from the hashes.
    """
    hashes = known_hashes() if hashes is None else hashes
    count = REGION_VERTICES[settings.region] if vertex_count is None else vertex_count
    modes = [f"identity{mode:03d}" for mode in range(settings.identities)]
    names = [name.removesuffix(".obj") for name in sorted(hashes)]
    expressions = [n for n in names if n != NEUTRAL and not n.startswith("identity")]
    if settings.max_expressions == 0:
        expressions = []
    wanted = {f"{name}.obj": hashes[f"{name}.obj"] for name in [NEUTRAL, *modes, *expressions]}

    shapes: dict[str, Floats] = {}
    triangles = np.empty((0, 3), dtype=np.int64)
    for file, content in read_files(settings.path, wanted):
        name = file.removesuffix(".obj")
        shapes[name] = parse_vertices(content, count, file) * MM_PER_CM
        if name == NEUTRAL:
            triangles = parse_triangles(content, count)
    neutral = shapes[NEUTRAL]
    moving = [
        name
        for name in expressions
        if np.linalg.norm(shapes[name] - neutral, axis=1).max() > MIN_MOVE_MM
    ]
    empty = np.empty((0, count, 3))
    displacements = [shapes[name] - neutral for name in moving]
    jaw = None
    if settings.turning_jaw and JAW_OPEN in moving:
        jaw = fit_jaw(neutral, displacements[moving.index(JAW_OPEN)])
    return IctKit(
        neutral=neutral,
        triangles=triangles,
        identities=np.stack([shapes[name] - neutral for name in modes]),
        expressions=np.stack(displacements) if moving else empty,
        expression_names=tuple(moving),
        jaw=jaw,
    )


def parse_vertices(content: bytes, count: int, name: str) -> Floats:
    """Return the first `count` vertices of an OBJ, float64 (count, 3), in the file's units.

    Only the block of consecutive `v` lines is read: a shape of the kit has 26,719 vertices and
    twice as many other lines, and there are 158 shapes.

    Raises
    ------
    LwpipeError
        If there are fewer vertices.
    """
    start = 0 if content.startswith(b"v ") else content.find(b"\nv ") + 1
    lines = content[start:].split(b"\n", count)[:count]
    values = np.array(b" ".join(line[2:] for line in lines).split(), dtype=np.float64)
    if len(values) != 3 * count or not all(line.startswith(b"v ") for line in lines):
        raise LwpipeError(f"{name}: does not start with {count} vertices of three coordinates.")
    return values.reshape(count, 3)


def parse_triangles(content: bytes, count: int) -> Ints:
    """Return the triangles among the first `count` vertices of an OBJ, int64 (F, 3), from 0.

    The quad a b c d becomes a b c and a c d.
    """
    triangles: list[tuple[int, int, int]] = []
    for line in content.split(b"\n"):
        if line.startswith(b"f "):
            corners = [int(corner.split(b"/", 1)[0]) - 1 for corner in line[2:].split()]
            if max(corners) >= count:
                continue
            triangles.extend(
                (corners[0], corners[i], corners[i + 1]) for i in range(1, len(corners) - 1)
            )
    return np.array(triangles, dtype=np.int64).reshape(-1, 3)


def make_faces(kit: IctKit, identity: npt.ArrayLike, expression: npt.ArrayLike) -> Floats:
    """Return the faces of the given coefficients, float64 (n, V, 3), mm.

    Parameters
    ----------
    identity : float (n, I)
    expression : float (n, E)
    """
    strengths = np.array(expression, dtype=np.float64)
    faces = kit.neutral + np.tensordot(np.asarray(identity, dtype=np.float64), kit.identities, 1)
    opened = np.zeros(len(strengths))
    if kit.jaw is not None:
        column = kit.expression_names.index(JAW_OPEN)
        opened = strengths[:, column].copy()
        strengths[:, column] = 0
    faces += np.tensordot(strengths, kit.expressions, 1)
    if kit.jaw is not None:
        kit.jaw.open(faces, opened)
    return np.asarray(faces)
