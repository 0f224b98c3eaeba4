"""Rendered faces and plots."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

import lwpipe.figures.animation
from lwpipe.core.errors import LwpipeError
from lwpipe.data.store import Dataset, DatasetWriter
from lwpipe.evaluation import interpolation as computed
from lwpipe.evaluation.pairs import choose_pairs
from lwpipe.evaluation.settings import AnimationSettings, InterpolationSettings
from lwpipe.evaluation.surface import surface_distances
from lwpipe.figures import render
from lwpipe.figures.ablation import draw_tradeoff
from lwpipe.figures.animation import write_animation
from lwpipe.figures.contact_sheet import choose_faces, draw_contact_sheet
from lwpipe.figures.diversity import draw_diversity
from lwpipe.figures.interpolation import draw_interpolation
from lwpipe.figures.labels import place_labels
from lwpipe.figures.learning_curve import draw_learning_curve
from lwpipe.figures.local_weights import draw_local_weights
from lwpipe.figures.render import FaceRenderer
from lwpipe.figures.settings import FiguresSettings
from lwpipe.figures.style import blend_parts, map_colors, new_figure, part_palette, shorten
from lwpipe.mesh.ply_file import read_ply

SMALL = FiguresSettings(tile=64, dpi=50)
RED, BLUE = np.array([255, 0, 0], np.uint8), np.array([0, 0, 255], np.uint8)


def bump(width: int = 30, height: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Return an open grid of 1,500 vertices, taller than wide, with a nose towards +z."""
    index = np.arange(width * height).reshape(height, width)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    triangles = np.concatenate(
        [np.stack([a, b, d], -1).reshape(-1, 3), np.stack([a, d, c], -1).reshape(-1, 3)]
    )
    y, x = np.meshgrid(np.linspace(-110, 110, height), np.linspace(-66, 66, width), indexing="ij")
    z = 60 * np.cos(x / 60) * np.cos(y / 100) + 20 * np.exp(-(x**2 + y**2) / 200)
    return np.stack([x, y, z], -1).reshape(-1, 3), triangles


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def covered(picture: np.ndarray) -> np.ndarray:
    return (picture < 250).any(axis=2)


def reddish(picture: np.ndarray) -> np.ndarray:
    return covered(picture) & (picture[:, :, 0] > picture[:, :, 2].astype(int) + 40)


def paint(mask: np.ndarray) -> np.ndarray:
    return np.where(mask[:, None], RED, BLUE)


# --- renderer ---------------------------------------------------------------------------------


def test_picture_fits_the_mesh_on_white_and_is_the_same_again():
    vertices, triangles = bump()
    pictures = []
    for _ in range(2):
        with FaceRenderer(triangles, vertices, 120) as renderer:
            renderer.render(vertices[:, [1, 0, 2]])
            pictures.append(renderer.render(vertices))
    picture = pictures[0]
    assert picture.dtype == np.uint8
    assert picture.shape == (120, round(120 * 132 / 220), 3)
    assert picture.tobytes() == pictures[1].tobytes()
    rows, columns = np.flatnonzero(covered(picture).any(1)), np.flatnonzero(covered(picture).any(0))
    assert (picture[0] == 255).all()
    assert (picture[:, 0] == 255).all()
    assert len(rows) == pytest.approx(120 / 1.06, abs=2)
    assert len(columns) == pytest.approx(72 / 1.06, abs=3)
    # Shaded, not flat.
    assert len(np.unique(picture[covered(picture)], axis=0)) > 50


def test_camera_looks_along_minus_z_with_y_up():
    vertices, triangles = bump()
    with FaceRenderer(triangles, vertices, 90) as renderer:
        up = reddish(renderer.render(vertices, paint(vertices[:, 1] > 0)))
        right = reddish(renderer.render(vertices, paint(vertices[:, 0] > 0)))
    assert up[:40].any()
    assert not up[50:].any()
    assert right[:, 30:].any()
    assert not right[:, :24].any()


