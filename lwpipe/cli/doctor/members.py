"""The variants and the points of a sweep that a run consists of."""

from __future__ import annotations

from typing import NamedTuple

from lwpipe.core.stage import Size
from lwpipe.run.layout import Layout
from lwpipe.run.needs import size_of
from lwpipe.run.schema import Settings


class Member(NamedTuple):
    """A variant, or a point of the sweep.

    Attributes
    ----------
    name : in the configuration
    settings : Settings
    data : folder of its data set
    size : of its data set
    """

    name: str
    settings: Settings
    data: str
    size: Size


def members_of(layout: Layout) -> list[Member]:
    """Return the variants and then the points of a run; each data set is measured once."""
    sizes: dict[str, Size] = {}
    found = []
    for name in (*layout.run.variants, *layout.run.points):
        settings, data = layout.settings(name), layout.folder("make_dataset", name)
        if data not in sizes:
            sizes[data] = size_of(settings, data)
        found.append(Member(name, settings, data, sizes[data]))
    return found
