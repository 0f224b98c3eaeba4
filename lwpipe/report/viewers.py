"""Faces of a report that can be turned: the parts, an interpolation, an edit beside the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.arrays import check_arrays, read_npz
from lwpipe.core.errors import LwpipeError
from lwpipe.data.signals import colors_of, positions
from lwpipe.evaluation.inputs import stored_channels
from lwpipe.export.morphs import Morphs, Slider
from lwpipe.export.scene import Scene, State, pack
from lwpipe.local_weights import load_local_weights
from lwpipe.mesh.ply_file import read_painted_ply, read_ply

Floats = npt.NDArray[np.float32]
Colors = npt.NDArray[np.uint8]

# A part whose way bends by no more, in mm, needs no shape on the way.
_BENT = 0.05


@dataclass(frozen=True)
class Viewer:
    """A face to turn.

    Attributes
    ----------
    scene : as `lwpipe.export.scene.pack` gives it
    caption : what is seen
    variant : whose edits; empty: of none
    """

    scene: str
    caption: str
    variant: str = ""


def of_parts(template: str | Path, local_weights: str | Path) -> Viewer:
    """Show the mean face in the colours of its parts, and behind them in those of its skin.

    Parameters
    ----------
    template : mean of the training faces, PLY, with its colours if it has some
    local_weights : `local_weights.npz`

    Raises
    ------
    LwpipeError
        If a file cannot be read, or they do not fit each other.
    """
    vertices, triangles, colors = read_painted_ply(template)
    weights = load_local_weights(local_weights)[0]
    if len(weights) != len(vertices):
        raise LwpipeError(f"{local_weights}: was made for another mesh than {template}.")
    morphs = replace(_face(vertices.astype(np.float32), triangles, weights), colors=colors)
    return Viewer(pack(Scene(morphs, painted=True)), "The mean face in the colours of its parts.")


def of_interpolation(template: str | Path, faces: str | Path, variant: str) -> Viewer:
    """Show the source of the first pair, with a slider a part that leads towards the target.

    Faces with colours are shown in their skin, which goes along as the edits take it.

    Parameters
    ----------
    template : PLY, for the triangles
    faces : `interpolation.npz`
    variant : whose

    Raises
    ------
    LwpipeError
        If a file cannot be read, or they do not fit each other.
    """
    vertices, triangles = read_ply(template)
    names = ("ends", "faces", "weights", "ids")
    read = read_npz(faces, "an interpolation", [f"{name}_0" for name in names])
    ends, moved, weights, ids = (read[f"{name}_0"] for name in names)
    parts, steps = (*moved.shape, 0, 0)[:2]
    count, channels = len(vertices), stored_channels(ends)
    kinds: dict[str, tuple[str, tuple[int, ...]]] = {
        "ends_0": ("f", (2, count, channels)),
        "faces_0": ("f", (parts, steps, count, channels)),
        "weights_0": ("f", (count, parts)),
        "ids_0": ("U", (2,)),
    }
    check_arrays(faces, read, kinds, f"is no interpolation of faces of {count} vertices")
    shapes: list[Floats] = []
    skins: list[Colors] = []
    sliders = []
    source = positions(ends[0])
    for part, faces_of_part in enumerate(moved):
        row = positions(faces_of_part)
        stops = [(0.0, -1)]
        for step in _stops(row):
            stops.append(((step + 1) / (steps + 1), len(shapes)))
            shapes.append(row[step] - source)
            skin = colors_of(faces_of_part[step])
            if skin is not None:
                skins.append(skin)
        sliders.append(Slider("to target", part, "%", tuple(stops)))
    morphs = _face(source, triangles, weights, shapes, sliders)
    if channels > 3:
        painted = np.array(skins, np.uint8).reshape(-1, count, 3)
        morphs = replace(morphs, colors=colors_of(ends[0]), skins=painted)
    first, last = ids.tolist()
    said = f"Each part of {first} on its way to {last}, by {variant}; at 0 the face itself."
    return Viewer(pack(Scene(morphs)), said, variant)


def _stops(row: Floats) -> list[int]:
    """Return which faces of a way are needed: the last, and that in the middle if it bends."""
    last, middle = len(row) - 1, (len(row) - 1) // 2
    share = (middle + 1) / (last + 1)
    start = row[0] - (row[last] - row[0]) / max(last, 1)
    straight = start + share * (row[last] - start)
    bent = float(np.abs(row[middle] - straight).max()) > _BENT
    return [middle, last] if bent and middle < last else [last]


def of_truth(template: str | Path, examples: str | Path, variant: str) -> Viewer | None:
    """Show source, target, true answer and edit of the part that changes most, as shapes.

    Parameters
    ----------
    template : PLY, for the triangles
    examples : `examples.npz` of the edits and their true answers
    variant : whose

    Returns
    -------
    Viewer
        None where there is no true answer.

    Raises
    ------
    LwpipeError
        If a file cannot be read, or they do not fit each other.
    """
    vertices, triangles = read_ply(template)
    names = ("sources", "targets", "truths", "edits")
    read = read_npz(examples, "examples of edits", ("parts", *names))
    parts, count = read["parts"], len(vertices)
    kinds: dict[str, tuple[str, tuple[int, ...]]] = {"parts": ("i", (parts.size,))}
    kinds |= dict.fromkeys(names, ("f", (parts.size, count, 3)))
    check_arrays(examples, read, kinds, f"is no file of examples of faces of {count} vertices")
    if parts.size == 0:
        return None
    change = np.linalg.norm(read["truths"] - read["sources"], axis=2).mean(axis=1)
    row = int(change.argmax())
    source, target, truth, edit = (np.asarray(read[name][row], np.float32) for name in names)
    away = [np.linalg.norm(face - truth, axis=1) for face in (source, edit)]
    most = max(float(np.max(away)), 1e-6)
    # Colours go with the square root, as in the pictures.
    maps = tuple(np.sqrt(each / most).astype(np.float32) for each in away)
    shapes = [face - truth for face in (source, target, edit)]
    sliders = [Slider("", 0, "%", ((0.0, -1), (1.0, place))) for place in range(3)]
    said = f"mean distance from the truth {{:.2f}} mm; the deepest red is {most:.1f} mm"
    states = (
        State("source", (1.0, 0.0, 0.0), said.format(away[0].mean()).capitalize() + ".", 0),
        State("target", (0.0, 1.0, 0.0), "The face that the part is from."),
        State("truth", (0.0, 0.0, 0.0), "The true face with that part."),
        State("edit", (0.0, 0.0, 1.0), said.format(away[1].mean()).capitalize() + ".", 1),
    )
    morphs = _face(truth, triangles, np.ones((count, 1)), shapes, sliders)
    part = int(parts[row])
    return Viewer(
        pack(Scene(morphs, states, maps)),
        f"Part {part} of another face on a source: the edit by {variant} beside the true answer.",
        variant,
    )


def _face(
    face: Floats,
    triangles: npt.NDArray[np.int64],
    weights: npt.ArrayLike,
    shapes: Any = (),
    sliders: Any = (),
) -> Morphs:
    columns = np.asarray(weights, np.float32)
    names = tuple(f"part {part}" for part in range(columns.shape[1]))
    moved = np.asarray(shapes, np.float32).reshape(-1, *face.shape)
    return Morphs(face, triangles, columns, names, (), (), moved, "", tuple(sliders))
