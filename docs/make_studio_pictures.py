"""Make the pictures of the studio for docs/pictures, in a headless browser.

Usage: python docs/make_studio_pictures.py results/ict
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from lwpipe.editor import Editor
from lwpipe.studio.studio import Studio

FOLDER = Path(__file__).parent / "pictures"
WINDOW = {"width": 1280, "height": 860}
# WebGL without a GPU.
WORDS = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Tour:
    """What the pictures show, one after the other."""

    def __init__(self, page: Any, studio: Studio, run: str) -> None:
        self.page, self.studio, self.run = page, studio, run
        self.bench, self.editor = studio.bench, studio.bench.editor
        names = self.editor.names
        self.source, self.target = names[72 % len(names)], names[1086 % len(names)]

    def picture(self) -> np.ndarray:
        """Return the page as it is once all is done, (h, w, 3)."""
        self.page.wait_for_timeout(200)
        self.studio.page.wait()
        self.page.wait_for_timeout(1500)
        for button in self.page.locator(".mantine-Notification-closeButton").all():
            button.click()
        self.page.wait_for_timeout(400)
        content = self.page.screenshot()
        return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))

    def save(self, name: str) -> None:
        """Write the page as it is."""
        Image.fromarray(self.picture()).save(FOLDER / f"studio_{name}.png", optimize=True)

    def do(self, job: Any) -> None:
        """Let the studio do something, as its widgets would."""
        self.studio.page.later("tour", job)
        self.studio.page.wait()

    def tab(self, name: str) -> None:
        """Open a tab."""
        self.page.get_by_role("tab", name=name).click()

    def row(self, label: str, number: int = 0) -> Any:
        """Return the row of a widget."""
        found = self.page.locator("label", has_text=re.compile(f"^{label}$")).nth(number)
        return found.locator("xpath=ancestor::div[contains(@class,'Flex-root')][1]")

    def choose(self, label: str, option: str) -> None:
        """Choose something in a drop-down."""
        box = self.row(label).locator("input[role=combobox]")
        box.click()
        box.fill(option)
        self.page.get_by_role("option", name=option, exact=True).first.click()

    def tick(self, label: str) -> None:
        """Tick a box, or take the tick away."""
        self.row(label).locator("input[type=checkbox]").click()

    def parts(self) -> None:
        """Put the parts of one face on another."""
        bench, count = self.bench, self.editor.part_count
        self.do(lambda: bench.set("face", source=self.source))
        frames = []
        # The last two parts one by one, the others together.
        for parts in ([count - 1], [count - 2], [*range(count - 2)]):
            for share in (0.34, 0.67, 1.0):
                for part in parts:
                    self.do(lambda p=part, s=share: bench.take(p, self.target, s))
                frames.append(self.picture())
        frames = [frames[0], *frames, *[frames[-1]] * 4]
        small = [
            np.asarray(Image.fromarray(frame).resize((800, 538), Image.Resampling.LANCZOS))
            for frame in frames
        ]
        iio.imwrite(FOLDER / "studio.gif", small, duration=450, loop=0)
        self.do(lambda: bench.give_back())
        self.do(lambda: bench.take(count - 1, self.target, 1.0))
        self.do(lambda: bench.take(count - 2, self.target, 0.7))
        self.save("parts")

    def faces(self) -> None:
        """Open a drop-down of faces, while the part of its card lights up."""
        part = self.editor.part_count - 2
        self.page.locator(f"[data-part='{part}']").hover()
        row = self.row("From", part)
        row.locator("input[role=combobox]").focus()
        row.locator("input[role=combobox]").press("ArrowDown")
        self.page.wait_for_timeout(1500)
        self.page.mouse.move(5, 400)
        self.page.locator(f"[data-part='{part}']").hover()
        self.save("faces")
        self.page.keyboard.press("Escape")
        self.page.mouse.move(5, 400)

    def steps(self) -> None:
        """Show the steps as pictures."""
        self.tab("Steps")
        self.page.wait_for_timeout(1500)
        self.save("steps")

    def looks(self) -> None:
        """Show the local weights, and how far the face moved, beside the source."""
        self.tab("Look")
        self.choose("Look", "parts")
        self.save("weights")
        self.choose("Look", "change in mm")
        self.tick("The source beside it")
        self.save("change")
        self.choose("Look", "shaded")
        self.tick("The source beside it")

    def handles(self) -> None:
        """Pull the tip of the nose up and out, with a pin above it."""
        bench, editor = self.bench, self.editor
        tip = int(bench.face[:, 2].argmax())
        part = int(editor.weights[tip].argmax())
        below = np.flatnonzero((editor.weights[:, part] > 0.5) & (bench.face[:, 1] > 20))
        pin = int(below[np.abs(bench.face[below, 0]).argmin()])
        self.do(lambda: bench.pin(pin))
        self.do(lambda: bench.pull(tip, bench.face[tip] + [0.0, 5.0, 5.0]))
        self.tab("Pull")
        client = next(iter(self.studio.server.get_clients().values()))
        self.studio.page.scene.look_from(client, "three-quarter")
        self.save("handles")
        self.studio.page.scene.look_from(client, "front")
        self.do(bench.release)

    def measures(self) -> None:
        """Make the mouth wider and the nose narrower."""
        bench = self.bench
        now = self.editor.measure(bench.face)
        self.tab("Measure")
        self.do(lambda: bench.measure("mouth width", round(now["mouth width"] + 6.0, 1)))
        self.do(lambda: bench.measure("nose width", round(now["nose width"] - 3.0, 1)))
        self.save("measures")


def main() -> None:
    """Write docs/pictures/studio.gif and studio_<name>.png."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of the run, results/<name>")
    run = parser.parse_args().run
    FOLDER.mkdir(exist_ok=True)
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    with Studio(Editor.load(run), port=8321, title=run.name) as studio, sync_playwright() as web:
        browser = web.chromium.launch(executable_path=path, args=WORDS)
        page = browser.new_page(viewport=WINDOW)
        page.goto(f"http://127.0.0.1:{studio.port}/")
        page.get_by_role("button", name="Undo").wait_for()
        page.wait_for_timeout(3000)
        tour = Tour(page, studio, run.name)
        tour.parts()
        tour.faces()
        tour.looks()
        tour.handles()
        tour.measures()
        tour.steps()
        browser.close()


if __name__ == "__main__":
    main()
