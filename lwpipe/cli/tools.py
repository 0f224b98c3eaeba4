"""Commands beside the stages: edit a face, show configurations, look at files and the machine."""

from __future__ import annotations

import json
import math
from argparse import Namespace
from typing import TYPE_CHECKING

import yaml

from lwpipe.cli.context import Context, read_run, say, write
from lwpipe.core.errors import LwpipeError
from lwpipe.run.document import default_yaml, json_schema

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# As in `lwpipe.cli.commands`, what is slow to import is imported inside the commands.


def edit(options: Namespace) -> None:
    """Move one part of a face towards another face's and write the mesh."""
    import numpy as np

    from lwpipe.editing import blend_part
    from lwpipe.mesh.ply_file import write_ply
    from lwpipe.model import load

    if not math.isfinite(options.alpha):
        raise LwpipeError(f"--alpha {options.alpha}: is not a finite number.")
    model = load(options.model)
    if not 0 <= options.part < model.part_count:
        raise LwpipeError(
            f"--part {options.part}: the model has the parts 0 to {model.part_count - 1}."
        )
    faces = [_face(word, options.data) for word in (options.source, options.target)]
    for word, face in zip((options.source, options.target), faces, strict=True):
        if face.shape != (model.vertex_count, 3):
            raise LwpipeError(
                f"{word}: has {len(face)} vertices, the model has {model.vertex_count}."
            )
    source, target = model.parts(model.encode(np.stack(faces)))
    parts = blend_part(source, target, options.part, options.alpha)
    write_ply(options.output, model.decode(parts[None])[0], model.triangles)
    say(options.output)


def _face(word: str, folder: str | None) -> npt.NDArray[np.float32]:
    """Read a mesh file, or a face of a data set by its id, (V, 3) in mm."""
    import numpy as np

    from lwpipe.data.store import Dataset
    from lwpipe.mesh.faults import MeshError
    from lwpipe.mesh.read import read_mesh

    if folder is None:
        try:
            return read_mesh(word)[0].astype(np.float32)
        except MeshError as error:
            raise LwpipeError(f"{word}: {error}.") from error
    dataset = Dataset.open(folder)
    rows = np.flatnonzero(dataset.faces["id"].to_numpy() == word)
    if len(rows) == 0:
        raise LwpipeError(f"{folder}: has no face with the id {word!r}.")
    return np.array(dataset.vertices[rows[0]])


def doctor(options: Namespace) -> None:
    """Check the installation, the machine and a run; a fault makes the command fail."""
    from rich.console import Console

    from lwpipe.cli.doctor import examine
    from lwpipe.cli.doctor.check import as_json, as_lines, print_table

    checks = examine(options)
    console = Console()
    if options.json:
        say(as_json(checks))
    elif console.is_terminal:
        print_table(checks, console)
    else:
        say(as_lines(checks))
    faults = [check.name for check in checks if check.status == "fault"]
    if faults:
        raise LwpipeError(f"the doctor finds something wrong with: {', '.join(faults)}.")


def inspect(options: Namespace) -> None:
    """Tell what a file or folder is."""
    from lwpipe.cli.inspect import inspect as look

    finding = look(options.path)
    if options.json:
        content = {"path": finding.path, "kind": finding.kind, **finding.facts}
        say(json.dumps(content, indent=2, default=str))
    else:
        say(finding.text())


def check_config(options: Namespace) -> None:
    """Say that a configuration is valid."""
    run = read_run(options)
    points = f" and a sweep of {len(run.points):,} points" if run.points else ""
    say(f"valid: run {run.name!r} with the variants {', '.join(run.variants)}{points}")


def show_config(options: Namespace) -> None:
    """Print settings as YAML."""
    options.results = "results"
    context = Context(options)
    values = {"name": context.layout.run.name, **context.settings.model_dump()}
    write(yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def print_defaults(options: Namespace) -> None:
    """Print the documented defaults."""
    write(default_yaml())


def print_schema(options: Namespace) -> None:
    """Print the JSON schema."""
    write(json.dumps(json_schema(), indent=2) + "\n")