def test_nearer_surface_hides_the_farther():
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]])
    vertices = np.vstack([np.c_[square, np.zeros(4)], np.c_[square, np.ones(4)]])
    triangles = [[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]]
    colors = paint(np.arange(8) >= 4)
    with FaceRenderer(triangles, vertices, 40) as renderer:
        assert reddish(renderer.render(vertices, colors))[5:35, 5:35].all()
    with FaceRenderer(triangles, vertices, 40, azimuth=180) as renderer:
        assert not reddish(renderer.render(vertices, colors)).any()


def test_azimuth_turns_to_plus_x_and_elevation_to_plus_y():
    x = np.array([[1, -1, -1], [1, 1, -1], [1, 1, 1], [1, -1, 1.0]])
    for axis, view in ((0, {"azimuth": 60}), (1, {"elevation": 60})):
        sides = []
        for sign in (1, -1):
            side = np.roll(x, axis, axis=1).copy()
            side[:, axis] *= sign
            sides.append(side)
        vertices = np.vstack(sides)
        triangles = [[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]]
        with FaceRenderer(triangles, vertices, (60, 60), **view) as renderer:
            picture = renderer.render(vertices, paint(np.arange(8) < 4))
        # The side towards the camera hides most of the other.
        red = reddish(picture).sum()
        assert red > 0.6 * covered(picture).sum()


def test_one_scale_for_all_meshes():
    vertices, triangles = bump()
    with FaceRenderer(triangles, np.stack([vertices, 1.5 * vertices]), 150) as renderer:
        small = covered(renderer.render(vertices)).any(axis=1).sum()
        large = covered(renderer.render(1.5 * vertices)).any(axis=1).sum()
    assert large / small == pytest.approx(1.5, rel=0.02)


def test_map_shows_its_colours():
    vertices, triangles = bump()
    with FaceRenderer(triangles, vertices, 90) as renderer:
        low, high = (
            renderer.render(vertices, map_colors(np.full(len(vertices), value), "viridis"))
            for value in (0.0, 1.0)
        )
    middle = np.s_[40:50, 22:32]
    assert high[middle].astype(int).sum() > 2 * low[middle].astype(int).sum()
    expected = np.array([253, 231, 37]) / 253
    seen = high[middle].reshape(-1, 3).mean(axis=0)
    np.testing.assert_allclose(seen / seen[0], expected, atol=0.02)


def test_winding_does_not_matter():
    vertices, triangles = bump()
    pictures = []
    for order in (triangles, triangles[:, ::-1]):
        with FaceRenderer(order, vertices, 80) as renderer:
            pictures.append(renderer.render(vertices).astype(int))
    assert np.abs(pictures[0] - pictures[1]).mean() < 1.0


def test_isolated_vertices_and_degenerate_triangles_do_no_harm():
    vertices, triangles = bump()
    far = np.vstack([vertices, [[1e6, 0, 0]]])
    with FaceRenderer(triangles, vertices, 60) as renderer:
        plain = renderer.render(vertices)
    with FaceRenderer(np.vstack([triangles, [[0, 0, 1]]]), far, 60) as renderer:
        assert renderer.render(far).shape == plain.shape
        np.testing.assert_allclose(renderer.render(far).astype(int), plain, atol=3)


def test_slim_objects_keep_a_usable_picture():
    vertices = np.array([[0, 0, 0], [0.001, 0, 0], [0, 10, 0.0]])
    with FaceRenderer([[0, 1, 2]], vertices, 80) as renderer:
        assert renderer.render(vertices).shape == (80, 20, 3)


def test_wrong_shapes_are_named():
    vertices, triangles = bump()
    with FaceRenderer(triangles, vertices, 40) as renderer:
        with pytest.raises(ValueError, match="vertices"):
            renderer.render(vertices[:-1])
        with pytest.raises(ValueError, match="colors"):
            renderer.render(vertices, paint(np.ones(3, bool)))


