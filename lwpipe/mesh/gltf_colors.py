"""Colours of a glTF: those of its vertices (COLOR_0), and the images of its materials.

As the specification has it, colours of vertices and factors are linear, images are sRGB, and what a
vertex shows is their product (glTF 2.0, section 3.9.2).
"""

from __future__ import annotations

import base64
import reprlib
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.color import bytes_of_light
from lwpipe.mesh.faults import MeshError, check_count
from lwpipe.mesh.gltf import FAN, STRIP, TRIANGLES, Scene, vertices_of
from lwpipe.mesh.gltf_file import FLOAT, UNSIGNED, GltfFile, part, reals
from lwpipe.mesh.texture import UvMap, of_vertices, read_image, sampled

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Colors = npt.NDArray[np.uint8]

NO_COLORS = "has no colours: neither COLOR_0 of its vertices nor an image of their material"


def glb_colors(content: bytes) -> Colors:
    """Return the colours of the vertices of a binary glTF: see `gltf_colors`."""
    return _Painted(GltfFile.from_glb(content)).colors()


def gltf_colors(content: bytes) -> Colors:
    """Return the colours of the vertices of a text glTF, uint8 (V, 3), sRGB, as they are numbered.

    Raises
    ------
    MeshError
        If a mesh of the scene has none, or an image is damaged or lies outside the file.
    """
    return _Painted(GltfFile(content, None, len(content))).colors()


def glb_uv(content: bytes) -> UvMap | None:
    """Return the UV map of a binary glTF of one mesh; None where it has none."""
    return _Painted(GltfFile.from_glb(content)).uv_map()


class _Painted(Scene):
    """The scene, looked at for its colours."""

    def primitives(self) -> list[tuple[dict[str, Any], int, int]]:
        """Return the primitives of triangles, with the first and the number of their vertices."""
        found = []
        total = 0
        for placed in self._placed():
            mesh = self.file.item("meshes", placed.node["mesh"])
            shared: dict[str, tuple[int, int]] = {}
            for primitive in part(mesh, "primitives", list):
                if primitive.get("mode", TRIANGLES) not in (TRIANGLES, STRIP, FAN):
                    continue
                key = vertices_of(primitive)
                if key not in shared:
                    attributes = part(primitive, "attributes", dict)
                    count = len(self._positions(attributes.get("POSITION")))
                    shared[key] = (total, count)
                    total += count
                found.append((primitive, *shared[key]))
        return found

    def colors(self) -> Colors:
        """Return the colours of all vertices of the scene."""
        lights, owners = [], []
        primitives = self.primitives()
        total = max((first + count for _, first, count in primitives), default=0)
        for primitive, first, count in primitives:
            light = self._light(primitive, count)
            corners = self._corners(primitive, count).reshape(-1)
            lights.append(light[corners])
            owners.append(corners + first)
        if not lights:
            raise MeshError("has no triangle in its scene")
        return bytes_of_light(of_vertices(np.concatenate(lights), np.concatenate(owners), total))

    def uv_map(self) -> UvMap | None:
        """Return where the corners lie in the image; None where there is not one mesh with one."""
        primitives = self.primitives()
        if len(primitives) != 1:
            return None
        primitive, _, count = primitives[0]
        attributes = part(primitive, "attributes", dict)
        if "TEXCOORD_0" not in attributes:
            return None
        uv = self._places(attributes["TEXCOORD_0"], "TEXCOORD_0", count)
        return UvMap(uv, self._corners(primitive, count))

    def _light(self, primitive: dict[str, Any], count: int) -> Floats:
        """Return the linear light of the vertices of a primitive, (count, 3)."""
        attributes = part(primitive, "attributes", dict)
        light, found = np.ones((count, 3)), False
        if "COLOR_0" in attributes:
            accessor = self.file.item("accessors", attributes["COLOR_0"])
            kind = "VEC4" if accessor.get("type") == "VEC4" else "VEC3"
            types = (*FLOAT, *UNSIGNED[:2])
            values = self.file.accessor(
                attributes["COLOR_0"], "COLOR_0", kind, types, normalized=True
            )
            check_count(len(values), count)
            light, found = np.clip(values[:, :3].astype(np.float64), 0, 1), True
        if "material" in primitive:
            material = self.file.item("materials", primitive["material"])
            about = part(material, "pbrMetallicRoughness", dict)
            factor = reals(about.get("baseColorFactor", [1] * 4), 4, "a baseColorFactor")
            light = light * np.clip(factor[:3], 0, 1)
            if "baseColorTexture" in about:
                texture = part(about, "baseColorTexture", dict)
                name = f"TEXCOORD_{texture.get('texCoord', 0)}"
                if name not in attributes:
                    raise MeshError(f"has an image, and a mesh without {name}")
                uv = self._places(attributes[name], name, count)
                light, found = light * sampled(self._image(texture), uv, count), True
        if not found:
            raise MeshError(NO_COLORS)
        return light

    def _places(self, index: object, name: str, count: int) -> Floats:
        types = (*FLOAT, *UNSIGNED[:2])
        uv = self.file.accessor(index, name, "VEC2", types, normalized=True).astype(np.float64)
        check_count(len(uv), count, "places in its image")
        if not np.isfinite(uv).all():
            raise MeshError(f"has a {name} that is not finite")
        # glTF counts from the top.
        return np.stack([uv[:, 0], 1 - uv[:, 1]], axis=1)

    def _image(self, texture: dict[str, Any]) -> Colors:
        source = self.file.item("textures", texture.get("index")).get("source")
        image = self.file.item("images", source)
        if "bufferView" in image:
            return read_image(self.file.view(image["bufferView"]))
        uri = str(image.get("uri") or "")
        head, comma, data = uri.partition(",")
        if not uri.startswith("data:"):
            raise MeshError(
                f"has an image in another file ({reprlib.repr(uri)}), which is not read; save it "
                "with its images embedded, or as GLB"
            )
        try:
            if not comma or not head.endswith(";base64"):
                raise ValueError("no base64")
            return read_image(base64.b64decode(data, validate=True))
        except ValueError as error:
            raise MeshError("is a glTF whose image holds no data") from error
