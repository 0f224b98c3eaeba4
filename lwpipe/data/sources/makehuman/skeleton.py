"""The base mesh of MakeHuman, its regions, and the bones that carry its skin."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lwpipe.data.sources.makehuman.files import BASE, RIG, WEIGHTS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

SKIN = "body"
# A region's vertices are those that a bone, and all below it, carry by more than a share; the face
# is the front of the head. The share of the hand gives it the smoothest border.
REGION_BONES = {"face": ("head", 0.5), "head": ("neck02", 0.3), "hand": ("wrist.R", 0.3)}
FACE_FRONT_DM = 0.6


@dataclass(frozen=True)
class Skeleton:
    """The base mesh and its rig, in decimetres.

    Attributes
    ----------
    vertices : float64 (V, 3), of skin and helper geometry
    quads : int64 (Q, 4), of the skin
    groups : vertices of each group of the mesh; joints lie in the middle of small cubes
    bones : of the rig, by name
    weights : vertices and shares that each bone carries
    """

    vertices: Floats
    quads: Ints
    groups: Mapping[str, Ints]
    bones: Mapping[str, Any]
    weights: Mapping[str, Floats]

    def below(self, bone: str) -> list[str]:
        """Return a bone and all bones below it."""
        found = [bone]
        for name in found:
            found += sorted(b for b, about in self.bones.items() if about["parent"] == name)
        return found

    def ancestors(self, bone: str) -> list[str]:
        """Return a bone and all bones above it."""
        found = [bone]
        while found[-1] in self.bones:
            found.append(self.bones[found[-1]]["parent"])
        return found[:-1]

    def carried(self, bones: Iterable[str]) -> Floats:
        """Return the share of every vertex that some bones carry, float64 (V,)."""
        share = np.zeros(len(self.vertices))
        for bone in bones:
            rows = self.weights[bone]
            share[rows[:, 0].astype(np.int64)] += rows[:, 1]
        return share

    def joint(self, bone: str, end: Literal["head", "tail"] = "head") -> Ints:
        """Return the vertices in whose middle a bone begins, or ends."""
        about = self.bones[bone][end]
        if about["strategy"] == "CUBE":
            return self.groups[about["cube_name"]]
        single = about["strategy"] == "VERTEX"
        return np.atleast_1d(about["vertex_index"] if single else about["vertex_indices"])

    def place(self, bone: str, end: Literal["head", "tail"] = "head") -> Floats:
        """Return where a bone of the base mesh begins, or ends, float64 (3,)."""
        return np.asarray(self.vertices[self.joint(bone, end)].mean(axis=0))


def parse_skeleton(files: Mapping[str, bytes]) -> Skeleton:
    """Return the skeleton of the base mesh, the rig and its weights, by their file names."""
    vertices: list[list[str]] = []
    polygons: dict[str, list[list[int]]] = {}
    group = ""
    for line in files[BASE].decode("utf-8").splitlines():
        kind, *rest = line.split() or [""]
        if kind == "v":
            vertices.append(rest)
        elif kind == "g":
            group = rest[0]
        elif kind == "f":
            corners = [int(corner.partition("/")[0]) - 1 for corner in rest]
            polygons.setdefault(group, []).append(corners)
    return Skeleton(
        vertices=np.array(vertices, dtype=np.float64),
        quads=np.array(polygons[SKIN], dtype=np.int64),
        groups={name: np.unique(np.concatenate(each)) for name, each in polygons.items()},
        bones=json.loads(files[RIG]),
        weights={
            bone: np.array(rows, dtype=np.float64).reshape(-1, 2)
            for bone, rows in json.loads(files[WEIGHTS])["weights"].items()
        },
    )


def cut_region(skeleton: Skeleton, region: str) -> tuple[Ints, Ints]:
    """Return the vertices of a region, in the order of the base mesh, and its triangles.

    The largest connected piece of the skin that the region's bones carry, without helper
    geometry. Quads are cut along the diagonal from their first to their third corner.

    Parameters
    ----------
    skeleton : Skeleton
    region : 'face', 'head', 'hand' or 'body'

    Returns
    -------
    vertices : int64 (V,)
    triangles : int64 (F, 3), rows of `vertices`
    """
    count = len(skeleton.vertices)
    inside = np.zeros(count, dtype=bool)
    inside[skeleton.quads] = True
    if region in REGION_BONES:
        bone, share = REGION_BONES[region]
        inside &= skeleton.carried(skeleton.below(bone)) > share
    if region == "face":
        inside &= skeleton.vertices[:, 2] > FACE_FRONT_DM
    quads = skeleton.quads[inside[skeleton.quads].all(axis=1)]
    edges = np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)])
    graph = coo_array((np.ones(len(edges)), edges.T), shape=(count, count))
    piece = connected_components(graph, directed=False)[1]
    largest = piece == np.bincount(piece[inside]).argmax()
    quads = quads[largest[quads[:, 0]]]
    vertices = np.flatnonzero(largest)
    rows = np.full(count, -1)
    rows[vertices] = np.arange(len(vertices))
    return vertices, rows[np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])]
