"""Faces of a report that can be turned."""

from __future__ import annotations

import base64
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lwpipe.core.errors import LwpipeError
from lwpipe.data.signals import colors_of, joined
from lwpipe.evaluation.interpolation import interpolate
from lwpipe.evaluation.settings import InterpolationSettings
from lwpipe.local_weights.archive import save_local_weights
from lwpipe.mesh.ply_file import read_ply, write_ply
from lwpipe.report import Section, write_report
from lwpipe.report import stage as room
from lwpipe.report.viewers import Viewer, of_interpolation, of_parts, of_truth
from tests.conftest import Patches
from tests.helpers.browser import needs_browser, opened, picture

VERTICES = "box => Array.from(box.viewer.stage.mesh.geometry.getAttribute('position').array)"
COLORS = VERTICES.replace("'position'", "'color'")


@pytest.fixture(scope="module")
def folder(patches: Patches, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the viewers read: local weights, an interpolation, edits beside the truth."""
    root = tmp_path_factory.mktemp("run")
    save_local_weights(root / "weights.npz", patches.weights, patches.weights)
    pairs = InterpolationSettings(pairs=[["f40", "f41"]], steps=3)
    interpolate(patches.data, patches.weights, patches.model, root / "way", pairs)
    faces = np.asarray(patches.data.vertices[:6])
    shift = np.zeros((2, 1, 3), np.float32)
    shift[1] = 3
    examples = {
        "parts": np.array([0, 3]),
        "sources": faces[:2],
        "targets": faces[2:4],
        "truths": faces[:2] + shift,
        "edits": faces[:2] + shift / 2,
    }
    np.savez(root / "examples.npz", **examples)
    nothing = {name: array[:0] for name, array in examples.items()}
    np.savez(root / "nothing.npz", **nothing)
    return root


def made(folder: Path, patches: Patches) -> list[Viewer | None]:
    template = patches.data.path / "template.ply"
    return [
        of_parts(template, folder / "weights.npz"),
        of_interpolation(template, folder / "way/interpolation.npz", "full"),
        of_truth(template, folder / "examples.npz", "full"),
    ]


@pytest.fixture(scope="module")
def page(folder: Path, patches: Patches, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "report.html"
    viewers = [viewer for viewer in made(folder, patches) if viewer is not None]
    write_report(file, "run", [Section("Faces", "Turn them.", viewers=viewers)])
    return file


def values(page: Any, number: int, what: str) -> np.ndarray:
    """Return vertices or colours of a viewer, once it has come into sight."""
    box = page.locator("[data-scene]").nth(number)
    box.scroll_into_view_if_needed()
    page.wait_for_function(f"!!document.querySelectorAll('[data-scene]')[{number}].viewer")
    return np.array(box.evaluate(what)).reshape(-1, 3)


@needs_browser
def test_the_parts_are_shown_in_their_colours(page: Path, patches: Patches) -> None:
    with opened(page) as shown:
        vertices = values(shown, 0, VERTICES)
        np.testing.assert_allclose(vertices, patches.data.template, atol=0.01)
        colors = values(shown, 0, COLORS)
        owner = patches.weights.argmax(axis=1)
        assert len({tuple(color) for color in colors.round(3)}) == 4
        assert all(np.ptp(colors[owner == part], axis=0).max() < 1e-6 for part in range(4))
        assert picture(shown, "[data-scene] >> nth=0 >> canvas").std() > 10


@needs_browser
def test_sliders_lead_to_the_target(page: Path, folder: Path) -> None:
    read = np.load(folder / "way/interpolation.npz")
    with opened(page) as shown:
        np.testing.assert_allclose(values(shown, 1, VERTICES), read["ends_0"][0], atol=0.01)
        slider = shown.get_by_label("part 2: to target")
        for share, step in ((0.75, 2), (0.5, 1)):
            move = f"e => {{ e.value = {share}; e.dispatchEvent(new Event('input')); }}"
            slider.evaluate(move)
            moved = values(shown, 1, VERTICES)
            np.testing.assert_allclose(moved, read["faces_0"][2, step], atol=0.02)


@pytest.fixture(scope="module")
def painted(folder: Path, patches: Patches) -> Path:
    """The same interpolation and template with colours that go along."""
    random = np.random.default_rng(3)
    colors = random.integers(0, 256, (6, len(patches.data.template), 3), np.uint8)
    template = patches.data.path / "template.ply"
    write_ply(folder / "painted.ply", *read_ply(template), colors[0])
    read = dict(np.load(folder / "way/interpolation.npz"))
    parts, steps = read["faces_0"].shape[:2]
    way = np.repeat(colors[None, :1], steps, axis=1).repeat(parts, axis=0)
    for part, weights in enumerate(patches.weights.T):
        way[part][:, weights > 0] = colors[1 : 1 + steps][:, weights > 0]
    read["ends_0"] = joined(read["ends_0"], colors[:2])
    read["faces_0"] = joined(read["faces_0"], way)
    np.savez(folder / "painted.npz", **read)
    return folder


@needs_browser
def test_faces_with_colours_are_shown_in_their_skin(
    painted: Path, patches: Patches, tmp_path: Path
) -> None:
    template, file = painted / "painted.ply", tmp_path / "report.html"
    viewers = [
        of_parts(template, painted / "weights.npz"),
        of_interpolation(template, painted / "painted.npz", "full"),
    ]
    write_report(file, "run", [Section("Faces", "Turn them.", viewers=viewers)])
    read = np.load(painted / "painted.npz")
    ends, way = read["ends_0"], read["faces_0"]

    def expected(skin: np.ndarray) -> np.ndarray:
        return (colors_of(skin) / 255) ** 2.2

    with opened(file) as shown:
        parts = values(shown, 0, COLORS)
        shown.locator("[data-scene] >> nth=0").get_by_role("button", name="local weights").click()
        skin = values(shown, 0, COLORS)
        np.testing.assert_allclose(skin, expected(ends[0]), atol=1e-4)
        assert np.abs(parts - skin).max() > 0.3

        def move(share: float) -> np.ndarray:
            slider = shown.get_by_label("part 2: to target")
            slider.evaluate(f"e => {{ e.value = {share}; e.dispatchEvent(new Event('input')); }}")
            return values(shown, 1, COLORS)

        np.testing.assert_allclose(values(shown, 1, COLORS), expected(ends[0]), atol=1e-4)
        np.testing.assert_allclose(move(0.75), expected(way[2, 2]), atol=1e-4)
        inside = patches.weights[:, 2] > 0
        np.testing.assert_array_equal(move(0.75)[~inside], move(0)[~inside])
        assert np.abs(move(0.75)[inside] - move(0)[inside]).mean() > 0.1


def test_faces_without_colours_have_none_on_the_page(
    painted: Path, folder: Path, patches: Patches
) -> None:
    plain = of_interpolation(painted / "painted.ply", folder / "way/interpolation.npz", "full")
    with_colours = of_interpolation(painted / "painted.ply", painted / "painted.npz", "full")
    headers = [zlib.decompress(base64.b64decode(v.scene)) for v in (plain, with_colours)]
    assert [b'"skin"' in header for header in headers] == [False, True]
    for template in (painted / "painted.ply", patches.data.path / "template.ply"):
        viewer = of_parts(template, painted / "weights.npz")
        header = zlib.decompress(base64.b64decode(viewer.scene))
        assert (b'"skin"' in header) == (template.name == "painted.ply")


@needs_browser
def test_an_edit_stands_beside_its_truth(page: Path, folder: Path) -> None:
    read = np.load(folder / "examples.npz")
    with opened(page) as shown:
        # The second one changes most.
        np.testing.assert_allclose(values(shown, 2, VERTICES), read["edits"][1], atol=0.01)
        note = shown.locator(".lw-note").text_content()
        assert note == "Mean distance from the truth 2.60 mm; the deepest red is 5.2 mm."
        for name, faces in (("truth", "truths"), ("target", "targets"), ("source", "sources")):
            shown.get_by_role("button", name=name, exact=True).click()
            np.testing.assert_allclose(values(shown, 2, VERTICES), read[faces][1], atol=0.01)
        # All of it is as far from the truth as can be.
        assert np.ptp(values(shown, 2, COLORS), axis=0).max() < 1e-3
        assert shown.get_by_role("button", name="source").get_attribute("aria-pressed") == "true"


@needs_browser
def test_the_wheel_scrolls_the_page_until_the_face_is_touched(page: Path) -> None:
    with opened(page) as shown:
        values(shown, 0, VERTICES)
        box = shown.locator("[data-scene] canvas").first.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        zoom = "document.querySelector('[data-scene]').viewer.stage.zoom"
        shown.mouse.move(x, y)
        shown.mouse.wheel(0, 40)
        shown.wait_for_function("window.scrollY > 0")
        assert shown.evaluate(zoom) == 1
        shown.mouse.down()
        shown.mouse.up()
        shown.mouse.wheel(0, -40)
        shown.wait_for_function(f"{zoom} > 1")


@needs_browser
def test_without_javascript_there_is_nothing_to_see_of_it(page: Path) -> None:
    with opened(page, script=False) as shown:
        assert shown.locator("figure").count() == 3
        assert not any(shown.locator("figure").nth(i).is_visible() for i in range(3))
        assert shown.get_by_text("Turn them.").is_visible()


@needs_browser
def test_a_browser_that_cannot_show_faces_shows_the_rest(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    old = tmp_path / "old.html"
    gone = "<head><script>delete window.DecompressionStream;</script>"
    old.write_text(text.replace("<head>", gone, 1), encoding="utf-8")
    with opened(old) as shown:
        shown.wait_for_function("[...document.querySelectorAll('figure')].every(f => f.hidden)")
        assert shown.get_by_text("Turn them.").is_visible()


def test_the_page_stays_one_file(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"https?://|@import|url\(|\bsrc=", text)
    assert text.count("<script>") == 1


def test_where_no_edit_has_a_truth_there_is_no_viewer(folder: Path, patches: Patches) -> None:
    template = patches.data.path / "template.ply"
    assert of_truth(template, folder / "nothing.npz", "full") is None


def test_files_of_other_meshes_are_one_sentence(folder: Path, tmp_path: Path) -> None:
    from lwpipe.mesh.ply_file import write_ply

    other = tmp_path / "other.ply"
    write_ply(other, np.eye(3), np.array([[0, 1, 2]]))
    with pytest.raises(LwpipeError, match=r"weights\.npz: was made for another mesh than"):
        of_parts(other, folder / "weights.npz")
    with pytest.raises(LwpipeError, match="is no interpolation of faces of 3 vertices"):
        of_interpolation(other, folder / "way/interpolation.npz", "full")
    with pytest.raises(LwpipeError, match="is no file of examples of faces of 3 vertices"):
        of_truth(other, folder / "examples.npz", "full")


def test_the_report_of_a_run_has_those_of_variants_that_are_drawn(
    folder: Path, patches: Patches, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found: list[Section] = []
    monkeypatch.setattr(
        room, "write_report", lambda page, title, given, summary: found.extend(given)
    )
    monkeypatch.setattr(room, "_figures", lambda *given: [])
    room.write_report_of_run(
        "run",
        tmp_path / "page.html",
        make_dataset__template={"": patches.data.path / "template.ply"},
        make_local_weights__weights={"": folder / "weights.npz", "outer": folder / "w.npz"},
        interpolate__faces={"full": folder / "way/interpolation.npz"},
        draw_interpolation__output={"full": tmp_path},
        measure_truth__examples={"full": folder / "examples.npz", "outer": folder / "e.npz"},
    )
    expected = made(folder, patches)
    assert {s.title: list(s.viewers) for s in found} == {
        "Local weights": [expected[0]],
        "Truth": [expected[2]],
        "Interpolation": [expected[1]],
    }
