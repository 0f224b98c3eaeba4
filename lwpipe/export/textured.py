"""One face as a mesh file with its colours: of its vertices, or baked into an image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import write_bytes, write_text
from lwpipe.data.signals import colors_of, positions
from lwpipe.export.glb import INDICES, METRES_PER_MM, VERTICES, WHITE, GlbBuffer, material
from lwpipe.export.surface import vertex_normals
from lwpipe.mesh.ply_file import write_ply
from lwpipe.mesh.texture import UvMap, bake, png

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Colors = npt.NDArray[np.uint8]

SUFFIXES = (".ply", ".obj", ".glb")
# An image has so many texels along all edges of triangles but this share, within these sizes.
_TEXELS, _SHORT, _EDGES = 4, 0.05, (256, 4096)


def write_face(
    path: str | Path, face: npt.NDArray[Any], triangles: Ints, uv: UvMap | None = None
) -> list[Path]:
    """Write a face as PLY, OBJ or GLB, each file atomically, and return what was written.

    A face with colours has them at its vertices. With a UV map, OBJ and GLB have an image instead,
    into which they are baked: of an OBJ it lies beside it with its materials, and the vertices keep
    their order; in a GLB vertices at a seam are there twice.

    Parameters
    ----------
    path : whose suffix says which
    face : float32 (V, C), mm
    triangles : int (F, 3)
    uv : of the triangles; None, or a face without colours: no image

    Raises
    ------
    LwpipeError
        If the suffix is another, or a file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise LwpipeError(f"{path}: must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}.")
    points, colors = positions(face), colors_of(face)
    if path.suffix.lower() == ".ply":
        write_ply(path, points, triangles, colors)
        return [path]
    image = None
    if colors is not None and uv is not None:
        image = bake(colors, triangles, uv, image_edge(uv))
    if path.suffix.lower() == ".glb":
        write_bytes(path, face_glb(points, triangles, colors, uv, image))
        return [path]
    return _write_obj(path, points, triangles, colors, uv, image)


def image_edge(uv: UvMap) -> int:
    """Return how many texels an edge of a baked image has: a power of two.

    An edge of a triangle has four, so that its ends keep their colours; that is 16 a vertex where
    all are of one length. The shortest one in twenty may have fewer.
    """
    corners = uv.uv[uv.corners]
    lengths = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    lengths = lengths[lengths > 0]
    short = float(np.quantile(lengths, _SHORT)) if len(lengths) else 1.0
    edge = np.clip(_TEXELS / short, *_EDGES)
    return int(2 ** np.ceil(np.log2(edge)))


def _write_obj(
    path: Path,
    points: Floats,
    triangles: Ints,
    colors: Colors | None,
    uv: UvMap | None,
    image: Colors | None,
) -> list[Path]:
    if image is None or uv is None:
        write_text(path, obj_text(points, triangles, colors))
        return [path]
    picture, materials = path.with_suffix(".png"), path.with_suffix(".mtl")
    write_bytes(picture, png(image))
    write_text(materials, f"newmtl face\nKa 0 0 0\nKd 1 1 1\nmap_Kd {picture.name}\n")
    lines = ["# units: mm", f"mtllib {materials.name}", "usemtl face"]
    lines += [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in points.tolist()]
    lines += [f"vt {u:.9g} {v:.9g}" for u, v in uv.uv.tolist()]
    corners = np.stack([triangles + 1, uv.corners + 1], axis=2).tolist()
    lines += ["f " + " ".join(f"{v}/{t}" for v, t in row) for row in corners]
    # The mesh comes last: what it names is there when it is.
    write_text(path, "\n".join(lines) + "\n")
    return [path, materials, picture]


def obj_text(points: Floats, triangles: Ints, colors: Colors | None = None) -> str:
    """Return an OBJ, mm, whose vertices keep their order, with their colours (v x y z r g b)."""
    tails = [""] * len(points)
    if colors is not None:
        tails = [f" {r:.6g} {g:.6g} {b:.6g}" for r, g, b in (colors / 255).round(6).tolist()]
    rows = zip(points.tolist(), tails, strict=True)
    lines = ["# units: mm"]
    lines += [f"v {x:.9g} {y:.9g} {z:.9g}{tail}" for (x, y, z), tail in rows]
    lines += [f"f {a} {b} {c}" for a, b, c in (triangles + 1).tolist()]
    return "\n".join(lines) + "\n"


def face_glb(
    points: Floats,
    triangles: Ints,
    colors: Colors | None = None,
    uv: UvMap | None = None,
    image: Colors | None = None,
) -> bytes:
    """Return a binary glTF of one face in metres: plain, with colours of vertices, or an image.

    Parameters
    ----------
    points : float32 (V, 3), mm
    triangles : int (F, 3)
    colors : uint8 (V, 3), sRGB
    uv, image : with both, the image is shown
    """
    buffer = GlbBuffer()
    normals = vertex_normals(points, triangles)
    attributes: dict[str, int] = {}
    textures: dict[str, Any] = {}
    skin = material("skin", WHITE, 0.75)
    rows, corners = np.arange(len(points)), triangles
    if uv is not None and image is not None:
        pairs = np.stack([triangles, uv.corners], axis=2).reshape(-1, 2)
        distinct, numbers = np.unique(pairs, axis=0, return_inverse=True)
        rows, corners = distinct[:, 0], numbers.reshape(-1, 3)
        flipped = uv.uv[distinct[:, 1]] * [1, -1] + [0, 1]
        attributes["TEXCOORD_0"] = buffer.add(flipped.astype(np.float32), VERTICES)
        textures = {
            "images": [{"bufferView": buffer.add_image(png(image)), "mimeType": "image/png"}],
            "samplers": [{"magFilter": 9729, "minFilter": 9987}],
            "textures": [{"source": 0, "sampler": 0}],
        }
        skin["pbrMetallicRoughness"]["baseColorTexture"] = {"index": 0}
    elif colors is not None:
        attributes["COLOR_0"] = buffer.add_colors(colors)
    attributes["POSITION"] = buffer.add_points(points[rows] * np.float32(METRES_PER_MM))
    attributes["NORMAL"] = buffer.add(normals[rows], VERTICES)
    indices = buffer.add(corners.astype(np.uint32).reshape(-1), INDICES)
    primitive = {"attributes": attributes, "indices": indices, "material": 0}
    mesh = {"name": "face", "primitives": [primitive]}
    return buffer.packed(mesh, skin, "face", **textures)
