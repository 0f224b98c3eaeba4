"""Meshes that cannot be used, one among good ones: cut off, or with impossible values."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.helpers.mesh_files import TRIANGLES, VERTICES, WRITERS, shapes, write_folder

from .case import Case

BAD = "face_002"
Edit = Callable[[bytes], bytes]


def arguments(path: str = "in", *more: str) -> list[str]:
    """Return the command that reads own meshes at `path`, and any further settings."""
    settings = ["data.source=meshes", f"data.meshes.path={path}", *more]
    return ["data", *(word for setting in settings for word in ("--set", setting))]


def one_bad(name: str, fault: str, kind: str, edit: Edit, file: str = BAD) -> Case:
    """Return a case of five meshes of a format, of which one is changed by `edit`."""
    suffix = WRITERS[kind][0]

    def build(folder: Path) -> list[str]:
        write_folder(folder / "in", 5, kind)
        content = edit((folder / "in" / f"{BAD}{suffix}").read_bytes())
        (folder / "in" / f"{BAD}{suffix}").unlink()
        (folder / "in" / f"{file}{suffix}").write_bytes(content)
        return arguments()

    return Case(name, "meshes", build, f"{file}{suffix}", fault)


def rewritten(
    name: str,
    fault: str,
    kind: str,
    vertices: Callable[[np.ndarray], np.ndarray] = lambda v: v,
    triangles: np.ndarray = TRIANGLES,
) -> Case:
    """Return a case of five meshes of which one has other vertices or triangles."""
    suffix, write = WRITERS[kind]

    def build(folder: Path) -> list[str]:
        faces = write_folder(folder / "in", 5, kind)
        write(folder / "in" / f"{BAD}{suffix}", vertices(faces[2].copy()), triangles)
        return arguments()

    return Case(name, "meshes", build, f"{BAD}{suffix}", fault)


def of(content: bytes) -> Edit:
    """Return an edit that replaces everything."""
    return lambda _: content


def swap(old: bytes, new: bytes) -> Edit:
    """Return an edit that replaces the first match of a regular expression, which must be there."""

    def edit(content: bytes) -> bytes:
        changed, count = re.subn(old, lambda _: new, content, count=1)
        assert count == 1, old
        return changed

    return edit


def _put(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def edit(vertices: np.ndarray) -> np.ndarray:
        vertices[7, 1] = value
        return vertices

    return edit


def _truncated() -> list[Case]:
    def cut(quarter: int) -> Edit:
        return lambda content: content[: len(content) * quarter // 4]

    kinds = ["obj", "ply", "text ply", "stl", "text stl", "off", "glb", "gltf"]
    faults = "cut off|damaged|no triangle|most meshes here have|differently|numbers|corners"
    return [
        one_bad(f"{kind.replace(' ', '-')}-truncated-{quarter}/4", faults, kind, cut(quarter))
        for kind in kinds
        for quarter in (1, 2, 3)
    ]


def _values() -> list[Case]:
    none = np.empty((0, 3), dtype=np.int64)
    wrong = TRIANGLES.copy()
    wrong[4, 1] = 25
    negative = TRIANGLES.copy()
    negative[4, 1] = -1
    found = []
    for kind in ("obj", "ply", "text ply", "stl", "text stl", "off"):
        label = kind.replace(" ", "-")
        found += [
            rewritten(f"{label}-nan", "NaN or infinite", kind, _put(np.nan)),
            rewritten(f"{label}-infinite", "NaN or infinite", kind, _put(np.inf)),
        ]
    for kind in ("obj", "ply", "text ply", "stl", "text stl", "off"):
        label = kind.replace(" ", "-")
        found.append(
            rewritten(f"{label}-zero-faces", "has no (triangle|vertex)", kind, triangles=none)
        )
    for kind in ("obj", "ply", "text ply", "off"):
        label = kind.replace(" ", "-")
        found += [
            rewritten(f"{label}-index-out-of-range", "vertex 25 .*25 vert", kind, triangles=wrong),
            rewritten(f"{label}-zero-vertices", "has no vertex", kind, lambda v: v[:0]),
        ]
    for kind in ("ply", "text ply", "off"):
        label = kind.replace(" ", "-")
        found.append(rewritten(f"{label}-negative-index", "vertex -1", kind, triangles=negative))
    return [
        *found,
        rewritten("obj-coordinates-too-large", "larger than", "obj", _put(1e200)),
        rewritten("ply-coordinates-of-1e308", "larger than", "ply", lambda v: np.sign(v) * 1e308),
        rewritten("obj-all-in-one-point", "in one point", "obj", lambda v: 0 * v + 3.5),
        rewritten("ply-all-but-in-one-point", "in one point", "ply", lambda v: v * 1e-300),
        rewritten("obj-fewer-vertices", "most meshes", "obj", lambda v: v[:20], TRIANGLES[:4]),
        rewritten("ply-other-topology", "differently", "ply", triangles=TRIANGLES[:, [0, 2, 1]]),
        rewritten("off-fewer-triangles", "differently", "off", triangles=TRIANGLES[:-1]),
        rewritten(
            "stl-more-triangles",
            "has 25 vertices|differently",
            "stl",
            triangles=np.concatenate([TRIANGLES, TRIANGLES[:1]]),
        ),
    ]


def _mixed_folder(folder: Path) -> list[str]:
    write_folder(folder / "in", 4)
    WRITERS["ply"][1](folder / "in" / "other.ply", VERTICES[:-1], TRIANGLES[:8])
    return arguments()


def _unit(folder: Path) -> list[str]:
    np.savez(folder / "dust.npz", vertices=shapes(4) * 1e-8, triangles=TRIANGLES)
    return arguments("dust.npz")


def cases() -> list[Case]:
    """Return the cases of each format, cut off or with other values."""
    return [
        *_truncated(),
        *_values(),
        Case("ply-among-objs-of-another-size", "meshes", _mixed_folder, "other.ply", "24 vertices"),
        Case("meshes-of-no-size-in-any-unit", "meshes", _unit, "data.meshes.units", "set it to"),
    ]
