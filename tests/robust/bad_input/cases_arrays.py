"""NPY and NPZ files of meshes that cannot be used."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.helpers.mesh_files import TRIANGLES, VERTICES, shapes, write_obj

from .case import Case
from .cases_meshes import arguments
from .harness import SENTINEL


class Payload:
    """An object that runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path(SENTINEL),))


def npy(array: np.ndarray) -> bytes:
    """Return an array as NPY."""
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=True)
    return file.getvalue()


def header(text: str, data: bytes = b"", version: bytes = b"\1\0") -> bytes:
    """Return an NPY of any header."""
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text.encode("latin-1") + data


def shaped(shape: str, dtype: str = "'<f4'", order: str = "False") -> bytes:
    """Return an NPY of 1200 bytes that announces the given shape."""
    text = f"{{'descr': {dtype}, 'fortran_order': {order}, 'shape': {shape}, }}\n"
    return header(text, bytes(1200))


def single(name: str, fault: str, content: bytes | Callable[[], bytes]) -> Case:
    """Return a case of an NPY with a good template beside it."""

    def build(folder: Path) -> list[str]:
        (folder / "faces.npy").write_bytes(content if isinstance(content, bytes) else content())
        write_obj(folder / "template.obj", VERTICES)
        return arguments("faces.npy")

    return Case(f"npy-{name}", "npy", build, "faces.npy", fault)


def archive(name: str, fault: str, write: Callable[[zipfile.ZipFile], object]) -> Case:
    """Return a case of an NPZ."""

    def build(folder: Path) -> list[str]:
        with zipfile.ZipFile(folder / "faces.npz", "w") as file:
            write(file)
        return arguments("faces.npz")

    return Case(f"npz-{name}", "npy", build, "faces.npz", fault)


def arrays(name: str, fault: str, **values: object) -> Case:
    """Return a case of an NPZ of arrays; those of good meshes where none are given."""
    content = {"vertices": shapes(4), "triangles": TRIANGLES, **values}

    def write(file: zipfile.ZipFile) -> None:
        for key, value in content.items():
            if value is not None:
                file.writestr(f"{key}.npy", npy(np.asarray(value)))

    return archive(name, fault, write)


def damaged(
    name: str, fault: str, edit: Callable[[bytes], bytes], compressed: bool = False
) -> Case:
    """Return a case of an NPZ of good meshes whose bytes are changed."""

    def build(folder: Path) -> list[str]:
        save = np.savez_compressed if compressed else np.savez
        save(folder / "faces.npz", vertices=shapes(4), triangles=TRIANGLES)
        content = (folder / "faces.npz").read_bytes()
        (folder / "faces.npz").write_bytes(edit(content))
        return arguments("faces.npz")

    return Case(f"npz-{name}", "npy", build, "faces.npz", fault)


def _cut(quarter: int) -> Callable[[bytes], bytes]:
    return lambda content: content[: len(content) * quarter // 4]


def _bomb(file: zipfile.ZipFile) -> None:
    file.writestr("triangles.npy", npy(TRIANGLES))
    with file.open(zipfile.ZipInfo("vertices.npy"), "w") as member:
        member._compressor = zipfile._get_compressor(zipfile.ZIP_DEFLATED, 9)
        member._zinfo.compress_type = zipfile.ZIP_DEFLATED
        text = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 25000000, 3), }\n"
        member.write(header(text))
        for _ in range(1200):
            member.write(bytes(1_000_000))


def _flags(content: bytes, flag: int, method: int | None = None) -> bytes:
    """Return a zip whose members claim a flag, such as encryption, or another compression."""
    changed = bytearray(content)
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = content.find(mark)
        while at >= 0:
            changed[at + place] |= flag
            if method is not None:
                changed[at + place + 2] = method
            at = content.find(mark, at + 4)
    return bytes(changed)


