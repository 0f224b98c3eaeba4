"""The report of a run: which figures and tables there are, and the words beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import read_json
from lwpipe.report.page import Figure, Section, Table, write_report
from lwpipe.run.layout import Layout

Paths = Sequence[str | Path]

_FACTS = {
    "source": "Source",
    "licence": "Licence",
    "train_faces": "Faces for training",
    "test_faces": "Faces for testing",
    "vertices": "Vertices",
    "triangles": "Triangles",
    "seed": "Seed",
    "content_sha256": "SHA-256 of the data",
}


def report_files(layout: Layout) -> dict[str, list[str]]:
    """Return the files that the report of a run shows, by kind.

    Parameters
    ----------
    layout : Layout
    """

    def shared(stage: str, file: str) -> list[str]:
        folder = layout.stage_folder(stage)
        return [f"{root}/{folder}/{file}" for root in layout.roots(stage)]

    def each(stage: str, file: str) -> list[str]:
        return [f"{layout.folder(stage, variant)}/{file}" for variant in layout.run.variants]

    rendered = dict.fromkeys(layout.run.base.interpolation.variants)
    return {
        "dataset": shared("make_dataset", "dataset.json"),
        "qc": shared("check_dataset", "qc.csv"),
        "contact_sheets": shared("draw_contact_sheet", "contact_sheet.png"),
        "pyramids": shared("make_pyramid", "pyramid.csv"),
        "local_weights": shared("draw_local_weights", "local_weights.png"),
        "models": each("train_model", "model.json"),
        "learning_curves": each("draw_learning_curve", "learning_curve.png"),
        "interpolations": [layout.folder("draw_interpolation", name) for name in rendered],
        "diversity": each("measure_diversity", "diversity.csv"),
        "diversity_figures": each("draw_diversity", "diversity.png"),
        "summary": shared("summarise", "summary.csv"),
        "summary_figure": shared("draw_summary", "summary.png"),
        "tradeoff": shared("draw_tradeoff", "tradeoff.png"),
        # Without a sweep these are empty.
        "sweep": shared("collect_sweep", "sweep.csv"),
        "sweep_figure": shared("draw_sweep", "sweep.png"),
    }


def write_run_report(name: str, files: Mapping[str, Paths], output_html: str | Path) -> None:
    """Write the report of a run as one self-contained HTML page.

    Parameters
    ----------
    name : name of the run
    files : as `report_files` returns them
    output_html : the page

    Raises
    ------
    LwpipeError
        If a file is missing.
    """
    write_report(
        output_html,
        f"lwpipe: {name}",
        [
            _data(files),
            Section(
                "Template pyramid",
                "Each level keeps a subset of the vertices of the one before. The model pools by "
                "that selection and unpools by barycentric interpolation.",
                tables=[_table(path, "Levels", path) for path in files["pyramids"]],
            ),
            Section(
                "Local weights",
                "Sparse non-negative matrix factorisation of the displacements finds the parts. "
                "The weights of a vertex sum to 1.",
                figures=[_figure(path, "Local weights", path) for path in files["local_weights"]],
            ),
            Section(
                "Variants",
                "Every variant and the closed-form baselines. Distances are in mm. r: correlation "
                "of an edit with the local weight of its part; leak: mean edit where the weight is "
                "below 0.1 over that where it is above 0.5. An edit must be local and plausible: "
                "either alone is trivial.",
                figures=[
                    *(
                        Figure(Path(path), "Leak against plausibility")
                        for path in files["tradeoff"]
                    ),
                    *(Figure(Path(path), "All measures") for path in files["summary_figure"]),
                ],
                tables=[Table(Path(path), "All measures") for path in files["summary"]],
            ),
            *_sweep(files),
            Section(
                "Interpolations",
                "One part at a time moves from a source to a target face: one row a part, one "
                "column a step, and last the distance from the first to the last face of the row.",
                figures=[
                    _figure(path, path.stem.replace("_", " "), folder)
                    for folder in files["interpolations"]
                    for path in _pictures(Path(folder))
                ],
            ),
            Section(
                "Diversity",
                "Encodings of training, test and synthesised faces in the plane, with 2-sigma "
                "ellipses, and the areas of the ellipses.",
                figures=[_figure(path, "Encodings", path) for path in files["diversity_figures"]],
                tables=[_table(path, "Areas", path) for path in files["diversity"]],
            ),
            Section(
                "Training",
                "Losses and errors over the epochs; the settings of the first variant, and of each "
                "other what differs from them.",
                figures=[
                    _figure(path, "Learning curve", path) for path in files["learning_curves"]
                ],
                facts=_training(files["models"]),
            ),
        ],
    )


def _data(files: Mapping[str, Paths]) -> Section:
    stores = {str(path): read_json(path) for path in files["dataset"]}
    facts = {
        f"{_FACTS[key]}{_variant(path)}": str(store[key])
        for path, store in stores.items()
        for key in _FACTS
        if key in store
    }
    return Section(
        "Data",
        "Faces of one topology, held out by seed for testing, in millimetres.",
        figures=[_figure(path, "Faces", path) for path in files["contact_sheets"]],
        tables=[_table(path, "Checks of the meshes", path) for path in files["qc"]],
        facts=facts,
    )


def _sweep(files: Mapping[str, Paths]) -> list[Section]:
    """Return the section of the sweep where there is one."""
    if not files.get("sweep"):
        return []
    return [
        Section(
            "Sweep",
            "The model trained and evaluated at every combination of the swept keys; everything "
            "else is as in the rest of the configuration. Measures as in the table of variants.",
            figures=[
                Figure(Path(path), "Measures over the swept keys") for path in files["sweep_figure"]
            ],
            tables=[Table(Path(path), "All points") for path in files["sweep"]],
        )
    ]


def _training(models: Paths) -> dict[str, object]:
    """Return the settings of the first variant, and of the others what differs."""
    settings = {
        _variant(path).strip(" ()"): {
            **{f"model.{key}": value for key, value in about["model"].items()},
            **{f"training.{key}": value for key, value in about["info"]["training"].items()},
            "parameters": about["parameters"],
        }
        for path, about in ((path, read_json(path)) for path in models)
    }
    first = next(iter(settings.values()))
    return {
        name: {key: value for key, value in own.items() if own is first or value != first[key]}
        for name, own in settings.items()
    }


def _pictures(folder: Path) -> list[Path]:
    """Return the sheets and animations of one variant, sheets first."""
    found = [
        path for suffix in ("png", "gif", "mp4") for path in sorted(folder.glob(f"pair_*.{suffix}"))
    ]
    if not found:
        raise LwpipeError(f"{folder}: holds no picture of an interpolation.")
    return found


def _variant(path: str | Path) -> str:
    """Return ' (variant)' for a file inside the folder of a variant."""
    parts = Path(path).parts
    if "variants" not in parts:
        return ""
    position = len(parts) - 1 - parts[::-1].index("variants")
    return f" ({parts[position + 1]})"


def _figure(path: str | Path, caption: str, place: str | Path) -> Figure:
    return Figure(Path(path), caption + _variant(place))


def _table(path: str | Path, caption: str, place: str | Path) -> Table:
    return Table(Path(path), caption + _variant(place))
