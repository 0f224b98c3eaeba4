"""The command line `lwpipe`: every stage of the workflow by itself, configurations, and edits."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

import lwpipe
from lwpipe.core.errors import LwpipeError, printable

_EPILOG = """\
stages, in order:
  lwpipe data && lwpipe template && lwpipe local_weights
  lwpipe training --variant full && lwpipe evaluation --variant full
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
    try:
        options = _parser().parse_args(arguments)
        command: Callable[[argparse.Namespace], None] = options.command
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
    # Imported here, where what is wrong with a plugin becomes a sentence.
    from lwpipe.cli import config, edit, export, look, sample, stages, studio

    parser = argparse.ArgumentParser(
        prog="lwpipe",
        description="Model 3D faces by parts: a locally weighted mesh autoencoder.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lwpipe {lwpipe.__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    stages.add_commands(subparsers)
    edit.add_command(subparsers)
    export.add_command(subparsers)
    studio.add_command(subparsers)
    sample.add_command(subparsers)
    look.add_commands(subparsers)
    config.add_command(subparsers)
    return parser


if __name__ == "__main__":
    sys.exit(main())
