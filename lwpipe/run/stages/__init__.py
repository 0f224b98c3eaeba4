"""The stages of the workflow, one module a target, and what can be asked of all of them.

The workflow hands each job the settings that its stage reads and nothing else, so the declarations
decide which jobs a changed key reruns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from lwpipe.core.errors import LwpipeError
from lwpipe.core.plugins import objects
from lwpipe.core.stage import Input, Stage, Target

if TYPE_CHECKING:
    from lwpipe.run.schema import Settings


# Pairs of a section and its source.
Choices = tuple[tuple[str, str], ...]


def _targets() -> dict[str, Target]:
    found = {target.name: target for target in objects(__name__, Target)}
    return {target.name: target for target in sorted(found.values(), key=lambda each: each.place)}


def _stages() -> dict[str, Stage]:
    """Return all stages by name: in the order of their targets, each after those that it reads."""
    waiting: dict[str, Stage] = {}
    for stage in objects(__name__, Stage):
        if waiting.setdefault(stage.name, stage) is not stage:
            raise LwpipeError(f"there are two stages with the name {stage.name!r}.")
        if stage.target not in TARGETS:
            raise LwpipeError(f"the stage {stage.name!r} names no target: {stage.target!r}.")
    waiting = {
        stage.name: replace(stage, inputs=_all_shown(waiting)) if stage.shows else stage
        for stage in sorted(waiting.values(), key=lambda stage: TARGETS[stage.target].place)
    }
    ordered: dict[str, Stage] = {}
    while waiting:
        ready = [s for s in waiting.values() if all(before in ordered for before in s.after)]
        if not ready:
            raise LwpipeError(
                f"the stage {next(iter(waiting))!r} reads files of a stage that does not exist, or "
                "that reads its own."
            )
        ordered[ready[0].name] = waiting.pop(ready[0].name)
    return ordered


def _all_shown(stages: dict[str, Stage]) -> dict[str, Input]:
    return {
        f"{stage.name}__{name}": Input(stage.name, (name,), "each")
        for stage in stages.values()
        for name, output in stage.outputs.items()
        if output.show
    }


TARGETS = _targets()
STAGES = _stages()


def of_target(target: str) -> list[Stage]:
    """Return the stages of a target."""
    return [stage for stage in STAGES.values() if stage.target == target]


def choices(settings: Settings) -> Choices:
    """Return the key `source` of each section that has one: it decides which others are read."""
    return tuple(
        (section, getattr(settings, section).source)
        for section in type(settings).model_fields
        if hasattr(getattr(settings, section), "source")
    )


def read_keys(stage: str, chosen: Choices = ()) -> tuple[str, ...]:
    """Return the dotted keys that `stage` reads.

    A key may be a section, which stands for all keys in it.

    Parameters
    ----------
    stage : name in STAGES
    chosen : sources of sections; of others, the keys of any source are read
    """
    sources = dict(chosen)
    return tuple(
        f"{section}.{key}"
        for section, kind in STAGES[stage].reads.items()
        for key in kind.keys(sources.get(section))
    )


def read_settings(stage: str, settings: Settings) -> dict[str, Any]:
    """Return what `stage` reads of `settings`, as nested plain values.

    Each section of the result can be validated by the type that the stage declares.
    """
    read: dict[str, Any] = {}
    for key in read_keys(stage, choices(settings)):
        section, _, name = key.partition(".")
        read.setdefault(section, set()).add(name)
    return {
        section: getattr(settings, section).model_dump(include=names)
        for section, names in read.items()
    }


def upstream(stage: str) -> Iterator[str]:
    """Yield the stages that `stage` depends on, directly or not, each once."""
    seen: set[str] = set()
    queue = list(STAGES[stage].after)
    while queue:
        name = queue.pop(0)
        if name not in seen:
            seen.add(name)
            yield name
            queue.extend(STAGES[name].after)


@cache
def chain(stage: str) -> tuple[str, ...]:
    """Return `stage` and the stages that it depends on."""
    return (stage, *upstream(stage))


@cache
def chain_keys(stage: str, chosen: Choices = ()) -> frozenset[str]:
    """Return the keys that `stage` and the stages before it read, as `read_keys` does."""
    return frozenset(key for name in chain(stage) for key in read_keys(name, chosen))


def holds(read: str, key: str) -> bool:
    """Say whether `read`, a key or a section, is or contains `key`."""
    return key == read or key.startswith(f"{read}.")
