"""Checks of a run: what its settings ask of its data, the data's source, and what was made."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from lwpipe.cli.doctor.check import Check, fault, ok, warning
from lwpipe.cli.doctor.members import Member
from lwpipe.core.errors import LwpipeError
from lwpipe.core.stage import Size
from lwpipe.data.settings import DataSettings
from lwpipe.data.split import count_test_faces
from lwpipe.run.layout import Layout
from lwpipe.run.schema import Settings
from lwpipe.template.settings import SMALLEST_LEVEL


def check_settings(name: str, members: Sequence[Member]) -> Iterator[Check]:
    """Check what the keys of a valid configuration ask of each other and of the data.

    Parameters
    ----------
    name : of the run
    members : its variants and points
    """
    found = {
        check: None for member in members for check in _contradictions(member.settings, member.size)
    }
    yield from found
    if not any(check.status == "fault" for check in found):
        names = ", ".join(member.name for member in members)
        yield ok("configuration", f"valid: run {name!r} with {names}")


def _contradictions(settings: Settings, size: Size) -> Iterator[Check]:
    data, faces, vertices = settings.data, size.faces, size.vertices
    test = count_test_faces(faces, data.test_fraction)
    parts, factors = settings.local_weights.parts, settings.template.factors
    found = min(vertices, faces - test) if settings.local_weights.source == "nmf" else vertices
    ends = settings.diversity.sources + settings.diversity.targets
    if parts > found:
        yield fault(
            "local_weights.parts",
            f"{parts} parts of {faces - test} training faces with {vertices} vertices",
            "use fewer parts or more faces",
        )
    if math.ceil(vertices / math.prod(factors)) < SMALLEST_LEVEL:
        yield fault(
            "template.factors",
            f"{factors} leave fewer than {SMALLEST_LEVEL} of about {vertices} vertices",
            "use fewer or smaller factors",
        )
    if test < 2 and data.source != "meshes":
        yield fault(
            "data.test_fraction",
            f"{test} of {faces} faces for testing, and measures need pairs of them",
            "raise data.faces or data.test_fraction",
        )
    if ends > faces:
        yield fault(
            "diversity.sources, targets",
            f"{ends} faces asked for and {faces} there",
            "lower them or raise data.faces",
        )
    if settings.training.batch_size > max(faces - test, 1):
        yield warning(
            "training.batch_size",
            f"{settings.training.batch_size} is more than the {faces - test} training faces",
            "an epoch is one step: a smaller batch learns more",
        )


def check_source(data: DataSettings) -> Check:
    """Check that what the data are made from is there."""
    try:
        return ok("data source", data.make_source().check())
    except LwpipeError as error:
        return fault("data source", str(error).rstrip("."), "see docs/data.md for what is needed")
    except OSError as error:
        return fault("data source", f"{error.filename}: {error.strerror}", "make it readable")


def check_painted(members: Sequence[Member]) -> Iterator[Check]:
    """Check that the files with painted local weights are there."""
    checks: dict[Check, None] = {}
    for settings in (member.settings.local_weights for member in members):
        try:
            found = [ok("local weights", str(file)) for file in settings.user_files()]
        except LwpipeError as error:
            found = [fault("local weights", str(error).rstrip("."), "name the file you painted")]
        checks |= dict.fromkeys(found)
    yield from checks


def check_results(layout: Layout, members: Sequence[Member]) -> Iterator[Check]:
    """Check what earlier runs have left: the data set, models and checkpoints."""
    yield from _data_sets(members)
    folders = {Path(layout.folder("train_model", member.name)) for member in members}
    models = [folder for folder in sorted(folders) if (folder / "model.json").is_file()]
    damaged = _faults(_read_model, models)
    if damaged:
        yield fault(
            "models", damaged[0].rstrip("."), "train that variant again: --forcerun train_model"
        )
    elif models:
        yield ok("models", f"{len(models)} trained, all as they were written")
    files = [
        file
        for folder in sorted(folders)
        for file in sorted((folder.parent / "checkpoints").glob("*.pt"))
        if not file.name.startswith(".")
    ]
    bad = _faults(_read_checkpoint, files)
    if bad:
        yield warning(
            "checkpoints",
            f"{len(bad)} of {len(files)} cannot be used: {bad[0].rstrip('.')}",
            "remove it: training goes on from one of the others, or starts over",
        )
    elif files:
        yield ok("checkpoints", f"{len(files)}, all as they were written")


def _data_sets(members: Sequence[Member]) -> Iterator[Check]:
    from lwpipe.data.store import Dataset

    for folder, settings in {member.data: member.settings for member in members}.items():
        if not (Path(folder) / "dataset.json").is_file():
            continue
        try:
            dataset = Dataset.open(folder)
        except LwpipeError as error:
            yield fault(
                "data set", str(error).rstrip("."), "make it again: --forcerun make_dataset"
            )
            continue
        yield ok("data set", f"{folder}: {len(dataset.faces)} faces, as they were written")
        ids = set(dataset.faces["id"])
        for name in (name for pair in settings.interpolation.pairs or () for name in pair):
            if name not in ids:
                yield fault(
                    "interpolation.pairs", f"{folder} has no face {name!r}", "name ids of faces.csv"
                )


def _faults(read: Callable[[Path], object], paths: Iterable[Path]) -> list[str]:
    """Return what is wrong with the files that cannot be read."""
    found = []
    for path in paths:
        try:
            read(path)
        except LwpipeError as error:
            found.append(str(error))
    return found


def _read_model(folder: Path) -> object:
    from lwpipe.model.archive import read_arrays, read_description

    about = read_description(folder / "model.json")
    return read_arrays(folder / "model.safetensors", about["weights_sha256"])


def _read_checkpoint(file: Path) -> object:
    from lwpipe.training.checkpoint import read_checkpoint

    return read_checkpoint(file)