def test_shrinking_averages():
    block = np.zeros((6, 3, 3), np.uint8)
    block[0, 0] = 90
    block[3:] = 7
    np.testing.assert_array_equal(render._shrink(block)[:, 0, 0], [10, 7])


def test_no_display_no_words():
    code = (
        "from lwpipe.figures.render import FaceRenderer\n"
        "v = [[0, 0, 0], [1, 0, 0], [0, 1, 0]]\n"
        "with FaceRenderer([[0, 1, 2]], v, 32) as r:\n"
        "    assert (r.render(v) < 255).any()\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_machine_without_opengl_is_told_so(monkeypatch):
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    monkeypatch.setattr(sys, "platform", "linux")
    window = SimpleNamespace(GetClassName=lambda: "vtkOSOpenGLRenderWindow")
    with pytest.raises(LwpipeError, match="libegl1"):
        render._check_window(window)
    render._check_window(SimpleNamespace(GetClassName=lambda: "vtkEGLRenderWindow"))


# --- style ------------------------------------------------------------------------------------


def test_map_colors_keeps_to_its_limits():
    colors = map_colors([-1.0, 2.0, 4.0, 9.0], "gray", (2.0, 4.0))
    np.testing.assert_array_equal(colors[:, 0], [0, 0, 255, 255])
    assert map_colors([1.0], "gray", (1.0, 1.0)).shape == (1, 3)


def test_parts_have_different_colours_and_blend():
    palette = part_palette(64)
    assert len(np.unique(palette.round(3), axis=0)) == 64
    assert ((palette >= 0) & (palette <= 1)).all()
    pure = np.rint(255 * palette[:4])
    np.testing.assert_array_equal(blend_parts(np.eye(4)), pure)
    np.testing.assert_allclose(blend_parts([[0.5, 0.5, 0, 0]])[0], pure[:2].mean(0), atol=1)


def test_shorten():
    assert shorten("face_1", 6) == "face_1"
    assert shorten("abcdefghij", 5) == "ab\N{HORIZONTAL ELLIPSIS}ij"
    assert len(shorten("a" * 99, 20)) == 20


# --- sheets -----------------------------------------------------------------------------------


def store(folder: Path, count: int, test: int, name: str = "f{:02d}") -> Dataset:
    vertices, triangles = bump(12, 16)
    with DatasetWriter(folder, count, triangles, len(vertices)) as writer:
        for i in range(count):
            writer[i] = vertices * (1 + 0.01 * i)
        return writer.close(
            [
                {"id": name.format(i), "split": "test" if i < test else "train", "subject": i,
                 "expression": "", "source": "x"}
                for i in range(count)
            ],
            {"source": "bump", "licence": "none", "seed": 0, "alignment": None},
        )  # fmt: skip


@pytest.mark.parametrize(
    ("count", "test", "shown", "tests"), [(40, 10, 11, 3), (5, 1, 5, 1), (14, 12, 11, 9)]
)
def test_contact_sheet_mixes_training_and_test_faces(tmp_path, count, test, shown, tests):
    data = store(tmp_path, count, test)
    rows = choose_faces(data, 11)
    assert len(set(rows)) == len(rows) == shown
    assert (data.faces["split"][rows] == "test").sum() == tests
    assert list(rows) == sorted(rows)


def test_contact_sheet_has_the_same_bytes_again_and_takes_a_folder(tmp_path):
    data = store(tmp_path / "data", 14, 3, name="$x_{}$_" + 60 * "long")
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    draw_contact_sheet(data, first, SMALL)
    draw_contact_sheet(str(tmp_path / "data"), second, SMALL)
    assert first.read_bytes() == second.read_bytes()
    assert b"Software" not in first.read_bytes()
    image = np.asarray(Image.open(first).convert("RGB"))
    assert covered(image).mean() > 0.25


def test_contact_sheet_ignores_what_its_stage_does_not_read(tmp_path):
    data = store(tmp_path / "data", 6, 2)
    draw_contact_sheet(data, tmp_path / "a.png", SMALL)
    other = SMALL.model_copy(update={"dpi": 300, "colormap": "gray"})
    draw_contact_sheet(data, tmp_path / "b.png", other)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("parts", [1, 4, 9])
def test_local_weights_sheet(tmp_path, parts):
    data = store(tmp_path / "data", 4, 1)
    w = np.random.default_rng(0).random((len(data.template), parts)).astype(np.float32)
    w /= w.sum(axis=1, keepdims=True)
    np.savez(tmp_path / "w.npz", weights=w, basis=w / w.max(axis=0))
    draw_local_weights(data, w, tmp_path / "a.png", SMALL)
    draw_local_weights(data.path, tmp_path / "w.npz", tmp_path / "b.png", SMALL)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    gray = SMALL.model_copy(update={"colormap": "gray"})
    draw_local_weights(data, w, tmp_path / "gray.png", gray)
    assert (tmp_path / "gray.png").read_bytes() != (tmp_path / "a.png").read_bytes()


def test_local_weights_of_another_mesh_are_refused(tmp_path):
    data = store(tmp_path / "data", 4, 1)
    with pytest.raises(LwpipeError, match=f"have {len(data.template)} vertices"):
        draw_local_weights(data, np.ones((7, 2)) / 2, tmp_path / "w.png", SMALL)


# --- interpolation ----------------------------------------------------------------------------


def interpolate(patches, folder, model=None, animation="gif", **settings):
    options = InterpolationSettings(**{"steps": 3, **settings})
    rows = computed.interpolate(
        patches.data, patches.weights, model or patches.model, folder, options
    )
    draw(patches, folder, animation=animation)
    return rows


def draw(patches, folder, figures=SMALL, animation="gif"):
    draw_interpolation(
        patches.data,
        folder / "interpolation.npz",
        folder / "pictures",
        AnimationSettings(animation=animation),
        figures,
    )


def whole(patches):
    """Return a model of the same faces with one part."""
    fields = patches.model.fields.sum(axis=0)[None]
    return type(patches.model)(patches.model.template, fields, parts_match_weights=False)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_interpolation_writes_its_files_and_their_numbers(patches, tmp_path):
    rows = interpolate(patches, tmp_path, pairs=[["f41", "f50"], ["f00", "f01"]], meshes=True)
    expected = {f"pictures/pair_{n:02d}{end}" for n in (0, 1) for end in (".png", "_faces.png")}
    expected |= {f"pictures/pair_{n:02d}_part_{k}.gif" for n in (0, 1) for k in range(4)}
    expected |= {"interpolation.npz", "interpolation.csv"}
    expected |= {
        f"meshes/pair_{n:02d}_part_{k}_step_{i}.ply"
        for n in (0, 1) for k in range(4) for i in range(3)
    }  # fmt: skip
    assert names(tmp_path) == expected
    table = pd.read_csv(tmp_path / "interpolation.csv")
    assert len(table) == 8
    table = table[table["pair"] == 0]
    assert list(table["part"]) == [0, 1, 2, 3]
    assert set(table["source"]) == {"f41"}
    assert set(table["target"]) == {"f50"}
    assert table["alpha_first"][0] == pytest.approx(0.25)
    assert table["alpha_last"][0] == pytest.approx(0.75)
    assert len(rows) == 8
    meshes = [read_ply(tmp_path / f"meshes/pair_00_part_2_step_{i}.ply")[0] for i in range(3)]
    distances = surface_distances(meshes[0], meshes[2], patches.data.triangles)
    assert table["hausdorff_max_mm"][2] == pytest.approx(distances.max(), rel=1e-4)
    assert table["hausdorff_mean_mm"][2] == pytest.approx(distances.mean(), rel=1e-4)
    # Only the part moves, and its middle step lies in the middle.
    still = patches.weights[:, 2] == 0
    np.testing.assert_array_equal(meshes[0][still], meshes[2][still])
    np.testing.assert_allclose(meshes[1], (meshes[0] + meshes[2]) / 2, atol=1e-3)


def test_interpolation_has_the_same_bytes_again_and_clears_what_is_no_more(patches, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    interpolate(patches, one)
    (two / "meshes").mkdir(parents=True)
    (two / "pictures").mkdir()
    stale = ("pictures/pair_01.png", "pictures/pair_00_part_9.gif")
    for old in (*stale, "meshes/pair_00_part_0_step_7.ply"):
        (two / old).write_bytes(b"old")
    (two / "pictures/pair_notes.txt").write_bytes(b"mine")
    interpolate(patches, two)
    assert names(two) == names(one) | {"pictures/pair_notes.txt"}
    for name in names(one):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_another_resolution_runs_no_network(patches, tmp_path):
    interpolate(patches, tmp_path)
    before = (tmp_path / "pictures/pair_00.png").read_bytes()
    draw(patches, tmp_path, SMALL.model_copy(update={"dpi": 60}))
    assert (tmp_path / "pictures/pair_00.png").read_bytes() != before
    code = "import sys; import lwpipe.figures.interpolation; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("fault", ["missing", "cut", "foreign", "other mesh"])
def test_an_interpolation_that_cannot_be_drawn_is_named(patches, tmp_path, fault):
    file = tmp_path / "interpolation.npz"
    interpolate(patches, tmp_path, animation="none")
    content = file.read_bytes()
    if fault == "missing":
        file.unlink()
    elif fault == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif fault == "foreign":
        np.savez(file, weights=np.ones(3))
    else:
        arrays = dict(np.load(file))
        arrays["faces_0"] = arrays["faces_0"][:, :, :-1]
        np.savez(file, **arrays)
    with pytest.raises(LwpipeError, match=r"interpolation\.npz: "):
        draw(patches, tmp_path)


def test_animation_runs_to_and_fro(patches, tmp_path):
    interpolate(patches, tmp_path, steps=4)
    with Image.open(tmp_path / "pictures/pair_00_part_1.gif") as gif:
        assert gif.n_frames == 6
        assert gif.info["loop"] == 0
        frames = []
        for i in range(gif.n_frames):
            gif.seek(i)
            frames.append(np.asarray(gif.convert("RGB")).astype(int))
    assert (frames[1] == frames[5]).all()
    assert (frames[0] != frames[3]).any()
    assert (frames[0][0, 0] == 255).all()


def test_animation_of_two_frames(tmp_path):
    frames = [np.full((8, 8, 3), value, np.uint8) for value in (0, 255)]
    write_animation(frames, tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == 2


def test_no_animation_on_request(patches, tmp_path):
    interpolate(patches, tmp_path, animation="none")
    assert names(tmp_path / "pictures") == {"pair_00.png", "pair_00_faces.png"}


def test_mp4_without_its_package_is_refused_before_any_work(patches, tmp_path, monkeypatch):
    monkeypatch.setattr(lwpipe.figures.animation, "find_spec", lambda name: None)
    with pytest.raises(LwpipeError, match=r"interpolation\.animation.*imageio-ffmpeg"):
        interpolate(patches, tmp_path / "out", animation="mp4")
    assert not (tmp_path / "out" / "pictures").exists()


def test_model_without_parts_gives_one_row(patches, tmp_path):
    rows = interpolate(patches, tmp_path, model=whole(patches))
    assert [row["part"] for row in rows] == [0]
    assert (tmp_path / "pictures/pair_00_part_0.gif").exists()


def test_unweighted_parts_are_matched_to_the_weights(patches):
    shuffled = type(patches.model)(
        patches.model.template, patches.model.fields[[2, 0, 3, 1]],
        parts_match_weights=False,
    )  # fmt: skip
    result = computed.interpolate_pair(patches.data, patches.weights, shuffled, 41, 50, 2)
    assert result.matched
    assert result.columns == (2, 0, 3, 1)
    np.testing.assert_array_equal(result.weights[:, 0], patches.weights[:, 2])
    tied = computed.interpolate_pair(patches.data, patches.weights, patches.model, 41, 50, 2)
    assert not tied.matched
    assert tied.columns == (0, 1, 2, 3)


def test_model_that_does_not_fit_is_refused(patches, tmp_path):
    model = patches.model
    fewer = type(model)(model.template[:-1], model.fields[:, :, :-1])
    with pytest.raises(LwpipeError, match="255"):
        interpolate(patches, tmp_path, model=fewer)
    three = type(model)(model.template, model.fields[:3])
    with pytest.raises(LwpipeError, match="3 parts and the local weights 4"):
        interpolate(patches, tmp_path, model=three)


def test_pairs_come_from_the_settings_or_from_the_seed(patches):
    data = patches.data
    named = InterpolationSettings(pairs=[["f03", "f41"]])
    assert choose_pairs(data, named) == [(3, 41)]
    with pytest.raises(LwpipeError, match=r"interpolation\.pairs\[0\].*'f99'.*nearest is 'f\d9'"):
        choose_pairs(data, InterpolationSettings(pairs=[["f99", "f41"]]))
    drawn = choose_pairs(data, InterpolationSettings(random_pairs=5, seed=1))
    assert drawn == choose_pairs(data, InterpolationSettings(random_pairs=5, seed=1))
    assert drawn != choose_pairs(data, InterpolationSettings(random_pairs=5, seed=2))
    assert len(set(drawn)) == 5
    assert all(a != b for a, b in drawn)
    assert {row for pair in drawn for row in pair} <= set(data.indices("test"))


def test_pairs_cannot_be_drawn_from_one_test_face(tmp_path):
    data = store(tmp_path, 4, 1)
    with pytest.raises(LwpipeError, match=r"interpolation\.pairs.*1 test faces"):
        choose_pairs(data, InterpolationSettings())


def test_many_steps_keep_a_sheet_of_bounded_width(patches, tmp_path):
    model = whole(patches)
    interpolate(patches, tmp_path, model=model, steps=40, animation="none")
    wide = size(tmp_path / "pictures/pair_00.png")
    interpolate(patches, tmp_path, model=model, steps=12, animation="none")
    assert size(tmp_path / "pictures/pair_00.png") == wide


# --- plots ------------------------------------------------------------------------------------

HISTORY = "epoch,loss,reconstruction_loss,cycle_loss,train_mm,test_mm,learning_rate,seconds\n"


@pytest.mark.parametrize(
    "lines",
    [
        ["1,0.5,0.5,0.0,1.2,1.3,0.004,3"],
        [f"{e},{2 / e},{1 / e},{1 / e},{5 / e},{5.2 / e},0.001,3" for e in range(1, 40)],
        ["1,0.5,0.5,,1.2,,0.004,3", "2,0.4,0.4,,1.1,,0.004,3"],
    ],
)
def test_learning_curve(tmp_path, lines):
    (tmp_path / "history.csv").write_text(HISTORY + "\n".join(lines) + "\n")
    for name in ("a.png", "b.png"):
        draw_learning_curve(tmp_path / "history.csv", tmp_path / name, SMALL)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert size(tmp_path / "a.png") == (420, 155)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, "cannot be read"),
        ("", "cannot be read"),
        (HISTORY, "no row"),
        ("epoch,loss\n1,2\n", "no column 'train_mm'"),
        (HISTORY + "1,x,0.5,0.0,1.2,1.3,0.004,3\n", "'loss' is not numbers"),
    ],
)
def test_tables_that_cannot_be_drawn_are_named(tmp_path, text, fault):
    path = tmp_path / "history.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(LwpipeError, match=fault) as caught:
        draw_learning_curve(path, tmp_path / "a.png", SMALL)
    assert str(path) in str(caught.value)
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize("sets", [("train", "test", "synthesised"), ("train", "test"), ("train",)])
@pytest.mark.parametrize("count", [2, 30])
def test_diversity(tmp_path, sets, count):
    random = np.random.default_rng(0)
    rows = [
        f"{name},x{i},{','.join(f'{v:.4f}' for v in random.normal(size=4))}"
        for name in sets
        for i in range(count)
    ]
    table = tmp_path / "points.csv"
    table.write_text("set,id,pca_x,pca_y,tsne_x,tsne_y\n" + "\n".join(rows) + "\n")
    for name in ("a.png", "b.png"):
        draw_diversity(table, tmp_path / name, SMALL)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    green = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).astype(int)
    has_green = (
        (green[:, :, 1] > green[:, :, 0] + 50) & (green[:, :, 1] > green[:, :, 2] + 50)
    ).any()
    assert has_green == ("synthesised" in sets)


