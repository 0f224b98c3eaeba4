"""MATLAB files of the Basel Face Model and of its faces that cannot be used."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.io
import scipy.sparse

from tests.helpers.mesh_files import TRIANGLES, VERTICES

from .case import Case

SHAPE, EXPRESSION, FACE = "model/Model_Shape.mat", "model/Model_Exp.mat", "faces/image00003.mat"
ROWS, SHAPES, EXPRESSIONS = VERTICES.size, 6, 4
MATRIX, COMPRESSED = 14, 15
DOUBLE, CELL, STRUCT, CHAR = 6, 1, 2, 4
HEADER = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"


def write_layout(folder: Path) -> list[str]:
    """Write a tiny face model and five faces; return the command that reads them."""
    random = np.random.default_rng(3)
    for name in ("model", "faces"):
        (folder / name).mkdir()
    scipy.io.savemat(
        folder / SHAPE,
        {
            "mu_shape": VERTICES.reshape(-1, 1) * 1000,
            "w": random.normal(size=(ROWS, SHAPES)),
            "tri": (TRIANGLES.T + 1).astype(np.uint32),
        },
    )
    scipy.io.savemat(
        folder / EXPRESSION,
        {"mu_exp": np.zeros((ROWS, 1)), "w_exp": random.normal(size=(ROWS, EXPRESSIONS))},
    )
    for row in range(1, 6):
        scipy.io.savemat(
            folder / f"faces/image{row:05d}.mat",
            {
                "Shape_Para": random.normal(size=(SHAPES, 1)) * 1e3,
                "Exp_Para": random.normal(size=(EXPRESSIONS, 1)) * 1e3,
            },
        )
    settings = [
        "data.source=aflw2000-3d",
        "data.aflw2000_3d.model_dir=model",
        "data.aflw2000_3d.faces_dir=faces",
    ]
    return ["data", *(word for setting in settings for word in ("--set", setting))]


def case(name: str, names: str, fault: str, edit: Callable[[Path], object]) -> Case:
    """Return a case of a good layout that `edit` damages."""

    def build(folder: Path) -> list[str]:
        arguments = write_layout(folder)
        edit(folder)
        return arguments

    return Case(f"mat-{name}", "mat", build, names, fault)


def variable(name: str, fault: str, file: str, **changes: object) -> Case:
    """Return a case of one file with other variables; None takes one out."""

    def edit(folder: Path) -> None:
        found = scipy.io.loadmat(folder / file)
        content = {k: v for k, v in found.items() if not k.startswith("__")} | changes
        scipy.io.savemat(folder / file, {k: v for k, v in content.items() if v is not None})

    return case(name, file, fault, edit)


def content(name: str, fault: str, edit: Callable[[bytes], bytes], file: str = FACE) -> Case:
    """Return a case of one file with other bytes."""

    def build(folder: Path) -> None:
        (folder / file).write_bytes(edit((folder / file).read_bytes()))

    return case(name, file, fault, build)


def element(kind: int, data: bytes, size: int | None = None) -> bytes:
    """Return an element of a MAT file, with any announced size."""
    padding = b"" if kind == COMPRESSED else bytes(-len(data) % 8)
    return struct.pack("<II", kind, len(data) if size is None else size) + data + padding


def matrix(name: str, kind: int, shape: tuple[int, ...], data: bytes) -> bytes:
    """Return a variable of any class, shape and content."""
    body = element(6, struct.pack("<II", kind, 0))
    body += element(5, struct.pack(f"<{len(shape)}i", *shape))
    body += element(1, name.encode()) + data
    return element(MATRIX, body)


def _bomb(_: bytes) -> bytes:
    """Return a file of a megabyte whose variable unpacks to a gigabyte of zeros."""
    packer = zlib.compressobj(9)
    head = matrix("Shape_Para", DOUBLE, (SHAPES, 1), b"") + struct.pack("<II", 9, 2**30)
    packed = packer.compress(head)
    packed += b"".join(packer.compress(bytes(2**20)) for _ in range(1024)) + packer.flush()
    return HEADER + element(COMPRESSED, packed)


def _raw(name: str, kind: int, shape: tuple[int, ...], data: bytes = b"") -> Callable[..., bytes]:
    other = matrix("Exp_Para", DOUBLE, (EXPRESSIONS, 1), element(9, bytes(8 * EXPRESSIONS)))
    return lambda _: HEADER + other + matrix(name, kind, shape, data)


def _files() -> list[Case]:
    def remove(file: str) -> Callable[[Path], object]:
        return lambda folder: (folder / file).unlink()

    def without_faces(folder: Path) -> None:
        for file in (folder / "faces").iterdir():
            file.unlink()

    def one_face(folder: Path) -> None:
        for file in sorted((folder / "faces").iterdir())[1:]:
            file.unlink()

    def face_folder(folder: Path) -> None:
        (folder / FACE).unlink()
        (folder / FACE).mkdir()

    def dangling(folder: Path) -> None:
        (folder / FACE).unlink()
        (folder / FACE).symlink_to("nowhere.mat")

    def renamed(folder: Path) -> None:
        (folder / FACE).rename(folder / "faces" / "a\nb.mat")

    def place(key: str, value: str, name: str, fault: str) -> Case:
        def build(folder: Path) -> list[str]:
            return [*write_layout(folder), "--set", f"data.aflw2000_3d.{key}={value}"]

        return Case(f"mat-{name}", "mat", build, value if key == "x" else "model", fault)

    def cut(quarter: int) -> Callable[[bytes], bytes]:
        return lambda data: data[: len(data) * quarter // 4]

    def basel(folder: Path) -> None:
        (folder / SHAPE).rename(folder / "model" / "01_MorphableModel.mat")

    def too_high(folder: Path) -> None:
        (folder / "faces").rename(folder / "AFLW2000")
        (folder / "faces").mkdir()
        (folder / "AFLW2000").rename(folder / "faces" / "AFLW2000")

    return [
        case("model-shape-missing", "Model_Shape.mat", "has no", remove(SHAPE)),
        case("model-expression-missing", "Model_Exp.mat", "has no", remove(EXPRESSION)),
        case("model-of-basel-itself", "01_MorphableModel.mat", "ModelGenerate.m of", basel),
        case("faces-one-level-too-high", "faces_dir", "AFLW2000 in it has 5: name", too_high),
        case("no-faces", "data.aflw2000_3d.faces_dir", "no .mat file", without_faces),
        case("one-face", "data.aflw2000_3d.faces_dir", "holds one face", one_face),
        case("face-is-a-folder", FACE, "no file", face_folder),
        case("face-is-a-dangling-link", FACE, "does not exist", dangling),
        case("face-name-with-a-line-end", r"a\nb.mat", "rename it", renamed),
        place("model_dir", "~nobody-x/model", "model-dir-of-an-unknown-user", "as a path"),
        place("faces_dir", "model/Model_Exp.mat", "faces-dir-is-a-file", "not a folder"),
        *[content(f"{label}-truncated-{q}/4", "cut off|damaged|no variable", cut(q), file)
          for label, file in (("face", FACE), ("shape", SHAPE), ("expression", EXPRESSION))
          for q in (1, 2, 3)],
        content("empty", "is empty", lambda data: b""),
        content("is-text", "no MATLAB file", lambda data: b"Shape_Para = [1 2 3]\n" * 20),
        content("is-a-png", "no MATLAB file", lambda data: b"\x89PNG\r\n\x1a\n" + bytes(300)),
        content("is-an-npz", "no MATLAB file", lambda data: b"PK\3\4" + bytes(300)),
        content("of-version-4", "no MATLAB file", lambda data: struct.pack(
            "<5I", 0, 2**31, 2**31, 0, 11) + b"Shape_Para\0" + bytes(150)),
        content("of-version-7.3", "version 7.3",
                lambda data: HEADER[:124] + b"\0\2IM" + data[128:]),
        content("is-hdf5", "version 7.3", lambda data: b"\x89HDF\r\n\x1a\n" + bytes(500)),
        content("of-other-byte-order", "damaged|no variable",
                lambda data: data[:124] + b"\1\0MI" + data[128:]),
        content("header-only", "no variable|damaged", lambda data: data[:128]),
        content("variable-announces-4-gb", "damaged|cut off|no variable",
                lambda data: data[:132] + b"\xff" * 4 + data[136:]),
        content("variable-of-no-bytes", "damaged|cut off",
                lambda data: data[:132] + bytes(4) + data[136:]),
        content("bomb", "unpacks to more", _bomb),
        content("broken-compression", "damaged",
                lambda data: HEADER + element(COMPRESSED, b"\x78\x9c" + b"\xaa" * 500)),
        content("random-bytes-after-header", "damaged|no variable",
                lambda data: HEADER + np.random.default_rng(0).bytes(2000)),
    ]  # fmt: skip


def _variables() -> list[Case]:
    def ones(*shape: int) -> np.ndarray:
        return np.ones(shape)

    nan = np.full((SHAPES, 1), np.nan)
    tri = (TRIANGLES.T + 1).astype(np.float64)
    cells = np.empty((SHAPES, 1), dtype=object)
    cells[:] = 1.0
    huge = 2**31 - 1
    return [
        variable("shape-para-missing", "no variable Shape_Para", FACE, Shape_Para=None),
        variable("exp-para-missing", "no variable Exp_Para", FACE, Exp_Para=None),
        variable("mu-shape-missing", "no variable mu_shape", SHAPE, mu_shape=None),
        variable("w-exp-missing", "no variable w_exp", EXPRESSION, w_exp=None),
        variable("shape-para-too-short", "6 x 1", FACE, Shape_Para=ones(5, 1)),
        variable("shape-para-square", "6 x 1", FACE, Shape_Para=ones(6, 6)),
        variable("shape-para-empty", "6 x 1", FACE, Shape_Para=ones(0, 0)),
        variable("shape-para-cells", "class cell", FACE, Shape_Para=cells),
        variable("shape-para-structure", "class struct", FACE, Shape_Para={"a": 1.0}),
        variable("shape-para-text", "class char", FACE, Shape_Para="text"),
        variable("shape-para-sparse", "class sparse", FACE,
                 Shape_Para=scipy.sparse.csc_matrix(ones(6, 1))),
        variable("shape-para-logical", "class logical", FACE, Shape_Para=ones(6, 1) > 0),
        variable("shape-para-complex", "real numbers", FACE, Shape_Para=ones(6, 1) * 1j),
        variable("shape-para-nan", "NaN or infinite", FACE, Shape_Para=nan),
        variable("exp-para-infinite", "NaN or inf", FACE, Exp_Para=ones(4, 1) * np.inf),
        variable("shape-para-of-1e300", "larger than", FACE, Shape_Para=ones(6, 1) * 1e300),
        variable("mu-shape-transposed", "3V x 1", SHAPE, mu_shape=ones(1, ROWS)),
        variable("mu-shape-not-by-three", "3V x 1", SHAPE, mu_shape=ones(ROWS - 1, 1)),
        variable("mu-shape-empty", "3V x 1", SHAPE, mu_shape=ones(0, 1)),
        variable("mu-shape-shorter", "mu_shape of Model_Shape.mat has 72 rows|w is", SHAPE,
                 mu_shape=ones(ROWS - 3, 1)),
        variable("w-of-other-rows", "w is 72 x 6", SHAPE, w=ones(ROWS - 3, 6)),
        variable("w-without-columns", "w is|no variable|class", SHAPE, w=ones(ROWS, 0)),
        variable("w-of-three-dimensions", "w is 75 x 6 x 2", SHAPE, w=ones(ROWS, 6, 2)),
        variable("w-nan", "w has values", SHAPE, w=ones(ROWS, 6) * np.nan),
        variable("tri-from-zero", "counts from 1", SHAPE, tri=tri - 1),
        variable("tri-beyond-vertices", "names vertex 26", SHAPE, tri=tri + 1),
        variable("tri-transposed", "3 x F", SHAPE, tri=tri.T),
        variable("tri-empty", "3 x F", SHAPE, tri=ones(3, 0)),
        variable("tri-not-whole", "not whole", SHAPE, tri=tri + 0.5),
        variable("tri-nan", "tri has values that are NaN", SHAPE, tri=tri * np.nan),
        variable("tri-of-1e300", "tri has values larger", SHAPE, tri=tri * 1e300),
        variable("mu-exp-of-two-columns", "mu_exp is 75 x 2", EXPRESSION, mu_exp=ones(ROWS, 2)),
        variable("w-exp-of-other-rows", "w_exp is 78 x 4", EXPRESSION, w_exp=ones(ROWS + 3, 4)),
        content("cells-of-a-billion", "class cell", _raw("Shape_Para", CELL, (10**9, 1))),
        content("structure-of-a-billion", "class struct", _raw("Shape_Para", STRUCT, (10**9, 1))),
        content("text-of-a-billion", "class char", _raw("Shape_Para", CHAR, (1, 10**9))),
        content("array-of-huge-shape", "damaged|6 x 1",
                _raw("Shape_Para", DOUBLE, (huge, huge), element(9, bytes(48)))),
        content("array-of-negative-shape", "damaged|6 x 1|6 x -1|-",
                _raw("Shape_Para", DOUBLE, (-6, -1), element(9, bytes(48)))),
        content("array-data-of-4-gb", "damaged",
                _raw("Shape_Para", DOUBLE, (6, 1), element(9, bytes(48), 2**32 - 1))),
        content("variable-twice", "twice", lambda data: data + data[128:]),
    ]  # fmt: skip


def cases() -> list[Case]:
    """Return the cases."""
    return [*_files(), *_variables()]
