"""YAML as configurations use it: what YAML itself would take silently is a fault here.

Refused are keys given twice (YAML takes the last), numbers that YAML 1.1 reads otherwise than they
look (0100 is 64, 1:30 is 90), aliases that multiply or contain themselves, and what is too deep or
too long for a configuration. Tags of Python objects are never followed.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 50
# Nodes once all aliases are written out: the shipped configuration has 250.
MAX_NODES = 100_000

_MERGE = "tag:yaml.org,2002:merge"
# 0x10 and 0b10 are what they look like; 010, 1:30 and 1_0 are not.
_MISLEADING = re.compile(r"[-+]?(0[0-7_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)")


def load_yaml(text: str) -> Any:
    """Read one YAML document of plain values.

    Raises
    ------
    ValueError
        If it is not YAML, or is one of the faults that the module names; the message is the end of
        a sentence, with the line where there is one.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"has more than {MAX_CHARACTERS} characters, as no configuration has")
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _size(node, {})
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise ValueError(f"is not valid YAML ({_reason(error)})") from error
    except yaml.YAMLError as error:
        raise ValueError(f"is not valid YAML ({' '.join(str(error).split())})") from error


class _Loader(yaml.SafeLoader):
    """The safe loader, with the checks that need the text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
            raise ValueError(f"is nested more than {MAX_DEPTH} deep{_line(event)}")
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        # Before keys of a merge (<<) come in: an own key may stand over those.
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag == _MERGE or not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise ValueError(f"has the key `{key.value}` twice{_line(key)}")
            seen.add(key.value)
        made = super().construct_mapping(node, deep)
        for key in made:
            if not isinstance(key, str):
                raise ValueError(
                    f"has a key that YAML takes for {key!r} and not for text{_line(node)}: write "
                    "it in quotes"
                )
        return made

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        if _MISLEADING.fullmatch(node.value):
            raise ValueError(
                f"has the number {node.value}, which YAML does not read as it looks{_line(node)}: "
                "write it without leading zeros or colons, or in quotes"
            )
        try:
            if node.tag.endswith(":int"):
                return self.construct_yaml_int(node)
            return self.construct_yaml_float(node)
        except ValueError as error:
            shown = node.value if len(node.value) <= 30 else f"{node.value[:27]}..."
            raise ValueError(f"has {shown}, which is no number that fits{_line(node)}") from error

    def construct_date(self, node: yaml.ScalarNode) -> Any:
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError as error:
            raise ValueError(f"has {node.value}, which is no date{_line(node)}") from error


for _tag, _constructor in (
    ("int", _Loader.construct_number),
    ("float", _Loader.construct_number),
    ("timestamp", _Loader.construct_date),
):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _constructor)


def _size(node: yaml.Node, sizes: dict[int, int]) -> int:
    """Return how many nodes there are below `node` with all aliases written out.

    `sizes` holds those that were counted, and 0 for those that are being counted.
    """
    if id(node) in sizes:
        if sizes[id(node)] == 0:
            raise ValueError(f"has an alias of what it stands in{_line(node)}")
        return sizes[id(node)]
    sizes[id(node)] = 0
    children: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        children = [child for pair in node.value for child in pair]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    total = 1 + sum(_size(child, sizes) for child in children)
    if total > MAX_NODES:
        raise ValueError(f"has aliases that come to more than {MAX_NODES} values{_line(node)}")
    sizes[id(node)] = total
    return total


def _reason(error: yaml.MarkedYAMLError) -> str:
    """Return the fault and its line in one sentence, without YAML's picture of the place."""
    words = [error.context, error.problem]
    mark = error.problem_mark or error.context_mark
    return ": ".join(" ".join(word.split()) for word in words if word) + (
        f", line {mark.line + 1}" if mark is not None else ""
    )


def _line(place: yaml.Node | yaml.Event) -> str:
    return f" (line {place.start_mark.line + 1})" if place.start_mark is not None else ""
