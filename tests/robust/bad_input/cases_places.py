"""Places without usable meshes, names, links, and tables that do not fit."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.helpers.mesh_files import TRIANGLES, VERTICES, shapes, write_folder, write_obj

from .case import Case
from .cases_meshes import arguments

Build = Callable[[Path], object]


def place(name: str, names: str, fault: str, build: Build, path: str = "in", *more: str) -> Case:
    """Return a case of meshes at `path`, of which `build` makes what there is."""

    def run(folder: Path) -> list[str]:
        build(folder)
        return arguments(path, *more)

    return Case(name, "meshes", run, names, fault)


def nothing(folder: Path) -> None:
    """Make nothing."""


def meshes(folder: Path) -> Path:
    """Make a folder of five good meshes."""
    write_folder(folder / "in", 5)
    return folder / "in"


def empty(folder: Path) -> Path:
    """Make a folder of nothing."""
    (folder / "in").mkdir()
    return folder / "in"


def table(name: str, fault: str, content: bytes, names: str = "table.csv") -> Case:
    """Return a case of five good meshes with a table."""

    def build(folder: Path) -> list[str]:
        meshes(folder)
        (folder / "table.csv").write_bytes(content)
        return arguments("in", "data.meshes.table=table.csv")

    return Case(f"table-{name}", "meshes", build, names, fault)


def rows(header: str, *values: str) -> bytes:
    """Return a table; each value is what follows the name of a mesh."""
    lines = [f"face_{row:03d}.obj{value}" for row, value in enumerate(values)]
    return "\n".join([header, *lines, ""]).encode()


def _several(folder: Path) -> None:
    for name in ("a", "b"):
        np.savez(empty_once(folder) / f"{name}.npz", vertices=shapes(4), triangles=TRIANGLES)


def empty_once(folder: Path) -> Path:
    (folder / "in").mkdir(exist_ok=True)
    return folder / "in"


def _places() -> list[Case]:
    key = "data.meshes.path"

    def one(folder: Path) -> None:
        write_obj(empty(folder) / "only.obj", VERTICES)

    def stray(folder: Path) -> None:
        np.save(meshes(folder) / "more.npy", shapes(4))

    def only_hidden(folder: Path) -> None:
        write_obj(empty(folder) / ".obj", VERTICES)

    return [
        place("path-that-is-not-there", key, "does not exist", nothing),
        place("path-below-a-file", key, "does not exist", meshes, "in/face_000.obj/x"),
        place("path-of-one-obj", key, "neither a folder", meshes, "in/face_000.obj"),
        place("path-of-an-empty-folder", key, "holds no mesh", empty),
        place("path-of-hidden-files", key, "holds no mesh", only_hidden),
        place("path-with-a-null-byte", key, "cannot be used as a path", nothing, r'"a\0b"'),
        place("path-with-a-line-end", key, "control characters", nothing, r'"a\nb"'),
        place("path-of-an-unknown-user", key, "cannot be used as a path", nothing, "~nobody-x/in"),
        place("path-of-5000-letters", key, "cannot be used as a path", nothing, "a" * 5000),
        place("path-that-is-empty", key, "holds no mesh|does not exist", nothing, '""'),
        place("path-of-a-pipe", key, "neither a folder", lambda f: os.mkfifo(f / "p"), "p"),
        place("path-of-a-device", key, "neither a folder", nothing, "/dev/zero"),
        place("one-mesh-alone", key, "one mesh", one),
        place("meshes-beside-an-array", "more.npy", "both mesh files", stray),
        place("several-arrays", key, "several arrays", _several),
    ]


def _entries() -> list[Case]:
    def link(target: str, name: str = "face_001.obj") -> Build:
        def build(folder: Path) -> None:
            inside = meshes(folder)
            (inside / name).unlink(missing_ok=True)
            (inside / name).symlink_to(target)

        return build

    def subfolder(folder: Path) -> None:
        inside = meshes(folder)
        (inside / "face_001.obj").unlink()
        (inside / "face_001.obj").mkdir()

    def pipe(folder: Path) -> None:
        os.mkfifo(meshes(folder) / "pipe.obj")

    def array_pipe(folder: Path) -> None:
        os.mkfifo(empty(folder) / "pipe.npy")

    def named(name: bytes) -> Build:
        def build(folder: Path) -> None:
            content = (meshes(folder) / "face_001.obj").read_bytes()
            with open(os.path.join(os.fsencode(folder / "in"), name), "wb") as file:
                file.write(content)

        return build

    def unreadable(folder: Path) -> None:
        (meshes(folder) / "face_001.obj").chmod(0)

    found = [
        place("mesh-is-a-dangling-link", "face_001.obj", "No such file", link("nowhere.obj")),
        place("mesh-is-a-link-to-itself", "face_001.obj", "symbolic", link("face_001.obj")),
        place("mesh-is-a-link-to-a-device", "face_001.obj", "regular file", link("/dev/zero")),
        place("mesh-is-a-folder", "face_001.obj", "no file", subfolder),
        place("mesh-is-a-pipe", "pipe.obj", "regular file", pipe),
        place("array-is-a-pipe", "pipe.npy", "no file", array_pipe),
        place("name-with-a-line-end", r"a\nb.obj", "rename it", named(b"a\nb.obj")),
        place("name-with-a-terminal-escape", r"\x1b[2J", "rename it", named(b"\x1b[2J.obj")),
        place("name-of-undecodable-bytes", r"\udcff", "rename it", named(b"face\xff.obj")),
    ]
    if os.geteuid() != 0:
        # The superuser may read everything.
        found.append(place("mesh-without-permission", "face_001.obj", "Permission", unreadable))
    return found


def _tables() -> list[Case]:
    five = ("train",) * 4 + ("test",)
    good = [f",{split}" for split in five]

    def settings(path: str, name: str, fault: str, build: Build = meshes) -> Case:
        setting = f"data.meshes.table={path}"
        return place(name, "data.meshes.table", fault, build, "in", setting)

    def with_pipe(folder: Path) -> None:
        meshes(folder)
        os.mkfifo(folder / "pipe.csv")

    return [
        settings("none.csv", "table-that-is-not-there", "cannot be read"),
        settings("in", "table-is-a-folder", "no file"),
        settings("pipe.csv", "table-is-a-pipe", "no file", with_pipe),
        settings("/dev/zero", "table-is-a-device", "no file"),
        table("empty", r"has the columns \(none\)", b""),
        table("without-file-column", "has the columns", rows("name,split", *good)),
        table("without-other-columns", "has the columns", rows("file", *[""] * 5)),
        table("of-other-columns", "has the columns", rows("file,age", *good)),
        table("column-twice", "twice", rows("file,split,split", *[f"{g},train" for g in good])),
        table("with-semicolons", "has the columns", rows("file;split", *good)),
        table("mesh-left-out", "no row for 'face_004.obj'", rows("file,split", *good[:4])),
        table("mesh-unknown", "line 7 names", rows("file,split", *good) + b"other.obj,train\n"),
        table("mesh-twice", "2 times", rows("file,split", *good) + b"face_001.obj,train\n"),
        table("split-unknown", "'val'", rows("file,split", *good[:4], ",val")),
        table("split-empty", "split ''", rows("file,split", *good[:4], ",")),
        table("all-train", "none of the 5", rows("file,split", *[",train"] * 5)),
        table("all-test", "none of the 5", rows("file,split", *[",test"] * 5)),
        table("row-too-short", "has not 2 values", rows("file,split", *good[:4], "")),
        table("row-too-long", "has not 2 values", rows("file,split", *good[:4], ",test,x")),
        table("in-latin-1", "utf-8", "file,subject\nfäce.obj,x\n".encode("latin-1")),
        table("in-utf-16", "utf-8", rows("file,split", *good).decode().encode("utf-16")),
        table("of-null-bytes", "has the columns|NUL|cannot be read", bytes(500)),
        table("field-of-a-megabyte", "field", b'file,split\n"' + b"x" * 2**20 + b'",train\n'),
        table("of-one-subject", "of one subject", rows("file,subject", *[",eve"] * 5),
              "data.meshes.table"),
        table("is-a-spreadsheet", "has the columns|cannot be read", b"PK\x03\x04" + bytes(99)),
    ]  # fmt: skip


def cases() -> list[Case]:
    """Return the cases."""
    return [*_places(), *_entries(), *_tables()]
