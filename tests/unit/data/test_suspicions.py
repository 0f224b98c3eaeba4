"""What the check of a data set suspects: copies, mirror images, turned faces, other sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lwpipe.data.check import check_dataset
from lwpipe.data.make import make_dataset
from lwpipe.data.settings import DataSettings
from lwpipe.data.sources.synthetic import SyntheticSettings
from lwpipe.data.store import Dataset
from lwpipe.data.suspicions import look_remark, looks_along, same_faces
from lwpipe.figures.contact_sheet import draw_contact_sheet
from lwpipe.figures.settings import CameraSettings
from tests.helpers.mesh_files import convert, write_obj


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    settings = DataSettings(faces=12, synthetic=SyntheticSettings(vertices=1500))
    return make_dataset(settings, tmp_path_factory.mktemp("faces"))


def stored(faces: Dataset, folder: Path, vertices: np.ndarray, **more: object) -> Dataset:
    """Store other vertices on the same triangles."""
    folder.mkdir(exist_ok=True)
    np.savez(folder / "f.npz", vertices=vertices, triangles=faces.triangles)
    return convert(folder / "f.npz", folder / "out", units="mm", **more)


def rows(data: Dataset, folder: Path) -> dict[str, tuple[str, str]]:
    found = check_dataset(data, folder / "check.csv")
    return {row["measure"]: (str(row["value"]), row["remark"]) for row in found}


def test_sound_faces_raise_no_suspicion(faces: Dataset, tmp_path: Path) -> None:
    found = rows(faces, tmp_path)
    for measure in (
        "duplicate faces in data set", "duplicates between train and test", "mirrored faces",
        "turned faces", "faces of odd size",
    ):  # fmt: skip
        assert found[measure] == ("0", ""), measure
    assert found["template looks along"] == ("+z", "")
    assert found["units guess"] == ("mm", "")


@pytest.mark.parametrize("align", [False, True])
def test_a_face_with_other_digits_is_a_copy(faces: Dataset, align: bool, tmp_path: Path) -> None:
    coarse = np.round(faces.vertices[:3].astype(float), 2)
    both = np.concatenate([faces.vertices.astype(float), coarse + (5 if align else 0)])
    data = stored(faces, tmp_path, both, align=align, test_fraction=0.3)
    assert same_faces(data) == [[0, 12], [1, 13], [2, 14]]
    found = rows(data, tmp_path)
    value, remark = found["duplicate faces in data set"]
    assert value == "3"
    assert "no vertex is 0.01 mm from another's: f_00000, f_00001, f_00002" in remark
    splits = list(data.faces["split"])
    torn = [row for row in range(3) if splits[row] != splits[12 + row]]
    assert torn, "the draw must tear some pair for this test to say something"
    value, remark = found["duplicates between train and test"]
    assert value == str(len(torn))
    test, train = sorted((torn[0], 12 + torn[0]), key=lambda row: splits[row])
    assert f"f_{test:05d} as f_{train:05d}" in remark


def test_a_face_that_differs_at_one_vertex_is_none(faces: Dataset, tmp_path: Path) -> None:
    other = faces.vertices[:1].astype(float)
    other[0, 7, 1] += 0.02
    data = stored(faces, tmp_path, np.concatenate([faces.vertices.astype(float), other]))
    assert same_faces(data) == []


def test_many_copies_are_one_group(faces: Dataset, tmp_path: Path) -> None:
    data = stored(faces, tmp_path, np.repeat(faces.vertices[:2].astype(float), 40, axis=0))
    assert same_faces(data) == [list(range(40)), list(range(40, 80))]


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("which", [[3], [0, 1], [2, 5, 7, 8, 11]])
def test_mirrored_faces_are_named(
    faces: Dataset, align: bool, which: list[int], tmp_path: Path
) -> None:
    vertices = faces.vertices.astype(float)
    vertices[which, :, 0] *= -1
    found = rows(stored(faces, tmp_path, vertices, align=align), tmp_path)
    value, remark = found["mirrored faces"]
    assert value == str(len(which))
    assert all(f"f_{row:05d}" in remark for row in which)


def test_turned_faces_are_named_where_they_are_not_aligned(faces: Dataset, tmp_path: Path) -> None:
    vertices = faces.vertices.astype(float)
    turn = np.radians(30)
    vertices[4] = vertices[4] @ np.array(
        [[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]
    )
    found = rows(stored(faces, tmp_path, vertices), tmp_path)
    assert found["turned faces"][0] == "1"
    assert "by more than 20 degrees (data.align turns" in found["turned faces"][1]
    assert "f_00004" in found["turned faces"][1]
    assert rows(stored(faces, tmp_path, vertices, align=True), tmp_path)["turned faces"][0] == "0"


def test_a_unit_size_is_no_face(faces: Dataset, tmp_path: Path) -> None:
    vertices = faces.vertices.astype(float)
    size = np.linalg.norm(vertices - vertices.mean(axis=1, keepdims=True), axis=2).max()
    for row, face in enumerate((vertices - vertices.mean(axis=1, keepdims=True)) / size):
        write_obj(tmp_path / f"face_{row}.obj", face, faces.triangles)
    found = rows(convert(tmp_path, tmp_path / "out"), tmp_path)
    value, remark = found["units guess"]
    assert value == "mm"
    assert "mm from corner to corner are a body, no face: meshes that were scaled" in remark


@pytest.mark.parametrize(
    ("turn", "axis", "words"),
    [
        (lambda v: v[:, :, [0, 2, 1]] * [1, -1, 1], "-y", "data.meshes.up: z turns them"),
        (lambda v: v[:, :, [0, 2, 1]] * [-1, 1, 1], "+y", "lie on their back"),
        (lambda v: v * [-1, 1, -1], "-z", "look away, or their triangles are inside out"),
        (lambda v: v[:, :, [2, 1, 0]] * [1, 1, -1], "+x", "look sideways"),
    ],
)
def test_faces_that_look_elsewhere_are_told_of(
    turn: object, axis: str, words: str, faces: Dataset, tmp_path: Path
) -> None:
    data = stored(faces, tmp_path, turn(faces.vertices.astype(float)))  # type: ignore[operator]
    value, remark = rows(data, tmp_path)["template looks along"]
    assert value == axis
    assert words in remark
    assert look_remark(axis) == remark


def test_z_up_files_look_along_z_once_they_are_told(faces: Dataset, tmp_path: Path) -> None:
    for row, face in enumerate(faces.vertices.astype(float)):
        write_obj(tmp_path / f"f{row:02d}.obj", face[:, [0, 2, 1]] * [1, -1, 1], faces.triangles)
    data = convert(tmp_path, tmp_path / "out", up="z")
    np.testing.assert_allclose(data.vertices, faces.vertices, atol=1e-4)
    assert looks_along(data.template, data.triangles) == "+z"


def test_a_closed_mesh_looks_nowhere() -> None:
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    closed = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    assert looks_along(corners, closed) is None
    assert look_remark(None) == ""


def test_the_contact_sheet_says_it(
    faces: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles: list[str] = []
    monkeypatch.setattr(
        "lwpipe.figures.sheet.Sheet.text",
        lambda self, text, *args, **kwargs: titles.append(text),
    )
    lying = stored(faces, tmp_path, faces.vertices[:, :, [0, 2, 1]] * np.array([1.0, -1, 1]))
    for data in (faces, lying):
        draw_contact_sheet(data, tmp_path / "sheet.png", CameraSettings(tile=120))
    (upright,) = [title for title in titles if title.startswith("12 faces") and ":" not in title]
    assert upright == "12 faces"
    assert any("z points up in the files?" in title for title in titles)
