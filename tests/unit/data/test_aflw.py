from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from lwpipe.core.errors import LwpipeError
from lwpipe.data.make import make_dataset
from lwpipe.data.settings import DataSettings
from lwpipe.data.sources.aflw import AflwSettings
from lwpipe.data.sources.aflw.mat import read_mat
from lwpipe.data.sources.aflw.model import list_faces, read_model
from tests.helpers.aflw_layout import Layout, write_aflw_layout

VERTICES = 1502


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return write_aflw_layout(tmp_path_factory.mktemp("aflw"), VERTICES, faces=10, samples=40)


@pytest.fixture
def broken(layout: Layout, tmp_path: Path) -> Layout:
    """A copy that a test may damage."""
    shutil.copytree(layout.model_dir, tmp_path / "model")
    shutil.copytree(layout.faces_dir, tmp_path / "faces")
    return Layout(tmp_path / "model", tmp_path / "faces", layout.first_faces, layout.triangles)


def settings(layout: Layout, **more: object) -> DataSettings:
    return DataSettings(
        source="aflw2000-3d",
        aflw2000_3d=AflwSettings(model_dir=str(layout.model_dir), faces_dir=str(layout.faces_dir)),
        **{"test_fraction": 0.2, **more},
    )


def edit(file: Path, **changes: object) -> None:
    content = {k: v for k, v in scipy.io.loadmat(file).items() if not k.startswith("__")}
    content.update(changes)
    scipy.io.savemat(file, {k: v for k, v in content.items() if v is not None})


def test_faces_are_those_of_the_formula(layout: Layout, tmp_path: Path) -> None:
    data = make_dataset(settings(layout), tmp_path / "data")
    assert data.vertices.shape == (10, VERTICES, 3)
    np.testing.assert_allclose(data.vertices[:8], layout.first_faces, atol=1e-4)
    np.testing.assert_array_equal(data.triangles, layout.triangles)
    # Millimetres of a face, not micrometres.
    assert 100 < np.linalg.norm(np.ptp(data.template, axis=0)) < 500
    assert list(data.faces["id"][:2]) == ["image00002", "image00003"]
    assert data.info["shape_components"] == 199
    assert data.info["expression_components"] == 29
    assert data.info["alignment"] is None
    assert (data.faces["split"] == "test").sum() == 2


