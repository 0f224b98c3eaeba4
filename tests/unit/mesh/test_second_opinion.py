"""Our readers and trimesh's read the same mesh from well-formed files of every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from lwpipe.mesh.read import READERS, read_mesh
from tests.helpers.mesh_files import ORDERED, TRIANGLES, WRITERS, shapes


def read_both(kind: str, folder: Path) -> tuple[np.ndarray, np.ndarray, trimesh.Trimesh]:
    suffix, write = WRITERS[kind]
    path = folder / f"face{suffix}"
    write(path, shapes(1)[0], TRIANGLES)
    vertices, triangles = read_mesh(path)
    return vertices, triangles, trimesh.load_mesh(path, process=False)


def test_every_format_is_compared() -> None:
    assert {suffix.lower() for suffix, _ in WRITERS.values()} == set(READERS)


@pytest.mark.parametrize("kind", ORDERED)
def test_vertices_and_triangles_in_their_order(kind: str, tmp_path: Path) -> None:
    vertices, triangles, other = read_both(kind, tmp_path)
    assert np.array_equal(vertices, other.vertices)
    assert np.array_equal(triangles, other.faces)


@pytest.mark.parametrize("kind", sorted(set(WRITERS) - set(ORDERED)))
def test_corners_of_triangles_where_vertices_are_welded(kind: str, tmp_path: Path) -> None:
    vertices, triangles, other = read_both(kind, tmp_path)
    assert np.array_equal(vertices[triangles], other.triangles)
