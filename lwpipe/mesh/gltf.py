"""glTF 2.0 files, binary (GLB) and text: the triangles of the shown scene, and nothing else.

Only what lies inside the file is read, and never more than the file can hold: references to other
files, data left out, and meshes shown again and again are faults. Khronos, "glTF 2.0
specification", https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html.
"""

from __future__ import annotations

import base64
import json
import reprlib
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.mesh.faults import MeshError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FLOAT = 5126
INDEX_TYPES = {5121: "<u1", 5123: "<u2", 5125: "<u4"}
TRIANGLES, STRIP, FAN = 4, 5, 6
# Required extensions that change nothing of the triangles; any other is a fault.
HARMLESS = ("KHR_materials_", "KHR_texture_", "EXT_texture_", "KHR_lights_")


def parse_glb(content: bytes) -> tuple[Floats, Ints]:
    """Parse a binary glTF: see `parse_gltf`."""
    if content[:4] != b"glTF" or len(content) < 20:
        raise MeshError("is no GLB file, or is cut off")
    version, length, json_length = (
        int.from_bytes(content[place : place + 4], "little") for place in (4, 8, 12)
    )
    if version != 2:
        raise MeshError(f"is a GLB of version {version}, and only version 2 is read")
    if length > len(content):
        raise MeshError(f"is cut off: it announces {length} bytes and has {len(content)}")
    if content[16:20] != b"JSON":
        raise MeshError("is a GLB that does not begin with its JSON chunk")
    end = 20 + json_length
    if end > length:
        raise MeshError(f"is cut off: its JSON chunk announces {json_length} bytes")
    binary = b""
    if content[end + 4 : end + 8] == b"BIN\0":
        size = int.from_bytes(content[end : end + 4], "little")
        binary = content[end + 8 : min(end + 8 + size, length)]
        if len(binary) != size:
            raise MeshError(f"is cut off: its buffer announces {size} bytes")
    return _Scene(content[20:end], binary, len(content)).mesh()


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
        If the file is damaged, refers to other files, or needs what is not read: sparse accessors,
        compression and other extensions.
    """
    return _Scene(content, None, len(content)).mesh()


class _Scene:
    """A parsed file. `binary` is the buffer of a GLB; `room` bounds the vertices in all."""

    def __init__(self, text: bytes, binary: bytes | None, room: int) -> None:
        try:
            header = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise MeshError(f"is not valid JSON inside ({error}); it may be cut off") from error
        if not isinstance(header, dict):
            raise MeshError("is not a glTF: its JSON is no object")
        self.header: dict[str, Any] = header
        self.binary, self.room = binary, room
        self.buffers: dict[int, bytes] = {}
        version = str(_part(header, "asset", dict).get("version"))
        if not version.startswith("2."):
            raise MeshError(f"is a glTF of version {reprlib.repr(version)}, and only 2 is read")
        for name in _part(header, "extensionsRequired", list):
            if not str(name).startswith(HARMLESS):
                raise MeshError(f"needs the extension {reprlib.repr(name)}, which is not read")

    def mesh(self) -> tuple[Floats, Ints]:
        """Return all triangles of the scene."""
        points: list[Floats] = [np.empty((0, 3))]
        triangles: list[Ints] = [np.empty((0, 3), dtype=np.int64)]
        vertex_count, face_count = 0, 0
        for index, transform in self._placed():
            for primitive in _part(self._item("meshes", index), "primitives", list):
                if not isinstance(primitive, dict):
                    raise MeshError("has a primitive that is no JSON object")
                if primitive.get("mode", TRIANGLES) not in (TRIANGLES, STRIP, FAN):
                    continue
                piece, corners = self._primitive(primitive)
                face_count += len(corners)
                # A vertex takes twelve bytes: only nodes that show one mesh again come here.
                if vertex_count + len(piece) > self.room or face_count > self.room:
                    raise MeshError("has nodes that show meshes again, far more than it holds")
                with np.errstate(all="ignore"):  # what is not finite is told of later
                    points.append(piece @ transform[:3, :3].T + transform[:3, 3])
                triangles.append(corners + vertex_count)
                vertex_count += len(piece)
        if len(points) == 1:
            raise MeshError("has no triangle in its scene")
        return np.concatenate(points), np.concatenate(triangles)

    def _placed(self) -> list[tuple[object, Floats]]:
        """Return the meshes of the scene, by index, each with the transform of its node."""
        nodes = _part(self.header, "nodes", list)
        if "scenes" in self.header:
            scene = self._item("scenes", self.header.get("scene", 0))
            roots = _part(scene, "nodes", list)
        else:
            below = {repr(c) for n in nodes if isinstance(n, dict) for c in _children(n)}
            roots = [index for index in range(len(nodes)) if repr(index) not in below]
        stack = [(root, np.eye(4)) for root in reversed(roots)]
        found, seen = [], set()
        while stack:
            index, above = stack.pop()
            node = self._item("nodes", index)
            if index in seen:
                raise MeshError(f"has a node ({index}) in two places: nodes must form a tree")
            seen.add(index)
            with np.errstate(all="ignore"):
                transform = above @ _transform(node)
            if "mesh" in node:
                found.append((node["mesh"], transform))
            stack.extend((child, transform) for child in reversed(_children(node)))
        return found

    def _primitive(self, primitive: dict[str, Any]) -> tuple[Floats, Ints]:
        attributes = _part(primitive, "attributes", dict)
        if "POSITION" not in attributes:
            raise MeshError("has a mesh without POSITION")
        points = self._accessor(attributes["POSITION"], "POSITION", "VEC3", {FLOAT: "<f4"})
        if "indices" in primitive:
            indices = self._accessor(primitive["indices"], "indices", "SCALAR", INDEX_TYPES)
            corners = indices.reshape(-1).astype(np.int64)
        else:
            corners = np.arange(len(points))
        mode = primitive.get("mode", TRIANGLES)
        if mode == TRIANGLES:
            if len(corners) % 3:
                raise MeshError(f"has {len(corners)} corners of triangles, which is not by three")
            return points.astype(np.float64), corners.reshape(-1, 3)
        first, second, third = corners[:-2], corners[1:-1], corners[2:]
        if mode == FAN:
            first = np.broadcast_to(corners[:1], third.shape)
            return points.astype(np.float64), np.stack([second, third, first], axis=1)
        # Every other triangle of a strip is turned round.
        odd = np.arange(len(first)) % 2 == 1
        strip = np.stack([first, np.where(odd, third, second), np.where(odd, second, third)], 1)
        return points.astype(np.float64), strip

    def _accessor(
        self, index: object, what: str, kind: str, types: dict[int, str]
    ) -> npt.NDArray[Any]:
        """Return the values of an accessor, (n, 3) or (n, 1), as they lie in the buffer."""
        accessor = self._item("accessors", index)
        label = f"accessor {index} ({what})"
        if "sparse" in accessor or "bufferView" not in accessor:
            raise MeshError(f"has an {label} that is sparse or has no data, which is not read")
        component = accessor.get("componentType")
        if accessor.get("type") != kind or component not in types or accessor.get("normalized"):
            raise MeshError(f"has an {label} of a type that {what} cannot have")
        dtype, columns = np.dtype(types[component]), 3 if kind == "VEC3" else 1
        width = dtype.itemsize * columns
        count = _whole(accessor, "count", label)
        view = self._item("bufferViews", accessor["bufferView"])
        stride = _whole(view, "byteStride", label) if "byteStride" in view else width
        if stride < width:
            raise MeshError(f"has an {label} with a byteStride of {stride}, below {width}")
        buffer = self._buffer(view.get("buffer"))
        offset, inside = _whole(view, "byteOffset", label), _whole(accessor, "byteOffset", label)
        length = _whole(view, "byteLength", label)
        needed = inside + (count - 1) * stride + width if count else 0
        if needed > length or offset + length > len(buffer):
            raise MeshError(f"has an {label} that reaches beyond its buffer: it may be cut off")
        if count == 0:
            return np.empty((0, columns), dtype)
        return np.ndarray(
            (count, columns), dtype, buffer, offset + inside, (stride, dtype.itemsize)
        )

    def _buffer(self, index: object) -> bytes:
        buffer = self._item("buffers", index)
        assert isinstance(index, int)  # noqa: S101 - or it were no item
        uri = buffer.get("uri")
        if uri is None and index == 0 and self.binary is not None:
            return self.binary
        if index not in self.buffers:
            head, comma, data = str(uri or "").partition(",")
            if uri is not None and not head.startswith("data:"):
                raise MeshError(
                    f"has a buffer in another file ({reprlib.repr(uri)}), which is not read; save "
                    "it with its buffers embedded, or as GLB"
                )
            try:
                if not comma or not head.endswith(";base64"):
                    raise ValueError("no base64")
                self.buffers[index] = base64.b64decode(data, validate=True)
            except ValueError as error:
                raise MeshError(f"is a glTF whose buffer {index} holds no data") from error
        return self.buffers[index]

    def _item(self, key: str, index: object) -> dict[str, Any]:
        """Return an entry of a list of the header."""
        items = _part(self.header, key, list)
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(items):
            raise MeshError(f"refers to entry {reprlib.repr(index)} of '{key}', which is not there")
        if not isinstance(items[index], dict):
            raise MeshError(f"has an entry of '{key}' that is no JSON object")
        entry: dict[str, Any] = items[index]
        return entry


def _part(values: dict[str, Any], key: str, kind: type) -> Any:
    """Return a list or object of a JSON object; empty where it is left out."""
    value = values.get(key, kind())
    if not isinstance(value, kind):
        raise MeshError(f"has '{key}' that is no JSON {'list' if kind is list else 'object'}")
    return value


def _children(node: dict[str, Any]) -> list[Any]:
    children: list[Any] = _part(node, "children", list)
    return children


def _whole(values: dict[str, Any], key: str, label: str) -> int:
    """Return a whole number of at least 0; 0 where an offset is left out."""
    value = values.get(key, 0 if key == "byteOffset" else None)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise MeshError(f"has an {label} whose {key} is {reprlib.repr(value)}")
    return value


def _transform(node: dict[str, Any]) -> Floats:
    """Return the transform of a node: its matrix, or translation times rotation times scale."""
    if "matrix" in node:
        return _numbers(node, "matrix", 16, []).reshape(4, 4).T
    matrix = np.eye(4)
    x, y, z, w = _numbers(node, "rotation", 4, [0, 0, 0, 1])
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix[:3, :3] = turn * _numbers(node, "scale", 3, [1, 1, 1])
    matrix[:3, 3] = _numbers(node, "translation", 3, [0, 0, 0])
    return matrix


def _numbers(node: dict[str, Any], key: str, count: int, default: list[int]) -> Floats:
    values = node.get(key, default)
    try:
        array = np.array(values, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise MeshError(f"has a node whose {key} is not {count} numbers") from error
    if array.shape != (count,) or not np.isfinite(array).all():
        raise MeshError(f"has a node whose {key} is not {count} finite numbers")
    return array
