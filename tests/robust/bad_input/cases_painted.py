"""Painted local weights that cannot be used."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np

from .case import Case
from .cases_arrays import Payload, header, npy
from .spoil import Spoil, case, nothing, text
from .stage_inputs import PARTS, SIDE, grid

VERTICES, TRIANGLES = grid()
COUNT = SIDE * SIDE
EYE = np.eye(PARTS)[np.arange(COUNT) % PARTS]


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Spoil:
    """Return `mine.npz` with these members."""

    def spoil(folder: Path) -> None:
        with zipfile.ZipFile(folder / "mine.npz", "w", compression) as file:
            for name, content in members.items():
                file.writestr(name, content)

    return spoil


def ply(colors: str = "255 0 0", kind: str = "uchar", count: int = COUNT) -> str:
    """Return a PLY whose vertices have one colour."""
    head = f"ply\nformat ascii 1.0\nelement vertex {count}\n"
    head += "".join(f"property float {axis}\n" for axis in "xyz")
    head += "".join(f"property {kind} {name}\n" for name in ("red", "green", "blue"))
    head += f"element face {len(TRIANGLES)}\nproperty list uchar int vertex_indices\nend_header\n"
    rows = [f"{x} {y} {z} {colors}" for x, y, z in VERTICES[:count]]
    rows += [f"3 {a} {b} {c}" for a, b, c in TRIANGLES.tolist()]
    return head + "\n".join(rows) + "\n"


def csv(*rows: str) -> str:
    return "\n".join(rows) + "\n"


def cases() -> list[Case]:
    """Return the cases of painted local weights."""
    good = npy(EYE)
    rows: list[tuple[str, str, str, Spoil]] = [
        ("missing", "mine.npz", "does not exist", nothing),
        ("folder", "mine.ply", "is no file", lambda f: (f / "mine.ply").mkdir()),
        ("pipe", "mine.ply", "is no file", lambda f: os.mkfifo(f / "mine.ply")),
        ("suffix", "mine.obj", r"none of the formats \.csv", text("mine.obj", ply())),
        ("control", "local_weights.path", "control characters", nothing),
        ("npz-no-archive", "mine.npz", "cannot be read", text("mine.npz", "words")),
        ("npz-keys", "mine.npz", "no array 'weights'", zipped({"weight.npy": good})),
        ("npz-objects", "mine.npz", "Python objects",
         zipped({"weights.npy": npy(np.array([Payload()], object))})),
        ("npz-objects-as-names", "mine.npz", "Python objects|objects",
         zipped({"weights.npy": good, "names.npy": npy(np.array([Payload()], object))})),
        ("npz-bomb", "mine.npz", "unpacks to",
         zipped({"weights.npy": npy(np.zeros((10**7, 2)))}, zipfile.ZIP_DEFLATED)),
        ("npy-objects", "mine.npy", "Python objects",
         text("mine.npy", npy(np.array([Payload()], object)))),
        ("npy-huge", "mine.npy", "the data end before", text("mine.npy", header(
            "{'descr': '<f4', 'fortran_order': False, 'shape': (256, 99999999999), }"))),
        ("npy-negative", "mine.npy", "negative weight", text("mine.npy", npy(EYE - 0.5))),
        ("npy-nan", "mine.npy", "not finite", text("mine.npy", npy(EYE * np.nan))),
        ("npy-fewer", "mine.npy", "is for 255 vertices.*has 256", text("mine.npy", npy(EYE[1:]))),
        ("npy-parts", "mine.npy", r"set local_weights\.parts: 2",
         text("mine.npy", npy(EYE[:, :2] + 0.1))),
        ("csv-empty", "mine.csv", "needs a line of names", text("mine.csv", "")),
        ("csv-not-text", "mine.csv", "cannot be read as CSV", text("mine.csv", b"\xff\xfe\0\1")),
        ("csv-quote", "mine.csv", "cannot be read as CSV", text("mine.csv", 'region\n"a\n')),
        ("csv-field", "mine.csv", "cannot be read as CSV",
         text("mine.csv", csv("region", "a" * 200_000))),
        ("csv-word", "mine.csv", "no number", text("mine.csv", csv("a,b,c", "1,0,much"))),
        ("csv-escape", "mine.csv", "none of control",
         text("mine.csv", csv("region", *(COUNT * ["a\x1b[31m"])))),
        ("ply-no-colours", "mine.ply", "has no colours",
         text("mine.ply", ply().replace("red", "r"))),
        ("ply-cut", "mine.ply", "cut off", text("mine.ply", ply()[:-200])),
        ("ply-range", "mine.ply", "out of range", text("mine.ply", ply("255 0 0", "float"))),
        ("ply-nan", "mine.ply", "out of range", text("mine.ply", ply("nan 0 0", "float"))),
        ("ply-one-colour", "mine.ply", r"set local_weights\.parts: 1", text("mine.ply", ply())),
        ("ply-index", "mine.ply", "another order",
         text("mine.ply", ply().replace("\n3 ", "\n3 9999999"))),
    ]  # fmt: skip
    words = ["local_weights", "--data", "data", "--output", "out", "--only", "make_local_weights"]
    for setting in ("source=file", f"parts={PARTS}"):
        words += ["--set", f"local_weights.{setting}"]
    found = []
    for name, names, fault, spoil in rows:
        path = '"a\\nb"' if name == "control" else names
        told = [*words, "--set", f"local_weights.path={path}"]
        found.append(case(f"painted-{name}", names, fault, spoil, told))
    return found
