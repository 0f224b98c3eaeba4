"""The contact sheet and the sheet of local weights."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lwpipe.core.errors import LwpipeError
from lwpipe.figures.contact_sheet import choose_faces, draw_contact_sheet
from lwpipe.figures.local_weights import draw_local_weights
from lwpipe.local_weights.archive import save_local_weights
from tests.helpers.pictures import SMALL, covered, store


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


def test_parts_that_have_names_are_written_by_them(tmp_path):
    data = store(tmp_path / "data", 4, 1)
    w = np.full((len(data.template), 2), 0.5, np.float32)
    pictures = []
    for names in (None, ["nose", "$x^ and a name that is far too long"], ["nose", "chin"]):
        save_local_weights(tmp_path / "w.npz", w, 2 * w, names)
        draw_local_weights(data, tmp_path / "w.npz", tmp_path / "a.png", SMALL)
        pictures.append((tmp_path / "a.png").read_bytes())
    assert len(set(pictures)) == 3


def test_local_weights_of_another_mesh_are_refused(tmp_path):
    data = store(tmp_path / "data", 4, 1)
    with pytest.raises(LwpipeError, match=f"have {len(data.template)} vertices"):
        draw_local_weights(data, np.ones((7, 2)) / 2, tmp_path / "w.png", SMALL)
