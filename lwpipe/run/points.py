"""A sweep: the grid over keys of the configuration, its points, and their names."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from lwpipe.core.errors import LwpipeError
from lwpipe.run.faults import (
    Layers,
    all_keys,
    child_section,
    file_of,
    nearest_key,
    reason,
    sentence,
)
from lwpipe.run.run import Point
from lwpipe.run.schema import RUN_KEYS, RunSettings, Settings
from lwpipe.run.stages import chain_keys, choices, holds

MAX_POINTS = 10_000
# The stage whose files a point is made for: it and the stages before it are all of a point.
LAST_STAGE = "evaluate_point"
# A folder's name may have 255 bytes.
_MAX_NAME = 200


def sweep_points(
    grid: Mapping[str, Sequence[Any] | None], base: Settings, layers: Layers = ()
) -> dict[str, Point]:
    """Return every point of the grid by its name, the last key changing fastest.

    Keys stand in the order of the schema, whatever their order in the file: to write them in
    another order changes neither names nor points.

    Parameters
    ----------
    grid : dotted keys, each with its values, or None for a key that is left out
    base : settings that the points lie over
    layers : configuration files; they let an error name the file

    Raises
    ------
    LwpipeError
        One sentence naming the file, the key, the fault, and the nearest valid key.
    """
    swept = {key: values for key, values in grid.items() if values is not None}
    for key in swept:
        _check_key(key, layers)
    checked = {key: _values(key, swept[key], layers) for key in all_keys() if key in swept}
    if not checked:
        return {}
    count = math.prod(map(len, checked.values()))
    if count > MAX_POINTS:
        file = file_of(layers, ("sweep",))
        raise LwpipeError(f"{file}: `sweep` has {count:,} points, more than {MAX_POINTS:,}.")
    points = {}
    for combination in itertools.product(*checked.values()):
        values = dict(zip(checked, combination, strict=True))
        points[point_name(values)] = Point(values, _settings(values, base, layers))
    _check_effect(points, layers)
    return points


def point_name(values: Mapping[str, Any]) -> str:
    """Return the name of a point, as 'training.cycle_weight=0.3__training.seed=0'.

    It can stand for a folder everywhere: it has letters, digits and '.=_+-' only, and at most 200
    of them; what else a text holds, and the end of a long name, is replaced by a hash. There is
    no comma, because Snakemake splits the wildcards of jobs that it sends to a cluster there.

    Examples
    --------
    >>> point_name({"training.cycle_weight": 0.3, "training.seed": 0})
    'training.cycle_weight=0.3__training.seed=0'
    """
    name = "__".join(f"{key}={_text(value)}" for key, value in values.items())
    return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 13]}-{_hash(name)}"


def value_at(settings: Settings, key: str) -> Any:
    """Return the value at a dotted key."""
    value: Any = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return "-".join(map(_text, value))
    text = str(value)
    safe = re.sub(r"[^A-Za-z0-9_.+-]", "_", text)
    return safe if safe == text and text else f"{safe}-{_hash(text)}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _check_key(key: str, layers: Layers) -> None:
    location = ("sweep", key)
    fault = ""
    if key not in set(all_keys(RunSettings)):
        known = nearest_key(Settings, tuple(key.split(".")), ("sweep",))
        raise LwpipeError(f"{file_of(layers, location)}: unknown key `sweep.{key}`{known}.")
    if key in RUN_KEYS:
        fault = "concerns the whole run and cannot be swept"
    elif isinstance(_field(key), type) and issubclass(_field(key), BaseModel):
        first = next(iter(_field(key).model_fields))
        fault = f"is a section: name a key in it, such as `sweep.{key}.{first}`"
    elif not any(holds(read, key) for read in chain_keys(LAST_STAGE)):
        fault = "is read by neither training nor evaluation: its points would be equal"
    if fault:
        raise LwpipeError(f"{file_of(layers, location)}: `sweep.{key}` {fault}.")


def _field(key: str) -> Any:
    """Return the type of a key, with its range."""
    *sections, last = key.split(".")
    section: Any = Settings
    for part in sections:
        section = child_section(section, part)
    field = section.model_fields[last]
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def _values(key: str, given: Sequence[Any], layers: Layers) -> list[Any]:
    """Return the values of one key as its type has them: 8e-3 is a number, 1 may be 1.0."""
    file = file_of(layers, ("sweep", key))
    if not given:
        raise LwpipeError(f"{file}: `sweep.{key}` is empty, expected a list of values.")
    kind: TypeAdapter[Any] = TypeAdapter(_field(key), config=ConfigDict(strict=True))
    values: list[Any] = []
    for value in given:
        try:
            checked = kind.validate_python(value)
        except ValidationError as error:
            raise LwpipeError(sentence(error, Settings, layers, ("sweep", key))) from None
        if checked in values:
            raise LwpipeError(f"{file}: `sweep.{key}` holds {value!r} twice.")
        values.append(checked)
    return values


def _settings(values: Mapping[str, Any], base: Settings, layers: Layers) -> Settings:
    """Return the settings of one point.

    Each value fits its key already: what can still be wrong is how they go together.
    """
    content = base.model_dump()
    for key, value in values.items():
        *sections, last = key.split(".")
        section = content
        for part in sections:
            section = section[part]
        section[last] = value
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        shown = ", ".join(f"{key} {_shown(value)}" for key, value in values.items())
        raise LwpipeError(
            f"{file_of(layers, ('sweep',))}: `sweep`: the point with {shown} is not possible: "
            f"{reason(error)}."
        ) from None


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, list | str) else _text(value)


def _check_effect(points: Mapping[str, Point], layers: Layers) -> None:
    """Refuse a key that some points do not read, such as one of another source."""
    for chosen in {choices(point.settings): None for point in points.values()}:
        read = chain_keys(LAST_STAGE, chosen)
        for key in next(iter(points.values())).values:
            if not any(holds(section, key) for section in read):
                section = key.partition(".")[0]
                raise LwpipeError(
                    f"{file_of(layers, ('sweep', key))}: `sweep.{key}` is not read where "
                    f"`{section}.source` is {dict(chosen)[section]}: its points would be equal."
                )
