"""A glTF 2.0 file as a container: its JSON, its buffers and the accessors into these."""

from __future__ import annotations

import base64
import json
import reprlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.mesh.faults import MeshError

Floats = npt.NDArray[np.float64]

COLUMNS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
TYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
FLOAT = (5126,)
UNSIGNED = (5121, 5123, 5125)
# Required extensions that change nothing of the triangles; any other is a fault.
HARMLESS = ("KHR_materials_", "KHR_texture_", "EXT_texture_", "KHR_lights_")
_VERTEX_BYTES = 12


class GltfFile:
    """A parsed file. `binary` is the buffer of a GLB; `room`, its size, bounds what it can hold."""

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
        version = str(part(header, "asset", dict).get("version"))
        if not version.startswith("2."):
            raise MeshError(f"is a glTF of version {reprlib.repr(version)}, and only 2 is read")
        for name in part(header, "extensionsRequired", list):
            if not str(name).startswith(HARMLESS):
                raise MeshError(f"needs the extension {reprlib.repr(name)}, which is not read")

    @classmethod
    def from_glb(cls, content: bytes) -> GltfFile:
        """Open a binary glTF."""
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
        return cls(content[20:end], binary, len(content))

    def item(self, key: str, index: object) -> dict[str, Any]:
        """Return an entry of a list of the header."""
        items = part(self.header, key, list)
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(items):
            raise MeshError(f"refers to entry {reprlib.repr(index)} of '{key}', which is not there")
        if not isinstance(items[index], dict):
            raise MeshError(f"has an entry of '{key}' that is no JSON object")
        entry: dict[str, Any] = items[index]
        return entry

    def accessor(
        self, index: object, what: str, kind: str, types: tuple[int, ...], normalized: bool = False
    ) -> npt.NDArray[Any]:
        """Return the values of an accessor, (n, columns of its kind).

        Parameters
        ----------
        index : of the accessor
        what : it is for, in messages
        kind : 'SCALAR', 'VEC2', 'VEC3', 'VEC4' or 'MAT4'
        types : component types that it may have
        normalized : its whole numbers may stand for [0, 1]: then they are returned as such
        """
        accessor = self.item("accessors", index)
        label = f"accessor {index} ({what})"
        component = accessor.get("componentType")
        scaled = bool(accessor.get("normalized")) and component not in FLOAT
        if (
            accessor.get("type") != kind
            or component not in types
            or (scaled and not normalized)
            or (normalized and not scaled and component not in FLOAT)
        ):
            raise MeshError(f"has an {label} of a type that {what} cannot have")
        dtype = np.dtype(TYPES[component])
        count = whole(accessor, "count", label)
        if "bufferView" in accessor:
            values = self._values(accessor, count, dtype, COLUMNS[kind], label)
        elif "sparse" not in accessor:
            raise MeshError(f"has an {label} that has no data, which is not read")
        elif count * _VERTEX_BYTES > self.room:
            # Zeros take no room in the file, but something else of so many vertices does.
            raise MeshError(f"has an {label} of {count} entries, more than the file can be about")
        else:
            values = np.zeros((count, COLUMNS[kind]), dtype)
        if "sparse" in accessor:
            values = self._filled(values, part(accessor, "sparse", dict), label)
        return values / np.float64(np.iinfo(dtype).max) if scaled else values

    def _filled(
        self, values: npt.NDArray[Any], sparse: dict[str, Any], label: str
    ) -> npt.NDArray[Any]:
        """Return values of which a few are replaced."""
        count = whole(sparse, "count", label)
        where, what = part(sparse, "indices", dict), part(sparse, "values", dict)
        component = where.get("componentType")
        if component not in UNSIGNED:
            raise MeshError(f"has an {label} whose sparse indices are of no whole type")
        rows = self._values(where, count, np.dtype(TYPES[component]), 1, label)[:, 0]
        if len(rows) and rows.max() >= len(values):
            raise MeshError(f"has an {label} with a sparse index beyond its {len(values)} entries")
        filled = values.copy()
        filled[rows] = self._values(what, count, values.dtype, values.shape[1], label)
        return filled

    def view(self, index: object) -> bytes:
        """Return the bytes of a view of a buffer, such as an image."""
        view = self.item("bufferViews", index)
        buffer = self._buffer(view.get("buffer"))
        offset, length = whole(view, "byteOffset", "image"), whole(view, "byteLength", "image")
        if offset + length > len(buffer):
            raise MeshError("has an image that reaches beyond its buffer: it may be cut off")
        return buffer[offset : offset + length]

    def _values(
        self, place: Mapping[str, Any], count: int, dtype: np.dtype[Any], columns: int, label: str
    ) -> npt.NDArray[Any]:
        """Return what lies in a buffer, (count, columns), as it lies there."""
        width = dtype.itemsize * columns
        view = self.item("bufferViews", place.get("bufferView"))
        stride = whole(view, "byteStride", label) if "byteStride" in view else width
        if stride < width:
            raise MeshError(f"has an {label} with a byteStride of {stride}, below {width}")
        buffer = self._buffer(view.get("buffer"))
        offset, inside = whole(view, "byteOffset", label), whole(place, "byteOffset", label)
        length = whole(view, "byteLength", label)
        needed = inside + (count - 1) * stride + width if count else 0
        if needed > length or offset + length > len(buffer):
            raise MeshError(f"has an {label} that reaches beyond its buffer: it may be cut off")
        if count == 0:
            return np.empty((0, columns), dtype)
        return np.ndarray(
            (count, columns), dtype, buffer, offset + inside, (stride, dtype.itemsize)
        )

    def _buffer(self, index: object) -> bytes:
        buffer = self.item("buffers", index)
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


def part(values: Mapping[str, Any], key: str, kind: type) -> Any:
    """Return a list or object of a JSON object; empty where it is left out."""
    value = values.get(key, kind())
    if not isinstance(value, kind):
        raise MeshError(f"has '{key}' that is no JSON {'list' if kind is list else 'object'}")
    return value


def whole(values: Mapping[str, Any], key: str, label: str) -> int:
    """Return a whole number of at least 0; 0 where an offset is left out."""
    value = values.get(key, 0 if key == "byteOffset" else None)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise MeshError(f"has an {label} whose {key} is {reprlib.repr(value)}")
    return value


def reals(values: object, count: int, what: str) -> Floats:
    """Return a JSON list of finite numbers, float64 (count,)."""
    try:
        array = np.array(values, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise MeshError(f"has {what} that is not {count} numbers") from error
    if array.shape != (count,) or not np.isfinite(array).all():
        raise MeshError(f"has {what} that is not {count} finite numbers")
    return array
