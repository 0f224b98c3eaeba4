"""Measurements of a face: named distances between two vertices, from a small YAML file.

    measures:
      nose width: [1234, 5678]
      mouth width: [[-25.1, -40.2, 20.3], [25.1, -40.2, 20.3]]

An end is the number of a vertex, from 0, or a place in mm: the vertex of the mean training face
that is nearest to it. A key `vertices` may say how many vertices the meshes have that the file is
for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.run.load import read_yaml

MAX_MEASURES = 100
MAX_NAME = 60


@dataclass(frozen=True)
class Measure:
    """The distance between two vertices.

    Attributes
    ----------
    name : what it is
    ends : the two vertices
    """

    name: str
    ends: tuple[int, int]

    def of(self, face: npt.NDArray[np.floating]) -> float:
        """Return the distance on a face (V, 3), in its unit."""
        first, second = (np.asarray(face[end], np.float64) for end in self.ends)
        return float(np.linalg.norm(second - first))


def shipped(source: object, vertices: int) -> Path | None:
    """Return the file of measures that lwpipe ships for a data source, None where it has none.

    Parameters
    ----------
    source : name of the source
    vertices : V of its faces
    """
    for file in sorted((Path(__file__).parent / "measures").glob("*.yaml")):
        if file.stem.partition("_")[0] != source:
            continue
        if read_yaml(file).get("vertices", vertices) == vertices:
            return file
    return None


def read_measures(path: str | Path, template: npt.ArrayLike) -> dict[str, Measure]:
    """Read a file of measures.

    Parameters
    ----------
    path : YAML
    template : float (V, 3), mm, on which places are looked for

    Raises
    ------
    LwpipeError
        If it is not such a file, or names a vertex that is not there.
    """
    content = read_yaml(path)
    listed = content.get("measures")
    if not isinstance(listed, Mapping) or not listed:
        raise LwpipeError(f"{path}: has no key `measures` with names and pairs in it.")
    for key in content.keys() - {"measures", "vertices"}:
        raise LwpipeError(f"{path}: has an unknown key `{key}` beside `measures` and `vertices`.")
    if len(listed) > MAX_MEASURES:
        raise LwpipeError(f"{path}: has {len(listed)} measures, more than {MAX_MEASURES}.")
    vertices = np.asarray(template, np.float64)
    if content.get("vertices", len(vertices)) != len(vertices):
        raise LwpipeError(
            f"{path}: is for meshes of {content['vertices']} vertices, the model has "
            f"{len(vertices)}."
        )
    found = {}
    for name, ends in listed.items():
        where = f"{path}: `measures.{name}`"
        if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
            raise LwpipeError(f"{path}: a name of a measure is not 1 to {MAX_NAME} letters.")
        if not isinstance(ends, list) or len(ends) != 2:
            raise LwpipeError(f"{where} is not a pair of vertices.")
        first, second = (_vertex(end, vertices, where) for end in ends)
        if first == second:
            raise LwpipeError(f"{where} begins and ends at vertex {first}.")
        found[name] = Measure(name, (first, second))
    return found


def _vertex(end: Any, vertices: npt.NDArray[np.float64], where: str) -> int:
    """Return the vertex that an end of a pair is."""
    if isinstance(end, int) and not isinstance(end, bool):
        if not 0 <= end < len(vertices):
            raise LwpipeError(
                f"{where} names vertex {end}: there are the vertices 0 to {len(vertices) - 1}."
            )
        return end
    numbers = end if isinstance(end, list) and len(end) == 3 else [None]
    if not all(isinstance(x, int | float) and not isinstance(x, bool) for x in numbers):
        raise LwpipeError(f"{where} has an end that is neither a vertex nor a place [x, y, z].")
    try:
        place = np.array(numbers, np.float64)
    except OverflowError:
        place = np.full(3, np.inf)
    if not (np.abs(place) < 1e6).all():
        raise LwpipeError(f"{where} has a place that is not within a kilometre.")
    return int(np.linalg.norm(vertices - place, axis=1).argmin())
