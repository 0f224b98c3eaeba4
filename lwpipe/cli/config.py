"""The commands `config ...`: check and show configurations."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

import yaml

from lwpipe.cli.context import Context, add_configuration, read_run, say, write
from lwpipe.run.document import default_yaml, json_schema


def add_command(subparsers: Any) -> None:
    """Add the commands."""
    config = subparsers.add_parser(
        "config",
        help="check and show configurations",
        description="Check and show configurations.",
    )
    actions = config.add_subparsers(title="commands", metavar="COMMAND", required=True)
    check = actions.add_parser("check", help="say whether files make a valid configuration")
    check.add_argument("config", nargs="*", metavar="FILE", help="laid over config.yaml in order")
    check.set_defaults(command=check_config, set=[])
    show = actions.add_parser("show", help="print the settings that files and --set come to")
    add_configuration(show)
    show.add_argument("--variant", metavar="NAME", help="with the changes of this variant")
    show.set_defaults(command=show_config, results="results")
    defaults = actions.add_parser("defaults", help="print the documented default config.yaml")
    defaults.set_defaults(command=print_defaults)
    schema = actions.add_parser("schema", help="print the JSON schema of configuration files")
    schema.set_defaults(command=print_schema)


def check_config(options: Namespace) -> None:
    """Say that a configuration is valid."""
    run = read_run(options)
    points = f" and a sweep of {len(run.points):,} points" if run.points else ""
    say(f"valid: run {run.name!r} with the variants {', '.join(run.variants)}{points}")


def show_config(options: Namespace) -> None:
    """Print settings as YAML."""
    context = Context(options)
    values = {"name": context.layout.run.name, **context.settings.model_dump()}
    write(yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def print_defaults(options: Namespace) -> None:
    """Print the documented defaults."""
    write(default_yaml())


def print_schema(options: Namespace) -> None:
    """Print the JSON schema."""
    write(json.dumps(json_schema(), indent=2) + "\n")
