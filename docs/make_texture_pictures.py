"""Render the pictures of docs/texture.md from a run with colours.

Usage: python docs/make_texture_pictures.py results/skin
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

import lwpipe
from lwpipe.data.store import Dataset
from lwpipe.figures.render import FaceRenderer
from lwpipe.figures.sheet import REFERENCE_TILE, Sheet
from lwpipe.figures.style import MUTED

PICTURES = Path("docs/pictures")
WIDTH, TILE, DPI = 1800, 300, 100
TEXTURES = ("follow", "match", "keep")
# So many faces a sheet, and the parts of an edit that are shown.
FACES, PARTS = 12, (0, 3)


def main() -> None:
    """Write docs/pictures/texture_faces.png, texture_edits.png and texture_given_back.png."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of the run, results/<name>")
    parser.add_argument("--name", default="", help="before the names of the pictures")
    options = parser.parse_args()
    data = Dataset.open(options.run / "data")
    sheet("faces", options.name, [[(name, face) for name, face in first(data)]], data.triangles)
    if (options.run / "variants").is_dir():
        editor = lwpipe.Editor.load(options.run)
        sheet("edits", options.name, edits(editor, data), data.triangles)
        sheet("given_back", options.name, given_back(editor, data), data.triangles)


def first(data: Dataset) -> list[tuple[str, np.ndarray]]:
    """Return the first faces of the data set."""
    return [("", np.asarray(data.signals[row])) for row in range(FACES)]


def by_tone(data: Dataset) -> list[str]:
    """Return the ids of the test faces from dark to light."""
    rows = data.indices("test")
    lightness = [float(data.lab[row][:, 0].mean()) for row in rows]
    return [str(data.faces["id"][rows[place]]) for place in np.argsort(lightness)]


def edits(editor: lwpipe.Editor, data: Dataset) -> list[list[tuple[str, np.ndarray]]]:
    """Return rows of a source, a target, and parts replaced in each way of the texture."""
    names = by_tone(data)
    count = len(names)
    rows = []
    for source, target in ((-3, 2), (-count // 8, count // 3), (count // 16, -5)):
        ends = editor.face(names[source]), editor.face(names[target])
        row = [("source", ends[0]), ("target", ends[1])]
        for part in (part for part in PARTS if part < editor.part_count):
            for texture in TEXTURES:
                face = editor.edit(ends[0], {part: (ends[1], 1.0)}, texture=texture)
                row.append((f"part {part}, {texture}", face))
        rows.append(row)
    return rows


def given_back(editor: lwpipe.Editor, data: Dataset) -> list[list[tuple[str, np.ndarray]]]:
    """Return test faces, and below them what the model makes of them."""
    rows = data.indices("test")[: FACES // 2]
    faces = np.asarray(data.signals[rows])
    again = editor.model.reconstruct(faces)
    return [
        [("test face", face) for face in faces],
        [("given back", face) for face in again],
    ]


def sheet(
    name: str, prefix: str, rows: list[list[tuple[str, np.ndarray]]], triangles: np.ndarray
) -> None:
    """Draw rows of named faces, at most six a line where there is one row of them."""
    if len(rows) == 1:
        rows = [rows[0][start : start + 6] for start in range(0, len(rows[0]), 6)]
    unit = TILE / REFERENCE_TILE
    label = round(30 * unit) if rows[0][0][0] else round(8 * unit)
    every = np.stack([face for row in rows for _, face in row])
    with FaceRenderer(triangles, every, TILE) as renderer:
        width, height = renderer.width, renderer.height
        columns = max(len(row) for row in rows)
        drawn = Sheet(columns * (width + 8), len(rows) * (height + label), TILE, DPI)
        for line, row in enumerate(rows):
            top = line * (height + label)
            for column, (words, face) in enumerate(row):
                left = column * (width + 8)
                drawn.picture(renderer.render(face), left, top)
                middle = top + height + label / 2
                drawn.text(words, left + width / 2, middle, 18, color=MUTED)
    path = PICTURES / f"{prefix}texture_{name}.png"
    drawn.save(path)
    with Image.open(path) as image:
        if image.width > WIDTH:
            size = WIDTH, round(image.height * WIDTH / image.width)
            image.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(path, optimize=True)


if __name__ == "__main__":
    main()
