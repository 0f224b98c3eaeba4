"""The fault of one mesh."""

from __future__ import annotations


class MeshError(Exception):
    """What is wrong with a mesh, as the end of a sentence that starts with its file.

    The converter collects the faults of all files and tells them together.
    """


def check_count(found: int, vertices: int, what: str = "colours") -> None:
    """Raise MeshError unless there is one of something for each vertex."""
    if found != vertices:
        raise MeshError(f"has {found} {what} for {vertices} vertices")
