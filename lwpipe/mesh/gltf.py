"""glTF 2.0 files, binary (GLB) and text: the triangles of the shown scene, and nothing else.

The vertices stand where the scene shows them: blend shapes by their weights, skins by their joints,
meshes by their nodes. Only what lies inside the file is read, and never more than the file can
hold: references to other files, data left out, and meshes shown again and again are faults.
Khronos, "glTF 2.0 specification",
https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.gltf_file import FLOAT, UNSIGNED, GltfFile, part, reals
from lwpipe.mesh.polygons import strip

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TRIANGLES, STRIP, FAN = 4, 5, 6


def parse_glb(content: bytes) -> tuple[Floats, Ints]:
    """Parse a binary glTF: see `parse_gltf`."""
    return Scene(GltfFile.from_glb(content)).mesh()


def parse_gltf(content: bytes) -> tuple[Floats, Ints]:
    """Parse a text glTF whose buffers lie inside the file.

    Several meshes follow each other in the order of the nodes, depth first, so files of the same
    scene give the same numbers. Points and lines are passed over.

    Returns
    -------
    vertices : float64 (V, 3), in the frame of the scene
    triangles : int64 (F, 3)

    Raises
    ------
    MeshError
        If the file is damaged, refers to other files, or needs what is not read: compression and
        other extensions.
    """
    return Scene(GltfFile(content, None, len(content))).mesh()


class _Placed(NamedTuple):
    """A node with a mesh, and its transform to the scene."""

    node: dict[str, Any]
    transform: Floats


class Scene:
    """The meshes that the scene of a file shows."""

    def __init__(self, file: GltfFile) -> None:
        self.file = file
        self.transforms: dict[int, Floats] = {}

    def mesh(self) -> tuple[Floats, Ints]:
        """Return all triangles of the scene."""
        points: list[Floats] = [np.empty((0, 3))]
        triangles: list[Ints] = [np.empty((0, 3), dtype=np.int64)]
        vertex_count, face_count = 0, 0
        for placed in self._placed():
            mesh = self.file.item("meshes", placed.node["mesh"])
            # Primitives of one node that share their vertices: where these begin.
            shared: dict[str, tuple[int, int]] = {}
            for primitive in part(mesh, "primitives", list):
                if not isinstance(primitive, dict):
                    raise MeshError("has a primitive that is no JSON object")
                if primitive.get("mode", TRIANGLES) not in (TRIANGLES, STRIP, FAN):
                    continue
                key = vertices_of(primitive)
                if key not in shared:
                    piece, turned = self._vertices(placed, mesh, primitive)
                    shared[key] = (vertex_count, len(piece))
                    vertex_count += len(piece)
                    points.append(piece)
                first, count = shared[key]
                corners = self._corners(primitive, count)
                face_count += len(corners)
                # A vertex takes twelve bytes: only nodes that show one mesh again come here.
                if vertex_count > self.file.room or face_count > self.file.room:
                    raise MeshError("has nodes that show meshes again, far more than it holds")
                triangles.append((corners[:, [0, 2, 1]] if turned else corners) + first)
        if len(points) == 1:
            raise MeshError("has no triangle in its scene")
        return np.concatenate(points), np.concatenate(triangles)

    def _placed(self) -> list[_Placed]:
        """Return the nodes of the scene that show a mesh; note the transforms of all nodes."""
        nodes = part(self.file.header, "nodes", list)
        if "scenes" in self.file.header:
            scene = self.file.item("scenes", self.file.header.get("scene", 0))
            roots = part(scene, "nodes", list)
        else:
            below = {repr(c) for n in nodes if isinstance(n, dict) for c in _children(n)}
            roots = [index for index in range(len(nodes)) if repr(index) not in below]
        stack = [(root, np.eye(4)) for root in reversed(roots)]
        found = []
        while stack:
            index, above = stack.pop()
            node = self.file.item("nodes", index)
            if index in self.transforms:
                raise MeshError(f"has a node ({index}) in two places: nodes must form a tree")
            with np.errstate(all="ignore"):
                transform = above @ _transform(node)
            self.transforms[index] = transform
            if "mesh" in node:
                found.append(_Placed(node, transform))
            stack.extend((child, transform) for child in reversed(_children(node)))
        return found

    def _vertices(
        self, placed: _Placed, mesh: dict[str, Any], primitive: dict[str, Any]
    ) -> tuple[Floats, bool]:
        """Return the vertices of a primitive in the scene, and whether they are a mirror image."""
        points = self._blended(placed.node, mesh, primitive)
        with np.errstate(all="ignore"):  # what is not finite is told of later
            if "skin" in placed.node:
                # The node of a skinned mesh has no say: its joints place it.
                joints = self._joints(placed.node["skin"])
                return self._skinned(primitive, points, joints), _mirrors(joints)
            linear, shift = placed.transform[:3, :3], placed.transform[:3, 3]
            return points @ linear.T + shift, _mirrors(placed.transform)

    def _blended(
        self, node: dict[str, Any], mesh: dict[str, Any], primitive: dict[str, Any]
    ) -> Floats:
        """Return the positions with the blend shapes by the node's weights, or else the mesh's."""
        attributes = part(primitive, "attributes", dict)
        if "POSITION" not in attributes:
            raise MeshError("has a mesh without POSITION")
        points = self._positions(attributes["POSITION"])
        targets = part(primitive, "targets", list)
        weights = node.get("weights", mesh.get("weights"))
        if not targets or weights is None:
            return points
        amounts: dict[int, float] = defaultdict(float)
        values = reals(weights, len(targets), "a node or mesh with weights of blend shapes")
        for target, amount in zip(targets, values, strict=True):
            if not isinstance(target, dict):
                raise MeshError("has a blend shape that is no JSON object")
            if "POSITION" in target and amount:
                self.file.item("accessors", target["POSITION"])
                amounts[target["POSITION"]] += amount
        for index, amount in amounts.items():
            moved = self._positions(index)
            if len(moved) != len(points):
                raise MeshError(
                    f"has a blend shape of {len(moved)} vertices on a mesh of {len(points)}"
                )
            with np.errstate(all="ignore"):
                points = points + amount * moved
        return points

    def _positions(self, index: object) -> Floats:
        return self.file.accessor(index, "POSITION", "VEC3", FLOAT).astype(np.float64)

    def _joints(self, index: object) -> Floats:
        """Return what each joint of a skin does to the vertices that are all its own, (J, 4, 4)."""
        skin = self.file.item("skins", index)
        joints = part(skin, "joints", list)
        # Items are looked up, so that what is no index is told of.
        for joint in joints:
            self.file.item("nodes", joint)
        if not joints or not set(joints) <= self.transforms.keys():
            raise MeshError("has a skin whose joints are not in its scene")
        transforms = np.stack([self.transforms[joint] for joint in joints])
        if "inverseBindMatrices" not in skin:
            return transforms
        # Matrices are stored column by column.
        bind = self.file.accessor(
            skin["inverseBindMatrices"], "inverse bind matrices", "MAT4", FLOAT
        )
        if len(bind) < len(joints):
            raise MeshError(f"has a skin of {len(joints)} joints with {len(bind)} bind matrices")
        inverse = bind[: len(joints)].astype(np.float64).reshape(-1, 4, 4).transpose(0, 2, 1)
        return np.asarray(transforms @ inverse)

    def _skinned(self, primitive: dict[str, Any], points: Floats, joints: Floats) -> Floats:
        """Return the vertices as the joints that they belong to place them."""
        attributes = part(primitive, "attributes", dict)
        mixed, total = np.zeros((len(points), 4, 4)), np.zeros(len(points))
        number = 0
        while f"JOINTS_{number}" in attributes:
            name, shares = f"JOINTS_{number}", f"WEIGHTS_{number}"
            of = self.file.accessor(attributes[name], name, "VEC4", UNSIGNED[:2])
            shared = self.file.accessor(
                attributes.get(shares), shares, "VEC4", (*FLOAT, *UNSIGNED[:2]), normalized=True
            )
            if len(of) != len(points) or len(shared) != len(points):
                raise MeshError("has a skin that does not fit its mesh")
            of = np.where(shared > 0, of, 0)
            if of.max(initial=0) >= len(joints):
                raise MeshError(f"has a vertex of joint {of.max()}, but {len(joints)} joints")
            for joint, share in zip(of.T, shared.T, strict=True):
                mixed += share[:, None, None] * joints[joint]
                total += share
            number += 1
        if not (total > 0).all():
            raise MeshError("has a skin that leaves vertices to no joint")
        mixed /= total[:, None, None]
        return np.asarray(np.einsum("nrc,nc->nr", mixed[:, :3, :3], points) + mixed[:, :3, 3])

    def _corners(self, primitive: dict[str, Any], count: int) -> Ints:
        """Return the triangles of a primitive of `count` vertices."""
        corners = np.arange(count)
        if "indices" in primitive:
            indices = self.file.accessor(primitive["indices"], "indices", "SCALAR", UNSIGNED)
            corners = indices.reshape(-1).astype(np.int64)
        if len(corners) and corners.max() >= count:
            raise MeshError(f"has a triangle of vertex {corners.max()}, but {count} vertices")
        mode = primitive.get("mode", TRIANGLES)
        if mode == TRIANGLES:
            if len(corners) % 3:
                raise MeshError(f"has {len(corners)} corners of triangles, which is not by three")
            return corners.reshape(-1, 3)
        if mode == STRIP:
            return strip(corners)
        first = np.broadcast_to(corners[:1], corners[2:].shape)
        return np.stack([corners[1:-1], corners[2:], first], axis=1)


def vertices_of(primitive: dict[str, Any]) -> str:
    """Return a key that is the same for primitives with the same vertices."""
    attributes = part(primitive, "attributes", dict)
    used = {
        name: index
        for name, index in attributes.items()
        if str(name).startswith(("POSITION", "JOINTS_", "WEIGHTS_"))
    }
    targets = [
        target.get("POSITION") if isinstance(target, dict) else target
        for target in part(primitive, "targets", list)
    ]
    return repr((sorted(used.items()), targets))


def _mirrors(transforms: Floats) -> bool:
    """Say whether transforms (..., 4, 4) make mirror images, which turns triangles round."""
    return bool((np.linalg.det(np.nan_to_num(transforms[..., :3, :3])) < 0).all())


def _children(node: dict[str, Any]) -> list[Any]:
    children: list[Any] = part(node, "children", list)
    return children


def _transform(node: dict[str, Any]) -> Floats:
    """Return the transform of a node: its matrix, or translation times rotation times scale."""

    def numbers(key: str, default: list[int]) -> Floats:
        return reals(node.get(key, default), len(default), f"a node whose {key}")

    if "matrix" in node:
        return numbers("matrix", [0] * 16).reshape(4, 4).T
    matrix = np.eye(4)
    x, y, z, w = numbers("rotation", [0, 0, 0, 1])
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix[:3, :3] = turn * numbers("scale", [1, 1, 1])
    matrix[:3, 3] = numbers("translation", [0, 0, 0])
    return matrix