SUMMARY = (
    "variant,kind,reconstruction_mean_mm,reconstruction_median_mm,reconstruction_p95_mm,r_min,"
    "r_mean,leak_min,leak_max,leak_mean,outside_mm,mahalanobis,stretch,flipped,specificity_mm,"
    "diversity_pca_ratio,diversity_tsne_ratio,parameters,seconds,epochs\n"
    "full,model,0.79,0.6,1.7,0.8,0.9,0.26,0.34,0.3,0.58,0.94,0.05,0.0,1.6,1.1,1.2,243124,702,30\n"
    "no_projection,model,0.73,0.6,1.6,,,,,,,,,,,,,226740,340,30\n"
    "pca,baseline,0.43,0.4,0.9,,,,,,,,,,,,,38016,,\n"
    "mask_blend,baseline,,,,0.9,0.95,0.0,0.02,0.0,0.91,1.21,0.02,0.0,1.9,,,,,\n"
    "real_test,reference,,,,,,,,,0.02,1.03,,,1.7,,,,,\n"
)


@pytest.mark.parametrize("keep", ["full|no_proj|pca|mask|real", "no_proj|pca", "full"])
def test_tradeoff(tmp_path, keep):
    head, *lines = SUMMARY.splitlines()
    chosen = [line for line in lines if line.startswith(tuple(keep.split("|")))]
    table = tmp_path / "summary.csv"
    table.write_text("\n".join([head, *chosen]) + "\n")
    for name in ("a.png", "b.png"):
        draw_tradeoff(table, tmp_path / name, SMALL)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_labels_do_not_overlap():
    figure = new_figure(5, 4, 100)
    axes = figure.add_axes((0.1, 0.1, 0.85, 0.85))
    random = np.random.default_rng(3)
    points = [*(random.normal(size=(7, 2)) * 0.04 + 0.5), *random.random((5, 2))]
    axes.set_xlim(-0.1, 1.3)
    axes.set_ylim(-0.1, 1.1)
    place_labels(axes, points, [f"some variant {i}" for i in range(len(points))])
    figure.canvas.draw()
    # Of an annotation, its own extent counts the leader too.
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    frame = axes.get_window_extent()
    for i, box in enumerate(boxes):
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1
        for other in boxes[i + 1 :]:
            assert Bbox.intersection(box, other) is None


def test_plots_leave_matplotlib_as_it_was(tmp_path):
    (tmp_path / "history.csv").write_text(HISTORY + "1,0.5,0.5,0.0,1.2,1.3,0.004,3\n")
    with matplotlib.rc_context({"font.size": 33.0, "axes.facecolor": "black"}):
        before = dict(matplotlib.rcParams)
        draw_learning_curve(tmp_path / "history.csv", tmp_path / "a.png", SMALL)
        assert dict(matplotlib.rcParams) == before
    draw_learning_curve(tmp_path / "history.csv", tmp_path / "b.png", SMALL)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
