from __future__ import annotations

import csv
from pathlib import Path

import igl
import numpy as np
import pytest
import trimesh

from lwpipe.data.check import check_dataset, degenerate_triangles, mesh_rows
from lwpipe.data.store import Dataset, DatasetWriter

SQUARE = np.array([[0, 0, 0], [100, 0, 0], [100, 100, 0], [0, 100, 0]], dtype=float)
TWO = np.array([[0, 1, 2], [0, 2, 3]])


def values(rows: list[dict[str, object]]) -> dict[str, object]:
    return {str(row["measure"]): row["value"] for row in rows}


def store(folder: Path, faces: np.ndarray, triangles: np.ndarray, test: int = 2) -> Dataset:
    with DatasetWriter(folder, len(faces), triangles, faces.shape[1]) as writer:
        writer[:] = faces
        table = [
            {
                "id": f"f{row}",
                "split": "test" if row >= len(faces) - test else "train",
                "subject": row,
                "expression": "",
                "source": "x",
            }
            for row in range(len(faces))
        ]
        return writer.close(table, {"source": "x", "licence": "", "seed": 0, "alignment": None})


def test_a_sound_closed_mesh_has_no_fault() -> None:
    sphere = trimesh.creation.icosphere(3)
    found = values(mesh_rows(sphere.vertices, sphere.faces))
    assert found["vertices"] == 642
    assert found["triangles"] == 1280
    assert found["edges"] == 1920
    assert found["components"] == 1
    for name in (
        "non-manifold edges",
        "non-manifold vertices",
        "boundary edges",
        "boundary loops",
        "isolated vertices",
        "degenerate triangles",
        "duplicate triangles",
        "duplicate vertices in template",
        "inconsistent orientation",
    ):
        assert found[name] == 0, name
    assert all(row["remark"] == "" for row in mesh_rows(sphere.vertices, sphere.faces))


def test_boundaries_and_components() -> None:
    ring = np.exp(2j * np.pi * np.arange(8) / 8)
    tube = np.array([[z.real, z.imag, height] for height in (0, 1) for z in ring])
    low, after = np.arange(8), (np.arange(8) + 1) % 8
    sides = np.concatenate(
        [np.stack([low, after, after + 8], 1), np.stack([low, after + 8, low + 8], 1)]
    )
    vertices = np.concatenate([tube, SQUARE + 50, [[9, 9, 9]]])
    triangles = np.concatenate([sides, TWO + len(tube)])
    found = values(mesh_rows(vertices, triangles))
    assert found["components"] == 2
    assert found["isolated vertices"] == 1
    assert found["boundary loops"] == 3
    assert found["boundary loops"] == len(igl.boundary_loop_all(triangles))


def test_faults_of_a_mesh_are_counted() -> None:
    vertices = np.concatenate([SQUARE, [[50, 50, 50], [50, 50, -50], [0, 0, 0], [200, 0, 0]]])
    # Three triangles on the edge 0-2.
    assert values(mesh_rows(vertices, [*TWO, [0, 2, 4]]))["non-manifold edges"] == 1
    # Two fans that touch in vertex 0 only.
    assert values(mesh_rows(vertices, [[0, 1, 2], [0, 4, 5]]))["non-manifold vertices"] == 1
    # The second triangle turned over.
    assert values(mesh_rows(vertices, [[0, 1, 2], [0, 3, 2]]))["inconsistent orientation"] == 1
    assert values(mesh_rows(vertices, TWO))["inconsistent orientation"] == 0
    # Vertex 6 lies on vertex 0; vertices 0, 1 and 7 on one line; a corner twice.
    found = values(mesh_rows(vertices, [*TWO, [6, 1, 4], [0, 1, 7], [2, 2, 3], [2, 0, 1]]))
    assert found["duplicate vertices in template"] == 1
    assert found["degenerate triangles"] == 2
    assert found["duplicate triangles"] == 1


def test_isolated_vertices_are_not_called_pinched() -> None:
    vertices = np.concatenate([SQUARE, SQUARE + 300])
    found = values(mesh_rows(vertices, TWO))
    assert found["isolated vertices"] == 4
    assert found["non-manifold vertices"] == 0
    assert found["components"] == 1


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_degenerate_does_not_depend_on_size(scale: float) -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0.5, 1e-3, 0], [0.5, 1e-9, 0]]) * scale
    flags = degenerate_triangles(vertices, np.array([[0, 1, 2], [0, 1, 3]]))
    np.testing.assert_array_equal(flags, [False, True])


def test_table_of_a_data_set(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    faces = np.repeat(SQUARE[None], 8, axis=0) + random.normal(size=(8, 4, 3))
    faces[3] = faces[1]  # twins in training
    faces[7] = faces[0]  # a training face among the test faces
    faces[5] *= 2.5
    data = store(tmp_path / "data", faces.astype(np.float32), TWO)
    rows = check_dataset(data, tmp_path / "check.csv")
    found = values(rows)
    assert found["faces"] == 8
    assert found["training faces"] == 6
    assert found["test faces"] == 2
    assert found["duplicate faces in data set"] == 2
    assert found["duplicates between train and test"] == 1
    assert found["faces of odd size"] == 1
    assert found["units guess"] == "mm"
    remarks = {row["measure"]: row["remark"] for row in rows}
    assert "f7" in remarks["duplicates between train and test"]
    assert remarks["faces of odd size"].endswith("f5")
    assert remarks["largest distance of a vertex, mm"] == "face f5"
    distance = np.linalg.norm(data.vertices - data.template, axis=2)
    assert float(found["mean distance from template, mm"]) == pytest.approx(
        distance.mean(), abs=1e-4
    )
    assert float(found["largest distance of a vertex, mm"]) == pytest.approx(
        distance.max(), abs=1e-4
    )
    with (tmp_path / "check.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["measure"] for row in table] == [row["measure"] for row in rows]
    assert list(table[0]) == ["measure", "value", "remark"]


def test_folder_gives_the_same_bytes_as_the_store(tmp_path: Path) -> None:
    faces = SQUARE + np.random.default_rng(1).normal(size=(5, 4, 3))
    data = store(tmp_path / "data", faces.astype(np.float32), TWO)
    check_dataset(data, tmp_path / "a.csv")
    check_dataset(str(tmp_path / "data"), tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_wrong_units_are_remarked(tmp_path: Path) -> None:
    faces = (SQUARE + np.random.default_rng(1).normal(size=(5, 4, 3))) / 1000
    rows = check_dataset(
        store(tmp_path / "data", faces.astype(np.float32), TWO), tmp_path / "check.csv"
    )
    row = next(row for row in rows if row["measure"] == "units guess")
    assert row["value"] == "m"
    assert "check the units" in row["remark"]
