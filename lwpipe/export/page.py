"""One self-contained web page with a face to turn, and sliders for its parts."""

from __future__ import annotations

import re
import zipfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import write_text
from lwpipe.export.morphs import Morphs
from lwpipe.export.scene import Scene, compressed, pack

# trimesh shows meshes on pages of its own, and brings three.js within their template.
_ARCHIVE, _TEMPLATE = "resources/templates/viewer.zip", "viewer.html.template"
_THREE = re.compile(r"/\*\*\n \* @license\n[^/]*Three\.js Authors[^/]*\*/\n[^\n]+\n")


@cache
def three_js() -> str:
    """Return three.js (MIT licence), which defines the name THREE, from the package trimesh.

    Raises
    ------
    LwpipeError
        If the package is not installed, or has no three.js where it was.
    """
    found = find_spec("trimesh")
    if found is None or found.origin is None:
        raise LwpipeError("the package trimesh is missing, which brings three.js: install it.")
    archive = Path(found.origin).parent / _ARCHIVE
    try:
        with zipfile.ZipFile(archive) as file:
            text = file.read(_TEMPLATE).decode()
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise LwpipeError(
            f"{archive}: three.js cannot be read: install the pinned trimesh."
        ) from error
    script = _THREE.search(text)
    if script is None:
        raise LwpipeError(f"{archive}: holds no three.js: install the pinned trimesh.")
    return script.group()


def viewer_parts() -> dict[str, str]:
    """Return what a page needs for viewers: `css`, `js`, and `three`, which `lwpipeThree` loads."""
    folder = Path(__file__).parent / "templates"
    read = {kind: (folder / f"viewer.{kind}").read_text(encoding="utf-8") for kind in ("css", "js")}
    read["three"] = compressed(three_js().encode())
    return read


def write_html(morphs: Morphs, output: str | Path, title: str, words: str = "") -> None:
    """Write a page with a viewer, atomically; equal faces give equal bytes.

    It opens from a disk without a network. Coordinates are rounded to a 65,535th of the face.

    Parameters
    ----------
    morphs : a face and its blend shapes
    output : the page
    title : of the page
    words : on what is seen, a sentence

    Raises
    ------
    LwpipeError
        If three.js is missing, or the page cannot be written.
    """
    templates = Environment(
        loader=PackageLoader("lwpipe.export"), autoescape=True, undefined=StrictUndefined
    )
    page = templates.get_template("page.html").render(
        title=title, words=words, scene=pack(Scene(morphs)), **viewer_parts()
    )
    write_text(output, page)
