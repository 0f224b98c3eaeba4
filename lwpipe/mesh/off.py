"""Text OFF files, also COFF, NOFF and STOFF."""

from __future__ import annotations

import re
from itertools import chain

import numpy as np
import numpy.typing as npt

from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.polygons import fan
from lwpipe.mesh.text import lines_of, numbers, plain, wholes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Lines = list[list[bytes]]

# Texture coordinates, colours and normals may follow each vertex; other dimensions are not read.
# The counts may stand right behind the word.
_WORD = re.compile(rb"(?:ST)?C?N?OFF([0-9]*)", re.IGNORECASE)
_MISFIT = "has a line that is not of the OFF format"


def parse_off(content: bytes) -> tuple[Floats, Ints]:
    """Parse a text OFF (also COFF, NOFF and STOFF, of which only the coordinates are read).

    Each vertex and each face has a line, behind whose numbers colours may follow; where lines are
    broken otherwise, the numbers are read one after another.

    Raises
    ------
    MeshError
        If it is cut off, binary or no OFF.
    """
    lines = [line.split(b"#", 1)[0].split() for line in lines_of(plain(content))]
    vertex_count, face_count, body = _counts([line for line in lines if line])
    if vertex_count < 0 or face_count < 0:
        raise MeshError("announces a negative number of vertices or faces")
    found = _by_line(body, vertex_count, face_count)
    if found is None:
        found = _by_word(list(chain.from_iterable(body)), vertex_count, face_count)
    if found is None:
        if len(body) < vertex_count + face_count:
            raise MeshError(
                f"is cut off: it announces {vertex_count} vertices and {face_count} faces, and "
                f"has {len(body)} lines for them"
            )
        raise MeshError(_MISFIT)
    rows, polygons = found
    return numbers(rows, 3, _MISFIT), fan(polygons)


def _counts(lines: Lines) -> tuple[int, int, Lines]:
    """Return the numbers of vertices and faces, and the lines after them."""
    word = _WORD.fullmatch(lines[0][0]) if lines else None
    if word is None:
        raise MeshError("is no text file that starts with OFF (or COFF, NOFF, STOFF)")
    words = [word[1], *lines[0][1:]] if word[1] else lines[0][1:]
    if [each.upper() for each in words[:1]] == [b"BINARY"]:
        raise MeshError("is a binary OFF, and only text is read; export it as text, OBJ or PLY")
    place = 1
    while len(words) < 2 and place < len(lines):
        words = words + lines[place]
        place += 1
    # The number of edges, which may be left out, is of no use.
    alone = len(words) == 2 and place < len(lines) and len(lines[place]) == 1
    try:
        vertex_count, face_count = wholes(words[:2])
    except ValueError as error:
        raise MeshError("has no numbers of vertices and faces behind the word OFF") from error
    return vertex_count, face_count, lines[place + alone :]


def _by_line(
    lines: Lines, vertex_count: int, face_count: int
) -> tuple[Lines, list[list[int]]] | None:
    """Return coordinates and polygons where each has a line of its own; None where not."""
    end = vertex_count + face_count
    if len(lines) < end or any(len(line) < 3 for line in lines[:vertex_count]):
        return None
    rows = [line[:3] for line in lines[:vertex_count]]
    polygons = []
    for line in lines[vertex_count:end]:
        try:
            (count,) = wholes(line[:1])
            corners = wholes(line[1 : 1 + count] if count >= 0 else [])
        except ValueError as error:
            raise MeshError(_MISFIT) from error
        if len(corners) != count:
            return None
        polygons.append(corners)
    return rows, polygons


def _by_word(
    words: list[bytes], vertex_count: int, face_count: int
) -> tuple[Lines, list[list[int]]] | None:
    """Return coordinates and polygons where all words are read and no more; None where not."""
    place = 3 * vertex_count
    rows = [words[i : i + 3] for i in range(0, min(place, len(words)), 3)]
    polygons = []
    try:
        for _ in range(min(face_count, len(words))):
            (count,) = wholes(words[place : place + 1])
            corners = wholes(words[place + 1 : place + 1 + count] if count >= 0 else [])
            if len(corners) != count:
                return None
            polygons.append(corners)
            place += 1 + count
    except ValueError:
        return None
    whole = place == len(words) and len(polygons) == face_count
    return (rows, polygons) if whole else None
