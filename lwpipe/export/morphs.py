"""Blend shapes of a model: a face, and displacements of it that each move one part alone.

A blend shape moves the part by the rules of the edit. With the encodings p of the face and q, which
differs from p in part k alone, it is

    m_k (.) (D(q) - D(p)),    m_k = min(1, w_k / 0.1),

so that nothing moves where w_k = 0. The main directions of part k are the principal components of
these displacements over the training faces, q_k being each one's encoding: those of the encodings
themselves would not say what moves most, and a model on principal components has them all alike.
Colours stay those of the face.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.data.signals import colors_of, positions
from lwpipe.data.store import Dataset
from lwpipe.editing import make_editor
from lwpipe.editing.editors import WHOLE, PlacedModel
from lwpipe.editing.settings import KEEPING, EditingSettings
from lwpipe.export.names import part_names

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Colors = npt.NDArray[np.uint8]

SIGMAS = 2.0
DIRECTIONS = 3
# At most so many numbers of displacements are held, and so many faces looked at.
_NUMBERS = 2**25
_FACES = 512
# Directions that move the part less than this share of the first are no directions.
_SMALLEST = 1e-3


@dataclass(frozen=True)
class Slider:
    """What drives blend shapes of one part.

    Attributes
    ----------
    label : short
    part : k
    unit : of its values: a sigma, or '%' for a share
    stops : pairs of a value and the blend shape that is whole there, -1 for none; between stops
        one shape passes into the other
    """

    label: str
    part: int
    unit: str
    stops: tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class Morphs:
    """A face and its blend shapes.

    Attributes
    ----------
    face : float32 (V, 3), mm
    triangles : int64 (F, 3)
    weights : float32 (V, K)
        Local weights; (V, 1), all 1, of a model whose parts have no places.
    part_names : of each part
    names : of each blend shape
    parts : which part each blend shape moves
    shapes : float32 (M, V, 3), mm
        Displacements of the face at full strength.
    subject : what the face is
    sliders : that drive the blend shapes
    colors : uint8 (V, 3), sRGB, of the face; None: it has none
    skins : uint8 (M, V, 3), sRGB, of the face with each blend shape; None: they leave it its own
    """

    face: Floats
    triangles: Ints
    weights: Floats
    part_names: tuple[str, ...]
    names: tuple[str, ...]
    parts: tuple[int, ...]
    shapes: Floats
    subject: str
    sliders: tuple[Slider, ...] = ()
    colors: Colors | None = None
    skins: Colors | None = None


def principal_directions(
    model: PlacedModel,
    data: Dataset,
    triangles: Ints,
    directions: int = DIRECTIONS,
    sigmas: float = SIGMAS,
) -> Morphs:
    """Return the mean face with the main directions of each part.

    Each direction gives two blend shapes, `nose 1 +` and `nose 1 -`: a network is not linear.

    Parameters
    ----------
    model : a trained model
    data : the faces that it was trained on
    triangles : int (F, 3)
    directions : of each part, at most
    sigmas : deviations of the training faces that full strength stands for

    Raises
    ------
    LwpipeError
        If the faces have other vertices than the model.
    """
    _check(model, data)
    rows = _some(data.indices("train"), model.vertex_count)
    plain = model.channels == 3
    faces = np.asarray((data.vertices if plain else data.signals)[rows], np.float32)
    parts = model.parts(model.encode(faces))
    template = data.template.astype(np.float32) if plain else model.average
    own = model.parts(model.encode(template[None]))
    morphs = _empty(model, data, triangles, template, "mean face")
    names, places, sliders = [], [], []
    shapes: list[Floats] = []
    for part in range(model.part_count):
        steps = _directions(model, own, parts, part, directions)
        for number, step in enumerate(steps, 1):
            changed = np.repeat(own, 2, axis=0)
            changed[:, part] += sigmas * np.stack([step, -step])
            first = len(shapes)
            stops = ((-sigmas, first + 1), (0.0, -1), (sigmas, first))
            sliders.append(
                Slider(f"direction {number}", part, "\N{GREEK SMALL LETTER SIGMA}", stops)
            )
            shapes += [*_moved(model, own, changed, part)]
            names += [f"{_direction(morphs.part_names[part], number)} {sign}" for sign in "+-"]
            places += [part, part]
    return _with(morphs, names, places, shapes, sliders)


def exchanges(
    model: PlacedModel,
    data: Dataset,
    triangles: Ints,
    source: str,
    target: str,
    steps: int = 1,
    editing: EditingSettings = KEEPING,
) -> Morphs:
    """Return a face with one blend shape a part, or a few, that lead to another face.

    Parameters
    ----------
    model : a trained model
    data : the data set of both faces
    triangles : int (F, 3)
    source, target : ids of the faces
    steps : blend shapes of each part, the last of which is the target's part as a whole
    editing : how parts are exchanged

    Raises
    ------
    LwpipeError
        If the data set has no such face, or its faces have other vertices than the model.
    """
    _check(model, data)
    ends = [data.face(name, model.channels) for name in (source, target)]
    editor = make_editor(model, model.weights, editing)
    codes = editor.encode(np.stack(ends))
    morphs = _empty(model, data, triangles, ends[0], source)
    start = editor.blend(codes[:1], codes[:1], 0, 0.0)[0]
    names, places, sliders = [], [], []
    shapes: list[Floats] = []
    skins: list[Colors] = []
    for part in range(model.part_count):
        stops = [(step / steps, len(shapes) + step - 1) for step in range(1, steps + 1)]
        sliders.append(Slider("to target", part, "%", ((0.0, -1), *stops)))
        for step in range(1, steps + 1):
            moved = editor.blend(codes[:1], codes[1:], part, step / steps)[0]
            shapes.append(positions(moved) - positions(start))
            skin = colors_of(moved)
            if skin is not None:
                skins.append(skin)
            share = "" if step == steps else f" {step}/{steps}"
            names.append(f"{morphs.part_names[part]} of {target}{share}")
            places.append(part)
    made = _with(replace(morphs, face=positions(start)), names, places, shapes, sliders)
    if model.channels == 3:
        return made
    return replace(made, colors=colors_of(start), skins=np.stack(skins))


def _direction(name: str, number: int) -> str:
    """Name a direction, as `nose 1`, or `part 0 direction 1` where the name ends in a number."""
    return f"{name} direction {number}" if name[-1].isdigit() else f"{name} {number}"


def _check(model: PlacedModel, data: Dataset) -> None:
    if data.vertices.shape[1] != model.vertex_count:
        raise LwpipeError(
            f"{data.path}: the faces have {data.vertices.shape[1]} vertices, the model "
            f"{model.vertex_count}: it was trained on other data."
        )
    if model.channels > 3 and data.colors is None:
        raise LwpipeError(f"{data.path}: the faces have no colours, as the model needs them.")


def _empty(
    model: PlacedModel, data: Dataset, triangles: Ints, face: Floats, subject: str
) -> Morphs:
    placed = model.parts_match_weights and model.part_count > 1
    colors, face = colors_of(face), positions(face)
    nothing = np.empty((0, *face.shape), np.float32)
    weights = model.weights if placed else np.ones((len(face), 1), np.float32)
    regions: Mapping[str, Floats] | None = data.regions() if placed else None
    names = part_names(model.weights, regions)
    return Morphs(face, triangles, weights, names, (), (), nothing, subject, colors=colors)


def _with(
    morphs: Morphs,
    names: Sequence[str],
    parts: Sequence[int],
    shapes: Sequence[Floats],
    sliders: Sequence[Slider],
) -> Morphs:
    made = np.stack(shapes).astype(np.float32) if shapes else morphs.shapes
    return replace(
        morphs, names=tuple(names), parts=tuple(parts), shapes=made, sliders=tuple(sliders)
    )


def _some(rows: Ints, vertices: int) -> Ints:
    """Return as many rows as memory holds the displacements of, evenly spread."""
    most = min(len(rows), _FACES, max(8, _NUMBERS // (3 * vertices)))
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]


def _moved(model: PlacedModel, own: Floats, changed: Floats, part: int) -> Floats:
    """Return what the edit makes of changed encodings (n, K, Z), (n, V, 3), mm."""
    moved = positions(model.decode(changed) - model.decode(own))
    if model.part_count == 1 or not model.parts_match_weights:
        return np.asarray(moved)
    return np.asarray(np.minimum(model.weights[:, part, None] / WHOLE, 1) * moved)


def _directions(
    model: PlacedModel, own: Floats, parts: Floats, part: int, most: int
) -> list[Floats]:
    """Return the changes of a part's encoding (Z,) that are one deviation of its directions."""
    changed = np.repeat(own, len(parts), axis=0)
    changed[:, part] = parts[:, part]
    fields = _moved(model, own, changed, part).reshape(len(parts), -1)
    fields -= fields.mean(axis=0)
    gram = (fields @ fields.T).astype(np.float64)
    values, vectors = np.linalg.eigh(gram)
    kept = values[::-1][:most] > values[-1] * _SMALLEST**2
    steps = []
    for score in vectors.T[::-1][:most][kept]:
        # An eigenvector's sign is the solver's whim.
        score = score * np.sign(score[np.abs(score).argmax()])
        encodings = parts[:, part] - parts[:, part].mean(axis=0)
        # The regression of the encodings on the scores, whose deviation is 1 / sqrt(n).
        steps.append((score @ encodings / np.sqrt(len(parts))).astype(np.float32))
    return steps
