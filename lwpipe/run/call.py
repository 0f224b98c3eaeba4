"""The one way from the declaration of a stage to its function, for commands and for jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lwpipe.core.stage import Input, Stage

Paths = Mapping[str, Sequence[str | Path]]


def call(
    stage: Stage,
    inputs: Mapping[str, Paths],
    folder: str | Path,
    settings: Mapping[str, Any],
    about: Mapping[str, Any],
    switches: Mapping[str, Any] | None = None,
) -> Any:
    """Call the function of a stage.

    Parameters
    ----------
    stage : Stage
    inputs : of each input, the files that it names, by member, as `Layout.inputs` returns them
    folder : where the outputs are written
    settings : values of each section that the stage reads, as `read_settings` returns them
    about : the facts of the run that it is called with
    switches : flags of the command, by argument

    Returns
    -------
    what the function returns
    """
    arguments: dict[str, Any] = {
        name: _taken(wanted, inputs[name]) for name, wanted in stage.inputs.items()
    }
    for section, kind in stage.reads.items():
        arguments[section] = kind.model_validate(settings[section])
    if stage.gives == "folder":
        arguments["output"] = Path(folder)
    else:
        for name, output in stage.outputs.items():
            arguments[name] = Path(folder) / output.file
    return stage.load()(**arguments, **about, **(switches or {}))


def about_run(stage: Stage, name: str, points: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of the run that a stage asks for.

    Parameters
    ----------
    stage : Stage
    name : of the run
    points : values of the swept keys at each point
    """
    facts = {"name": name, "points": points}
    return {fact: facts[fact] for fact in stage.about}


def _taken(wanted: Input, members: Paths) -> Any:
    """Return what the function gets of an input."""
    if wanted.take == "each":
        return {label: Path(files[0]) for label, files in members.items()}
    first = Path(members[""][0])
    return first.parent if wanted.take == "folder" else first
