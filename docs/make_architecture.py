"""Draw the rooms of the house, from the contract of imports: docs/pictures/architecture.svg.

Usage: python docs/make_architecture.py
"""

from __future__ import annotations

import ast
import textwrap
import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WIDTH, NAME, LINE, GAP, LEFT = 860, 26, 14, 12, 20
INK, MUTED, FILL, EDGE = "#1a1a1a", "#666666", "#eef3f8", "#9db4cc"


def rooms() -> list[list[str]]:
    """Return the rooms from top to bottom; those of one line do not know each other."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    return [[room.strip() for room in layer.split("|")] for layer in layers]


def words(room: str, width: float) -> list[str]:
    """Return what a room says of itself, the first line of its docstring, in lines of a width."""
    source = (ROOT / "lwpipe" / room / "__init__.py").read_text(encoding="utf-8")
    said = (ast.get_docstring(ast.parse(source)) or "").splitlines()[0]
    return textwrap.wrap(escape(said.replace("`", "")), int(width / 6.7))


def picture() -> str:
    """Return the picture as SVG."""
    lines, top = [], GAP
    for layer in rooms():
        width = (WIDTH - 2 * LEFT - GAP * (len(layer) - 1)) / len(layer)
        said = [words(room, width - 24) for room in layer]
        height = NAME + LINE * max(len(each) for each in said)
        for place, room in enumerate(layer):
            x = LEFT + place * (width + GAP)
            lines.append(
                f'<rect x="{x:g}" y="{top}" width="{width:g}" height="{height}" rx="5" '
                f'fill="{FILL}" stroke="{EDGE}"/>'
            )
            lines.append(
                f'<text x="{x + 12:g}" y="{top + 17}" fill="{INK}" font-size="13" '
                f'font-weight="bold">{room}</text>'
            )
            lines += [
                f'<text x="{x + 12:g}" y="{top + 32 + LINE * row}" fill="{MUTED}" '
                f'font-size="11">{line}</text>'
                for row, line in enumerate(said[place])
            ]
        top += height + GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" '
        'font-family="system-ui, sans-serif">'
    )
    return "\n".join([head, *lines, "</svg>"]) + "\n"


def main() -> None:
    """Write the picture."""
    (ROOT / "docs/pictures/architecture.svg").write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    main()
