"""What the viewer on a web page shows, packed into text."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.export.morphs import Morphs, Slider
from lwpipe.figures.style import part_palette

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

# Whole numbers stand for shares of a range: of a face of 300 mm they are 0.005 mm apart.
_LARGEST = 2**16 - 1


@dataclass(frozen=True)
class State:
    """A face that a button shows.

    Attributes
    ----------
    name : on the button
    values : of the sliders
    note : what is seen, in a sentence
    map : which map colours it; -1 for none
    """

    name: str
    values: tuple[float, ...]
    note: str = ""
    map: int = -1


@dataclass(frozen=True)
class Scene:
    """Faces for the viewer.

    Attributes
    ----------
    morphs : the face, its blend shapes and the sliders that drive them
    states : faces that buttons show; with them there are no sliders to be seen
    maps : float (V,) in [0, 1] each, colours of states
    painted : begin with the local weights as colours
    """

    morphs: Morphs
    states: tuple[State, ...] = ()
    maps: tuple[Floats, ...] = ()
    painted: bool = False


class _Data:
    """Arrays of whole numbers, one after the other."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.size = 0

    def numbers(self, values: npt.NDArray[Any], width: int) -> dict[str, int]:
        """Add whole numbers of `width` bytes, as differences whose bytes lie apart.

        Both make them smaller when they are compressed.
        """
        flat = values.reshape(-1).astype(np.uint64)
        # Wraps around, as the sum of the differences does.
        changes = np.diff(flat, prepend=np.uint64(0)).astype(f"<u{width}")
        planes = changes.view(np.uint8).reshape(-1, width).T
        entry = {"start": self.size, "count": len(flat), "width": width}
        self.pieces.append(np.ascontiguousarray(planes).tobytes())
        self.size += width * len(flat)
        return entry

    def coordinates(self, points: Floats) -> dict[str, Any]:
        """Add vectors (n, 3) as shares of their range."""
        if len(points) == 0:
            return {**self.numbers(np.empty(0), 2), "low": [0.0] * 3, "high": [0.0] * 3}
        low, high = (edge.astype(np.float64) for edge in (points.min(axis=0), points.max(axis=0)))
        span = np.where(high > low, high - low, 1.0)
        whole = np.rint((points - low) / span * _LARGEST)
        entry = self.numbers(whole.T, 2)
        return {**entry, "low": low.round(6).tolist(), "high": (low + span).round(6).tolist()}

    def shares(self, values: npt.ArrayLike) -> dict[str, int]:
        """Add numbers in [0, 1]."""
        return self.numbers(np.rint(np.clip(values, 0, 1) * _LARGEST), 2)


def pack(scene: Scene) -> str:
    """Return a scene as text for the viewer; equal scenes give equal text.

    A header in JSON and whole numbers are compressed (zlib) and written in base 64. Of a blend
    shape only the vertices that it moves are held, and of its skin those that it colours.
    """
    morphs, data = scene.morphs, _Data()
    supports: list[dict[str, int]] = []
    known: dict[bytes, int] = {}
    shapes = []
    for shape in morphs.shapes:
        rows = np.flatnonzero(np.abs(shape).max(axis=1) > 0)
        key = rows.tobytes()
        if key not in known:
            known[key] = len(supports)
            supports.append(data.numbers(rows, 4))
        shapes.append({**data.coordinates(shape[rows]), "support": known[key]})
    if morphs.colors is not None and morphs.skins is not None:
        for entry, skin in zip(shapes, morphs.skins, strict=True):
            rows = np.flatnonzero((skin != morphs.colors).any(axis=1))
            entry["skin"] = {"rows": data.numbers(rows, 4), "light": _channels(data, skin[rows])}
    header = {
        "base": data.coordinates(morphs.face),
        "triangles": data.numbers(morphs.triangles, 4),
        "supports": supports,
        "shapes": shapes,
        "weights": [data.shares(column) for column in morphs.weights.T],
        "maps": [data.shares(values) for values in scene.maps],
        "parts": _parts(morphs.part_names),
        "painted": scene.painted,
        "sliders": [_slider(each) for each in morphs.sliders],
        "states": [
            {"name": s.name, "values": list(s.values), "note": s.note, "map": s.map}
            for s in scene.states
        ],
    }
    if morphs.colors is not None:
        header["skin"] = _channels(data, morphs.colors)
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    return compressed(len(text).to_bytes(4, "little") + text + b"".join(data.pieces))


def _channels(data: _Data, colors: npt.NDArray[np.uint8]) -> list[dict[str, int]]:
    return [data.shares(channel / 255) for channel in colors.T]


def compressed(content: bytes) -> str:
    """Return bytes as the viewer inflates them."""
    return base64.b64encode(zlib.compress(content, 9)).decode("ascii")


def _parts(names: Sequence[str]) -> list[dict[str, str]]:
    colors = np.rint(255 * part_palette(len(names))).astype(int).tolist()
    return [
        {"name": name, "color": "#{:02x}{:02x}{:02x}".format(*color)}
        for name, color in zip(names, colors, strict=True)
    ]


def _slider(slider: Slider) -> dict[str, Any]:
    stops = [list(stop) for stop in slider.stops]
    return {"label": slider.label, "part": slider.part, "unit": slider.unit, "stops": stops}
