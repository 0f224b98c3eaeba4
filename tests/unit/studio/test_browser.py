"""The studio in a real browser: what is clicked, what is seen, what comes out."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lwpipe.data.signals import colors_of
from lwpipe.editor import Editor
from lwpipe.mesh.read import parse_mesh
from lwpipe.studio.scene import FIELD_OF_VIEW, UNIT
from lwpipe.studio.studio import Studio
from tests.helpers.studio_run import (
    MOUTH,
    NOSE,
    browser_path,
    launched,
    make_run,
    opened_browser,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(browser_path() is None, reason="there is no Chromium on this machine"),
]
WINDOW = {"width": 1200, "height": 800}


class Eyes:
    """A page, what is seen of it, and what its widgets are called."""

    def __init__(self, page: Any, studio: Studio) -> None:
        self.page, self.studio = page, studio

    def settle(self) -> None:
        """Wait until all is done and drawn."""
        self.page.wait_for_timeout(150)
        assert self.studio.page.wait()
        self.page.wait_for_timeout(900)

    def picture(self, away: bool = True) -> np.ndarray:
        """Return the scene without what is said over it, (h, w, 3).

        Parameters
        ----------
        away : take the mouse away first: a part lights up where it is over its card
        """
        if away:
            self.page.mouse.move(5, 400)
        self.settle()
        for button in self.page.locator(".mantine-Notification-closeButton").all():
            button.click()
        # On a busy machine what was sent may be drawn late: two pictures that are alike.
        before, content = b"", b" "
        for _ in range(12):
            self.page.wait_for_timeout(400)
            before, content = content, self.page.locator("canvas").first.screenshot()
            if before == content:
                break
        return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(np.int64)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Return where points of the face, mm, are seen from the front, (n, 2)."""
        box = self.page.locator("canvas").first.bounding_box()
        place, at = self.studio.page.scene.view("front")
        ahead = np.asarray(points, np.float64) * UNIT - place
        assert abs(place[0] - at[0]) < 1e-9
        focal = 0.5 * box["height"] / np.tan(0.5 * FIELD_OF_VIEW)
        x = 0.5 * box["width"] + focal * ahead[:, 0] / -ahead[:, 2]
        y = 0.5 * box["height"] - focal * ahead[:, 1] / -ahead[:, 2]
        return np.stack([x, y], axis=1)

    def row(self, label: str, number: int = 0) -> Any:
        found = self.page.locator("label", has_text=re.compile(f"^{label}$")).nth(number)
        return found.locator("xpath=ancestor::div[contains(@class,'Flex-root')][1]")

    def choose(self, label: str, option: str, number: int = 0) -> None:
        box = self.row(label, number).locator("input[role=combobox]")
        box.click()
        box.fill(option)
        # The list moves once it has become shorter.
        self.page.wait_for_timeout(400)
        self.page.get_by_role("option", name=option, exact=True).first.click()
        self.settle()

    def turn(self, label: str, value: float, number: int = 0) -> None:
        box = self.row(label, number).locator("input[inputmode]")
        box.fill(str(value))
        box.press("Enter")
        self.settle()

    def press(self, name: str, number: int = 0) -> None:
        self.page.get_by_role("button", name=name, exact=True).nth(number).click()
        self.settle()

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with opened_browser() as opened:
        yield opened


@pytest.fixture
def studio(editor: Editor, tmp_path: Path) -> Iterator[Studio]:
    with Studio(editor, tmp_path / "session.json", port=18080) as opened:
        yield opened


def look(browser: Any, studio: Studio) -> Eyes:
    page = browser.new_page(viewport=WINDOW, accept_downloads=True)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(f"http://127.0.0.1:{studio.port}/")
    begin(page)
    return Eyes(page, studio)


def begin(page: Any) -> None:
    page.get_by_role("button", name="Undo").wait_for()
    page.wait_for_timeout(2500)


def changed_where(before: np.ndarray, after: np.ndarray, at: np.ndarray) -> tuple[float, float]:
    """Return how much pixels changed within 12 pixels of places, and elsewhere, on average."""
    difference = np.abs(after - before).sum(axis=2)
    near = np.zeros(difference.shape, bool)
    for x, y in at.round().astype(int):
        near[max(y - 12, 0) : y + 13, max(x - 12, 0) : x + 13] = True
    return float(difference[near].mean()), float(difference[~near].mean())


