"""The documented `config.yaml` and the JSON schema, both written from the schema's own words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic import BaseModel

from lwpipe.run.schema import RunSettings
from lwpipe.run.variants import SHIPPED

_WIDTH = 96
_TYPES = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "null": "null",
}
_HEAD = """\
# yaml-language-server: $schema=workflow/schemas/config.schema.json
# Settings of the workflow, all at their defaults. Lay a smaller file over this one with
#   snakemake --cores 2 --configfile presets/ict.yaml
# Each key says its meaning, its unit where it has one, and [type and range].
"""


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of a configuration file (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **RunSettings.model_json_schema(),
        "title": "Configuration of lwpipe",
    }


def default_yaml() -> str:
    """Return `config.yaml`: every key at its default under a comment that documents it."""
    schema = json_schema()
    properties = schema["properties"]
    order = ["name", *(key for key in properties if key not in ("name", "variants", "sweep"))]
    lines = [_HEAD]
    for key in order:
        lines.extend(_entry(schema, RunSettings, key, 0))
        lines.append("")
    lines.extend(_comment(_words(properties["variants"]), 0))
    lines.append("variants:")
    for name, variant in SHIPPED.items():
        lines.extend(_comment(variant.words, 1))
        lines.append(f"  {name}: {_flow(variant.overrides)}")
    lines.append("")
    lines.extend(_comment(_words(properties["sweep"]), 0))
    lines.append("sweep: {}")
    return "\n".join(lines) + "\n"


def _entry(
    schema: Mapping[str, Any], section: type[BaseModel], key: str, depth: int
) -> Iterator[str]:
    """Yield the lines of one key, and of everything below it."""
    field = section.model_fields[key]
    described = _properties(schema, section)[key]
    child = field.annotation
    indent = "  " * depth
    if isinstance(child, type) and issubclass(child, BaseModel):
        yield from _comment(str(child.__doc__).strip(), depth)
        yield f"{indent}{key}:"
        for name in child.model_fields:
            yield from _entry(schema, child, name, depth + 1)
        return
    yield from _comment(f"{_words(described)} [{_type(described)}]", depth)
    yield f"{indent}{key}: {_flow(field.default)}"


def _properties(schema: Mapping[str, Any], section: type[BaseModel]) -> Mapping[str, Any]:
    """Return the properties of one section inside the JSON schema of all."""
    if section is RunSettings:
        properties: Mapping[str, Any] = schema["properties"]
    else:
        properties = schema["$defs"][section.__name__]["properties"]
    return properties


def _words(described: Mapping[str, Any]) -> str:
    return " ".join(str(described["description"]).split())


def _comment(text: str, depth: int) -> list[str]:
    prefix = "  " * depth + "# "
    return textwrap.wrap(
        text, _WIDTH, initial_indent=prefix, subsequent_indent=prefix, break_on_hyphens=False
    )


def _flow(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=1000).split("\n...")[0].strip()


def _type(described: Mapping[str, Any]) -> str:
    """Say type and range of a key in words."""
    if "anyOf" in described:
        return " or ".join(_type(choice) for choice in described["anyOf"])
    if "enum" in described:
        return f"one of {', '.join(str(choice) for choice in described['enum'])}"
    if "const" in described:
        return str(described["const"])
    if described["type"] == "array":
        least = described.get("minItems")
        if least is not None and least == described.get("maxItems"):
            return f"list of {least} ({_type(described['items'])})"
        return f"list of ({_type(described['items'])})"
    parts = ["name" if "pattern" in described else _TYPES[described["type"]]]
    low, high = described.get("minimum"), described.get("maximum")
    if low is not None and high is not None:
        parts.append(f"{_number(low)} to {_number(high)}")
    elif low is not None:
        parts.append(f"at least {_number(low)}")
    elif high is not None:
        parts.append(f"at most {_number(high)}")
    if "exclusiveMinimum" in described:
        parts.append(f"greater than {_number(described['exclusiveMinimum'])}")
    if "exclusiveMaximum" in described:
        parts.append(f"less than {_number(described['exclusiveMaximum'])}")
    return ", ".join(parts)


def _number(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
