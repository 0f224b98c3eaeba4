"""The report of a run: all that its stages show, in sections by target."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import read_json
from lwpipe.core.stage import Output, Stage
from lwpipe.report.page import Figure, Section, Summary, Table, write_report
from lwpipe.report.summary import best_of, numbers_of
from lwpipe.report.viewers import Viewer, of_interpolation, of_parts, of_truth
from lwpipe.run.stages import STAGES, TARGETS, of_target

Paths = Mapping[str, str | Path]

_FRONT = (
    "Every variant and rival: how near edits come to what they should be, and how real they look."
)
_DATA_FACTS = {
    "source": "Source",
    "licence": "Licence",
    "train_faces": "Faces for training",
    "test_faces": "Faces for testing",
    "vertices": "Vertices",
    "triangles": "Triangles",
    "seed": "Seed",
    "content_sha256": "SHA-256 of the data",
}


def write_report_of_run(name: str, page: str | Path, **shown: Paths) -> None:
    """Write the report of a run as one self-contained HTML page.

    Parameters
    ----------
    name : of the run
    page : the page to write
    **shown : of each output that is shown, its path for each variant that has one ('' is the run);
        the arguments are named as the inputs of the stage `write_report`

    Raises
    ------
    LwpipeError
        If a file is missing, or is not what it should be.
    """
    turned = {name: _viewers(name, shown) for name in TARGETS}
    summary, used = _summary(shown, turned)
    sections = []
    for target in TARGETS.values():
        figures: list[Figure] = []
        tables: list[Table] = []
        facts: dict[str, Any] = {}
        for argument, stage, output in _shown(target.name):
            for variant, path in shown.get(argument, {}).items():
                if output.show == "figure":
                    figures += _figures(path, output, variant)
                elif output.show == "table":
                    tables.append(Table(Path(path), _caption(output, variant)))
            if output.show == "facts":
                facts |= _facts(stage, shown.get(argument, {}))
        viewers = [viewer for viewer in turned[target.name] if viewer not in used]
        if figures or tables or facts or viewers:
            sections.append(Section(target.title, target.text, figures, tables, viewers, facts))
    write_report(page, f"lwpipe: {name}", sections, summary)


def _summary(
    shown: Mapping[str, Paths], turned: Mapping[str, Sequence[Viewer]]
) -> tuple[Summary | None, Sequence[Viewer]]:
    """Return the first screen, None without a comparison; and the faces that are turned there."""
    table = shown.get("summarise__table", {}).get("")
    if table is None:
        return None, ()
    edits = [*turned["truth"], *turned["interpolation"]]
    drawn = list(dict.fromkeys(viewer.variant for viewer in edits))
    variant = best_of(table, drawn or list(shown.get("train_model__info", {})))
    if variant is None:
        return None, ()
    edit = next((viewer for viewer in edits if viewer.variant == variant), None)
    viewers = [*([edit] if edit else []), *turned["local_weights"]]
    front = shown.get("draw_tradeoff__front", {}).get("")
    figures = [] if front is None else [Figure(Path(front), _FRONT)]
    data = shown.get("make_dataset__dataset", {}).get("")
    about = "" if data is None else _about(_read(data)) + " "
    about += f"The edit and the numbers are those of {variant}."
    return Summary(about, variant, numbers_of(table, variant), viewers, figures), viewers


def _about(store: Mapping[str, Any]) -> str:
    """Say in a sentence what a data set has."""
    found = [
        f"{store[key]:,} {words}" if isinstance(store[key], int) else f"{store[key]} {words}"
        for key, words in (
            ("train_faces", "faces for training"),
            ("test_faces", "for testing"),
            ("vertices", "vertices"),
        )
        if key in store
    ]
    return f"Source {store.get('source', 'unknown')}: {', '.join(found)}."


def _viewers(target: str, shown: Mapping[str, Paths]) -> list[Viewer]:
    """Return the faces of a target that can be turned."""
    templates = shown.get("make_dataset__template", {})
    if not templates:
        return []
    made: list[Viewer | None] = []
    if target == "local_weights":
        weights = shown.get("make_local_weights__weights", {})
        made += [of_parts(templates[root], weights[root]) for root in ("",) if root in weights]
    # Of variants that are drawn.
    drawn = shown.get("draw_interpolation__output", {})
    for variant in drawn:
        template = templates.get(variant, templates[""])
        if target == "interpolation" and variant in shown.get("interpolate__faces", {}):
            made.append(of_interpolation(template, shown["interpolate__faces"][variant], variant))
        if target == "truth" and variant in shown.get("measure_truth__examples", {}):
            made.append(of_truth(template, shown["measure_truth__examples"][variant], variant))
    return [viewer for viewer in made if viewer is not None]


def _shown(target: str) -> Iterator[tuple[str, Stage, Output]]:
    """Yield the argument, the stage and the declaration of each output that a target shows."""
    for argument, wanted in STAGES["write_report"].inputs.items():
        stage = STAGES[wanted.stage]
        if stage in of_target(target):
            yield argument, stage, stage.outputs[wanted.files[0]]


def _caption(output: Output, variant: str) -> str:
    """Return the caption of the file of one variant."""
    if "{variant}" in output.caption:
        return output.caption.replace("{variant}", variant)
    return _of(output.caption.removesuffix("."), variant) + "." if variant else output.caption


def _of(words: str, variant: str) -> str:
    return f"{words} ({variant})" if variant else words


def _figures(path: str | Path, output: Output, variant: str) -> list[Figure]:
    """Return a picture, or those in a folder in the order of the patterns."""
    caption = _caption(output, variant)
    if not output.patterns:
        return [Figure(Path(path), caption)]
    globs = [re.sub(r"\{\w+\}", "*", pattern) for pattern in output.patterns]
    found = [file for glob in globs for file in sorted(Path(path).glob(glob))]
    if not found:
        raise LwpipeError(f"{path}: holds none of {', '.join(globs)}.")
    first, *others = found
    # What all of them show is said once.
    return [
        Figure(first, caption),
        *(Figure(file, _of(file.stem.replace("_", " "), variant)) for file in others),
    ]


def _facts(stage: Stage, paths: Paths) -> dict[str, Any]:
    if stage.name == "make_dataset":
        return _of_data(paths)
    if stage.name == "train_model":
        return _of_training(paths)
    facts: dict[str, Any] = {}
    for variant, path in paths.items():
        content = _read(path)
        facts |= {variant: content} if variant else content
    return facts


def _read(path: str | Path) -> dict[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict):
        raise LwpipeError(f"{path}: holds no facts by name.")
    return content


def _of_data(paths: Paths) -> dict[str, Any]:
    """Return what is to know of each data set."""
    stores = {variant: _read(path) for variant, path in paths.items()}
    return {
        _of(words, variant): str(store[key])
        for variant, store in stores.items()
        for key, words in _DATA_FACTS.items()
        if key in store
    }


def _of_training(paths: Paths) -> dict[str, Any]:
    """Return the settings of the first variant, and of the others what differs."""
    settings = {variant: _settings(path) for variant, path in paths.items()}
    first = next(iter(settings.values()), {})
    return {
        name: {
            key: value
            for key, value in own.items()
            if own is first or key not in first or value != first[key]
        }
        for name, own in settings.items()
    }


def _settings(path: str | Path) -> dict[str, Any]:
    """Return the settings that a model was made with, and how many numbers it has."""
    about = _read(path)
    try:
        return {
            **{f"model.{key}": value for key, value in about["model"].items()},
            **{f"training.{key}": value for key, value in about["info"]["training"].items()},
            "parameters": about["parameters"],
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise LwpipeError(f"{path}: does not describe a trained model: make it again.") from error