def _npy() -> list[Case]:
    good = shapes(4)
    nan = good.copy()
    nan[1, 3, 2] = np.nan
    huge = good.copy()
    huge[2] *= 1e200
    objects = npy(np.array([Payload()], dtype=object))
    nested = "(" * 5000 + ")" * 5000
    code = f"{{'descr': '<f4', 'shape': __import__('pathlib').Path('{SENTINEL}').touch()}}"
    return [
        single("objects-with-code", "no array of numbers", objects),
        single("header-with-code", "no array of numbers", header(code)),
        single("header-of-brackets", "no array of numbers", header(nested[:9000])),
        single("header-of-60-kb", "no array of numbers", header(" " * 60000)),
        single("header-of-minus-signs", "no array of numbers", header("-" * 9000 + "1")),
        single("header-without-shape", "no array of numbers", header("{'descr': '<f4'}\n")),
        single("header-is-a-list", "no array of numbers", header("[1, 2]\n")),
        single("of-version-9", "no array of numbers", header("{}", version=b"\x09\0")),
        single("truncated-1/4", "cut off", lambda: _cut(1)(npy(good))),
        single("truncated-2/4", "cut off", lambda: _cut(2)(npy(good))),
        single("truncated-3/4", "cut off", lambda: _cut(3)(npy(good))),
        single("empty", "no array of numbers", b""),
        single("is-a-zip", "no array of numbers", b"PK\3\4" + bytes(200)),
        single("huge-shape", "cut off", shaped("(1000000000, 1000000, 3)")),
        single("shape-beyond-64-bits", "cut off", shaped(f"({10**30}, 25, 3)")),
        single("shape-that-overflows-to-zero", "cut off", shaped(f"({2**62}, 16, 3)")),
        single("negative-shape", "cut off|the vertices are", shaped("(-4, 25, 3)")),
        single("shape-of-floats", "no array of numbers", shaped("(4.0, 25, 3)")),
        single("shape-of-text", "no array of numbers", shaped("'abc'")),
        single("wrong-dimension", r"the vertices are float64 \(25, 3\)", npy(good[0])),
        single("two-coordinates", r"\(4, 25, 2\)", npy(good[..., :2])),
        single("no-faces", r"\(0, 25, 3\)", npy(good[:0])),
        single("scalar", r"the vertices are float64 \(\)", npy(np.array(3.0))),
        single("integers", "floating-point", npy(good.astype(np.int32))),
        single("complex", "floating-point", npy(good.astype(complex))),
        single("text", "floating-point", npy(good.astype("U8"))),
        single("dates", "floating-point", npy(np.zeros((4, 25, 3), "M8[s]"))),
        single("records", "floating-point", npy(np.zeros((4, 25, 3), [("x", "<f4")]))),
        single("booleans", "floating-point", npy(good > 0)),
        single("type-of-a-gigabyte", "cut off", shaped("(4, 25, 3)", "'|V1000000000'")),
        single("type-that-is-none", "no array of numbers", shaped("(4, 25, 3)", "'<q9z'")),
        single("nan", r"face 1 .*NaN or infinite", npy(nan)),
        single("coordinates-too-large", r"face 2 .*larger than", npy(huge)),
        single("one-face", "one mesh", npy(good[:1])),
    ]  # fmt: skip


def _npz() -> list[Case]:
    good = shapes(4)

    def members(**names: bytes) -> Callable[[zipfile.ZipFile], None]:
        def write(file: zipfile.ZipFile) -> None:
            for name, content in names.items():
                file.writestr(name, content)

        return write

    both = {"vertices.npy": npy(good), "triangles.npy": npy(TRIANGLES)}
    infinite = good.copy()
    infinite[2] *= np.inf
    traversal = {f"../../{name}": content for name, content in both.items()}
    return [
        arrays("objects-with-code", "objects|cannot be read", vertices=np.array([Payload()])),
        arrays("without-triangles", "no array 'triangles'", triangles=None),
        arrays("without-vertices", "no array 'vertices'", vertices=None),
        arrays("of-other-names", "no array", vertices=None, triangles=None, faces=good),
        arrays("triangles-of-floats", "'triangles' is float64", triangles=TRIANGLES * 1.0),
        arrays("triangles-of-text", "'triangles' is <U2", triangles=TRIANGLES.astype("U2")),
        arrays("triangles-out-of-range", "vertices 1 to 25", triangles=TRIANGLES + 1),
        arrays("negative-triangles", "vertices -1 to", triangles=TRIANGLES - 1),
        arrays("huge-unsigned-triangles", "has triangles of",
               triangles=TRIANGLES.astype(np.uint64) + np.uint64(2**63)),
        arrays("quads", r"\(32, 4\)", triangles=np.zeros((32, 4), int)),
        arrays("no-triangles", "is empty", triangles=TRIANGLES[:0]),
        arrays("vertices-of-integers", "floating-point", vertices=good.astype(int)),
        arrays("vertices-of-one-face", r"\(25, 3\)", vertices=good[0]),
        arrays("infinite", "face 2 .*NaN or infinite", vertices=infinite),
        archive("members-by-path-traversal", "no array", members(**traversal)),
        archive("member-is-text", "cannot be read",
                members(**{**both, "vertices.npy": b"some text"})),
        archive("member-announces-too-much", "cannot be read|announces",
                members(**{**both, "vertices.npy": shaped("(1000000, 1000000, 3)")})),
        archive("member-of-code-in-header", "cannot be read", members(**{
            **both, "vertices.npy": header(f"open('{SENTINEL}', 'w')")})),
        archive("bomb", "unpacks to", _bomb),
        archive("of-nothing", "no array", lambda file: None),
        damaged("truncated-1/4", "cannot be read", _cut(1)),
        damaged("truncated-2/4", "cannot be read", _cut(2)),
        damaged("truncated-3/4", "cannot be read", _cut(3)),
        damaged("empty", "cannot be read", lambda content: b""),
        damaged("is-an-npy", "cannot be read", lambda content: npy(good)),
        damaged("flipped-bytes", "cannot be read",
                lambda c: c[:200] + bytes(x ^ 255 for x in c[200:230]) + c[230:]),
        damaged("flipped-compressed-bytes", "cannot be read",
                lambda c: c[:200] + bytes(x ^ 255 for x in c[200:230]) + c[230:], True),
        damaged("encrypted", "encrypted|password", lambda c: _flags(c, 1)),
        damaged("of-unknown-compression", "compression", lambda c: _flags(c, 0, 97)),
        damaged("of-lzma-that-is-none", "cannot be read", lambda c: _flags(c, 0, 14)),
    ]  # fmt: skip


def cases() -> list[Case]:
    """Return the cases."""
    return [*_npy(), *_npz()]
