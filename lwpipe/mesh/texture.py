"""Images on meshes: read with a sentence, sampled to vertices, and baked from them.

A UV map gives each corner of a triangle a place in an image, u from left to right and v from bottom
to top, as OBJ has them.
"""

from __future__ import annotations

import io
import itertools
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.color import bytes_of_light, linear_of_srgb
from lwpipe.core.errors import short_reason
from lwpipe.mesh.faults import MeshError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Colors = npt.NDArray[np.uint8]

# Of an edge and of all: what is larger is no texture of a face, or a bomb.
MAX_EDGE, MAX_PIXELS = 16_384, 2**27
# So many texels a vertex are left of an image: one vertex shows what lies about it.
_TEXELS = 4
# What fills the image beside the triangles that it is baked from, in texels.
_BLEED = 8
_AROUND = [(y, x) for y in (1, 0, -1) for x in (1, 0, -1)]


@dataclass(frozen=True)
class UvMap:
    """Where the corners of triangles lie in an image.

    Attributes
    ----------
    uv : float64 (U, 2), from 0 to 1, v upwards
    corners : int64 (F, 3), of each triangle, in the order of the mesh's
    """

    uv: Floats
    corners: Ints


def read_image(content: bytes) -> Colors:
    """Read an image of 8 or 16 bits, PNG or JPEG: uint8 (H, W, 3), sRGB; what is clear is white.

    Raises
    ------
    MeshError
        If it is damaged, of another format, or larger than 16,384 texels an edge.
    """
    from PIL import Image  # a mesh without images does not wait for it

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its size is looked at here
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "BMP", "TGA")) as image:
                width, height = image.size
                if max(width, height) > MAX_EDGE or width * height > MAX_PIXELS:
                    raise MeshError(
                        f"has an image of {width} x {height} texels: at most {MAX_EDGE} an edge "
                        f"and {MAX_PIXELS // 2**20} million are read; make it smaller"
                    )
                if image.mode.startswith("I"):
                    wide = np.asarray(image, np.float64)
                    grey = np.clip(wide / 257, 0, 255).round().astype(np.uint8)
                    return np.repeat(grey[..., None], 3, axis=2)
                return np.asarray(image.convert("RGB"))
    except MeshError:
        raise
    except Exception as error:  # a damaged image raises nearly anything
        raise MeshError(f"has an image that cannot be read ({short_reason(error)})") from error


def sampled(image: Colors, uv: Floats, vertices: int) -> Floats:
    """Return the linear light of an image at places, float64 (n, 3).

    The image is first averaged, in linear light, until a vertex has about four texels.

    Parameters
    ----------
    image : uint8 (H, W, 3), sRGB
    uv : float (n, 2), v upwards; beyond 0 to 1 the image repeats
    vertices : how many the image is sampled to
    """
    light = _averaged(image, max(1, int(np.sqrt(image.size / 3 / (_TEXELS * max(vertices, 1))))))
    height, width = light.shape[:2]
    inside = (uv >= 0) & (uv <= 1)
    u, v = np.where(inside, uv, uv - np.floor(uv)).T
    columns, rows = u * width - 0.5, (1 - v) * height - 0.5
    left, top = np.floor(columns).astype(np.int64), np.floor(rows).astype(np.int64)
    across, down = (columns - left)[:, None], (rows - top)[:, None]
    left, right = (np.clip(left + step, 0, width - 1) for step in (0, 1))
    top, low = (np.clip(top + step, 0, height - 1) for step in (0, 1))
    above = (1 - across) * light[top, left] + across * light[top, right]
    below = (1 - across) * light[low, left] + across * light[low, right]
    return np.asarray((1 - down) * above + down * below)


