"""The data stage: the one place that splits, aligns and writes the faces of any source."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from lwpipe.core.threads import one_blas_thread
from lwpipe.data.align import align_faces
from lwpipe.data.settings import SOURCES, DataSettings
from lwpipe.data.source import Opened
from lwpipe.data.split import draw_split
from lwpipe.data.store import Dataset, DatasetWriter

_LOG = logging.getLogger("lwpipe")


def make_dataset(data: DataSettings, output: str | Path) -> Dataset:
    """Convert the faces of the source that the settings name, and write the store in `output`.

    A conversion that fails writes nothing. What `data.split_by` tells is held out for testing as a
    whole, unless the source tells the splits.

    Parameters
    ----------
    data : the section `data`
    output : folder of the store

    Raises
    ------
    LwpipeError
        If the source is missing or cannot be used.
    """
    output = Path(output)
    made = [folder for folder in (output, *output.parents) if not folder.exists()]
    try:
        with one_blas_thread():
            return _convert(data, output)
    except BaseException:
        for folder in made:
            with suppress(OSError):  # it was not made, or another process writes there
                folder.rmdir()
        raise


def _convert(data: DataSettings, output: Path) -> Dataset:
    opened = data.make_source().open()
    splits = opened.splits or _draw(data, opened)
    count, vertex_count = len(opened.ids), opened.vertex_count
    with DatasetWriter(output, count, opened.triangles, vertex_count, data.colors) as writer:
        if data.colors:
            for rows, faces, colors in opened.colored_chunks(centred=data.aligned):
                writer[rows], writer.colors[rows] = faces, colors
        else:
            for rows, faces in opened.chunks(centred=data.aligned):
                writer[rows] = faces
        unit = opened.unit()
        if unit != 1.0:
            for row in range(count):
                writer.vertices[row] *= np.float32(unit)
        # Entries that the source has left room for keep their places.
        about = {"source": data.source, **opened.provenance()}
        about |= {"seed": data.seed, "test_fraction": data.test_fraction}
        if "split" in about and about["split"] is None:
            about["split"] = f"drawn by seed, whole {data.split_by}s"
        about["alignment"] = _align(data, writer, splits)
        table = _table(data.source, opened, splits)
        uv = opened.uv() if data.colors else None
        dataset = writer.close(table, about, opened.regions, uv)
    for note in opened.notes:
        _LOG.warning("lwpipe: note: %s", note)
    return dataset


def _draw(data: DataSettings, opened: Opened) -> list[str]:
    """Hold out whole subjects, expressions or single faces."""
    groups = {
        "subject": opened.subjects, "expression": opened.expressions, "face": opened.ids
    }[data.split_by]  # fmt: skip
    return draw_split(groups, data.test_fraction, data.seed, data.split_by)


def _align(data: DataSettings, writer: DatasetWriter, splits: Sequence[str]) -> Any:
    """Align the faces where they are to be, and return what `dataset.json` says of it."""
    if SOURCES[data.source].alignment == "never":
        return "none needed"
    if not data.aligned:
        return None
    train = np.flatnonzero(np.array(splits) == "train")
    return align_faces(writer.vertices, train, scale=data.scale).describe()


def _table(source: str, opened: Opened, splits: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of `faces.csv`."""
    columns = zip(opened.ids, splits, opened.subjects, opened.expressions, strict=True)
    return [
        {"id": name, "split": split, "subject": subject, "expression": words, "source": source}
        for name, split, subject, words in columns
    ]
