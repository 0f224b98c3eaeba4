"""Folders, tables and arrays of meshes that leave a doubt how they are meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.helpers.gltf_scene import Scene, skinned, smile
from tests.helpers.mesh_files import VERTICES, shapes, write_folder, write_obj

from .case import Case
from .cases_meshes import arguments

PATH = "data.meshes.path"


def place(name: str, names: str, fault: str, build: Callable[[Path], object], *more: str) -> Case:
    """Return a case of a folder `in` that `build` fills."""

    def made(folder: Path) -> list[str]:
        build(folder / "in")
        return arguments("in", *more)

    return Case(name, "meshes", made, names, fault)


def _people(folder: Path, depth: int = 2) -> None:
    for person in ("anna", "ben"):
        inner = folder / person / "smile" if depth == 2 else folder / person
        write_folder(inner, 2)


def _two_depths(folder: Path) -> None:
    _people(folder)
    write_obj(folder / "anna" / "template.obj", VERTICES)


def _twins(folder: Path) -> None:
    write_folder(folder, 3)
    write_folder(folder, 3, "ply")


def _hidden_twins(folder: Path) -> None:
    _people(folder)
    write_folder(folder / "ben" / "smile", 1, "stl")


def _bad_below(folder: Path) -> None:
    _people(folder)
    (folder / "ben" / "smile" / "face_001.obj").write_text("v 1 2\n")


def _flat(folder: Path) -> None:
    folder.mkdir()
    np.save(folder / "faces.npy", shapes(4).reshape(4, 75))
    write_obj(folder / "template.obj", VERTICES)


def _splits(*names: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        folder.mkdir()
        for name in names:
            np.save(folder / f"{name}.npy", shapes(3))
        write_obj(folder / "template.obj", VERTICES)

    return build


def _table(*rows: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        write_folder(folder, 3)
        (folder.parent / "t.csv").write_text("\n".join(["file,split", *rows, ""]))

    return build


def _scene(change: Callable[[Scene], object]) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        folder.mkdir()
        for row in range(3):
            scene = Scene()
            if row == 1:
                change(scene)
            (folder / f"face_{row}.gltf").write_bytes(scene.content())

    return build


def _weights(scene: Scene) -> None:
    smile(scene)
    scene.header["nodes"][0]["weights"] = [0.5]


def _lost_joint(scene: Scene) -> None:
    skinned(scene)
    scene.header["scenes"][0]["nodes"] = [0]


def cases() -> list[Case]:
    """Return the cases."""
    by_subject, by_person = "data.meshes.folders=subject", "data.meshes.folders=person"
    return [
        place("folders-two-depths", PATH, "set data.meshes.folders", _two_depths),
        place("folders-other-depth", PATH, "no mesh 1 folders below", _people, by_subject),
        place("folders-other-word", "data.meshes.folders", "expected up to 4", _people, by_person),
        place("folders-bad-one", "ben/smile/face_001.obj", "three numbers", _bad_below),
        place("folders-twins", "face_000.stl", "two formats", _hidden_twins),
        place("both-formats", "face_000.ply", r"3 such names", _twins),
        place("array-flat", "faces.npy", r"reshape them to \(4, 25, 3\)", _flat),
        place("arrays-val", PATH, "several arrays", _splits("train", "test", "val")),
        place(
            "table-nearest", "t.csv", r"nearest is 'face_00\d.obj'", _table("face_00.obj,train"),
            "data.meshes.table=t.csv",
        ),
        place(
            "table-twice-in-other-case", "t.csv", "2 times",
            _table("face_000.obj,train", "FACE_000,test"), "data.meshes.table=t.csv",
        ),
        place("gltf-weights-too-few", "face_1.gltf", "3 finite numbers", _scene(_weights)),
        place("gltf-joint-not-shown", "face_1.gltf", "not in its scene", _scene(_lost_joint)),
    ]  # fmt: skip