def test_a_face_is_edited(browser: Any, studio: Studio, editor: Editor) -> None:
    bench, eyes = studio.bench, look(browser, studio)

    # The face is there: warm where it is, and cool around it.
    first = eyes.picture()
    inside = eyes.pixels(bench.face).round().astype(int)
    warmth = first[..., 0] - first[..., 2]
    assert np.median(warmth[inside[:, 1], inside[:, 0]]) > 20
    assert warmth[:, :40].max() < 5

    # Two faces, one part.
    eyes.choose("Edit", "face_03")
    assert bench.session.source == "face_03"
    second = eyes.picture()
    assert np.abs(second - first).sum(axis=2).mean() > 1
    eyes.choose("From", "face_07", NOSE)
    assert dict(bench.session.parts) == {NOSE: ("face_07", 1.0)}
    expected = editor.edit(editor.face("face_03"), {NOSE: (editor.face("face_07"), 1.0)})
    assert bench.face.tobytes() == expected.tobytes()
    moved = np.linalg.norm(bench.face - bench.source, axis=1)
    third = eyes.picture()
    near, far = changed_where(second, third, eyes.pixels(bench.face[moved > 0.2]))
    assert near > 20 * max(far, 0.02)
    eyes.turn("How much", 0.5, NOSE)
    assert bench.session.parts[NOSE] == ("face_07", 0.5)

    # Both dials: the rest follows.
    eyes.turn("Leave it alone", 0.2)
    eyes.turn("Let it follow", 0.9)
    assert (bench.session.keep, bench.session.harmony) == (0.2, 0.9)
    outside = editor.weights[:, NOSE] == 0
    assert np.linalg.norm(bench.face - bench.source, axis=1)[outside].max() > 0.1
    eyes.turn("Leave it alone", 1.0)

    # A handle: clicked, and pulled with the mouse.
    eyes.tab("Pull")
    tip = int(np.argmax(np.where(editor.weights[:, NOSE] > 0.9, bench.face[:, 2], -np.inf)))
    before, picture = bench.face.copy(), eyes.picture()
    box = eyes.page.locator("canvas").first.bounding_box()
    x, y = eyes.pixels(bench.face[[tip]])[0] + [box["x"], box["y"]]
    mouse = eyes.page.mouse
    eyes.page.keyboard.down("Shift")
    mouse.move(x, y)
    mouse.down()
    for step in range(1, 9):
        mouse.move(x, y - 5 * step)
        eyes.page.wait_for_timeout(60)
    mouse.up()
    eyes.page.keyboard.up("Shift")
    eyes.settle()
    (handle,) = bench.session.handles
    assert np.linalg.norm(before[handle.vertex] - before[tip]) < 6
    rise = bench.face[handle.vertex, 1] - before[handle.vertex, 1]
    assert rise > 2
    assert bench.face[handle.vertex] == pytest.approx(handle.place, abs=0.5)
    still = editor.weights[:, handle.part] == 0
    np.testing.assert_array_equal(bench.face[still], before[still])
    moved = np.linalg.norm(bench.face - before, axis=1)
    near, far = changed_where(picture, eyes.picture(), eyes.pixels(bench.face[moved > 0.2]))
    assert near > 5 * far

    # A measurement.
    eyes.tab("Measure")
    goal = round(editor.measure(bench.face)["mouth width"] + 4.0, 1)
    eyes.turn("mouth width", goal)
    assert editor.measure(bench.face)["mouth width"] == pytest.approx(goal, abs=0.01)
    assert eyes.page.get_by_role("cell", name=f"{goal:.1f}").count() >= 1

    # Undo, twice.
    eyes.press("Undo")
    assert not bench.session.measures
    assert bench.session.handles == (handle,)
    eyes.press("Undo")
    assert not bench.session.measures
    assert bench.session.handles != (handle,)
    eyes.press("Redo")
    eyes.press("Redo")
    assert bench.session.measures == {"mouth width": goal}

    # What comes out is what is shown.
    eyes.tab("Save")
    with eyes.page.expect_download() as waited:
        eyes.press("GLB")
    vertices, triangles = parse_mesh(Path(waited.value.path()).read_bytes(), ".glb")
    np.testing.assert_allclose(1000 * vertices, bench.face, atol=1e-4)
    np.testing.assert_array_equal(triangles, editor.triangles)

    # A reload, a second tab and a browser that is killed lose nothing.
    face, session = bench.face.tobytes(), bench.session
    shown = eyes.picture()
    eyes.page.reload()
    begin(eyes.page)
    assert np.abs(eyes.picture() - shown).sum(axis=2).mean() < 0.5
    assert bench.session is session
    assert eyes.row("How much", NOSE).locator("input[inputmode]").input_value() == "0.5"
    other = launched(browser.browser_type)
    second_tab = look(other, studio)
    assert np.abs(second_tab.picture() - shown).sum(axis=2).mean() < 0.5
    second_tab.choose("From", "face_09", MOUTH)
    assert eyes.row("From", MOUTH).locator("input[role=combobox]").input_value() == "face_09"
    other.close()
    eyes.press("Undo")
    assert bench.face.tobytes() == face
    assert eyes.page.errors == []
    eyes.page.close()


