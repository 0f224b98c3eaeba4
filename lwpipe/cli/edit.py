"""The command `edit`: move one part of a face towards another face's."""

from __future__ import annotations

import math
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from lwpipe.cli.context import say
from lwpipe.core.errors import LwpipeError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# What is slow to import is imported inside the commands: help must not wait for PyTorch.


def add_command(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "edit",
        help="replace one part of a face by another face's",
        description="Move one part of a source face towards a target face and write the mesh. "
        "Meshes have the vertices of the data set, in mm and in its pose.",
    )
    parser.add_argument("model", metavar="MODEL", help="model.safetensors, or its folder")
    parser.add_argument("--source", required=True, metavar="MESH", help="mesh, or id in --data")
    parser.add_argument("--target", required=True, metavar="MESH", help="mesh, or id in --data")
    parser.add_argument("--part", required=True, type=int, metavar="K", help="from 0 on")
    parser.add_argument(
        "--alpha", type=float, default=1.0, help="0: the source, 1: the target's part (default: 1)"
    )
    parser.add_argument(
        "--keep",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="how far what lies outside the part is held: 1 moves nothing there (default: 1)",
    )
    parser.add_argument(
        "--harmony",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="how far the rest follows as faces do; with --keep below 1 (default: 0)",
    )
    parser.add_argument(
        "--plain",
        action="store_true",
        help="as in the paper: exchange the encoding and decode, which loses what the model cannot "
        "represent; without --keep and --harmony",
    )
    parser.add_argument("--output", required=True, metavar="PLY", help="mesh to write")
    parser.add_argument("--data", metavar="FOLDER", help="data set that ids refer to")
    parser.set_defaults(command=edit)


def edit(options: Namespace) -> None:
    """Move one part of a face towards another face's and write the mesh."""
    from lwpipe.editing import EditingSettings, edit_part
    from lwpipe.mesh.ply_file import write_ply
    from lwpipe.model import load

    if not math.isfinite(options.alpha):
        raise LwpipeError(f"--alpha {options.alpha}: is not a finite number.")
    for name in ("keep", "harmony"):
        if not 0 <= getattr(options, name) <= 1:
            raise LwpipeError(f"--{name} {getattr(options, name)}: must lie between 0 and 1.")
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
    dials = EditingSettings(residual=True, keep=options.keep, harmony=options.harmony)
    editing = EditingSettings() if options.plain else dials
    edited = edit_part(model, faces[0], faces[1], options.part, options.alpha, editing)
    write_ply(options.output, edited, model.triangles)
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
