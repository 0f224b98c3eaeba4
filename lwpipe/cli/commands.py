"""What each command of `lwpipe` does: read the configuration, find the files, call one stage."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from lwpipe.cli.context import Context, say
from lwpipe.core.errors import LwpipeError

# Stage modules are imported inside the commands, after the configuration has been read: neither
# help nor a fault in a key must wait for PyTorch.


def version() -> str:
    """Return 'lwpipe' and its version."""
    from lwpipe import __version__

    return f"lwpipe {__version__}"


def data(options: Namespace) -> None:
    """Make the data set."""
    context = Context(options)

    from lwpipe.data.make import make_dataset

    output = context.output("make_dataset")
    made = make_dataset(context.settings.data, output)
    say(f"{output}: {len(made.vertices)} faces of {made.vertices.shape[1]} vertices")


def qc(options: Namespace) -> None:
    """Check the meshes and draw the contact sheet."""
    context = Context(options)

    from lwpipe.data.check import check_dataset
    from lwpipe.figures.contact_sheet import draw_contact_sheet

    output = context.output("check_dataset")
    check_dataset(context.data(), output / "qc.csv")
    draw_contact_sheet(context.data(), output / "contact_sheet.png", context.settings.figures)
    say(f"{output}: qc.csv, contact_sheet.png")


def template(options: Namespace) -> None:
    """Make the mesh pyramid."""
    context = Context(options)

    from lwpipe.template import make_pyramid

    output = context.output("make_pyramid")
    make_pyramid(
        context.data(), output / "pyramid.npz", output / "pyramid.csv", context.settings.template
    )
    say(f"{output}: pyramid.npz, pyramid.csv")


def weights(options: Namespace) -> None:
    """Factorise the faces and draw the local weights."""
    context = Context(options)

    from lwpipe.figures.local_weights import draw_local_weights
    from lwpipe.local_weights import make_local_weights

    output = context.output("make_local_weights")
    file = output / "local_weights.npz"
    make_local_weights(
        context.data(), file, output / "local_weights.json", context.settings.local_weights
    )
    picture = output / "local_weights.png"
    draw_local_weights(context.data(), file, picture, context.settings.figures)
    say(f"{output}: local_weights.npz, local_weights.json, local_weights.png")


def train(options: Namespace) -> None:
    """Train one variant and draw its learning curve."""
    context = Context(options, of_variant=True)

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
    say(f"{output}: model.safetensors, model.json, history.csv, learning_curve.png")


def evaluate(options: Namespace) -> None:
    """Measure one variant."""
    context = Context(options, of_variant=True)

    from lwpipe.evaluation.evaluate import evaluate_model

    output = context.output("evaluate_model")
    evaluate_model(
        context.dataset(),
        context.weights(),
        context.model(),
        output / "measures.json",
        output / "parts.csv",
        context.settings.evaluation,
    )
    say(f"{output}: measures.json, parts.csv")


def baselines(options: Namespace) -> None:
    """Measure the baselines."""
    context = Context(options)

    from lwpipe.evaluation.evaluate import evaluate_baselines

    output = context.output("evaluate_baselines")
    evaluate_baselines(
        context.dataset(),
        context.weights(),
        output / "measures.json",
        output / "parts.csv",
        context.settings.evaluation,
        components=context.settings.model.latent_size,
    )
    say(f"{output}: measures.json, parts.csv")


def interpolate(options: Namespace) -> None:
    """Render the interpolations of one variant."""
    context = Context(options, of_variant=True)

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
    say(f"{output}: sheets, animations and tables of each pair")


def diversity(options: Namespace) -> None:
    """Measure and draw the diversity of one variant."""
    context = Context(options, of_variant=True)

    from lwpipe.evaluation.diversity import measure_diversity
    from lwpipe.figures.diversity import draw_diversity

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
    say(f"{output}: points.csv, diversity.csv, diversity.png")


def summary(options: Namespace) -> None:
    """Compare all variants and baselines."""
    context = Context(options)

    from lwpipe.evaluation.summary import summarise
    from lwpipe.figures.ablation import draw_summary, draw_tradeoff

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
    say(f"{output}: summary.csv, summary.png, tradeoff.png")


def sweep(options: Namespace) -> None:
    """Collect and draw the points of the sweep that have been evaluated."""
    context = Context(options)

    from lwpipe.evaluation.sweep import collect_sweep
    from lwpipe.figures.sweep import draw_sweep

    layout, points = context.layout, context.layout.run.points
    if not points:
        raise LwpipeError("The configuration has no `sweep`.")
    output = context.output("collect_sweep")
    table = output / "sweep.csv"
    measures = {p: Path(layout.folder("evaluate_point", p)) / "measures.json" for p in points}
    there = {point: path for point, path in measures.items() if path.exists()}
    collect_sweep({point: points[point].values for point in points}, there, table)
    draw_sweep(table, output / "sweep.png", context.settings.figures)
    say(f"{output}: sweep.csv, sweep.png with {len(there)} of {len(points)} points")


def report(options: Namespace) -> None:
    """Gather everything on one page."""
    context = Context(options)

    from lwpipe.report import report_files, write_run_report

    page = context.output("write_report") / "report.html"
    write_run_report(context.layout.run.name, report_files(context.layout), page)
    say(str(page))
