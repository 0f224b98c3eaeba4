"""Take a picture of a page of `lwpipe export html`: docs/pictures/page.png.

Usage: python docs/make_page_picture.py face.html
"""

from __future__ import annotations

import argparse
import shutil
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
MOVE = "(e, value) => { e.value = value; e.dispatchEvent(new Event('input')); }"


def main() -> None:
    """Write two views side by side: the parts, and a face that sliders have changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    address = parser.parse_args().page.resolve().as_uri()
    with sync_playwright() as play:
        chromium = shutil.which("chromium")
        browser = play.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1100, "height": 700})
        page.goto(address)
        page.wait_for_function("window.viewer")
        page.get_by_role("button", name="three-quarter").click()
        page.get_by_role("button", name="local weights").click()
        shots = [page.screenshot()]
        page.get_by_role("button", name="local weights").click()
        for place, slider in enumerate(page.locator("input[type=range]").all()):
            slider.evaluate(MOVE, (1.8, -1.2, 0.6)[place % 3])
        page.get_by_role("button", name="front", exact=True).click()
        page.mouse.move(5, 5)
        shots.append(page.screenshot())
        browser.close()
    views = [Image.open(BytesIO(shot)).convert("RGB") for shot in shots]
    both = Image.new("RGB", (2 * views[0].width, views[0].height))
    for place, view in enumerate(views):
        both.paste(view, (place * view.width, 0))
    both.save(Path(__file__).parent / "pictures/page.png", optimize=True)


if __name__ == "__main__":
    main()
