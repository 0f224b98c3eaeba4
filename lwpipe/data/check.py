"""Quality control of a data set: one table of what may trouble the stages after it.

Nothing here is an error: a face mesh has boundaries by nature, and the later stages work on all
that the table counts. The remarks say what deserves a look.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import igl
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from lwpipe.core.color import delta_e_76, lab_of_srgb
from lwpipe.core.files import write_csv
from lwpipe.data.store import Dataset
from lwpipe.data.suspicions import (
    SAME_MM,
    TURNED_DEG,
    look_remark,
    looks_along,
    poses,
    same_faces,
    some,
    turned,
)
from lwpipe.mesh.topology import adjacency
from lwpipe.mesh.units import guess_unit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Row = dict[str, Any]

COLUMNS = ("measure", "value", "remark")
COINCIDENT_MM = 1e-6
# A triangle whose height is so small a share of its longest side has no usable normal.
DEGENERATE_HEIGHT = 1e-6
# A face so many times larger or smaller than the median has probably another unit.
SIZE_OUTLIER = 1.5
# Colours of a face that are no further from their mean, in Delta E, are one colour.
FLAT_DELTA_E = 1.0
# More channels than this share at their highest value are a sign of too much light.
CUT_OFF = 0.02
# Whole heads with the neck measure half a metre from corner to corner.
LARGEST_FACE_MM = 700.0


def check_dataset(data: Dataset | str | Path, table: str | Path) -> list[Row]:
    """Measure the mesh and the faces, and write the table with the columns measure, value, remark.

    Parameters
    ----------
    data : the store, or its folder
    table : file to write

    Returns
    -------
    rows : list of dict
        As in the table. Lengths are in mm.

    Raises
    ------
    LwpipeError
        If the store cannot be read or the table not written.
    """
    dataset = data if isinstance(data, Dataset) else Dataset.open(data)
    rows = [
        _row("faces", len(dataset.vertices)),
        _row("training faces", len(dataset.indices("train"))),
        _row("test faces", len(dataset.indices("test"))),
        *mesh_rows(dataset.template, dataset.triangles),
        *_face_rows(dataset),
        *_color_rows(dataset),
    ]
    write_csv(table, rows, COLUMNS)
    return rows


def mesh_rows(vertices: npt.ArrayLike, triangles: npt.ArrayLike) -> list[Row]:
    """Return the rows on the mesh.

    Parameters
    ----------
    vertices : float (V, 3), mm
    triangles : int (F, 3)
    """
    vertices = np.asarray(vertices, dtype=np.float64)
    triangles = np.asarray(triangles, dtype=np.int64)
    count = len(vertices)
    pairs, uses, same_way = _edge_uses(triangles)
    boundary = pairs[uses == 1]
    used = np.zeros(count, dtype=bool)
    used[triangles] = True
    isolated = int((~used).sum())
    pinched = int((~_vertex_manifold(triangles, count) & used).sum())
    _, component = connected_components(adjacency(triangles, count), directed=False)
    sizes = np.bincount(component[used])
    sizes = np.sort(sizes[sizes > 0])[::-1]
    degenerate = int(degenerate_triangles(vertices, triangles).sum())
    repeated = len(triangles) - len(np.unique(np.sort(triangles, axis=1), axis=0))
    places = np.unique(np.round(vertices[used] / COINCIDENT_MM), axis=0)
    coincident = int(used.sum()) - len(places)
    nonmanifold = int((uses > 2).sum())
    flipped = int(same_way.sum())
    return [
        _row("vertices", count),
        _row("triangles", len(triangles)),
        _row("edges", len(pairs)),
        _row("non-manifold edges", nonmanifold, "edges of more than two triangles"),
        _row("non-manifold vertices", pinched, "vertices where separate fans of triangles touch"),
        _row("boundary edges", len(boundary)),
        _row("boundary loops", _loops(boundary, count)),
        _row(
            "components",
            len(sizes),
            f"the largest have {', '.join(map(str, sizes[:5]))} vertices" if len(sizes) > 1 else "",
        ),
        _row("isolated vertices", isolated, "vertices of no triangle"),
        _row("degenerate triangles", degenerate, "triangles of the template without area"),
        _row("duplicate triangles", repeated, "triangles of the same vertices as another"),
        _row(
            "duplicate vertices in template",
            coincident,
            "vertices at the place of another: seams, or meshes that were not welded",
        ),
        _row(
            "inconsistent orientation",
            flipped,
            "edges whose two triangles face opposite ways: their normals disagree",
        ),
    ]


def degenerate_triangles(vertices: Floats, triangles: Ints) -> npt.NDArray[np.bool_]:
    """Return which triangles have (almost) no area, bool (F,).

    The height over the longest side is at most a millionth of that side, or a corner is repeated.
    """
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    longest = (np.stack([b - a, c - b, a - c]) ** 2).sum(axis=2).max(axis=0)
    doubled = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return np.asarray(doubled <= DEGENERATE_HEIGHT * longest)


def _edge_uses(triangles: Ints) -> tuple[Ints, Ints, npt.NDArray[np.bool_]]:
    """Return the edges (E, 2), how many triangles use each, and which two run the same way."""
    directed = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    directed = directed[directed[:, 0] != directed[:, 1]]
    forward = directed[:, 0] < directed[:, 1]
    pairs, index, uses = np.unique(
        np.sort(directed, axis=1), axis=0, return_inverse=True, return_counts=True
    )
    ahead = np.bincount(index.reshape(-1), weights=forward, minlength=len(pairs))
    return pairs, uses.astype(np.int64), (uses == 2) & (ahead != 1)


def _vertex_manifold(triangles: Ints, count: int) -> npt.NDArray[np.bool_]:
    """Return for each vertex whether its triangles form one fan, bool (V,)."""
    sound = triangles[
        (triangles[:, 0] != triangles[:, 1])
        & (triangles[:, 1] != triangles[:, 2])
        & (triangles[:, 2] != triangles[:, 0])
    ]
    fans = np.ones(count, dtype=bool)
    if len(sound):
        flags = np.asarray(igl.is_vertex_manifold(np.ascontiguousarray(sound))).reshape(-1)
        fans[: len(flags)] = flags
    return fans


def _loops(boundary: Ints, count: int) -> int:
    """Return the number of connected pieces of the boundary."""
    if len(boundary) == 0:
        return 0
    graph = sp.csr_matrix(
        (np.ones(len(boundary)), (boundary[:, 0], boundary[:, 1])), shape=(count, count)
    )
    _, label = connected_components(graph, directed=False)
    return len(np.unique(label[boundary[:, 0]]))


def _color_rows(data: Dataset) -> list[Row]:
    """Return the rows on the colours; none where there are none."""
    if data.colors is None:
        return []
    names = data.faces["id"].astype(str).to_list()
    lightness, spread = np.empty(len(names)), np.empty(len(names))
    clipped = 0
    for row, painted in enumerate(data.colors):
        lab = lab_of_srgb(painted)
        lightness[row] = lab[:, 0].mean()
        spread[row] = delta_e_76(lab, lab.mean(axis=0)).mean()
        clipped += int(np.count_nonzero(painted == 255))
    flat = np.flatnonzero(spread < FLAT_DELTA_E).tolist()
    return [
        _row("mean lightness of colours, L*", f"{lightness.mean():.1f}"),
        _row(
            "darkest and lightest face, L*",
            f"{lightness.min():.1f} and {lightness.max():.1f}",
            f"faces {names[int(lightness.argmin())]} and {names[int(lightness.argmax())]}",
            always=True,
        ),
        _row(
            "faces of one colour",
            len(flat),
            "whose vertices all look alike: an image or colours that were lost? "
            + some([names[row] for row in flat]),
        ),
        _row(
            "channels at full light, share",
            f"{clipped / data.colors.size:.4f}",
            "they may have been cut off" if clipped > CUT_OFF * data.colors.size else "",
        ),
    ]


def _face_rows(data: Dataset) -> list[Row]:
    """Return the rows on the faces."""
    names, splits = data.faces["id"].astype(str).to_list(), data.faces["split"].to_list()
    count = len(data.vertices)
    mean, largest, diagonal = np.empty(count), np.empty(count), np.empty(count)
    for row in range(count):
        face = np.ascontiguousarray(data.vertices[row])
        distance = np.linalg.norm(face - data.template, axis=1)
        mean[row], largest[row] = distance.mean(), distance.max()
        diagonal[row] = np.linalg.norm(np.ptp(face.astype(np.float64), axis=0))
    median = float(np.median(diagonal))
    odd = (diagonal > SIZE_OUTLIER * median) | (diagonal * SIZE_OUTLIER < median)
    box = np.ptp(data.template, axis=0)
    return [
        *_copies(data, names, splits),
        *_poses(data, names),
        _row(
            "faces of odd size",
            int(odd.sum()),
            f"more than {SIZE_OUTLIER} times larger or smaller than the median: "
            f"{some([names[row] for row in np.flatnonzero(odd).tolist()])}",
        ),
        _row("bounding box of template, mm", " x ".join(f"{side:.1f}" for side in box)),
        _unit_row(float(np.linalg.norm(box))),
        _row("mean distance from template, mm", f"{mean.mean():.4f}"),
        _row(
            "largest mean distance of a face, mm",
            f"{mean.max():.4f}",
            f"face {names[int(mean.argmax())]}",
            always=True,
        ),
        _row(
            "largest distance of a vertex, mm",
            f"{largest.max():.4f}",
            f"face {names[int(largest.argmax())]}",
            always=True,
        ),
    ]


def _copies(data: Dataset, names: Sequence[str], splits: Sequence[str]) -> list[Row]:
    """Return the rows on faces that are there more than once."""
    groups = same_faces(data)
    twins = sorted(row for group in groups for row in group)
    leaked = []
    for group in groups:
        train = [row for row in group if splits[row] == "train"]
        leaked += [(row, train[0]) for row in group if splits[row] == "test" and train]
    return [
        _row(
            "duplicate faces in data set",
            len(twins) - len(groups),
            f"no vertex is {SAME_MM} mm from another's: {some([names[row] for row in twins])}",
        ),
        _row(
            "duplicates between train and test",
            len(leaked),
            "test faces that are also training faces: "
            + some([f"{names[test]} as {names[train]}" for test, train in sorted(leaked)]),
        ),
    ]


def _poses(data: Dataset, names: Sequence[str]) -> list[Row]:
    """Return the rows on how the faces stand."""
    train = data.indices("train")
    mirrored, angles = poses(data, int(train[0]) if len(train) else 0)
    away = turned(angles, mirrored)
    looks = looks_along(data.template, data.triangles)
    return [
        _row(
            "mirrored faces",
            int(mirrored.sum()),
            "their mirror images fit the others better: "
            + some([names[row] for row in np.flatnonzero(mirrored).tolist()]),
        ),
        _row(
            "turned faces",
            int(away.sum()),
            f"by more than {TURNED_DEG:g} degrees (data.align turns faces alike): "
            + some([names[row] for row in np.flatnonzero(away).tolist()]),
        ),
        _row("template looks along", looks or "no axis", look_remark(looks), always=True),
    ]


def _unit_row(diagonal: float) -> Row:
    unit = guess_unit(diagonal)
    remark = ""
    if unit != "mm":
        remark = "the template has no size of a face or a body in mm: check the units"
    elif diagonal > LARGEST_FACE_MM:
        remark = (
            f"{diagonal:.0f} mm from corner to corner are a body, no face: meshes that were scaled "
            "to a unit size look like this; check data.meshes.units"
        )
    return _row("units guess", unit or "unknown", remark, always=True)


def _row(measure: str, value: Any, remark: str = "", *, always: bool = False) -> Row:
    """Return one row; a remark on a count of zero is left out unless it always holds."""
    return {"measure": measure, "value": value, "remark": remark if value or always else ""}
