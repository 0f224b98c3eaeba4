"""The page with a face to turn: in a browser, from the disk, with the network off."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lwpipe.cli.main import main
from lwpipe.core.errors import LwpipeError
from lwpipe.data.store import Dataset
from lwpipe.export import Morphs, exchanges, write_html
from lwpipe.export import page as module
from tests.helpers.browser import needs_browser, opened, picture
from tests.unit.editing.test_keeping import MODEL, WEIGHTS

VERTICES = "Array.from(viewer.stage.mesh.geometry.getAttribute('position').array)"


def vertices(page: Any) -> np.ndarray:
    return np.array(page.evaluate(VERTICES)).reshape(-1, 3)


def move(page: Any, label: str, value: float) -> None:
    slider = page.get_by_label(label)
    slider.evaluate(f"e => {{ e.value = {value}; e.dispatchEvent(new Event('input')); }}")


@pytest.fixture(scope="module")
def file(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "face.html"
    assert main(["export", "html", str(run), "--output", str(path)]) == 0
    return path


@pytest.fixture
def page(file: Path) -> Iterator[Any]:
    with opened(file) as page:
        page.wait_for_function("window.viewer")
        yield page


def test_the_page_asks_for_no_other_file(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"\b(src|href|srcset)=|@import|url\(|https?://", text)
    assert "<title>small: a face by its parts</title>" in text
    assert "Start: mean face; model: on_pca." in text


def test_equal_models_give_equal_pages(run: Path, file: Path, tmp_path: Path) -> None:
    assert main(["export", "html", str(run), "--output", str(tmp_path / "b.html")]) == 0
    assert (tmp_path / "b.html").read_bytes() == file.read_bytes()


@needs_browser
def test_the_face_is_there_and_sliders_move_their_parts(page: Any, morphs: Morphs) -> None:
    np.testing.assert_allclose(vertices(page), morphs.face, atol=0.01)
    legends = page.locator(".lw-card legend").all_text_contents()
    assert tuple(legends) == morphs.part_names
    before = picture(page, "canvas")
    # It is no blank sheet.
    assert before.std() > 10
    for value, shape in ((2, morphs.shapes[6]), (-2, morphs.shapes[7])):
        move(page, "nose: direction 1", value)
        np.testing.assert_allclose(vertices(page), morphs.face + shape, atol=0.01)
    assert np.abs(picture(page, "canvas") - before).mean() > 0.5
    move(page, "nose: direction 1", 1)
    move(page, "part 0: direction 2", -1)
    expected = morphs.face + 0.5 * (morphs.shapes[6] + morphs.shapes[3])
    np.testing.assert_allclose(vertices(page), expected, atol=0.01)
    assert (
        page.locator(".lw-slider output").all_text_contents()[3]
        == "+1.0 \N{GREEK SMALL LETTER SIGMA}"
    )
    page.get_by_role("button", name="reset").click()
    np.testing.assert_allclose(vertices(page), morphs.face, atol=0.01)
    page.get_by_role("button", name="random").click()
    assert np.abs(vertices(page) - morphs.face).max() > 0.1


@needs_browser
def test_the_face_turns(page: Any) -> None:
    front = picture(page, "canvas")
    page.get_by_role("button", name="side").click()
    side = picture(page, "canvas")
    assert np.abs(side - front).mean() > 1
    page.get_by_role("button", name="front", exact=True).click()
    # But for the button that is pointed at.
    assert np.abs(picture(page, "canvas") - front).mean() < 0.5
    box = page.locator("canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 100, y)
    page.mouse.up()
    assert page.evaluate("viewer.stage.angles[0]") == pytest.approx(40)
    page.mouse.wheel(0, -300)
    page.wait_for_function("viewer.stage.zoom > 1.2")


@needs_browser
def test_local_weights_are_colours(page: Any) -> None:
    color = "Array.from(viewer.stage.mesh.geometry.getAttribute('color').array)"
    clay = np.array(page.evaluate(color)).reshape(-1, 3)
    assert np.ptp(clay, axis=0).max() == 0
    page.get_by_role("button", name="local weights").click()
    parts = np.array(page.evaluate(color)).reshape(-1, 3)
    palette = page.evaluate("viewer.scene.parts.map((part) => part.color)")
    whole = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in palette])
    np.testing.assert_allclose(parts, (WEIGHTS @ whole) ** 2.2, atol=1e-3)
    # A card that is pointed at shows its own part, from clay to red.
    page.locator(".lw-card").nth(1).hover()
    hovered = np.array(page.evaluate(color)).reshape(-1, 3)
    outside = WEIGHTS[:, 1] == 0
    np.testing.assert_allclose(hovered[outside], clay[outside], atol=1e-6)
    assert np.abs(hovered - clay)[WEIGHTS[:, 1] > 0.5].max(axis=1).min() > 0.1


@needs_browser
def test_a_face_with_colours_is_shown_in_them(morphs: Morphs, tmp_path: Path) -> None:
    skin = np.random.default_rng(0).integers(0, 256, (len(morphs.face), 3), np.uint8)
    write_html(replace(morphs, colors=skin), tmp_path / "a.html", "skin")
    color = "Array.from(viewer.stage.mesh.geometry.getAttribute('color').array)"
    with opened(tmp_path / "a.html") as page:
        page.wait_for_function("window.viewer")
        shown = np.array(page.evaluate(color)).reshape(-1, 3)
        np.testing.assert_allclose(shown, (skin / 255) ** 2.2, atol=1e-4)
        page.get_by_role("button", name="local weights").click()
        assert np.abs(np.array(page.evaluate(color)).reshape(-1, 3) - shown).max() > 0.3


@needs_browser
def test_steps_to_a_target_follow_the_edits(data: Dataset, tmp_path: Path) -> None:
    morphs = exchanges(MODEL, data, MODEL.triangles, "f25", "f03", 2)
    write_html(morphs, tmp_path / "a.html", "<b>steps</b>")
    with opened(tmp_path / "a.html") as page:
        page.wait_for_function("window.viewer")
        assert page.title() == "<b>steps</b>"
        for share, shape in (
            (0.5, morphs.shapes[2]),
            (1.0, morphs.shapes[3]),
            (0.75, (morphs.shapes[2] + morphs.shapes[3]) / 2),
        ):
            move(page, "nose: to target", share)
            np.testing.assert_allclose(vertices(page), morphs.face + shape, atol=0.01)
        assert page.locator(".lw-slider output").all_text_contents()[1] == "75 %"


@needs_browser
def test_without_javascript_it_says_what_is_missing(file: Path) -> None:
    with opened(file, script=False) as page:
        assert "This page needs JavaScript" in page.locator("noscript").inner_text()


@needs_browser
def test_a_page_that_cannot_show_the_face_says_so(file: Path, tmp_path: Path) -> None:
    text = file.read_text(encoding="utf-8")
    broken = tmp_path / "broken.html"
    broken.write_text(text.replace('getElementById("face"), "eN', 'getElementById("face"), "AA'))
    with opened(broken) as page:
        page.wait_for_selector("#fault", state="visible")
        assert page.text_content("#fault").startswith("The face cannot be shown: ")


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (None, "the package trimesh is missing"),
        ("elsewhere/__init__.py", "three.js cannot be read: install the pinned trimesh"),
    ],
)
def test_three_js_is_needed(
    found: str | None, sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = found and importlib.util.spec_from_file_location("trimesh", tmp_path / found)
    monkeypatch.setattr(module, "find_spec", lambda name: spec or None)
    module.three_js.cache_clear()
    try:
        with pytest.raises(LwpipeError, match=sentence):
            module.three_js()
    finally:
        module.three_js.cache_clear()
    monkeypatch.undo()
    assert "Three.js Authors" in module.three_js()
