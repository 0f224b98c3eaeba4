"""Pictures and animations of interpolations."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import lwpipe.figures.animation
from lwpipe.core.errors import LwpipeError
from lwpipe.evaluation.settings import AnimationSettings
from lwpipe.figures.animation import write_animation
from lwpipe.figures.interpolation import draw_interpolation
from tests.helpers.interpolation import compute, names, whole
from tests.helpers.pictures import SMALL, size


def interpolate(patches, folder, model=None, animation="gif", **settings):
    rows = compute(patches, folder, model, **settings)
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
    compute(patches, tmp_path)
    code = (
        "import sys\n"
        "from lwpipe.evaluation.settings import AnimationSettings\n"
        "from lwpipe.figures.interpolation import draw_interpolation\n"
        "from lwpipe.figures.settings import FiguresSettings\n"
        "data, faces, *folders = sys.argv[1:]\n"
        "for dpi, folder in zip((50, 60), folders, strict=True):\n"
        "    figures = FiguresSettings(tile=64, dpi=dpi)\n"
        "    draw_interpolation(data, faces, folder, AnimationSettings(), figures)\n"
        "assert 'torch' not in sys.modules\n"
    )
    faces, folders = tmp_path / "interpolation.npz", [tmp_path / "50", tmp_path / "60"]
    subprocess.run([sys.executable, "-c", code, patches.data.path, faces, *folders], check=True)
    assert names(folders[0]) == names(folders[1])
    first, second = ((folder / "pair_00.png").read_bytes() for folder in folders)
    assert first != second
    draw(patches, tmp_path)
    for name in names(folders[0]):
        assert (folders[0] / name).read_bytes() == (tmp_path / "pictures" / name).read_bytes()


def test_each_pair_has_its_pictures(patches, tmp_path):
    interpolate(patches, tmp_path, pairs=[["f41", "f50"], ["f00", "f01"]])
    expected = {f"pair_{n:02d}{end}" for n in (0, 1) for end in (".png", "_faces.png")}
    expected |= {f"pair_{n:02d}_part_{k}.gif" for n in (0, 1) for k in range(4)}
    assert names(tmp_path / "pictures") == expected


def test_no_pairs_have_no_pictures(patches, tmp_path):
    interpolate(patches, tmp_path, pairs=[])
    assert (tmp_path / "pictures").is_dir()
    assert names(tmp_path / "pictures") == set()


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


def test_many_steps_keep_a_sheet_of_bounded_width(patches, tmp_path):
    model = whole(patches)
    interpolate(patches, tmp_path, model=model, steps=40, animation="none")
    wide = size(tmp_path / "pictures/pair_00.png")
    interpolate(patches, tmp_path, model=model, steps=12, animation="none")
    assert size(tmp_path / "pictures/pair_00.png") == wide