def test_same_bytes_when_run_again(layout: Layout, tmp_path: Path) -> None:
    for name in "ab":
        make_dataset(settings(layout), tmp_path / name)
    for file in ("vertices.npy", "template.ply", "faces.csv", "dataset.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_takes_the_first_faces_by_name(layout: Layout, tmp_path: Path) -> None:
    data = make_dataset(settings(layout, faces=4), tmp_path / "data")
    assert len(data.vertices) == 4
    assert data.faces["id"].iloc[-1] == "image00005"
    assert data.info["faces_found"] == 10


def test_alignment_is_off_but_can_be_asked_for(layout: Layout, tmp_path: Path) -> None:
    data = make_dataset(settings(layout, align=True), tmp_path / "data")
    assert data.info["alignment"]["converged"]
    np.testing.assert_allclose(data.vertices.mean(axis=1), 0, atol=1e-3)


def test_chunks_do_not_change_faces(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make_dataset(settings(layout), tmp_path / "whole").vertices[:]
    monkeypatch.setattr("lwpipe.data.sources.aflw.AT_ONCE", 3)
    parts = make_dataset(settings(layout), tmp_path / "parts").vertices[:]
    np.testing.assert_allclose(whole, parts, atol=1e-5)


@pytest.mark.parametrize(
    ("file", "changes", "fault"),
    [
        ("Model_Shape.mat", {"mu_shape": np.zeros((10, 1))}, r"mu_shape is 10 x 1; .* 3V x 1"),
        ("Model_Shape.mat", {"mu_shape": np.zeros((1, 9))}, r"mu_shape is 1 x 9"),
        ("Model_Shape.mat", {"w": np.zeros((9, 199))}, rf"w is 9 x 199; .*V = {VERTICES}"),
        ("Model_Shape.mat", {"w": None}, "has no variable w"),
        ("Model_Shape.mat", {"tri": np.ones((5, 3), np.uint32)}, r"tri is 5 x 3; .* 3 x F"),
        ("Model_Shape.mat", {"tri": np.array([[0], [1], [2]])}, "counts vertices from 0"),
        ("Model_Shape.mat", {"tri": np.array([[1], [2], [9999]])}, "names vertex 9999"),
        ("Model_Shape.mat", {"tri": np.array([[1], [2], [2.5]])}, "not whole"),
        ("Model_Exp.mat", {"w_exp": np.zeros((3 * VERTICES - 3, 29))}, "w_exp is"),
        ("Model_Exp.mat", {"mu_exp": np.zeros((3 * VERTICES, 2))}, "mu_exp is .* must be .* x 1"),
        (
            "Model_Exp.mat",
            {"mu_exp": np.full((3 * VERTICES, 1), np.nan)},
            "mu_exp has values that are NaN",
        ),
        (
            "Model_Exp.mat",
            {"mu_exp": np.array([["a"], [1]], dtype=object)},
            "mu_exp is not an array of real numbers",
        ),
    ],
)
def test_a_model_of_another_layout_is_named(
    broken: Layout, tmp_path: Path, file: str, changes: dict[str, object], fault: str
) -> None:
    edit(broken.model_dir / file, **changes)
    with pytest.raises(LwpipeError, match=f"{file}: .*{fault}") as caught:
        make_dataset(settings(broken), tmp_path / "data")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"Shape_Para": np.zeros((198, 1))}, "Shape_Para is 198 x 1; the model has 199"),
        ({"Exp_Para": np.zeros((29, 29))}, "Exp_Para is 29 x 29"),
        ({"Exp_Para": None}, "has no variable Exp_Para"),
        ({"Exp_Para": np.full((29, 1), np.inf)}, "Exp_Para has values that are NaN or infinite"),
        ({"Shape_Para": {"a": 1}}, "Shape_Para is not an array"),
        ({"Shape_Para": "text"}, "Shape_Para is not an array"),
    ],
)
def test_a_face_of_another_layout_is_named(
    broken: Layout, tmp_path: Path, changes: dict[str, object], fault: str
) -> None:
    edit(broken.faces_dir / "image00004.mat", **changes)
    with pytest.raises(LwpipeError, match=f"image00004.mat: {fault}"):
        make_dataset(settings(broken), tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_whole_numbers_are_read_as_numbers(broken: Layout, tmp_path: Path) -> None:
    shape, expression = broken.model_dir / "Model_Shape.mat", broken.model_dir / "Model_Exp.mat"
    for file, key in ((shape, "w"), (expression, "w_exp")):
        basis = scipy.io.loadmat(file)[key]
        edit(file, **{key: np.rint(basis * 1e6).astype(np.int32)})
    model = read_model(broken.model_dir)
    assert model.basis.dtype == np.float64
    np.testing.assert_allclose(model.basis * 1e3, np.rint(model.basis * 1e3))
    assert np.abs(model.basis).max() > 0


@pytest.mark.parametrize("length", [0, 60, 127, 500, 2000])
def test_a_file_that_is_cut_off_is_named(broken: Layout, tmp_path: Path, length: int) -> None:
    file = broken.faces_dir / "image00004.mat"
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(LwpipeError, match=r"image00004\.mat: "):
        make_dataset(settings(broken), tmp_path / "data")


def test_version_7_3_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "face.mat"
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + bytes(8) + b"\x00\x02IM"
    file.write_bytes(header + bytes(512))
    with pytest.raises(LwpipeError, match=r"face.mat: is a MATLAB file of version 7.3 .*'-v7'"):
        read_mat(file, ["Shape_Para"])


def test_missing_places_are_named(layout: Layout, tmp_path: Path) -> None:
    with pytest.raises(LwpipeError, match=r"model_dir: .* has no Model_Shape\.mat"):
        read_model(tmp_path)
    with pytest.raises(LwpipeError, match=r"faces_dir: .* has no .mat file"):
        make_dataset(
            DataSettings(
                source="aflw2000-3d",
                aflw2000_3d=AflwSettings(
                    model_dir=str(layout.model_dir), faces_dir=str(layout.model_dir)
                ),
            ),
            tmp_path / "data",
        )


def test_the_expressions_of_3ddfa_are_read_by_their_name(broken: Layout, tmp_path: Path) -> None:
    first = make_dataset(settings(broken), tmp_path / "a")
    file = broken.model_dir / "Model_Exp.mat"
    file.rename(broken.model_dir / "Model_Expression.mat")
    again = make_dataset(settings(broken), tmp_path / "b")
    assert first.info["content_sha256"] == again.info["content_sha256"]
    # Where both are there, the name of AFLW2000-3D's own code is read; both are no faces.
    file.write_bytes(b"")
    source = settings(broken).make_source()
    assert broken.model_dir / "Model_Expression.mat" not in source.inputs()
    with pytest.raises(LwpipeError, match=r"Model_Exp\.mat: is empty"):
        make_dataset(settings(broken), tmp_path / "c")


def test_the_model_of_basel_itself_is_told_what_makes_of_it(broken: Layout) -> None:
    shapes = broken.model_dir / "Model_Shape.mat"
    shapes.rename(broken.model_dir / "01_MorphableModel.mat")
    for ask in (settings(broken).make_source().check, lambda: read_model(broken.model_dir)):
        with pytest.raises(LwpipeError, match=r"01_MorphableModel\.mat, .*/ModelGenerate\.m of"):
            ask()


def test_a_folder_one_level_too_high_is_told(broken: Layout, tmp_path: Path) -> None:
    (tmp_path / "above" / ".hidden").mkdir(parents=True)
    broken.faces_dir.rename(tmp_path / "above" / "AFLW2000")
    with pytest.raises(LwpipeError, match=r"AFLW2000 in it has 10: name .*above/AFLW2000\."):
        list_faces(tmp_path / "above")


def test_rows_of_single_precision_and_other_keys_are_read(broken: Layout, tmp_path: Path) -> None:
    first = make_dataset(settings(broken), tmp_path / "a")
    for file in broken.faces_dir.glob("*.mat"):
        face = scipy.io.loadmat(file)
        rows = {name: face[name].T.astype(np.float32) for name in ("Shape_Para", "Exp_Para")}
        others = {"pt2d": np.ones((2, 21)), "Color_Para": np.ones((1, 7)), "roi": np.arange(4)}
        scipy.io.savemat(file, {**rows, **others}, do_compression=True)
    again = make_dataset(settings(broken), tmp_path / "b")
    np.testing.assert_allclose(first.vertices, again.vertices, atol=1e-3)
