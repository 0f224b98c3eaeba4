"""Colours of an OBJ: three numbers behind the coordinates, or an image by its materials."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import cast

import numpy as np
import numpy.typing as npt

from lwpipe.core.color import bytes_of_light, linear_of_srgb
from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.text import lines_of, numbers, plain
from lwpipe.mesh.texture import UvMap, of_vertices, read_image, sampled

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Colors = npt.NDArray[np.uint8]

NO_COLORS = (
    "has no colours: neither of its vertices (v x y z r g b) nor an image (mtllib, map_Kd and vt)"
)
_TEXT = "utf-8", "replace"


@dataclass
class _Read:
    """What an OBJ says of colours.

    Attributes
    ----------
    vertices : words behind the coordinates, of each vertex
    places : words of each vt
    faces : corners of each face as (vertex, vt or -1), and its material
    libraries : names of material files
    """

    vertices: list[list[bytes]] = field(default_factory=list)
    places: list[list[bytes]] = field(default_factory=list)
    faces: list[tuple[list[tuple[int, int]], str]] = field(default_factory=list)
    libraries: list[str] = field(default_factory=list)


def obj_colors(content: bytes, path: Path | None) -> Colors:
    """Return the colours of the vertices of an OBJ, uint8 (V, 3), sRGB.

    Colours of vertices are from 0 to 1, or to 255 where one is above 1. Images lie where the
    material file names them, from its own folder on.

    Parameters
    ----------
    content : of the file
    path : of the file, beside which its materials lie; None: it has none

    Raises
    ------
    MeshError
        If it has no colours, of some vertices only, or an image that is missing or damaged.
    """
    read = _parsed(content)
    widths = {len(words) for words in read.vertices}
    if widths - {0, 1}:
        if widths != {3}:
            count = sum(len(words) != 3 for words in read.vertices)
            raise MeshError(f"has {count} vertices without a colour of three numbers")
        values = numbers(read.vertices, 3, "has a colour that is not three numbers")
        full = 1.0 if values.max(initial=0) <= 1 else 255.0
        if not ((values >= 0) & (values <= full)).all():
            raise MeshError("has colours out of range: from 0 to 1, or to 255")
        return np.rint(255 / full * values).astype(np.uint8)
    return _of_images(read, path)


def obj_uv(content: bytes) -> UvMap | None:
    """Return the UV map of an OBJ, in the order of its triangles; None where it has none."""
    read = _parsed(content)
    corners = [
        turned[place]
        for face, _ in read.faces
        for turned in [_turned(face)]
        for step in range(1, len(turned) - 1)
        for place in (0, step, step + 1)
    ]
    if not corners or min(place for _, place in corners) < 0:
        return None
    uv = _places(read)
    found = np.array([place for _, place in corners], np.int64).reshape(-1, 3)
    return UvMap(uv, found) if found.max() < len(uv) else None


def _parsed(content: bytes) -> _Read:
    read = _Read()
    material = ""
    for line in lines_of(plain(content)):
        words = line.split(b"#", 1)[0].split()
        key = words[0].lower() if words else b""
        if key == b"v":
            read.vertices.append(words[4:])
        elif key == b"vt":
            read.places.append(words[1:3])
        elif key == b"f":
            read.faces.append(([_corner(word, read) for word in words[1:]], material))
        elif key == b"usemtl":
            material = line.split(None, 1)[1].decode(*_TEXT).strip() if len(words) > 1 else ""
        elif key == b"mtllib" and len(words) > 1:
            read.libraries.append(line.split(None, 1)[1].decode(*_TEXT).strip())
    return read


def _corner(word: bytes, read: _Read) -> tuple[int, int]:
    """Return the vertex and the vt of a corner, from 0; -1 for no vt."""
    try:
        numbers_ = [int(part) if part else 0 for part in word.split(b"/")[:2]]
    except ValueError as error:
        raise MeshError(
            "has a face line (f) that names its corners by other than numbers"
        ) from error
    vertex, place = (*numbers_, 0)[:2]
    vertex = vertex - 1 if vertex > 0 else len(read.vertices) + vertex
    place = place - 1 if place > 0 else len(read.places) + place if place else -1
    return vertex, place


def _turned(corners: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Return the corners as `lwpipe.mesh.polygons.fan` begins: at the lowest vertex of a cycle."""
    if len(corners) <= 3:
        return corners
    vertices = [vertex for vertex, _ in corners]
    first = vertices.index(min(vertices))
    return [*corners[first:], *corners[:first]]


def _places(read: _Read) -> Floats:
    return numbers(read.places, 2, "has a texture vertex (vt) without two numbers")


def _of_images(read: _Read, path: Path | None) -> Colors:
    """Sample the images of the materials."""
    materials: dict[str, tuple[Path | None, Floats]] = {}
    for name in read.libraries if path is not None else ():
        materials |= _materials(_beside(cast(Path, path).parent, name))
    used = {material for _, material in read.faces}
    known = {name: materials[name] for name in used if name in materials}
    if not any(image is not None for image, _ in known.values()):
        raise MeshError(NO_COLORS)
    uv = _places(read)
    vertices = len(read.vertices)
    lights, owners = [], []
    for name, (file, tint) in sorted(known.items()):
        corners = np.array(
            [corner for face, material in read.faces if material == name for corner in face],
            np.int64,
        ).reshape(-1, 2)
        if len(corners) and (corners.max(axis=0) >= [vertices, max(len(uv), 1)]).any():
            raise MeshError("has a face of a texture vertex (vt) that is not there")
        if file is None:
            light = np.tile(tint, (len(corners), 1))
        elif (corners[:, 1] < 0).any():
            raise MeshError("has an image, and faces without texture vertices (vt)")
        else:
            light = sampled(_image(file), uv[corners[:, 1]], vertices)
        lights.append(light)
        owners.append(corners[:, 0])
    return bytes_of_light(of_vertices(np.concatenate(lights), np.concatenate(owners), vertices))


def _beside(folder: Path, name: str) -> Path:
    """Return the file of a name: below or above the folder, or in it where the name is absolute.

    An absolute name is that of the machine where the mesh was made.
    """
    windows = PureWindowsPath(name)
    if windows.drive or windows.root:
        return folder / windows.name
    return folder / windows.as_posix()


def _image(file: Path) -> Colors:
    try:
        content = file.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MeshError(f"has an image, {file.name}, that cannot be read: {reason}") from error
    try:
        return read_image(content)
    except MeshError as error:
        raise MeshError(f"{error}: {file.name}") from error


def _materials(path: Path) -> dict[str, tuple[Path | None, Floats]]:
    """Return the image of each material of a file, if any, and its colour in linear light."""
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        shown = reprlib.repr(path.name)
        raise MeshError(f"names the materials {shown}, which cannot be read") from error
    found: dict[str, tuple[Path | None, Floats]] = {}
    name = ""
    for line in lines_of(plain(content)):
        words = line.decode(*_TEXT).split(None, 1)
        if len(words) < 2:
            continue
        key, value = words[0].lower(), words[1].strip()
        if key == "newmtl":
            name, found[value] = value, (None, np.ones(3))
        elif name and key == "kd":
            tint = numbers([value.encode().split()[:3]], 3, "has a material with a wrong Kd")[0]
            found[name] = (found[name][0], linear_of_srgb(np.clip(tint, 0, 1)))
        elif name and key == "map_kd":
            # Options stand before the name, which comes last.
            file = value if not value.startswith("-") else value.split()[-1]
            found[name] = (_beside(path.parent, file), found[name][1])
    return found
