"""What every command starts with: the configuration, the variant, and how it speaks."""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

from lwpipe.core.errors import LwpipeError
from lwpipe.core.stage import Stage
from lwpipe.core.strict_yaml import MAX_DEPTH
from lwpipe.run.layout import Layout
from lwpipe.run.load import cli_value, merge, read_yaml, validate_run
from lwpipe.run.run import Run
from lwpipe.run.schema import Settings
from lwpipe.run.variants import shipped_overrides


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """Add --config and --set."""
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


def read_run(options: Namespace) -> Run:
    """Validate what --config and --set come to.

    Files are laid over `config.yaml` of the current folder, as the workflow does it, or over the
    defaults where there is none.

    Raises
    ------
    LwpipeError
        As `lwpipe.run.load_run`.
    """
    files = [str(file) for file in options.config]
    own = Path("config.yaml")
    layers: list[tuple[str, Mapping[str, Any]]] = [("defaults", {"variants": shipped_overrides()})]
    if own.exists() and str(own) not in files:
        layers.append((str(own), read_yaml(own)))
    layers += [(file, read_yaml(file)) for file in files]
    for text in options.set:
        key, value = _assignment(text)
        nested: Any = value
        for part in reversed(key.split(".")):
            nested = {part: nested}
        layers.append(("command line", nested))
    start: dict[str, Any] = {}
    return validate_run(reduce(merge, (layer for _, layer in layers), start), layers)


def _assignment(text: str) -> tuple[str, Any]:
    """Split KEY=VALUE, and read the value as YAML."""
    key, equals, value = text.partition("=")
    key, shown = key.strip(), text if len(text) <= 80 else f"{text[:77]}..."
    if not equals or not all(key.split(".")) or key.count(".") > MAX_DEPTH:
        raise LwpipeError(f"--set {shown}: is not KEY=VALUE, as in training.epochs=10.")
    try:
        return key, cli_value(value)
    except ValueError as error:
        raise LwpipeError(f"--set {shown}: the value {error}.") from error


class Context:
    """The configuration of one command, and the variant that it is about.

    Parameters
    ----------
    options : with `config`, `set`, `results` and `variant`

    Raises
    ------
    LwpipeError
        If the configuration is not valid, or has no such variant.
    """

    def __init__(self, options: Namespace) -> None:
        self.layout = Layout(read_run(options), options.results)
        run = self.layout.run
        self.variant: str | None = options.variant
        if self.variant is not None and self.variant not in {**run.variants, **run.points}:
            raise LwpipeError(
                f"--variant {self.variant}: the configuration has no such variant or point; it has "
                f"{', '.join(run.variants)}."
            )

    @property
    def settings(self) -> Settings:
        """The settings of the variant, or those of the run."""
        return self.layout.settings(self.variant)

    def choose(self, stages: Sequence[Stage]) -> None:
        """Take the first variant where the stages exist once a variant."""
        of_variant = [stage.name for stage in stages if stage.scope == "variant"]
        if of_variant:
            self.variant = self.layout.members(of_variant[0])[0]


def say(text: str) -> None:
    """Print a line."""
    write(text + "\n")


def write(text: str) -> None:
    """Print text at once, also into a pipe."""
    sys.stdout.write(text)
    sys.stdout.flush()
