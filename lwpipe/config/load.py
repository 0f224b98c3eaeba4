"""Read configuration files, lay them over each other, and say in one sentence what is wrong."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from lwpipe.config.schema import RunSettings, Settings
from lwpipe.errors import LwpipeError

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

# What a run has once: a variant cannot differ in it.
_RUN_KEYS = ("name", "variants", "interpolation.variants")


@dataclass(frozen=True)
class Run:
    """A validated configuration: the base settings and one `Settings` a variant.

    Attributes
    ----------
    name : name of the run; its results lie in `results/<name>`
    base : the settings without overrides
    variants : settings of each variant, in the order of the file
    """

    name: str
    base: Settings
    variants: dict[str, Settings]


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay `above` over `below`: mappings are merged key by key, everything else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[key] = merge(old, value)
        else:
            merged[key] = value
    return merged


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read one YAML file that holds a mapping.

    Raises
    ------
    LwpipeError
        If the file is missing, is not YAML, or holds something else than keys and values.
    """
    try:
        value = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise LwpipeError(f"{path}: cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise LwpipeError(f"{path}: is not valid YAML ({reason}).") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise LwpipeError(f"{path}: holds a {type(value).__name__}, expected keys and values.")
    return value


def cli_value(text: str) -> Any:
    """Read the value of KEY=VALUE as YAML, so that 10, true, null and [4, 4] are what they seem.

    Raises
    ------
    ValueError
        If it is not YAML.
    """
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def load_run(files: Sequence[str | Path], overrides: Mapping[str, Any] | None = None) -> Run:
    """Read configuration files, each laid over the ones before, and validate the result.

    Parameters
    ----------
    files : YAML files, lowest layer first
    overrides : a last layer, as from a command line

    Raises
    ------
    LwpipeError
        One sentence naming the file, the key, the fault, and the nearest valid key.
    """
    layers: list[tuple[str, Mapping[str, Any]]] = [(str(file), read_yaml(file)) for file in files]
    if overrides:
        layers.append(("command line", overrides))
    merged: dict[str, Any] = {}
    for _, layer in layers:
        merged = merge(merged, layer)
    return validate_run(merged, layers)


def validate_run(
    config: Mapping[str, Any], layers: Sequence[tuple[str, Mapping[str, Any]]] = ()
) -> Run:
    """Validate a merged configuration.

    Parameters
    ----------
    config : the merged mapping
    layers : (file name, mapping) pairs it was merged from; they let an error name the file

    Raises
    ------
    LwpipeError
        As `load_run`.
    """
    settings = _validate(RunSettings, config, layers, prefix=())
    values = settings.model_dump()
    name, overrides = values.pop("name"), values.pop("variants")
    base = Settings.model_validate(values)
    variants: dict[str, Settings] = {}
    for variant, override in overrides.items():
        if override is None:
            continue
        for key in _RUN_KEYS:
            location = ("variants", variant, *key.split("."))
            if _reached(override, key.split(".")):
                raise LwpipeError(
                    f"{_file_of(layers, location)}: `{'.'.join(location)}` concerns the whole "
                    "run and cannot be overridden by a variant."
                )
        variants[variant] = _validate(
            Settings, merge(values, override), layers, prefix=("variants", variant)
        )
    if not variants:
        raise LwpipeError(f"{_file_of(layers, ('variants',))}: `variants` names no variant.")
    for variant in settings.interpolation.variants:
        if variant not in variants:
            raise LwpipeError(
                f"{_file_of(layers, ('interpolation', 'variants'))}: `interpolation.variants` "
                f"names {variant!r}, which is not in `variants`"
                f"{_nearest(variant, list(variants))}."
            )
    return Run(name, base, variants)


def _reached(value: Any, parts: Sequence[str]) -> bool:
    """Say whether nested mappings hold the key `parts`."""
    for part in parts:
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return True


def _validate(
    schema: type[Any],
    config: Mapping[str, Any],
    layers: Sequence[tuple[str, Mapping[str, Any]]],
    prefix: tuple[str, ...],
) -> Any:
    try:
        return schema.model_validate(dict(config))
    except ValidationError as error:
        raise LwpipeError(_sentence(error, schema, layers, prefix)) from None


def _sentence(
    error: ValidationError,
    schema: type[BaseModel],
    layers: Sequence[tuple[str, Mapping[str, Any]]],
    prefix: tuple[str, ...],
) -> str:
    # An unknown key is the likeliest cause of whatever else is wrong: name it first.
    first = min(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    # pydantic marks the key itself, where the key of a mapping is at fault.
    location = tuple(str(part) for part in first["loc"] if part != "[key]")
    key = ".".join((*prefix, *location))
    file = _file_of(layers, (*prefix, *location))
    kind = first["type"]
    if kind == "extra_forbidden":
        nearest = _nearest_key(schema, location, prefix)
        return f"{file}: unknown key `{key}`{nearest}."
    shown = repr(first["input"])
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    if kind == "value_error":
        reason = str(first["ctx"]["error"])
        return f"{file}: {f'`{key}`: ' if key else ''}{reason}."
    if kind in _TYPE_NAMES:
        return f"{file}: `{key}` is {shown}, expected {_TYPE_NAMES[kind]}."
    if kind == "literal_error":
        choices = [
            part.strip(" '") for part in first["ctx"]["expected"].replace(" or ", ", ").split(",")
        ]
        nearest = _nearest(str(first["input"]), choices)
        return f"{file}: `{key}` is {shown}, expected one of {', '.join(choices)}{nearest}."
    if kind == "string_pattern_mismatch":
        return (
            f"{file}: `{key}` is {shown}, expected a name of letters, digits, dots, dashes and "
            "underscores that begins with a letter or digit."
        )
    message = re.sub(r"^\w+ should ", "", first["msg"]).replace(" after validation", "")
    return f"{file}: `{key}` is {shown}: it should {message}."


def _file_of(layers: Sequence[tuple[str, Mapping[str, Any]]], location: tuple[str, ...]) -> str:
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


def _nearest(word: str, choices: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.5)
    return f"; the nearest is {close[0]!r}" if close else ""


def _nearest_key(
    schema: type[BaseModel], location: tuple[str, ...], prefix: tuple[str, ...]
) -> str:
    """Suggest the nearest key: in the same section first, then anywhere."""
    section: type[BaseModel] | None = schema
    for part in location[:-1]:
        section = _child(section, part) if section is not None else None
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


def _child(section: type[BaseModel], key: str) -> type[BaseModel] | None:
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
        child = _child(schema, name)
        yield name
        if child is not None:
            for key in all_keys(child):
                yield f"{name}.{key}"
