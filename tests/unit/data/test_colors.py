"""Data sets with colours: the store, and the sources that have some."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from pydantic import ValidationError

from lwpipe.core.color import lab_of_srgb, srgb_of_lab
from lwpipe.core.errors import LwpipeError
from lwpipe.data.check import check_dataset
from lwpipe.data.make import make_dataset
from lwpipe.data.settings import DataSettings
from lwpipe.data.signals import colors_of, joined, positions
from lwpipe.data.store import Dataset
from lwpipe.export.textured import face_glb
from lwpipe.mesh.ply_file import read_painted_ply, read_ply_colors
from tests.helpers.aflw_layout import write_aflw_layout
from tests.helpers.coloured import (
    colours,
    picture,
    png,
    write_coloured_glb,
    write_coloured_obj,
    write_coloured_ply,
    write_pictured_obj,
)
from tests.helpers.mesh_files import TRIANGLES, shapes, write_obj

Writer = Callable[[Path, np.ndarray, np.ndarray], None]


def synthetic(**more: object) -> DataSettings:
    return DataSettings.model_validate({"faces": 8, "synthetic": {"vertices": 1500}, **more})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return make_dataset(synthetic(colors=True), tmp_path_factory.mktemp("data"))


def own(folder: Path, **more: object) -> DataSettings:
    meshes = {"path": str(folder), "units": "mm"}
    return DataSettings.model_validate(
        {"source": "meshes", "faces": None, "colors": True, "align": False, "test_fraction": 0.3,
         "meshes": meshes, **more}
    )  # fmt: skip


def test_shapes_are_the_same_with_colours_and_without(data: Dataset, tmp_path: Path) -> None:
    plain = make_dataset(synthetic(), tmp_path / "plain")
    np.testing.assert_array_equal(plain.vertices, data.vertices)
    assert plain.colors is None
    assert plain.signals is plain.vertices
    assert not (plain.path / "colors.npy").exists()
    assert "colors" not in plain.info
    assert data.info["colors"] == "sRGB, 8 bits"


def test_signals_are_positions_and_lab(data: Dataset) -> None:
    assert data.colors is not None
    rows = np.array([3, 0])
    found = data.signals[rows]
    assert found.shape == (2, *data.template.shape[:1], 6)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(positions(found), data.vertices[rows])
    np.testing.assert_array_equal(found[..., 3:], lab_of_srgb(data.colors[rows]))
    np.testing.assert_array_equal(colors_of(found), data.colors[rows])
    some = slice(10, 20)
    np.testing.assert_array_equal(data.signals[rows, some], found[:, some])
    np.testing.assert_array_equal(data.signals[5], joined(data.vertices[5], data.colors[5]))
    assert data.signals.nbytes == 2 * data.vertices.nbytes


def test_the_template_has_the_mean_colours(data: Dataset, tmp_path: Path) -> None:
    file = data.path / "template.ply"
    colors, triangles = read_ply_colors(file)
    expected = srgb_of_lab(data.mean_face()[:, 3:])
    # Sums of single and of double precision may round to two sides of a half.
    assert np.abs(colors.astype(int) - expected).max() <= 1
    assert (colors != expected).mean() < 0.01
    np.testing.assert_array_equal(triangles, data.triangles)
    plain = make_dataset(synthetic(), tmp_path)
    np.testing.assert_array_equal(read_painted_ply(file)[0], plain.template)
    assert read_painted_ply(plain.path / "template.ply")[2] is None


def test_people_look_like_people(data: Dataset) -> None:
    """Skin is red before it is green before it is blue; people differ; whites of eyes are light."""
    assert data.colors is not None
    mean = data.colors.reshape(len(data.colors), -1, 3).mean(axis=1)
    assert (mean[:, 0] > mean[:, 1]).all()
    assert (mean[:, 1] > mean[:, 2]).all()
    assert mean[:, 0].std() > 10
    lightness = data.lab[:][..., 0]
    assert (lightness.max(axis=1) > 75).all()
    assert (lightness.min(axis=1) < 30).all()


def test_the_first_people_of_more_are_the_same(data: Dataset, tmp_path: Path) -> None:
    more = make_dataset(synthetic(colors=True, faces=12), tmp_path)
    np.testing.assert_array_equal(more.colors[:8], data.colors)
    other = make_dataset(synthetic(colors=True, seed=1), tmp_path / "other")
    assert (other.colors != data.colors).mean() > 0.5


def test_an_altered_colour_is_noticed(tmp_path: Path) -> None:
    make_dataset(synthetic(colors=True), tmp_path)
    held = np.load(tmp_path / "colors.npy", mmap_mode="r+")
    held[2, 7, 1] ^= 1
    held.flush()
    with pytest.raises(LwpipeError, match=r"colors\.npy and faces\.csv do not have the SHA-256"):
        Dataset.open(tmp_path)


def _missing(file: Path) -> None:
    file.unlink()


def _fewer(file: Path) -> None:
    np.save(file, np.load(file)[:, :-1])


def _wide(file: Path) -> None:
    np.save(file, np.load(file).astype(np.uint16))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_missing, "does not exist"),
        (_fewer, r"holds uint8 .* expected uint8 \(8, 1492, 3\)|expected uint8"),
        (_wide, "holds uint16"),
    ],
)
def test_colours_that_do_not_fit_are_refused(
    damage: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    make_dataset(synthetic(colors=True), tmp_path)
    damage(tmp_path / "colors.npy")
    with pytest.raises(LwpipeError, match=words):
        Dataset.open(tmp_path)


def test_a_store_that_is_made_again_without_colours_keeps_none(tmp_path: Path) -> None:
    make_dataset(synthetic(colors=True), tmp_path)
    again = make_dataset(synthetic(), tmp_path)
    assert again.colors is None
    assert not (tmp_path / "colors.npy").exists()


def test_a_source_without_colours_says_so() -> None:
    with pytest.raises(ValidationError, match=r"is not read where `data\.source` is 'ict'"):
        DataSettings.model_validate({"source": "ict", "colors": True})


@pytest.mark.parametrize(
    ("suffix", "write"),
    [("ply", write_coloured_ply), ("obj", write_coloured_obj), ("glb", write_coloured_glb)],
)
def test_own_meshes_bring_their_colours(
    suffix: str, write: Callable[[Path, np.ndarray, np.ndarray], None], tmp_path: Path
) -> None:
    places, painted = shapes(4), colours(4)
    (tmp_path / "in").mkdir()
    for row in range(4):
        write(tmp_path / "in" / f"{row}.{suffix}", places[row], painted[row])
    data = make_dataset(own(tmp_path / "in"), tmp_path / "out")
    np.testing.assert_array_equal(data.colors, painted)


def test_an_archive_brings_its_colours(tmp_path: Path) -> None:
    places, painted = shapes(4).astype(np.float32), colours(4)
    for array in (painted, painted / 255):
        np.savez(tmp_path / "faces.npz", vertices=places, triangles=TRIANGLES, colors=array)
        data = make_dataset(own(tmp_path / "faces.npz"), tmp_path / "out")
        np.testing.assert_array_equal(data.colors, painted)
    np.savez(tmp_path / "faces.npz", vertices=places, triangles=TRIANGLES, colors=painted[:, :9])
    with pytest.raises(LwpipeError, match=r"has colours \(4, 9, 3\) for vertices \(4, 25, 3\)"):
        make_dataset(own(tmp_path / "faces.npz"), tmp_path / "out")
    np.savez(tmp_path / "faces.npz", vertices=places, triangles=TRIANGLES)
    with pytest.raises(LwpipeError, match="has no array 'colors'"):
        make_dataset(own(tmp_path / "faces.npz"), tmp_path / "out")


def test_images_bring_colours_and_the_uv_map(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for row, place in enumerate(shapes(3)):
        write_pictured_obj(tmp_path / "in" / f"{row}.obj", place, png(picture()))
    data = make_dataset(own(tmp_path / "in"), tmp_path / "out")
    assert np.ptp(data.colors[:, :, 0].astype(int)) > 150
    uv = data.uv()
    assert uv is not None
    np.testing.assert_array_equal(uv.corners, data.triangles)
    np.savez(tmp_path / "out" / "uv.npz", uv=uv.uv, corners=uv.corners[:-1])
    with pytest.raises(LwpipeError, match=r"uv\.npz: is no UV map of 32 triangles"):
        data.uv()


def test_one_mesh_of_many_without_colours_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    places, painted = shapes(4), colours(4)
    for row in range(4):
        write_coloured_obj(folder / f"{row}.obj", places[row], painted[row])
    write_obj(folder / "2.obj", places[2])
    with pytest.raises(LwpipeError, match=r"2\.obj: names the materials") as told:
        make_dataset(own(folder), tmp_path / "out")
    assert str(told.value).count("\n") == 0
    assert not (tmp_path / "out").exists()


def _cut(folder: Path) -> None:
    (folder / "2.png").write_bytes(png(picture())[:120])


def _gone(folder: Path) -> None:
    (folder / "2.png").unlink()


def _bare(suffix: str, write: Writer) -> Callable[[Path], None]:
    """Return what leaves the colours of one mesh out."""

    def change(folder: Path) -> None:
        file = folder / f"2.{suffix}"
        write(file, shapes(4)[2], colours(4)[2])
        if suffix == "ply":
            file.write_bytes(file.read_bytes().replace(b"uchar green", b"uchar other"))
        elif suffix == "obj":
            lines = [line.split()[:4] for line in file.read_text().splitlines()]
            file.write_text("\n".join(map(" ".join, lines)))
        else:
            file.write_bytes(face_glb(shapes(4)[2].astype(np.float32), TRIANGLES))

    return change


def _pictured(file: Path, place: np.ndarray, _: np.ndarray) -> None:
    write_pictured_obj(file, place, png(picture()))


@pytest.mark.parametrize(
    ("suffix", "write", "damage", "words"),
    [
        ("ply", write_coloured_ply, _bare("ply", write_coloured_ply), "has no colours of vertices"),
        ("obj", write_coloured_obj, _bare("obj", write_coloured_obj), "has no colours: neither"),
        ("glb", write_coloured_glb, _bare("glb", write_coloured_glb), "has no colours: neither"),
        ("obj", _pictured, _cut, r"has an image that cannot be read .*2\.png"),
        ("obj", _pictured, _gone, r"has an image, 2\.png, that cannot be read"),
    ],
    ids=["ply", "obj", "glb", "cut image", "no image"],
)
def test_one_bad_mesh_of_many_is_one_sentence(
    suffix: str, write: Writer, damage: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    """The others are read, nothing is written, and without colours all of them are faces."""
    folder = tmp_path / "in"
    folder.mkdir()
    for row in range(4):
        write(folder / f"{row}.{suffix}", shapes(4)[row], colours(4)[row])
    damage(folder)
    with pytest.raises(LwpipeError, match=words) as told:
        make_dataset(own(folder), tmp_path / "out")
    assert str(told.value).startswith(f"{folder / '2'}.{suffix}: ")
    assert str(told.value).count("\n") == 0
    assert not (tmp_path / "out").exists()
    assert len(make_dataset(own(folder, colors=False), tmp_path / "out").vertices) == 4


@pytest.fixture
def basel(tmp_path: Path) -> Path:
    """A model and ten faces in the layout of AFLW2000-3D, with colours of two components."""
    layout = write_aflw_layout(tmp_path, 1502, faces=6, samples=12)
    file = layout.model_dir / "Model_Shape.mat"
    content = {k: v for k, v in scipy.io.loadmat(file).items() if not k.startswith("__")}
    random = np.random.default_rng(4)
    content["texMU"] = random.uniform(90, 160, (3 * 1502, 1))
    content["texPC"] = random.normal(0, 3, (3 * 1502, 2))
    scipy.io.savemat(file, content)
    for number, face in enumerate(sorted(layout.faces_dir.glob("*.mat"))):
        about = {k: v for k, v in scipy.io.loadmat(face).items() if not k.startswith("__")}
        about["Tex_Para"] = np.array([[number], [-1.0]])
        scipy.io.savemat(face, about)
    return tmp_path


def of_basel(folder: Path) -> DataSettings:
    places = {"model_dir": str(folder / "model"), "faces_dir": str(folder / "faces")}
    return DataSettings.model_validate(
        {"source": "aflw2000-3d", "colors": True, "faces": None, "test_fraction": 0.2,
         "aflw2000_3d": places}
    )  # fmt: skip


def change(file: Path, **changes: object) -> None:
    content = {k: v for k, v in scipy.io.loadmat(file).items() if not k.startswith("__")} | changes
    scipy.io.savemat(file, {name: value for name, value in content.items() if value is not None})


def test_colours_of_the_basel_model_are_those_of_the_formula(basel: Path) -> None:
    data = make_dataset(of_basel(basel), basel / "data")
    model = scipy.io.loadmat(basel / "model" / "Model_Shape.mat")
    for row in (0, 3):
        flat = model["texMU"][:, 0] + model["texPC"] @ [row, -1.0]
        expected = np.rint(np.clip(flat, 0, 255)).reshape((3, -1), order="F").T
        np.testing.assert_array_equal(data.colors[row], expected)
    assert data.info["texture_components"] == 2


def test_deviations_of_the_basel_model_do_not_scale_its_components(basel: Path) -> None:
    """Tex_Para of AFLW2000-3D is of the order of 1,000: it is scaled already."""
    plain = make_dataset(of_basel(basel), basel / "data")
    change(basel / "model" / "Model_Shape.mat", texEV=np.array([[2000.0], [700.0]]))
    again = make_dataset(of_basel(basel), basel / "again")
    np.testing.assert_array_equal(again.colors, plain.colors)


def test_colours_of_the_basel_model_in_a_file_of_their_own(basel: Path) -> None:
    expected = make_dataset(of_basel(basel), basel / "data").colors
    shapes = basel / "model" / "Model_Shape.mat"
    read = scipy.io.loadmat(shapes)
    scipy.io.savemat(
        basel / "model" / "Model_Tex.mat", {name: read[name] for name in ("texMU", "texPC")}
    )
    change(shapes, texMU=None, texPC=None)
    again = make_dataset(of_basel(basel), basel / "again")
    np.testing.assert_array_equal(again.colors, expected)


@pytest.mark.parametrize(
    ("file", "changes", "words"),
    [
        ("model/Model_Shape.mat", {"texMU": None}, "has no colours: neither"),
        ("model/Model_Shape.mat", {"texMU": np.ones((9, 1))}, r"texMU is 9 x 1"),
        ("model/Model_Shape.mat", {"texPC": np.ones((9, 2))}, r"texPC is 9 x 2"),
        ("faces/image00003.mat", {"Tex_Para": np.ones((3, 1))}, "Tex_Para is 3 x 1"),
        ("faces/image00003.mat", {"Tex_Para": None}, "has no variable Tex_Para"),
    ],
)
def test_colours_of_the_basel_model_that_do_not_fit(
    file: str, changes: dict[str, object], words: str, basel: Path
) -> None:
    change(basel / file, **changes)
    with pytest.raises(LwpipeError, match=words):
        make_dataset(of_basel(basel), basel / "data")


def test_the_check_tells_of_colours_that_were_lost(tmp_path: Path) -> None:
    data = make_dataset(synthetic(colors=True), tmp_path / "data")
    rows = {row["measure"]: row for row in check_dataset(data, tmp_path / "check.csv")}
    assert rows["faces of one colour"]["value"] == 0
    assert 20 < float(rows["mean lightness of colours, L*"]["value"]) < 80
    painted = np.array(data.colors)
    painted[3] = 120
    lost = replace(data, colors=painted)
    rows = {row["measure"]: row for row in check_dataset(lost, tmp_path / "check.csv")}
    assert rows["faces of one colour"]["value"] == 1
    assert "synthetic_00003" in rows["faces of one colour"]["remark"]
    plain = replace(data, colors=None)
    assert not any("colour" in row["measure"] for row in check_dataset(plain, tmp_path / "c.csv"))


def test_images_beside_meshes_are_inputs_of_the_workflow(tmp_path: Path) -> None:
    write_pictured_obj(tmp_path / "a.obj", shapes(1)[0], png(picture()))
    write_pictured_obj(tmp_path / "b.obj", shapes(1)[0], png(picture()))
    with_colours, plain = own(tmp_path), own(tmp_path, colors=False)
    names = [file.name for file in with_colours.user_files()]
    assert names == ["a.obj", "b.obj", "a.mtl", "a.png", "b.mtl", "b.png"]
    assert [file.name for file in plain.user_files()] == ["a.obj", "b.obj"]
