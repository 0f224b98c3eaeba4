"""The commands of the stages, one a target, made from the stages' declarations."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lwpipe.cli.context import Context, add_configuration, say
from lwpipe.core.errors import LwpipeError
from lwpipe.core.stage import Input, Stage, Target
from lwpipe.run.call import about_run, call
from lwpipe.run.stages import STAGES, TARGETS, of_target, read_settings


def add_commands(subparsers: Any) -> None:
    """Add the command of every target."""
    for target in TARGETS.values():
        stages = _stages(target)
        if stages:
            _add(subparsers, target, stages)


def _stages(target: Target) -> list[Stage]:
    """Return the stages of a command: those of single points are the workflow's alone."""
    return [stage for stage in of_target(target.name) if stage.scope != "point"]


def _add(subparsers: Any, target: Target, stages: Sequence[Stage]) -> None:
    words = "; ".join(stage.does for stage in stages)
    parser = subparsers.add_parser(
        target.name, help=words, description=f"{words[:1].upper()}{words[1:]}."
    )
    add_configuration(parser)
    parser.add_argument("--variant", metavar="NAME", help="variant of the configuration")
    for stage in stages:
        for name, switch in stage.switches.items():
            parser.add_argument(
                switch.flag,
                dest=name,
                action="store_const",
                const=switch.value,
                help=switch.does,
            )
    if len(stages) > 1:
        parser.add_argument(
            "--only", metavar="STAGE", choices=[stage.name for stage in stages],
            help=f"one of {', '.join(stage.name for stage in stages)}",
        )  # fmt: skip
    group = parser.add_argument_group("paths, by default those of the workflow")
    group.add_argument("--results", metavar="FOLDER", default="results", help="of all runs")
    for name, wanted in _paths(stages).items():
        file = STAGES[wanted.stage].outputs[wanted.files[0]].file
        words = "data set" if wanted.take == "folder" else file
        metavar = "FOLDER" if wanted.take == "folder" else "FILE"
        group.add_argument(f"--{name}", metavar=metavar, help=f"{words}, made by {wanted.stage}")
    for stage in stages:
        for name, words in stage.places.items():
            group.add_argument(f"--{name}", metavar="FOLDER", help=words)
    group.add_argument("--output", metavar="FOLDER", help="results of the command")
    parser.set_defaults(command=_run, target=target.name, only=None)


def _paths(stages: Sequence[Stage]) -> dict[str, Input]:
    """Return the inputs that a command can be told the path of."""
    return {
        name: wanted
        for stage in stages
        for name, wanted in stage.inputs.items()
        if wanted.take != "each"
    }


def _run(options: argparse.Namespace) -> None:
    """Run the stages of a target, each on the files of one variant."""
    stages = _stages(TARGETS[options.target])
    context = Context(options)
    if context.variant is None:
        context.choose(stages)
    made: dict[Path, list[str]] = {}
    notes = []
    for stage in stages:
        if options.only in (None, stage.name):
            folder, note = _run_stage(stage, context, options, stages)
            made.setdefault(folder, []).extend(each.file for each in stage.outputs.values())
            notes.append(note)
    for folder, files in made.items():
        say(f"{folder}: {', '.join(files)}{''.join(notes)}")


def _run_stage(
    stage: Stage, context: Context, options: argparse.Namespace, stages: Sequence[Stage]
) -> tuple[Path, str]:
    """Run one stage; return the folder that it has written to, and what else is to be told."""
    layout, run = context.layout, context.layout.run
    if not layout.members(stage.name):
        raise LwpipeError(f"The configuration has no `{stage.target}`.")
    own = {each.name for each in stages}
    inputs: dict[str, Mapping[str, Sequence[str | Path]]] = {}
    note = ""
    for name, members in layout.inputs(stage.name, context.variant).items():
        wanted = stage.inputs[name]
        given = getattr(options, name, None)
        inputs[name] = members
        if wanted.partly:
            inputs[name] = {k: files for k, files in members.items() if Path(files[0]).exists()}
            note = f" with {len(inputs[name])} of {len(members)} points"
        elif wanted.take == "each":
            continue
        elif given:
            whole = wanted.take == "folder"
            inputs[name] = {"": [Path(given) / wanted.files[0] if whole else given]}
        elif wanted.stage in own and options.output:
            place = Path(options.output)
            inputs[name] = {"": [place / Path(file).name for file in members[""]]}
    folder = Path(options.output or layout.folder(stage.name, context.variant))
    points = {name: dict(point.values) for name, point in run.points.items()}
    switches = {
        name: getattr(options, name)
        for name in (*stage.switches, *stage.places)
        if getattr(options, name, None) is not None
    }
    call(
        stage,
        inputs,
        folder,
        read_settings(stage.name, context.settings),
        about_run(stage, run.name, points),
        switches,
    )
    return folder, note
