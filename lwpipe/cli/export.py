"""The command `export`: a trained model in files that other programs open."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lwpipe.cli.context import say
from lwpipe.core.errors import LwpipeError

if TYPE_CHECKING:
    from lwpipe.data.store import Dataset
    from lwpipe.export.morphs import Morphs
    from lwpipe.model import PartModel

# What is slow to import is imported inside the commands: help must not wait for PyTorch.


def add_command(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "export",
        help="write a model for other programs",
        description="Write a trained model of a run for other programs: blend shapes of its parts "
        "as glTF (Blender, Unity, Godot, three.js), USD or a web page, and the network as ONNX.",
    )
    kinds = parser.add_subparsers(title="formats", metavar="FORMAT", required=True)
    glb = kinds.add_parser("glb", help="blend shapes as binary glTF")
    _add_places(glb, "GLB")
    _add_shapes(glb)
    glb.set_defaults(command=export_glb)
    html = kinds.add_parser("html", help="a web page with sliders, which needs no other file")
    _add_places(html, "HTML")
    _add_shapes(html)
    html.set_defaults(command=export_html)
    onnx = kinds.add_parser(
        "onnx", help="the network and its edit as ONNX, for programs without PyTorch"
    )
    _add_places(onnx, "ONNX")
    onnx.add_argument(
        "--graph",
        choices=["edit", "encode", "project", "decode"],
        default="edit",
        help="which piece: the edit of a part with its dials, faces to codes and part encodings, "
        "codes to part encodings, or these to faces (default: edit)",
    )
    onnx.set_defaults(command=export_onnx)
    usd = kinds.add_parser("usd", help="blend shapes as USD")
    _add_places(usd, "USD")
    _add_shapes(usd)
    usd.set_defaults(command=export_usd)


def _add_places(parser: ArgumentParser, metavar: str) -> None:
    parser.add_argument("run", metavar="RUN", help="folder of a run, as results/synthetic")
    parser.add_argument(
        "--variant", default="on_pca", help="which model of the run (default: on_pca)"
    )
    parser.add_argument("--output", required=True, metavar=metavar, help="file to write")


def _add_shapes(parser: ArgumentParser) -> None:
    shapes = parser.add_argument_group(
        "blend shapes", "the main directions of each part, or with --source and --target its steps"
    )
    shapes.add_argument(
        "--directions", type=int, default=3, metavar="N", help="of each part (default: 3)"
    )
    shapes.add_argument(
        "--sigmas",
        type=float,
        default=2.0,
        help="deviations of the training faces at full strength (default: 2)",
    )
    shapes.add_argument("--source", metavar="ID", help="start from this face of the data set")
    shapes.add_argument("--target", metavar="ID", help="and lead each part to this face")
    shapes.add_argument(
        "--steps", type=int, default=1, metavar="N", help="blend shapes on the way (default: 1)"
    )


def export_glb(options: Namespace) -> None:
    """Write blend shapes as binary glTF."""
    from lwpipe.export.glb import write_glb

    write_glb(_morphs(options), options.output)
    say(options.output)


def export_html(options: Namespace) -> None:
    """Write a web page with the face and sliders."""
    from lwpipe.export.page import write_html

    morphs = _morphs(options)
    name = Path(options.run).resolve().name
    words = f"Start: {morphs.subject}; model: {options.variant}."
    if options.target is not None:
        words = f"Start: {morphs.subject}; target: {options.target}; model: {options.variant}."
    write_html(morphs, options.output, f"{name}: a face by its parts", words)
    say(options.output)


def export_usd(options: Namespace) -> None:
    """Write blend shapes as USD."""
    from lwpipe.export.usd import write_usd

    write_usd(_morphs(options), options.output)
    say(options.output)


def export_onnx(options: Namespace) -> None:
    """Write a piece of the model as ONNX."""
    from lwpipe.export.names import part_names
    from lwpipe.export.onnx_file import write_onnx

    model, data = _trained(options)
    regions = data.regions() if model.parts_match_weights else None
    write_onnx(model, options.output, options.graph, part_names(model.weights, regions))
    say(options.output)


def _morphs(options: Namespace) -> Morphs:
    """Make the blend shapes that the options ask for."""
    from lwpipe.export.morphs import exchanges, principal_directions

    for name, most in (("directions", 64), ("steps", 64)):
        if not 1 <= getattr(options, name) <= most:
            raise LwpipeError(f"--{name} {getattr(options, name)}: must lie between 1 and {most}.")
    if not 0 < options.sigmas <= 10:
        raise LwpipeError(f"--sigmas {options.sigmas}: must be above 0 and at most 10.")
    if (options.source is None) != (options.target is None):
        raise LwpipeError("--source and --target: give both, or none of them.")
    model, data = _trained(options)
    if options.source is None:
        return principal_directions(
            model, data, model.triangles, options.directions, options.sigmas
        )
    return exchanges(model, data, model.triangles, options.source, options.target, options.steps)


def _trained(options: Namespace) -> tuple[PartModel, Dataset]:
    """Open the model of a run, and the faces that it was trained on."""
    from lwpipe.data.store import Dataset
    from lwpipe.model import load
    from lwpipe.run.trained import find_trained

    place, data = find_trained(options.run, options.variant)
    if data is None:
        raise LwpipeError(f"{options.run}: has no data set beside its models.")
    return load(place), Dataset.open(data)
