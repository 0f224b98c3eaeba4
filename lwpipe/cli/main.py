"""The command line `lwpipe`: every stage of the workflow by itself, configurations, and edits."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from lwpipe.cli import commands, tools
from lwpipe.core.errors import LwpipeError, printable

_EPILOG = """\
stages, in order:
  lwpipe data && lwpipe qc && lwpipe template && lwpipe weights
  lwpipe train --variant full && lwpipe evaluate --variant full
Each reads and writes results/<name of the run>, as the workflow does, unless a path is given.
To run all of them with one command: snakemake --cores 2
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : the words after `lwpipe`; those of the process without it

    Returns
    -------
    int
        0, 1 after a fault that the user can mend, or 75 after a signal that has stopped a training,
        which is saved. Wrong usage ends the process with 2.
    """
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], None] = options.command
    try:
        command(options)
    except LwpipeError as error:
        said = "\n".join(map(printable, error.sentences))
        print(f"lwpipe: error: {said}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except BrokenPipeError:
        # The reader of a pipe, such as head, has seen enough.
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lwpipe",
        description="Model 3D faces by parts: a locally weighted mesh autoencoder.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=commands.version())
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(
        name: str, function: Callable[[argparse.Namespace], None], words: str, *paths: str
    ) -> argparse.ArgumentParser:
        """Add the command of one stage with the paths that can be given."""
        sub = subparsers.add_parser(name, help=words, description=f"{_sentence(words)}.")
        _configuration(sub)
        sub.add_argument("--variant", metavar="NAME", help="variant of the configuration")
        group = sub.add_argument_group("paths, by default those of the workflow")
        group.add_argument("--results", metavar="FOLDER", default="results", help="of all runs")
        for path in paths:
            group.add_argument(f"--{path}", metavar=_PATHS[path][0], help=_PATHS[path][1])
        sub.set_defaults(command=function)
        return sub

    add("data", commands.data, "make the data set from the configured source", "output")
    add("qc", commands.qc, "check the meshes and draw a contact sheet", "data", "output")
    add("template", commands.template, "make the mesh pyramid", "data", "output")
    add("weights", commands.weights, "factorise the faces into local weights", "data", "output")
    train = add(
        "train",
        commands.train,
        "train one variant",
        "data",
        "pyramid",
        "weights",
        "output",
        "checkpoints",
    )
    choice = train.add_mutually_exclusive_group()
    choice.add_argument(
        "--resume",
        action="store_true",
        default=True,
        help="continue at the last checkpoint if there is one (the default)",
    )
    choice.add_argument(
        "--fresh", dest="resume", action="store_false", help="begin at the first epoch"
    )
    trained = ("data", "weights", "model", "output")
    add("evaluate", commands.evaluate, "measure one variant on the test faces", *trained)
    add(
        "baselines",
        commands.baselines,
        "measure PCA and the closed-form edits",
        "data",
        "weights",
        "output",
    )
    add("interpolate", commands.interpolate, "render part-by-part interpolations", *trained)
    add(
        "diversity",
        commands.diversity,
        "measure and draw the spread of encodings",
        "data",
        "model",
        "output",
    )
    add("summary", commands.summary, "compare all variants and baselines", "output")
    add("sweep", commands.sweep, "collect and draw the evaluated points of the sweep", "output")
    add("report", commands.report, "gather everything on one HTML page", "output")

    edit = subparsers.add_parser(
        "edit",
        help="replace one part of a face by another face's",
        description="Move one part of a source face towards a target face and write the mesh. "
        "Meshes have the vertices of the data set, in mm and in its pose.",
    )
    edit.add_argument("model", metavar="MODEL", help="model.safetensors, or its folder")
    edit.add_argument("--source", required=True, metavar="MESH", help="mesh file, or id in --data")
    edit.add_argument("--target", required=True, metavar="MESH", help="mesh file, or id in --data")
    edit.add_argument("--part", required=True, type=int, metavar="K", help="from 0 on")
    edit.add_argument(
        "--alpha", type=float, default=1.0, help="0: the source, 1: the target's part (default: 1)"
    )
    edit.add_argument("--output", required=True, metavar="PLY", help="mesh to write")
    edit.add_argument("--data", metavar="FOLDER", help="data set that ids refer to")
    edit.set_defaults(command=tools.edit)

    doctor = subparsers.add_parser(
        "doctor",
        help="check the installation, the machine and a run",
        description="Check the installation, the machine and a run, and say what to do about what "
        "is wrong. The exit code is 1 if something is.",
    )
    _configuration(doctor)
    doctor.add_argument("--results", metavar="FOLDER", default="results", help="of all runs")
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.set_defaults(command=tools.doctor)
    look = subparsers.add_parser(
        "inspect",
        help="tell what a file or folder is",
        description="Tell what a data set, model, checkpoint, pyramid, local weights, mesh, array, "
        "MATLAB file, configuration, table or run is, and check it. Nothing in it is executed.",
    )
    look.add_argument("path", metavar="PATH", help="file or folder")
    look.add_argument("--json", action="store_true", help="for programs")
    look.set_defaults(command=tools.inspect)
    _add_config(subparsers)
    return parser


_PATHS = {
    "data": ("FOLDER", "data set"),
    "pyramid": ("FILE", "pyramid.npz"),
    "weights": ("FILE", "local_weights.npz"),
    "model": ("PATH", "model.safetensors, or its folder"),
    "checkpoints": ("FOLDER", "checkpoints of the training"),
    "output": ("FOLDER", "results of the command"),
}


def _add_config(subparsers: Any) -> None:
    config = subparsers.add_parser(
        "config",
        help="check and show configurations",
        description="Check and show configurations.",
    )
    actions = config.add_subparsers(title="commands", metavar="COMMAND", required=True)
    check = actions.add_parser("check", help="say whether files make a valid configuration")
    check.add_argument("config", nargs="*", metavar="FILE", help="laid over config.yaml in order")
    check.set_defaults(command=tools.check_config, set=[])
    show = actions.add_parser("show", help="print the settings that files and --set come to")
    _configuration(show)
    show.add_argument("--variant", metavar="NAME", help="with the changes of this variant")
    show.set_defaults(command=tools.show_config)
    defaults = actions.add_parser("defaults", help="print the documented default config.yaml")
    defaults.set_defaults(command=tools.print_defaults)
    schema = actions.add_parser("schema", help="print the JSON schema of configuration files")
    schema.set_defaults(command=tools.print_schema)


def _configuration(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("configuration")
    group.add_argument(
        "--config",
        nargs="+",
        default=[],
        metavar="FILE",
        help="laid in order over config.yaml of this folder, or over the defaults without one",
    )
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="laid over the files; as in --set training.epochs=10; can be repeated",
    )


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


if __name__ == "__main__":
    sys.exit(main())
