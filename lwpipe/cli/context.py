"""What every command starts with: the configuration, the paths, and how it speaks."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lwpipe.core.errors import LwpipeError
from lwpipe.core.strict_yaml import MAX_DEPTH
from lwpipe.run.layout import Layout
from lwpipe.run.load import cli_value, merge, read_yaml, validate_run
from lwpipe.run.run import Run
from lwpipe.run.schema import SHIPPED_VARIANTS, Settings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from lwpipe.data.store import Dataset
    from lwpipe.model import PartModel


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
    layers: list[tuple[str, Mapping[str, Any]]] = [("defaults", {"variants": SHIPPED_VARIANTS})]
    if own.exists() and str(own) not in files:
        layers.append((str(own), read_yaml(own)))
    layers += [(file, read_yaml(file)) for file in files]
    for text in options.set:
        key, value = _assignment(text)
        nested: Any = value
        for part in reversed(key.split(".")):
            nested = {part: nested}
        layers.append(("command line", nested))
    merged: dict[str, Any] = {}
    for _, layer in layers:
        merged = merge(merged, layer)
    return validate_run(merged, layers)


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
    """The configuration and the paths of one command."""

    def __init__(self, options: Namespace, of_variant: bool = False) -> None:
        self.options = options
        self.layout = Layout(read_run(options), options.results)
        variants = self.layout.run.variants
        self.variant: str | None = options.variant
        if self.variant is None and of_variant:
            self.variant = next(iter(variants))
        known = self.variant in variants or self.variant in self.layout.run.points
        if self.variant is not None and not known:
            raise LwpipeError(
                f"--variant {self.variant}: the configuration has no such variant or point; it has "
                f"{', '.join(variants)}."
            )
        self.settings: Settings = self.layout.settings(self.variant)

    def folder(self, stage: str) -> Path:
        """Return the folder of `stage`."""
        return Path(self.layout.folder(stage, self.variant))

    def output(self, stage: str) -> Path:
        """Return the folder to write."""
        return Path(self.options.output or self.folder(stage))

    def data(self) -> Path:
        """Return the folder of the data set."""
        return Path(self.options.data or self.folder("make_dataset"))

    def dataset(self) -> Dataset:
        """Open the data set."""
        from lwpipe.data.store import Dataset

        return Dataset.open(self.data())

    def weights_path(self) -> Path:
        """Return the file of the local weights."""
        default = self.folder("make_local_weights") / "local_weights.npz"
        return Path(self.options.weights or default)

    def weights(self) -> npt.NDArray[np.float32]:
        """Read the local weights, (V, K)."""
        from lwpipe.local_weights import load_local_weights

        return load_local_weights(self.weights_path())[0]

    def model(self) -> PartModel:
        """Load the trained model."""
        from lwpipe.model import load

        return load(self.options.model or self.folder("train_model"))


def say(text: str) -> None:
    """Print a line."""
    write(text + "\n")


def write(text: str) -> None:
    """Print text at once, also into a pipe."""
    sys.stdout.write(text)
    sys.stdout.flush()