def test_faces_and_steps_are_shown_as_pictures_and_parts_are_pointed_out(
    browser: Any, studio: Studio, editor: Editor
) -> None:
    bench, eyes = studio.bench, look(browser, studio)
    page, plain = eyes.page, eyes.picture()

    # The place of a part lights up where the mouse is over its card, and goes out by itself.
    share = editor.weights[:, NOSE]
    places = eyes.pixels(bench.face[share > 0.8])

    def is_lit() -> bool:
        # On a machine that is busy it may have gone out before it is seen: point again.
        page.mouse.move(5, 400)
        page.locator(f"[data-part='{NOSE}']").hover()
        page.wait_for_timeout(300)
        near, far = changed_where(plain, eyes.picture(away=False), places)
        return near > 20 * max(far, 0.5)

    assert any(is_lit() for _ in range(8))

    def is_out() -> bool:
        page.wait_for_timeout(2500)
        return bool(np.abs(eyes.picture(away=False) - plain).sum(axis=2).mean() < 0.5)

    assert any(is_out() for _ in range(4))

    # A drop-down has pictures of the faces that are seen of it, also of what is searched for.
    box = eyes.row("From", NOSE).locator("input[role=combobox]")
    pictured = "[role=option][style*='pictures/face']:visible"
    box.click()
    page.locator(pictured).first.wait_for()
    assert 3 < page.locator(pictured).count() < len(editor.names)
    box.fill("face_37")
    option = page.get_by_role("option", name="face_37", exact=True)
    page.locator(f"{pictured}:has-text('face_37')").wait_for()
    assert "name=face_37" in option.get_attribute("style")
    page.wait_for_timeout(400)
    option.click()
    eyes.settle()
    assert bench.session.parts[NOSE][0] == "face_37"

    # The steps are pictures, and a click goes back to one.
    eyes.tab("Steps")
    images = page.locator(".lwpipe-steps img")
    page.wait_for_function(
        "[...document.querySelectorAll('.lwpipe-steps img')].every(i => i.naturalWidth > 20)"
    )
    assert images.count() == 2
    page.locator("[data-say='step 1']").click()
    eyes.settle()
    assert bench.history.place == 0
    assert not bench.session.parts
    assert page.errors == []
    page.close()


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Editor:
    return Editor.load(make_run(tmp_path_factory.mktemp("studio") / "painted", painted=True))


