"""Read configuration files, lay them over each other, and say in one sentence what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lwpipe.core.errors import LwpipeError
from lwpipe.core.strict_yaml import MAX_CHARACTERS, load_yaml
from lwpipe.run.faults import Layers, file_of, nearest, validate
from lwpipe.run.points import sweep_points
from lwpipe.run.run import Run
from lwpipe.run.schema import RUN_KEYS, RunSettings, Settings


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay `above` over `below`: mappings are merged key by key, everything else is replaced.

    Examples
    --------
    >>> merge({"a": {"b": 1, "c": 2}}, {"a": {"b": [3]}})
    {'a': {'b': [3], 'c': 2}}
    """
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
        If the file is missing, is not YAML, is one of the faults that `load_yaml` refuses, or holds
        something else than keys and values.
    """
    try:
        with Path(path).open(encoding="utf-8") as file:
            value = load_yaml(file.read(MAX_CHARACTERS + 1))
    except OSError as error:
        raise LwpipeError(f"{path}: cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise LwpipeError(f"{path}: is not text in UTF-8 (byte {error.start}).") from error
    except ValueError as error:
        raise LwpipeError(f"{path}: {error}.") from error
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
    return load_yaml(text)


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


def validate_run(config: Mapping[str, Any], layers: Layers = ()) -> Run:
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
    settings = validate(RunSettings, config, layers, prefix=())
    values = settings.model_dump()
    name, overrides, sweep = (values.pop(key) for key in ("name", "variants", "sweep"))
    base = Settings.model_validate(values)
    variants: dict[str, Settings] = {}
    for variant, override in overrides.items():
        if override is None:
            continue
        for key in RUN_KEYS:
            location = ("variants", variant, *key.split("."))
            if _reached(override, key.split(".")):
                raise LwpipeError(
                    f"{file_of(layers, location)}: `{'.'.join(location)}` concerns the whole "
                    "run and cannot be overridden by a variant."
                )
        variants[variant] = validate(
            Settings, merge(values, override), layers, prefix=("variants", variant)
        )
    if not variants:
        raise LwpipeError(f"{file_of(layers, ('variants',))}: `variants` names no variant.")
    for section in ("interpolation", "detection", "sampling"):
        for variant in getattr(settings, section).variants or ():
            if variant not in variants:
                raise LwpipeError(
                    f"{file_of(layers, (section, 'variants'))}: `{section}.variants` names "
                    f"{variant!r}, which is not in `variants`{nearest(variant, list(variants))}."
                )
    return Run(name, base, variants, sweep_points(sweep, base, layers))


def _reached(value: Any, parts: Sequence[str]) -> bool:
    """Say whether nested mappings hold the key `parts`."""
    for part in parts:
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return True
