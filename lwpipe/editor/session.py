"""A session: which faces, how the dials stand, which handles are pulled; as JSON, and back.

A session is a recipe. The vertices that it gives follow from it alone, so that a session that is
saved and reopened gives the same bytes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast, get_args

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.editing.settings import Texture

FORMAT = "lwpipe session"
VERSION = 2
MAX_FACES, MAX_HANDLES, MAX_NAME = 100, 200, 200
# Farther than any vertex of a face may be pulled, mm.
MAX_MM = 1e5
MAX_ALPHA = 10.0

Faces = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Handle:
    """A vertex that is pulled to a place.

    Attributes
    ----------
    vertex : number of the vertex
    place : x, y, z, mm
    part : the part that follows
    """

    vertex: int
    place: tuple[float, float, float]
    part: int


@dataclass(frozen=True, eq=False)
class Session:
    """All that makes an edited face; what it is applied to is `lwpipe.Editor.vertices`.

    Attributes
    ----------
    source : name of the face that is edited, as `Editor.face` takes it, or one of `faces`
    parts : of each part that is exchanged, the name of the face that gives it, and alpha
    keep, harmony : the dials of the edit, from 0 to 1
    texture : whether parts take their skin along, of a model with colours
    handles : vertices that are pulled, after the exchange of parts
    pins : vertices that the handles do not move
    measures : what measurements are set to after that, mm
    locked : parts that stay the source's, whatever else is asked for
    faces : float32 (V, C), mm, of faces that are in no data set, by their names
    """

    source: str = "mean"
    parts: Mapping[int, tuple[str, float]] = field(default_factory=dict)
    keep: float = 1.0
    harmony: float = 0.0
    texture: Texture = "follow"
    handles: tuple[Handle, ...] = ()
    pins: tuple[int, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)
    locked: tuple[int, ...] = ()
    faces: Mapping[str, Faces] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("parts", "measures", "faces"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def names(self) -> list[str]:
        """The names of its faces: the source, and what parts are taken from."""
        return [self.source, *(target for target, _ in self.parts.values())]

    def to_json(self, model: str, prior: str | None = None) -> dict[str, Any]:
        """Return the session as values of JSON.

        Parameters
        ----------
        model : digest of the model that it was made with
        prior : digest of what faces were drawn from; None: none was drawn
        """
        return {
            "format": FORMAT,
            "version": VERSION,
            "model": model,
            "prior": prior,
            "source": self.source,
            "parts": {
                str(part): {"target": target, "alpha": alpha}
                for part, (target, alpha) in sorted(self.parts.items())
            },
            "keep": self.keep,
            "harmony": self.harmony,
            "texture": self.texture,
            "handles": [
                {"vertex": each.vertex, "place": list(each.place), "part": each.part}
                for each in self.handles
            ],
            "pins": list(self.pins),
            "measures": dict(self.measures),
            "locked": list(self.locked),
            "faces": {name: encoded(face) for name, face in self.faces.items()},
        }

    @classmethod
    def from_json(
        cls, value: Any, model: str, vertices: int, parts: int
    ) -> tuple[Session, str | None]:
        """Read what `to_json` gives.

        Parameters
        ----------
        value : of the JSON
        model : digest of the model that opens it
        vertices, parts : V and K of that model

        Returns
        -------
        the session, and the digest of the prior that its faces were drawn from

        Raises
        ------
        LwpipeError
            If it is no session, one of another model, or one of its values cannot be.
        """
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise LwpipeError("the session: is no session of lwpipe.")
        if value.get("version") != VERSION:
            raise LwpipeError(
                f"the session: has the version {_shown(value.get('version'))}, this lwpipe reads "
                f"{VERSION}."
            )
        if value.get("model") != model:
            raise LwpipeError("the session: was made with another model.")
        _keys(value, set(cls().to_json("")), "the session")
        prior = None if value["prior"] is None else _text(value["prior"], "prior")
        made = cls(
            source=_text(value["source"], "source"),
            parts={
                _part(key, parts, "parts"): _exchange(entry, f"parts.{_shown(key)}")
                for key, entry in _mapping(value["parts"], "parts", parts).items()
            },
            keep=_number(value["keep"], "keep", 0, 1),
            harmony=_number(value["harmony"], "harmony", 0, 1),
            texture=_texture(value["texture"]),
            handles=tuple(
                _handle(entry, vertices, parts)
                for entry in _list(value["handles"], "handles", MAX_HANDLES)
            ),
            pins=tuple(
                _whole(entry, "pins", vertices)
                for entry in _list(value["pins"], "pins", MAX_HANDLES)
            ),
            measures={
                _text(name, "measures"): _number(mm, f"measures.{_shown(name)}", 0, MAX_MM)
                for name, mm in _mapping(value["measures"], "measures", MAX_HANDLES).items()
            },
            locked=tuple(
                _whole(entry, "locked", parts) for entry in _list(value["locked"], "locked", parts)
            ),
            faces={
                _text(name, "faces"): decoded(face, vertices, f"faces.{_shown(name)}")
                for name, face in _mapping(value["faces"], "faces", MAX_FACES).items()
            },
        )
        return made, prior


def encoded(face: Faces) -> str:
    """Return the bytes of a face, little-endian float32, in base 64."""
    return base64.b64encode(np.ascontiguousarray(face, "<f4").tobytes()).decode("ascii")


def decoded(text: Any, vertices: int, key: str) -> Faces:
    """Return the face (V, 3) that `encoded` gave the text of.

    Raises
    ------
    LwpipeError
        If it is none.
    """
    try:
        content = base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise LwpipeError(f"the session: `{key}` is no base 64.") from None
    # Positions, or positions and colours: the editor tells which of them the model takes.
    if len(content) not in (12 * vertices, 24 * vertices):
        raise LwpipeError(f"the session: `{key}` is no face of {vertices} vertices.")
    face = np.frombuffer(content, "<f4").reshape(vertices, -1)
    # A signalling NaN warns when it is compared.
    with np.errstate(invalid="ignore"):
        if not (np.abs(face) < MAX_MM).all():
            raise LwpipeError(f"the session: `{key}` has coordinates that no face has.")
    return np.array(face, np.float32)


def _handle(value: Any, vertices: int, parts: int) -> Handle:
    entry = _mapping(value, "handles", 3)
    _keys(entry, {"vertex", "place", "part"}, "the session: an entry of `handles`")
    place = _list(entry["place"], "handles.place", 3)
    if len(place) != 3:
        raise LwpipeError("the session: `handles.place` is not three numbers.")
    x, y, z = (_number(each, "handles.place", -MAX_MM, MAX_MM) for each in place)
    return Handle(
        _whole(entry["vertex"], "handles.vertex", vertices),
        (x, y, z),
        _whole(entry["part"], "handles.part", parts),
    )


def _exchange(value: Any, key: str) -> tuple[str, float]:
    entry = _mapping(value, key, 2)
    _keys(entry, {"target", "alpha"}, f"the session: `{key}`")
    return _text(entry["target"], key), _number(
        entry["alpha"], f"{key}.alpha", -MAX_ALPHA, MAX_ALPHA
    )


def _keys(value: Mapping[str, Any], expected: set[str], where: str) -> None:
    missing, more = sorted(expected - set(value)), sorted(set(value) - expected, key=str)
    if missing:
        raise LwpipeError(f"{where}: has no `{missing[0]}`.")
    if more:
        raise LwpipeError(f"{where}: has an unknown key {_shown(more[0])}.")


def _mapping(value: Any, key: str, most: int) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > most:
        raise LwpipeError(f"the session: `{key}` is no mapping of at most {most} entries.")
    return value


def _list(value: Any, key: str, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise LwpipeError(f"the session: `{key}` is no list of at most {most} entries.")
    return value


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME or not value.isprintable():
        raise LwpipeError(f"the session: `{key}` has {_shown(value)}, which is no name.")
    return value


def _number(value: Any, key: str, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise LwpipeError(f"the session: `{key}` is {_shown(value)}, which is no number.")
    if not least <= value <= most:
        raise LwpipeError(
            f"the session: `{key}` is {_shown(value)}, which is not between {least:g} and {most:g}."
        )
    return float(value)


def _texture(value: Any) -> Texture:
    if value not in get_args(Texture):
        raise LwpipeError(
            f"the session: `texture` is {_shown(value)}, which is none of "
            f"{', '.join(get_args(Texture))}."
        )
    return cast(Texture, value)


def _whole(value: Any, key: str, end: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < end:
        raise LwpipeError(
            f"the session: `{key}` has {_shown(value)}, which is no number from 0 to {end - 1}."
        )
    return value


def _part(key: str, parts: int, where: str) -> int:
    if not key.isascii() or not key.isdigit() or len(key) > 9:
        raise LwpipeError(f"the session: `{where}` has {_shown(key)}, which is no part.")
    return _whole(int(key), where, parts)


def _shown(value: Any) -> str:
    """Return a value of JSON for a sentence."""
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
