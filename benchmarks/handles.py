"""Print how well a part follows handles: in closed form, and through the network's correction.

Of pairs of test faces, vertices of one part of the source are pulled to where the target has them.
What the rest of the part is off the target's then tells how well it was guessed. Usage:
python benchmarks/handles.py results/ict [--pairs 24]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lwpipe.editor import Editor
from lwpipe.editor.editor import TOLERANCE_MM
from lwpipe.editor.solver import Floats, Reach, least_change

Faces = npt.NDArray[np.float32]
STEPS = 3


def through_the_network(
    editor: Editor, reach: Reach, source: Faces, part: int, places: dict[int, Floats]
) -> Faces:
    """Return the face after Gauss-Newton steps in which the whole decoder is heard."""
    model, vertices = editor.model, list(places)
    share = np.minimum(editor.weights[:, part, None] / np.float32(0.1), 1)
    encoding = model.parts(model.encode(source[None]))
    before = model.decode(encoding)[0]
    effects = reach.effects(vertices).reshape(3 * len(vertices), -1)
    wanted = (np.stack(list(places.values())) - source[vertices]).reshape(-1)
    change = least_change(effects, wanted, TOLERANCE_MM)
    for _ in range(STEPS):
        moved = encoding.copy()
        moved[0, part] += change.astype(np.float32)
        face = source + share * (model.decode(moved)[0] - before)
        off = wanted - (face[vertices] - source[vertices]).reshape(-1)
        change = least_change(effects, off + effects @ change, TOLERANCE_MM)
    return np.asarray(face, np.float32)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of the run, results/<name>")
    parser.add_argument("--pairs", type=int, default=24)
    options = parser.parse_args()
    editor = Editor.load(options.run)
    faces, path = editor.data, editor.model.linear_path
    rows, random = faces.indices("test"), np.random.default_rng(0)
    print(
        "| handles | source, mm | closed form, mm | through the correction, mm | still away, mm |"
    )
    print("|---|---|---|---|---|")
    for count in (1, 3, 8, 20):
        found = []
        for pair in range(options.pairs):
            source, target = faces.vertices[random.choice(rows, 2, replace=False)]
            part = pair % editor.part_count
            weights = editor.weights[:, part]
            goal = source + weights[:, None] * (target - source)
            chosen = random.choice(np.flatnonzero(weights > 0.9), count, replace=False)
            places = {int(each): goal[each].astype(np.float64) for each in chosen}
            closed = editor.drag(source, places, part)
            reach = Reach(path, [part])
            heard = through_the_network(editor, reach, source, part, places)
            away = [np.linalg.norm(face - goal, axis=1) for face in (source, closed, heard)]
            found.append([*(each[weights > 0.5].mean() for each in away), away[1][chosen].mean()])
        shown = " | ".join(f"{value:.3f}" for value in np.mean(found, axis=0))
        print(f"| {count} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
