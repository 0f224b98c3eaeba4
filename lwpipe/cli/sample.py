"""The command `sample`: draw faces, or one part of a face given the rest."""

from __future__ import annotations

import math
from argparse import Namespace
from pathlib import Path
from typing import Any

from lwpipe.cli.context import say
from lwpipe.cli.faces import FACE_WORDS, add_places, open_editor
from lwpipe.core.errors import LwpipeError

# What is slow to import is imported inside the commands: help must not wait for PyTorch.
_MOST = 100_000


def add_command(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "sample",
        help="draw faces, or one part of a face given the rest",
        description="Draw faces from a trained model and write their meshes, in mm and in the pose "
        f"of the data set. With --part and --face, one part of a face is drawn given the rest. "
        f"{FACE_WORDS}",
    )
    add_places(parser)
    parser.add_argument("--output", required=True, metavar="FOLDER", help="of the meshes")
    parser.add_argument("--count", type=int, default=1, metavar="N", help="how many (default: 1)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="equal seeds, equal faces")
    parser.add_argument(
        "--temperature",
        type=float,
        default=1.0,
        help="factor of the deviations: below 1 faces are plainer (default: 1)",
    )
    parser.add_argument(
        "--prior",
        metavar="FILE",
        help="prior.npz of the model (default: the one that the workflow has made beside it, or "
        "one that is fitted to the data set)",
    )
    parser.add_argument("--part", type=int, metavar="K", help="from 0 on")
    parser.add_argument("--face", metavar="FACE", help="whose part is drawn")
    for name, default, words in (
        ("keep", 1.0, "how far what lies outside the part is held: 1 moves nothing there"),
        ("harmony", 0.0, "how far the rest follows as faces do; with --keep below 1"),
    ):
        parser.add_argument(
            f"--{name}",
            type=float,
            default=default,
            metavar="SHARE",
            help=f"{words} (default: {default:g})",
        )
    parser.set_defaults(command=sample)


def sample(options: Namespace) -> None:
    """Draw faces and write their meshes."""
    _check(options)
    from lwpipe.data.signals import colors_of, positions
    from lwpipe.editing import EditingSettings
    from lwpipe.mesh.ply_file import write_ply
    from lwpipe.sampling import sample as draw
    from lwpipe.sampling import sample_part

    names = [] if options.face is None else [options.face]
    editor = open_editor(options.model, options.variant, options.data, names, options.prior, True)
    model, prior = editor.model, editor.draws.prior
    if options.part is None:
        faces = draw(model, prior, options.count, options.seed, options.temperature)
    else:
        if model.part_count == 1 or not model.parts_match_weights:
            raise LwpipeError(f"{options.model}: the model has no parts with places of their own.")
        if not 0 <= options.part < model.part_count:
            raise LwpipeError(
                f"--part {options.part}: the model has the parts 0 to {model.part_count - 1}."
            )
        dials = EditingSettings(residual=True, keep=options.keep, harmony=options.harmony)
        faces = sample_part(
            model, prior, editor.face(options.face), options.part, options.count, options.seed,
            options.temperature, dials,
        )  # fmt: skip
    for place, made in enumerate(faces):
        path = Path(options.output) / f"sample_{place:04d}.ply"
        write_ply(path, positions(made), model.triangles, colors_of(made))
        say(str(path))


def _check(options: Namespace) -> None:
    if not 1 <= options.count <= _MOST:
        raise LwpipeError(f"--count {options.count}: must lie between 1 and {_MOST}.")
    if options.seed < 0:
        raise LwpipeError(f"--seed {options.seed}: must be at least 0.")
    if not (math.isfinite(options.temperature) and options.temperature >= 0):
        raise LwpipeError(f"--temperature {options.temperature}: must be at least 0.")
    for name in ("keep", "harmony"):
        if not 0 <= getattr(options, name) <= 1:
            raise LwpipeError(f"--{name} {getattr(options, name)}: must lie between 0 and 1.")
    if (options.part is None) != (options.face is None):
        raise LwpipeError("--part and --face: a part is drawn of a face; give both, or neither.")
