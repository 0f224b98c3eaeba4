"""The commands `doctor` and `inspect`: look at the machine, a run, and files."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from lwpipe.cli.context import add_configuration, say
from lwpipe.core.errors import LwpipeError

# What is slow to import is imported inside the commands: help must not wait for PyTorch.


def add_commands(subparsers: Any) -> None:
    """Add both commands."""
    machine = subparsers.add_parser(
        "doctor",
        help="check the installation, the machine and a run",
        description="Check the installation, the machine and a run, and say what to do about what "
        "is wrong. The exit code is 1 if something is.",
    )
    add_configuration(machine)
    machine.add_argument("--results", metavar="FOLDER", default="results", help="of all runs")
    machine.add_argument("--json", action="store_true", help="for programs")
    machine.set_defaults(command=doctor)
    look = subparsers.add_parser(
        "inspect",
        help="tell what a file or folder is",
        description="Tell what a data set, model, checkpoint, pyramid, local weights, mesh, array, "
        "MATLAB file, configuration, table or run is, and check it. Nothing in it is executed.",
    )
    look.add_argument("path", metavar="PATH", help="file or folder")
    look.add_argument("--json", action="store_true", help="for programs")
    look.set_defaults(command=inspect)


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