def test_skin_is_shown_and_parts_bring_theirs_or_not(
    browser: Any, painted: Editor, tmp_path: Path
) -> None:
    lightness = {name: painted.face(name)[:, 3].mean() for name in painted.names}
    dark, light = min(lightness, key=lightness.get), max(lightness, key=lightness.get)
    with Studio(painted, tmp_path / "session.json", port=18120) as studio:
        bench, eyes = studio.bench, look(browser, studio)
        eyes.choose("Edit", light)
        assert bench.session.source == light
        # Vertices that look to the front, away from the edge of the face.
        middle = np.linalg.norm(bench.face[:, :2] - [0.0, -20.0], axis=1) < 60
        inside = painted.weights[middle, MOUTH] > 0.9
        outside = painted.weights[middle, MOUTH] == 0

        def seen() -> np.ndarray:
            """Return the pixels of these vertices, (n, 3)."""
            picture = eyes.picture()
            x, y = eyes.pixels(bench.face[middle, :3]).round().astype(int).T
            return picture[y, x].astype(float)

        def redness(colors: np.ndarray) -> np.ndarray:
            return colors[:, 0] - colors[:, 1]

        def likeness(pixels: np.ndarray) -> float:
            """Return how pixels go with the colours of the vertices, whatever the light."""
            colors = colors_of(bench.face)[middle].astype(float)
            return float(np.corrcoef(redness(pixels), redness(colors))[0, 1])

        skin = seen()
        assert likeness(skin) > 0.8
        eyes.tab("Look")
        eyes.choose("Look", "shaded")
        assert np.ptp(redness(seen())) < 0.5 * np.ptp(redness(skin))
        eyes.choose("Look", "skin")
        assert likeness(seen()) > 0.8

        # What becomes of the skin of a part: its colours come, its features alone, or nothing.
        eyes.tab("Parts")
        eyes.choose("From", dark, MOUTH)
        shown = {"follow": seen()}
        assert likeness(shown["follow"]) > 0.8
        for words, texture in (("in the tone of the face", "match"), ("stays", "keep")):
            eyes.choose("Skin of the parts", words)
            assert bench.session.texture == texture
            assert bench.session.parts == {MOUTH: (dark, 1.0)}
            shown[texture] = seen()
            assert likeness(shown[texture]) > 0.8
        darker = {name: (skin - each)[inside].mean() for name, each in shown.items()}
        # The tone of the other face comes along, or it does not.
        assert darker["follow"] > 30
        assert max(darker["match"], abs(darker["keep"])) < 10
        apart = np.abs(shown["match"] - shown["keep"])
        assert apart[inside].mean() > 5 * apart[outside].mean()
        eyes.choose("Skin of the parts", "comes along")
        assert bench.session.texture == "follow"
        again = np.abs(seen() - shown["follow"])
        assert again[inside].mean() < 0.1 * darker["follow"]
        assert eyes.page.errors == []
        eyes.page.close()


def test_what_is_wrong_is_said_in_the_page(browser: Any, studio: Studio, tmp_path: Path) -> None:
    """Some of the hundred bad files that go through the same handler in test_page.py."""
    bench, eyes = studio.bench, look(browser, studio)
    before = bench.session
    bad = {
        "cut.ply": (b"ply\nformat ascii 1.0\n", "Upload a face", "cut.ply: "),
        "face.exe": (b"MZ", "Upload a face", "face.exe: is none of the formats"),
        "tiny.obj": (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "Upload a face",
                     "tiny.obj: has 3 vertices, the model has"),
        "nothing.json": (b"{", "Open a session", "nothing.json: is not valid JSON"),
    }  # fmt: skip
    for name, (content, button, said) in bad.items():
        eyes.tab("Save" if "session" in button else "Parts")
        (tmp_path / name).write_bytes(content)
        with eyes.page.expect_file_chooser() as chooser:
            eyes.page.get_by_role("button", name=button).click()
        chooser.value.set_files(tmp_path / name)
        eyes.page.get_by_text(said).first.wait_for()
        assert bench.session is before
    assert eyes.page.errors == []
    eyes.page.close()


def test_another_page_cannot_drive_the_socket(browser: Any, studio: Studio) -> None:
    page = browser.new_page()
    # A page of another origin, in the same browser.
    page.goto("data:text/html,<title>foreign</title>")
    script = """address => new Promise(resolve => {
        const socket = new WebSocket(address, "viser-v" + "%s");
        socket.onopen = () => resolve("open");
        socket.onerror = () => resolve("refused");
    })"""
    import viser

    opened = page.evaluate(script % viser.__version__, f"ws://127.0.0.1:{studio.port}")
    assert opened == "refused"
    page.goto(f"http://127.0.0.1:{studio.port}/")
    opened = page.evaluate(script % viser.__version__, f"ws://127.0.0.1:{studio.port}")
    assert opened == "open"
    page.close()
