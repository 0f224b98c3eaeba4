"""The command `edit`: move parts of a face towards other faces'."""

from __future__ import annotations

import math
from argparse import Namespace
from pathlib import Path
from typing import Any, get_args

from lwpipe.cli.context import say
from lwpipe.cli.faces import FACE_WORDS, add_places, open_editor
from lwpipe.core.errors import LwpipeError
from lwpipe.editing.settings import Texture

# What is slow to import is imported inside the commands: help must not wait for PyTorch.


def add_command(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "edit",
        help="replace parts of a face by other faces'",
        description="Move parts of a source face towards target faces and write the mesh. "
        f"{FACE_WORDS} A part is also taken from 'given-rest:SEED': it is drawn given the rest of "
        "the source.",
    )
    add_places(parser)
    parser.add_argument("--source", required=True, metavar="FACE", help="the face that is edited")
    parser.add_argument("--target", metavar="FACE", help="of each --part that names none")
    parser.add_argument(
        "--part",
        required=True,
        action="append",
        metavar="K[=FACE[:ALPHA]]",
        help="from 0 on, and from which face; can be repeated, all are replaced at once",
    )
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
    parser.add_argument(
        "--texture",
        choices=get_args(Texture),
        default="follow",
        help="of a model with colours: a part takes its skin along, takes it in the tone of the "
        "source, or the source keeps its own (default: follow)",
    )
    parser.add_argument(
        "--output",
        required=True,
        metavar="MESH",
        help="PLY, OBJ or GLB to write; of a data set with a UV map OBJ and GLB have an image",
    )
    parser.set_defaults(command=edit)


def edit(options: Namespace) -> None:
    """Move parts of a face towards other faces' and write the mesh."""
    for name in ("keep", "harmony"):
        if not 0 <= getattr(options, name) <= 1:
            raise LwpipeError(f"--{name} {getattr(options, name)}: must lie between 0 and 1.")
    asked = [_exchange(word, options.target, options.alpha) for word in options.part]
    parts = {part: (target, alpha) for part, target, alpha in asked}
    if len(parts) < len(asked):
        raise LwpipeError("--part: names a part twice.")

    from lwpipe.export.textured import SUFFIXES, write_face

    if Path(options.output).suffix.lower() not in SUFFIXES:
        raise LwpipeError(
            f"--output {options.output}: must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}."
        )
    names = [options.source, *(target for target, _ in parts.values())]
    editor = open_editor(options.model, options.variant, options.data, names)
    for part in parts:
        if part >= editor.part_count:
            raise LwpipeError(
                f"--part {part}: the model has the parts 0 to {editor.part_count - 1}."
            )
    edited = editor.edit(
        editor.face(options.source),
        parts,
        options.keep,
        options.harmony,
        options.plain,
        options.texture,
    )
    uv = None if editor.data is None else editor.data.uv()
    for path in write_face(options.output, edited, editor.triangles, uv):
        say(str(path))


def _exchange(word: str, target: str | None, alpha: float) -> tuple[int, str, float]:
    """Read K[=FACE[:ALPHA]]: the part, the name of the face that gives it, and alpha."""
    number, equals, face = word.partition("=")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise LwpipeError(f"--part {word}: is not K, K=FACE or K=FACE:ALPHA, K being a number.")
    if equals:
        target = face
        before, colon, last = face.rpartition(":")
        # 'random:7' is a face.
        if colon and before not in ("random", "given-rest") and (said := _number(last)) is not None:
            target, alpha = before, said
    if not target:
        raise LwpipeError(f"--part {word}: names no face, and there is no --target.")
    if not math.isfinite(alpha):
        raise LwpipeError(f"--alpha {alpha}: is not a finite number.")
    return int(number), target, alpha


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
