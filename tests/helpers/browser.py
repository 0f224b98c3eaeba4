"""A page in headless Chromium, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.helpers.programs import CHROMIUM

needs_browser = pytest.mark.skipif(
    CHROMIUM is None or find_spec("playwright") is None,
    reason="needs Chromium (apt-get install chromium) and playwright (pip install playwright)",
)
# Chromium renders WebGL without a GPU, and as root only without its sandbox.
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


@contextmanager
def opened(address: str | Path, script: bool = True, offline: bool = True) -> Iterator[Any]:
    """Open a page, 900 x 700; whatever it complains of fails the test at the end.

    Parameters
    ----------
    address : of the page, or its file
    script : whether JavaScript is on
    offline : whether the network is off
    """
    from playwright.sync_api import sync_playwright

    complaints: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(
            viewport={"width": 900, "height": 700}, offline=offline, java_script_enabled=script
        )
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type == "error" else None,
        )
        page.goto(address.resolve().as_uri() if isinstance(address, Path) else address)
        yield page
        browser.close()
    assert complaints == []


def picture(page: Any, selector: str) -> np.ndarray:
    """Return the pixels of an element, float (H, W, 3)."""
    shot = page.locator(selector).screenshot()
    return np.asarray(Image.open(BytesIO(shot)).convert("RGB"), np.float64)