def _averaged(image: Colors, factor: int) -> Floats:
    """Return the means of blocks of texels, in linear light, float64 (h, w, 3)."""
    if factor == 1:
        return linear_of_srgb(image / 255)
    # All blocks are of about one size, so that places stay where they are.
    rows, columns = (
        np.linspace(0, size, -(-size // factor) + 1).round().astype(np.int64)
        for size in image.shape[:2]
    )
    sums = np.empty((len(rows) - 1, len(columns) - 1, 3))
    for place, (top, end) in enumerate(itertools.pairwise(rows.tolist())):
        band = linear_of_srgb(image[top:end] / 255)
        sums[place] = np.add.reduceat(band.mean(axis=0), columns[:-1], axis=0)
    return np.asarray(sums / np.diff(columns)[None, :, None])


def of_vertices(light: Floats, corners: Ints, vertices: int) -> Floats:
    """Return the mean light of each vertex over the corners that show it, float64 (V, 3).

    Vertices of no triangle get the mean of all.

    Parameters
    ----------
    light : float64 (c, 3), of corners
    corners : int (c,), the vertex of each
    vertices : V
    """
    count = np.bincount(corners, minlength=vertices)
    sums = np.stack([np.bincount(corners, channel, vertices) for channel in light.T], axis=1)
    mean = light.mean(axis=0) if len(light) else np.ones(3)
    return np.where(count[:, None] > 0, sums / np.maximum(count, 1)[:, None], mean)


def bake(colors: Colors, triangles: Ints, uv: UvMap, size: int) -> Colors:
    """Paint the colours of vertices into an image by a UV map, uint8 (size, size, 3), sRGB.

    Between the corners of a triangle they go over into each other in linear light; beside the
    triangles the image goes on as it ends, so that seams do not show.

    Parameters
    ----------
    colors : uint8 (V, 3), sRGB
    triangles : int (F, 3)
    uv : of the same triangles
    size : of an edge of the image, texels
    """
    light = linear_of_srgb(colors / 255)
    image, painted = np.zeros((size, size, 3)), np.zeros((size, size), bool)
    wrapped = np.where((uv.uv >= 0) & (uv.uv <= 1), uv.uv, uv.uv - np.floor(uv.uv))
    places = np.stack([wrapped[:, 0] * size - 0.5, (1 - wrapped[:, 1]) * size - 0.5], axis=1)
    for corners, ends in zip(places[uv.corners], light[triangles], strict=True):
        _fill(image, painted, corners, ends)
    for _ in range(_BLEED):
        _grow(image, painted)
    if not painted.all():
        image[~painted] = image[painted].mean(axis=0) if painted.any() else light.mean(axis=0)
    return bytes_of_light(image)


def _fill(image: Floats, painted: npt.NDArray[np.bool_], corners: Floats, ends: Floats) -> None:
    """Paint one triangle (3, 2), in texels, with the light (3, 3) of its corners, in place."""
    size = len(image)
    low = np.clip(np.ceil(corners.min(axis=0) - 0.5), 0, size - 1).astype(int)
    high = np.clip(np.floor(corners.max(axis=0) + 0.5), 0, size - 1).astype(int)
    (x0, y0), (x1, y1), (x2, y2) = corners
    area = (y1 - y2) * (x0 - x2) + (x2 - x1) * (y0 - y2)
    if area == 0 or (high < low).any():
        return
    x, y = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
    a = ((y1 - y2) * (x - x2) + (x2 - x1) * (y - y2)) / area
    b = ((y2 - y0) * (x - x2) + (x0 - x2) * (y - y2)) / area
    shares = np.stack([a, b, 1 - a - b], axis=-1)
    # Texels whose centres lie half a texel outside are the edge's too.
    reach = 0.5 * (np.ptp(corners, axis=0).max() / abs(area))
    inside = (shares >= -reach).all(axis=-1)
    kept = np.clip(shares[inside], 0, None)
    image[y[inside], x[inside]] = (kept / kept.sum(axis=1, keepdims=True)) @ ends
    painted[y[inside], x[inside]] = True


def _grow(image: Floats, painted: npt.NDArray[np.bool_]) -> None:
    """Let the texels beside what is painted be the mean of their painted neighbours, in place."""
    # One texel wider all around, where nothing is painted.
    known = np.pad(painted, 1)
    beside = [known[1 + y : y + 1 + len(image), 1 + x : x + 1 + len(image)] for y, x in _AROUND]
    rows, columns = np.nonzero(np.logical_or.reduce(beside) & ~painted)
    total, count = np.zeros((len(rows), 3)), np.zeros((len(rows), 1))
    for y, x in _AROUND:
        there = known[rows + 1 + y, columns + 1 + x]
        total[there] += image[rows[there] + y, columns[there] + x]
        count[there] += 1
    image[rows, columns] = total / count
    painted[rows, columns] = True


def png(image: Colors) -> bytes:
    """Return an image as the bytes of a PNG; equal images give equal bytes."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    return content.getvalue()


def uv_map(arrays: dict[str, npt.NDArray[Any]], triangles: int) -> UvMap | None:
    """Return the UV map of arrays `uv` (U, 2) and `corners` (F, 3); None where they are none."""
    uv, corners = arrays["uv"], arrays["corners"]
    fits = uv.ndim == 2 and uv.shape[1:] == (2,) and corners.shape == (triangles, 3)
    if not fits or uv.dtype.kind != "f" or corners.dtype.kind != "i" or not np.isfinite(uv).all():
        return None
    if corners.size and (corners.min() < 0 or corners.max() >= len(uv)):
        return None
    return UvMap(uv.astype(np.float64), corners.astype(np.int64))
