"""Say in one sentence, with file and key, what is wrong with a configuration."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from lwpipe.core.errors import LwpipeError
from lwpipe.core.settings import KeyFaultError
from lwpipe.run.schema import Settings

# (file name, what it holds) of each configuration file, lowest first.
Layers = Sequence[tuple[str, Mapping[str, Any]]]

_TYPE_NAMES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a section with keys",
    "model_type": "a section with keys",
    "model_attributes_type": "a section with keys",
}


def validate(
    schema: type[Any],
    config: Mapping[str, Any],
    layers: Layers,
    prefix: tuple[str, ...],
) -> Any:
    """Validate `config`, which is all of it or what lies at the key `prefix`.

    Raises
    ------
    LwpipeError
        One sentence naming the file of `layers`, the key and the fault.
    """
    try:
        return schema.model_validate(dict(config))
    except ValidationError as error:
        raise LwpipeError(sentence(error, schema, layers, prefix)) from None


def sentence(
    error: ValidationError,
    schema: type[BaseModel],
    layers: Layers,
    prefix: tuple[str, ...],
) -> str:
    """Say what is wrong: file, key, fault and, where there is one, the nearest valid word."""
    # An unknown key is the likeliest cause of whatever else is wrong: name it first.
    first = min(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    # pydantic marks the key itself, where the key of a mapping is at fault.
    location = tuple(str(part) for part in first["loc"] if part != "[key]")
    key = ".".join((*prefix, *location))
    file = file_of(layers, (*prefix, *location))
    kind = first["type"]
    if kind == "extra_forbidden":
        return f"{file}: unknown key `{key}`{nearest_key(schema, location, prefix)}."
    shown = repr(first["input"])
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    if kind == "value_error":
        fault = first["ctx"]["error"]
        if isinstance(fault, KeyFaultError):
            location = (*prefix, *location, fault.key)
            return f"{file_of(layers, location)}: `{'.'.join(location)}` {fault}."
        return f"{file}: {f'`{key}`: ' if key else ''}{fault}."
    if kind == "string_type" and isinstance(first["input"], bool | int | float):
        return f'{file}: `{key}` is {shown}, expected text: write it in quotes, "{shown}".'
    if kind in _TYPE_NAMES:
        return f"{file}: `{key}` is {shown}, expected {_TYPE_NAMES[kind]}."
    if kind == "literal_error":
        choices = [
            part.strip(" '") for part in first["ctx"]["expected"].replace(" or ", ", ").split(",")
        ]
        close = nearest(str(first["input"]), choices)
        return f"{file}: `{key}` is {shown}, expected one of {', '.join(choices)}{close}."
    if kind == "string_pattern_mismatch":
        return (
            f"{file}: `{key}` is {shown}, expected a name of the letters a-z, digits, dots, "
            "dashes and underscores that begins with a letter or digit."
        )
    message = re.sub(r"^\w+ should ", "", first["msg"]).replace(" after validation", "")
    return f"{file}: `{key}` is {shown}: it should {message}."


def reason(error: ValidationError) -> str:
    """Return what a check of several keys says of the first fault."""
    first = error.errors()[0]
    if first["type"] != "value_error":
        return str(first["msg"])
    fault = first["ctx"]["error"]
    if isinstance(fault, KeyFaultError):
        return f"`{'.'.join((*map(str, first['loc']), fault.key))}` {fault}"
    return str(fault)


def file_of(layers: Layers, location: tuple[str, ...]) -> str:
    """Name the topmost layer that holds `location`, or the longest beginning of it."""
    best, depth = (layers[-1][0] if layers else "configuration"), -1
    for file, layer in layers:
        value: Any = layer
        reached = 0
        for part in location:
            if not isinstance(value, Mapping) or part not in value:
                break
            value = value[part]
            reached += 1
        if reached >= depth:
            best, depth = file, reached
    return best


def nearest(word: str, choices: Sequence[str]) -> str:
    """Suggest the nearest word, if one is near."""
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.5)
    return f"; the nearest is {close[0]!r}" if close else ""


def nearest_key(schema: type[BaseModel], location: tuple[str, ...], prefix: tuple[str, ...]) -> str:
    """Suggest the nearest key: in the same section first, then anywhere."""
    section: type[BaseModel] | None = schema
    for part in location[:-1]:
        section = child_section(section, part) if section is not None else None
    word = location[-1]
    if section is not None:
        beside = [*prefix, *location[:-1]]
        close = difflib.get_close_matches(word, list(section.model_fields), n=1, cutoff=0.6)
        if close:
            return f"; the nearest valid key is `{'.'.join([*beside, close[0]])}`"
    everywhere = {key.rsplit(".", 1)[-1]: key for key in reversed(list(all_keys(schema)))}
    close = difflib.get_close_matches(word, list(everywhere), n=1, cutoff=0.6)
    if close:
        return f"; the nearest valid key is `{'.'.join([*prefix, everywhere[close[0]]])}`"
    if section is not None:
        return f"; valid keys there are {', '.join(section.model_fields)}"
    return ""


def child_section(section: type[BaseModel], key: str) -> type[BaseModel] | None:
    """Return the section at `key`, or None where it holds a value."""
    field = section.model_fields.get(key)
    if field is None:
        return None
    annotation = field.annotation
    return (
        annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
    )


def all_keys(schema: type[BaseModel] = Settings) -> Iterator[str]:
    """Yield every key of the configuration, dotted, in the order of the schema."""
    for name in schema.model_fields:
        child = child_section(schema, name)
        yield name
        if child is not None:
            for key in all_keys(child):
                yield f"{name}.{key}"
