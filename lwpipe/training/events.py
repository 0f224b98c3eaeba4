"""The history of a training for TensorBoard."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from lwpipe.core.files import write_bytes

FILE_NAME = "events.out.tfevents.lwpipe"


def write_events(folder: Path, history: Sequence[Mapping[str, float]]) -> None:
    """Write the whole history as one event file, replacing those of earlier runs.

    TensorBoard's own writer keeps a thread that appends to its file: a full disk shows as a
    traceback of that thread, and a kill leaves a file cut off. Here the file is whole or not there.
    Its times are seconds of training, so that equal histories give equal bytes.

    Parameters
    ----------
    folder : made if missing
    history : one row an epoch, with the keys epoch, seconds and the measures

    Raises
    ------
    LwpipeError
        If the file cannot be written.
    """
    from tensorboard.compat.proto.event_pb2 import Event  # type: ignore[import-untyped]
    from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]
    from tensorboard.summary.writer.record_writer import (  # type: ignore[import-untyped]
        RecordWriter,
    )

    content = io.BytesIO()
    records = RecordWriter(content)
    records.write(Event(wall_time=0.0, file_version="brain.Event:2").SerializeToString())
    passed = 0.0
    for row in history:
        passed += row["seconds"]
        scalars = [
            Summary.Value(tag=name, simple_value=value)
            for name, value in row.items()
            if name != "epoch"
        ]
        event = Event(wall_time=passed, step=int(row["epoch"]), summary=Summary(value=scalars))
        records.write(event.SerializeToString())
    write_bytes(folder / FILE_NAME, content.getbuffer())
    for old in folder.glob("events.out.tfevents.*"):
        if old.name != FILE_NAME:
            old.unlink(missing_ok=True)
