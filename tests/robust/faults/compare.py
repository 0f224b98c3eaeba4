"""Which files of a run are the same bytes every time, and what is compared of the others."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import torch
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event

from lwpipe.report.stage import write_report_of_run
from lwpipe.run import load_run
from lwpipe.run.layout import Layout

from .process import FILES

# Gives what must be equal in two runs, or raises if the file is not whole. Root, and path in it.
Read = Callable[[Path, Path], Any]


@dataclass(frozen=True)
class Differs:
    """A kind of file that differs between undisturbed runs of the same settings.

    Attributes
    ----------
    pattern : of paths below the folder with `results`
    reason : what differs, in words for a reader of the documentation
    read : what is compared instead of the bytes, and shows that the file is whole
    grows : it is added to or replaced while its job runs: what is there after a kill may be less
        than in the end
    """

    pattern: str
    reason: str
    read: Read
    grows: bool = False


def _without(column: str) -> Read:
    def read(root: Path, path: Path) -> Any:
        text = (root / path).read_text(encoding="utf-8")
        if not text.endswith("\n"):
            raise ValueError("the last line is cut off")
        rows = list(csv.DictReader(io.StringIO(text), strict=True))
        for row in rows:
            float(row.pop(column) or 0.0)
        return rows

    return read


def _measures(root: Path, path: Path) -> Any:
    measures = json.loads((root / path).read_text(encoding="utf-8"))
    measures["model"].pop("seconds")
    return measures


def _report(root: Path, path: Path) -> Any:
    """Write the page again from the files that it shows, which are compared by themselves."""
    again = root / path.with_name(".again.html")
    try:
        with chdir(root):  # the captions of the page come from the paths
            shown = _layout().inputs("write_report")
            paths = {name: {k: files[0] for k, files in of.items()} for name, of in shown.items()}
            write_report_of_run(_layout().run.name, again, **paths)
        return again.read_bytes() == (root / path).read_bytes() or _fail("is not of its files")
    finally:
        again.unlink(missing_ok=True)


def _checkpoint(root: Path, path: Path) -> Any:
    _, _, payload = (root / path).read_bytes().partition(b"\n")
    state = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    for row in state["position"]["history"]:
        del row["seconds"]
    return _plain(state)


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return (str(value.dtype), value.shape, value.numpy().tobytes())
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value


def _events(root: Path, path: Path) -> Any:
    events = [Event.FromString(raw) for raw in RawEventFileLoader(str(root / path)).Load()]
    return [
        (event.step, value.tag, value.simple_value)
        for event in events
        for value in event.summary.value
        if value.tag != "seconds"
    ]


def _log(root: Path, path: Path) -> Any:
    lines = (root / path).read_text(encoding="utf-8").splitlines()
    return bool(re.match(r"done in [\d.]+ s", lines[-1])) or _fail("does not end with the time")


def _benchmark(root: Path, path: Path) -> Any:
    header, *rows = (root / path).read_text(encoding="utf-8").splitlines()
    return (header, len(rows))


def _marker(root: Path, path: Path) -> Any:
    return (root / path).stat().st_size


def _fail(reason: str) -> Any:
    raise ValueError(reason)


_SECONDS = "seconds of training"
_COLUMN = f"column `seconds`: {_SECONDS}"
_PRINTED = "what a job printed, with seconds and memory; written line by line"
DIFFERENT = (
    Differs("*/training/history.csv", _COLUMN, _without("seconds")),
    Differs("*/evaluation/measures.json", f"`model.seconds`: {_SECONDS}", _measures),
    Differs("*/ablation/summary.csv", _COLUMN, _without("seconds")),
    Differs("*/report/report.html", f"shows the {_SECONDS}", _report),
    Differs("*/checkpoints/history.csv", _COLUMN, _without("seconds"), grows=True),
    Differs("*/checkpoints/*.pt", f"holds the {_SECONDS}", _checkpoint, grows=True),
    Differs("*/tensorboard/*", f"`seconds` and the times of the events: {_SECONDS}", _events),
    Differs("*/logs/*.log", _PRINTED, _log, grows=True),
    Differs("*/benchmarks/*.tsv", "Snakemake's seconds and memory", _benchmark, grows=True),
    Differs("*/.snakemake_timestamp", "Snakemake's mark of a folder, empty", _marker, grows=True),
)


def _layout() -> Layout:
    return Layout(load_run(FILES))


def rule_of(path: Path) -> Differs | None:
    """Return the row of the table for a file, None for one whose bytes are always the same."""
    return next((row for row in DIFFERENT if fnmatch(str(path), row.pattern)), None)


def files(root: Path) -> set[Path]:
    """Return all files below `results`, hidden ones of Snakemake too, relative to the root."""
    return {
        path.relative_to(root)
        for path in (root / "results").rglob("*")
        if path.is_file() and not temporary(path)
    }


def temporary(path: Path) -> bool:
    """Say whether a file is the hidden one that a process writes before it renames it."""
    return path.name.startswith(".") and path.name != ".snakemake_timestamp"


def temporaries(root: Path) -> list[Path]:
    """Return the hidden temporary files below `results`."""
    found = (root / "results").rglob("*")
    return [path.relative_to(root) for path in found if path.is_file() and temporary(path)]


def faults(reference: Path, root: Path, finished: bool) -> Iterator[str]:
    """Say what is wrong with the files of a run, each fault in one sentence.

    Parameters
    ----------
    reference : folder of the undisturbed run
    root : folder of the run
    finished : whether it has ended: then every file must be there, and every file as in the
        reference; before, every file that is there must be whole
    """
    expected, found = files(reference), files(root)
    for path in sorted(found - expected):
        yield f"{path}: an undisturbed run has no such file"
    if finished:
        for path in sorted(expected - found):
            yield f"{path}: is missing"
        for path in temporaries(root):
            yield f"{path}: is left over"
    for path in sorted(found & expected):
        row = rule_of(path)
        if row is None:
            if (root / path).read_bytes() != (reference / path).read_bytes():
                yield f"{path}: other bytes than undisturbed"
            continue
        if row.grows and not finished and path.suffix != ".pt":
            continue
        try:
            content = row.read(root, path)
        except Exception as error:
            yield f"{path}: is not whole ({type(error).__name__}: {error})"
            continue
        if (finished or not row.grows) and content != row.read(reference, path):
            yield f"{path}: differs in more than {row.reason}"
