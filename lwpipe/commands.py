"""What each command of `lwpipe` does: read the configuration, find the files, call one stage."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from lwpipe.config.document import default_yaml, json_schema
from lwpipe.config.load import Run, merge, read_yaml, validate_run
from lwpipe.config.schema import SHIPPED_VARIANTS, Settings
from lwpipe.config.stages import Layout
from lwpipe.errors import LwpipeError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from lwpipe.data.store import Dataset
    from lwpipe.model import PartModel

# Stage modules are imported inside the commands, after the configuration has been read: neither
# help nor a fault in a key must wait for PyTorch.


def version() -> str:
    """Return 'lwpipe' and its version."""
    from lwpipe import __version__

    return f"lwpipe {__version__}"


def read_run(options: Namespace) -> Run:
    """Validate what --config and --set come to.

    Files are laid over `config.yaml` of the current folder, as the workflow does it, or over the
    defaults where there is none.

    Raises
    ------
    LwpipeError
        As `lwpipe.config.load_run`.
    """
    files = [str(file) for file in options.config]
    own = Path("config.yaml")
    layers: list[tuple[str, Mapping[str, Any]]] = [("defaults", {"variants": SHIPPED_VARIANTS})]
    if own.exists() and str(own) not in files:
        layers.append((str(own), read_yaml(own)))
    layers += [(file, read_yaml(file)) for file in files]
    for key, value in options.set:
        nested: Any = value
        for part in reversed(key.split(".")):
            nested = {part: nested}
        layers.append(("command line", nested))
    merged: dict[str, Any] = {}
    for _, layer in layers:
        merged = merge(merged, layer)
    return validate_run(merged, layers)


class _Context:
    """The configuration and the paths of one command."""

    def __init__(self, options: Namespace, of_variant: bool = False) -> None:
        self.options = options
        self.layout = Layout(read_run(options), options.results)
        variants = self.layout.run.variants
        self.variant: str | None = options.variant
        if self.variant is None and of_variant:
            self.variant = next(iter(variants))
        if self.variant is not None and self.variant not in variants:
            raise LwpipeError(
                f"--variant {self.variant}: the configuration has no such variant; it has "
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
        from lwpipe.weights import load_local_weights

        return load_local_weights(self.weights_path())[0]

    def model(self) -> PartModel:
        """Load the trained model."""
        from lwpipe.model import load

        return load(self.options.model or self.folder("train_model"))


def data(options: Namespace) -> None:
    """Make the data set."""
    context = _Context(options)

    from lwpipe.data.convert import make_dataset

    output = context.output("make_dataset")
    made = make_dataset(context.settings.data, output)
    _say(f"{output}: {len(made.vertices)} faces of {made.vertices.shape[1]} vertices")


def qc(options: Namespace) -> None:
    """Check the meshes and draw the contact sheet."""
    context = _Context(options)

    from lwpipe.data.qc import check_dataset
    from lwpipe.figures.contact_sheet import draw_contact_sheet

    output = context.output("check_dataset")
    check_dataset(context.data(), output / "qc.csv")
    draw_contact_sheet(context.data(), output / "contact_sheet.png", context.settings.figures)
    _say(f"{output}: qc.csv, contact_sheet.png")


def template(options: Namespace) -> None:
    """Make the mesh pyramid."""
    context = _Context(options)

    from lwpipe.pyramid import make_pyramid

    output = context.output("make_pyramid")
    make_pyramid(
        context.data(), output / "pyramid.npz", output / "pyramid.csv", context.settings.template
    )
    _say(f"{output}: pyramid.npz, pyramid.csv")


def weights(options: Namespace) -> None:
    """Factorise the faces and draw the local weights."""
    context = _Context(options)

    from lwpipe.figures.local_weights import draw_local_weights
    from lwpipe.weights import make_local_weights

    output = context.output("make_local_weights")
    file = output / "local_weights.npz"
    make_local_weights(
        context.data(), file, output / "local_weights.json", context.settings.local_weights
    )
    picture = output / "local_weights.png"
    draw_local_weights(context.data(), file, picture, context.settings.figures)
    _say(f"{output}: local_weights.npz, local_weights.json, local_weights.png")


def train(options: Namespace) -> None:
    """Train one variant and draw its learning curve."""
    context = _Context(options, of_variant=True)

    from lwpipe.figures.learning_curve import draw_learning_curve
    from lwpipe.training import train as run_training

    output = context.output("train_model")
    pyramid = options.pyramid or context.folder("make_pyramid") / "pyramid.npz"
    run_training(
        context.data(),
        pyramid,
        context.weights_path(),
        output,
        options.checkpoints or output.with_name("checkpoints"),
        context.settings.model,
        context.settings.training,
        resume=options.resume,
        tensorboard=output.with_name("tensorboard"),
    )
    picture = output / "learning_curve.png"
    draw_learning_curve(output / "history.csv", picture, context.settings.figures)
    _say(f"{output}: model.safetensors, model.json, history.csv, learning_curve.png")


def evaluate(options: Namespace) -> None:
    """Measure one variant."""
    context = _Context(options, of_variant=True)

    from lwpipe.measures.evaluate import evaluate_model

    output = context.output("evaluate_model")
    evaluate_model(
        context.dataset(),
        context.weights(),
        context.model(),
        output / "measures.json",
        output / "parts.csv",
        context.settings.evaluation,
    )
    _say(f"{output}: measures.json, parts.csv")


def baselines(options: Namespace) -> None:
    """Measure the baselines."""
    context = _Context(options)

    from lwpipe.measures.evaluate import evaluate_baselines

    output = context.output("evaluate_baselines")
    evaluate_baselines(
        context.dataset(),
        context.weights(),
        output / "measures.json",
        output / "parts.csv",
        context.settings.evaluation,
        components=context.settings.model.latent_size,
    )
    _say(f"{output}: measures.json, parts.csv")


def interpolate(options: Namespace) -> None:
    """Render the interpolations of one variant."""
    context = _Context(options, of_variant=True)

    from lwpipe.figures.interpolation import draw_interpolation

    output = context.output("draw_interpolation")
    draw_interpolation(
        context.dataset(),
        context.weights(),
        context.model(),
        output,
        context.settings.interpolation,
        context.settings.figures,
    )
    _say(f"{output}: sheets, animations and tables of each pair")


def diversity(options: Namespace) -> None:
    """Measure and draw the diversity of one variant."""
    context = _Context(options, of_variant=True)

    from lwpipe.figures.diversity import draw_diversity
    from lwpipe.measures.diversity import measure_diversity

    output = context.output("measure_diversity")
    points = output / "points.csv"
    measure_diversity(
        context.dataset(),
        context.model(),
        points,
        output / "diversity.csv",
        context.settings.diversity,
    )
    draw_diversity(points, output / "diversity.png", context.settings.figures)
    _say(f"{output}: points.csv, diversity.csv, diversity.png")


def summary(options: Namespace) -> None:
    """Compare all variants and baselines."""
    context = _Context(options)

    from lwpipe.figures.ablation import draw_summary, draw_tradeoff
    from lwpipe.measures.summary import summarise

    layout = context.layout
    output = context.output("summarise")
    table = output / "summary.csv"
    summarise(
        {v: f"{layout.folder('evaluate_model', v)}/measures.json" for v in layout.run.variants},
        {v: f"{layout.folder('measure_diversity', v)}/diversity.csv" for v in layout.run.variants},
        context.folder("evaluate_baselines") / "measures.json",
        table,
    )
    draw_summary(table, output / "summary.png", context.settings.figures)
    draw_tradeoff(table, output / "tradeoff.png", context.settings.figures)
    _say(f"{output}: summary.csv, summary.png, tradeoff.png")


def report(options: Namespace) -> None:
    """Gather everything on one page."""
    context = _Context(options)

    from lwpipe.report import report_files, write_run_report

    page = context.output("write_report") / "report.html"
    write_run_report(context.layout.run.name, report_files(context.layout), page)
    _say(str(page))


def edit(options: Namespace) -> None:
    """Move one part of a face towards another face's and write the mesh."""
    import numpy as np

    from lwpipe.editing import blend_part
    from lwpipe.mesh import write_ply
    from lwpipe.model import load

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
    source, target = model.parts(model.encode(np.stack(faces)))
    parts = blend_part(source, target, options.part, options.alpha)
    write_ply(options.output, model.decode(parts[None])[0], model.triangles)
    _say(options.output)


def _face(word: str, folder: str | None) -> npt.NDArray[np.float32]:
    """Read a mesh file, or a face of a data set by its id, (V, 3) in mm."""
    import numpy as np

    from lwpipe.data.mesh_faults import MeshError
    from lwpipe.data.mesh_readers import read_mesh
    from lwpipe.data.store import Dataset

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


def check_config(options: Namespace) -> None:
    """Say that a configuration is valid."""
    run = read_run(options)
    _say(f"valid: run {run.name!r} with the variants {', '.join(run.variants)}")


def show_config(options: Namespace) -> None:
    """Print settings as YAML."""
    options.results = "results"
    context = _Context(options)
    values = {"name": context.layout.run.name, **context.settings.model_dump()}
    _print(yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def print_defaults(options: Namespace) -> None:
    """Print the documented defaults."""
    _print(default_yaml())


def print_schema(options: Namespace) -> None:
    """Print the JSON schema."""
    _print(json.dumps(json_schema(), indent=2) + "\n")


def _say(text: str) -> None:
    _print(text + "\n")


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
