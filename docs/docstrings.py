"""Show docstrings as they are meant: words after a name's colon describe it.

mkdocstrings takes them for a type, as numpydoc has it. Here types are in the signatures, which a
type checker holds, and the docstrings say shapes, units and meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import griffe

NAMED, UNNAMED = ("Parameters", "Attributes"), ("Returns", "Yields")


class WordsAreNoTypes(griffe.Extension):
    """Give each described name the type of its signature, and its words as the description."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Parse the docstrings of a package that has been loaded."""
        for described in _objects(pkg):
            if described.docstring is None:
                continue
            sections = described.docstring.parse(warnings=False)
            for section in sections:
                title = section.kind.value.title()
                if title in NAMED + UNNAMED:
                    heads = _heads(described.docstring.value, title)
                    known = _named if title in NAMED else _returned
                    known(section.value, heads, described)
            # What mkdocstrings shows: griffe's cache of the parsed docstring.
            described.docstring.__dict__["parsed"] = sections


def _objects(inside: griffe.Object) -> Iterator[griffe.Object]:
    yield inside
    for member in inside.members.values():
        if isinstance(member, griffe.Object):
            yield from _objects(member)


def _heads(text: str, title: str) -> list[str]:
    """Return the lines of a section that begin an item."""
    section = rf"^{title}\n-+\n(.*?)(?=\n\S[^\n]*\n-+\n|\Z)"
    found = re.search(section, text, re.DOTALL | re.MULTILINE)
    lines = found[1].splitlines() if found else []
    return [line for line in lines if line and not line[0].isspace()]


def _named(items: list[Any], heads: list[str], of: griffe.Object) -> None:
    words = {}
    for head in heads:
        names, _, said = head.partition(" : ")
        words |= dict.fromkeys([names, *names.split(", ")], said.strip())
    for item in items:
        _describe(item, words.get(item.name, ""), _type_of(item.name, of))


def _returned(items: list[Any], heads: list[str], of: griffe.Object) -> None:
    returned = getattr(of, "returns", None)
    elements = getattr(getattr(returned, "slice", None), "elements", [])
    types = [returned] if len(items) == 1 else elements
    for place, (item, head) in enumerate(zip(items, heads, strict=True)):
        words = head.partition(" : ")[2] if item.name else head
        _describe(item, words, types[place] if len(types) == len(items) else None)


def _type_of(name: str, of: griffe.Object) -> Any:
    for parameter in getattr(of, "parameters", []):
        if parameter.name == name:
            return parameter.annotation
    return getattr(of.members.get(name.partition(",")[0]), "annotation", None)


def _describe(item: Any, words: str, known: Any) -> None:
    item.annotation = known
    says_the_type = words.replace(".", "").isidentifier() and words in str(known or "")
    if not says_the_type:
        item.description = _joined(words, item.description)
    elif not item.description:
        item.annotation, item.description = None, f"`{words}`"


def _joined(words: str, more: str) -> str:
    if not words or not more:
        return words or more
    begins = more[0].isupper() and not words.endswith((",", ";", ":"))
    return f"{words}{'. ' if begins else ' '}{more}"
