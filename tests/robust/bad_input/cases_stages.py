"""Data sets, pyramids, local weights and checkpoints that cannot be used."""

from __future__ import annotations

import hashlib
import pickle
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .case import Case
from .cases_arrays import Payload, header, npy
from .spoil import (
    EVALUATE,
    TRAIN,
    Arrays,
    Spoil,
    case,
    cut,
    edit_json,
    flip,
    nothing,
    poison,
    remove,
    text,
    torch_file,
)
from .stage_inputs import LEVELS

# Data set stores.


def vertices(edit: Callable[[np.ndarray], np.ndarray]) -> Spoil:
    def spoil(folder: Path) -> None:
        file = folder / "data" / "vertices.npy"
        file.write_bytes(npy(edit(np.load(file))))

    return spoil


def info(edit: Callable[[dict[str, Any]], object]) -> Spoil:
    return edit_json("data/dataset.json", edit)


def lines(edit: Callable[[list[str]], list[str]]) -> Spoil:
    def spoil(folder: Path) -> None:
        file = folder / "data" / "faces.csv"
        file.write_text("\n".join(edit(file.read_text().splitlines())) + "\n")

    return spoil


def bytes_of(name: str, edit: Callable[[bytes], bytes]) -> Spoil:
    return lambda folder: (folder / name).write_bytes(edit((folder / name).read_bytes()))


def nan_first(array: np.ndarray) -> np.ndarray:
    array[0, 0, 0] = np.nan
    return array


def stores() -> list[Case]:
    template = ["template", "--data", "data", "--output", "out", *LEVELS]
    rows: list[tuple[str, str, str, Spoil]] = [
        ("no-json", "dataset.json", "No such file|does not exist", remove("data/dataset.json")),
        ("json-cut", "dataset.json", "not valid JSON", text("data/dataset.json", '{"a": ')),
        ("json-list", "dataset.json", "does not describe a data set",
         text("data/dataset.json", "[1, 2]")),
        ("json-deep", "dataset.json", "not valid JSON", text("data/dataset.json", "[" * 100_000)),
        ("json-no-hash", "dataset.json", "no content_sha256",
         info(lambda content: content.pop("content_sha256"))),
        ("json-version", "dataset.json", "format_version is 7",
         info(lambda content: content.update(format_version=7))),
        ("json-hash", "data", "was altered", info(lambda c: c.update(content_sha256="0" * 64))),
        ("vertices-missing", "vertices.npy", "does not exist", remove("data/vertices.npy")),
        *((f"vertices-cut-{i}-quarters", "vertices.npy", "cut off|no array",
           bytes_of("data/vertices.npy", cut(i / 4))) for i in range(4)),
        ("vertices-objects", "vertices.npy", "no array of faces",
         text("data/vertices.npy", npy(np.array([Payload()], object)))),
        ("vertices-pickle", "vertices.npy", "no array of faces",
         text("data/vertices.npy", pickle.dumps(Payload()))),
        ("vertices-archive", "vertices.npy", "no array of faces",
         lambda f: shutil.copy(f / "pyramid.npz", f / "data" / "vertices.npy")),
        ("vertices-header", "vertices.npy", "no array of faces",
         text("data/vertices.npy", header("{'descr': '<f4', 'fortran_order': " + "(" * 5000))),
        ("vertices-huge", "vertices.npy", "no array of faces", text("data/vertices.npy", header(
            "{'descr': '<f4', 'fortran_order': False, 'shape': (8, 999999999999, 3), }"))),
        ("vertices-double", "vertices.npy", "float64", vertices(lambda v: v.astype(np.float64))),
        ("vertices-big-endian", "vertices.npy", "expected float32",
         vertices(lambda v: v.astype(">f4"))),
        ("vertices-flat", "vertices.npy", r"\(8, 768\)", vertices(lambda v: v.reshape(8, -1))),
        ("vertices-none", "vertices.npy", "holds no face", vertices(lambda v: v[:0])),
        ("vertices-fortran", "vertices.npy", "not one face after the other",
         vertices(np.asfortranarray)),
        ("vertices-nan", "data", "was altered", vertices(nan_first)),
        ("vertices-fewer", "template.ply", "has 256 vertices, vertices.npy has 255",
         vertices(lambda v: np.ascontiguousarray(v[:, :-1]))),
        ("vertices-fewer-faces", "faces.csv", "needs 7 rows",
         vertices(lambda v: np.ascontiguousarray(v[:-1]))),
        ("faces-missing", "faces.csv", "does not exist", remove("data/faces.csv")),
        ("faces-empty", "faces.csv", "cannot be read as CSV", text("data/faces.csv", "")),
        ("faces-columns", "faces.csv", "needs 8 rows with the columns id, split",
         lines(lambda all_: [line.partition(",")[2] for line in all_])),
        ("faces-row-missing", "faces.csv", "has 7 rows", lines(lambda all_: all_[:-1])),
        ("faces-split", "faces.csv", "'train' or 'test'",
         lines(lambda all_: [line.replace("train", "validate") for line in all_])),
        ("faces-twice", "faces.csv", "id 'f1' twice",
         lines(lambda all_: [line.replace("f2,", "f1,") for line in all_])),
        ("faces-swapped", "data", "was altered",
         lines(lambda all_: [all_[0], all_[2], all_[1], *all_[3:]])),
        ("faces-not-text", "faces.csv", "cannot be read as CSV",
         text("data/faces.csv", b"\xff\xfe\0\1")),
        ("faces-quote", "faces.csv", "cannot be read as CSV",
         text("data/faces.csv", 'id,split,subject,expression,source\nf0,"train,0,,grid\n')),
        ("template-missing", "template.ply", "", remove("data/template.ply")),
        ("template-cut", "template.ply", "", bytes_of("data/template.ply", cut(0.5))),
        ("template-text", "template.ply", "", text("data/template.ply", "no mesh")),
        ("template-other", "data", "was altered|254 vertices", bytes_of(
            "data/template.ply", lambda c: c[:-13] + struct.pack("<Biii", 3, 0, 1, 2))),
        ("template-index", "template.ply", "", bytes_of(
            "data/template.ply", lambda c: c[:-13] + struct.pack("<Biii", 3, 0, 1, 9999))),
        ("a-file", "model.json/dataset.json", "Not a directory", lambda f: (
            shutil.rmtree(f / "data"), (f / "data").symlink_to("model/model.json"))),
    ]  # fmt: skip
    found = []
    for i, (name, names, fault, spoil) in enumerate(rows[:-1]):
        words = template if i % 2 else ["inspect", "data/dataset.json"]
        found.append(case(f"store-{name}", names, fault, spoil, words))
    found.append(
        case("store-a-file", "pyramid.npz/dataset.json", "Not a directory", nothing,
             ["template", "--data", "pyramid.npz", "--output", "out"])
    )  # fmt: skip
    return found


# Archives of the stages.


def archive(name: str, edit: Callable[[Arrays], object]) -> Spoil:
    """Return a change of the arrays of an NPZ."""

    def spoil(folder: Path) -> None:
        with np.load(folder / name) as file:
            arrays = dict(file)
        edit(arrays)
        np.savez(folder / name, **arrays)

    return spoil


def zipped(name: str, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Spoil:
    def spoil(folder: Path) -> None:
        with zipfile.ZipFile(folder / name, "w", compression) as file:
            for member, content in members.items():
                file.writestr(member, content)

    return spoil


def bomb() -> bytes:
    """Return an array of 300 MB of zeros, which deflate packs into 300 kB."""
    shape = "{'descr': '<f4', 'fortran_order': False, 'shape': (25000000, 3), }"
    return header(shape) + bytes(300_000_000)


def twice(folder: Path) -> None:
    with zipfile.ZipFile(folder / "local_weights.npz", "w") as file:
        file.writestr("weights.npy", npy(np.ones((256, 1), np.float32)))
        file.writestr("basis.npy", npy(np.ones((256, 1), np.float32)))
        file.writestr("basis", npy(np.ones((256, 2), np.float32)))


def archives() -> list[Case]:
    w, p = "local_weights.npz", "pyramid.npz"
    ones = npy(np.ones((256, 1), np.float32))
    objects = npy(np.array([[Payload()]], object))
    huge = header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 4), }")
    rows: list[tuple[str, str, str, Spoil]] = [
        ("missing", w, "does not exist", remove(w)),
        ("empty", w, "not a zip file|no archive", text(w, "")),
        ("text", w, "not a zip file|no archive", text(w, "no archive at all")),
        ("pickle", w, "not a zip file|no archive", text(w, pickle.dumps(Payload()))),
        *((f"cut-{i}-quarters", w, "cannot be read|no archive", bytes_of(w, cut(i / 4)))
          for i in range(1, 4)),
        ("objects", w, "Python objects", zipped(w, {"weights.npy": objects, "basis.npy": ones})),
        ("no-basis", w, "no array 'basis'", archive(w, lambda a: a.pop("basis"))),
        ("keys", w, "no array|does not fit", zipped(w, {"weight.npy": ones, "basis.npy": ones})),
        ("negative", w, "negative", archive(w, lambda a: poison(a, "weights", -1))),
        ("nan", w, "not finite", archive(w, lambda a: poison(a, "weights", np.nan))),
        ("basis-nan", w, "basis holds", archive(w, lambda a: poison(a, "basis", np.nan))),
        ("sums", w, "must sum to 1", archive(w, lambda a: a.update(weights=a["weights"] * 2))),
        ("integers", w, "int64", archive(w, lambda a: a.update(weights=np.ones((256, 3), int)))),
        ("complex", w, "complex", archive(w, lambda a: a.update(weights=a["weights"] + 1j))),
        ("flat", w, "not float", archive(w, lambda a: a.update(weights=a["weights"].ravel()))),
        ("rows", w, "must be alike", archive(w, lambda a: a.update(weights=a["weights"][:-1]))),
        ("huge", w, "the data end before", zipped(w, {"weights.npy": huge, "basis.npy": ones})),
        ("not-npy", w, "magic", zipped(w, {"weights.npy": b"no array", "basis.npy": ones})),
        ("twice", w, "twice", twice),
        ("is-a-pyramid", w, "is not local weights", lambda f: shutil.copy(f / p, f / w)),
        ("no-coarse", p, "lacks the array", archive(p, lambda a: a.pop("triangles_2"))),
        ("no-keep", p, "lacks the array", archive(p, lambda a: a.pop("keep_0"))),
        ("no-level", p, "do not fit|lacks", archive(p, lambda a: a.pop("vertices_1"))),
        ("index", p, "keep_0 does not fit", archive(p, lambda a: poison(a, "keep_0", -1))),
        ("index-large", p, "keep_1 does not fit", archive(p, lambda a: poison(a, "keep_1", 10**6))),
        ("index-twice", p, "keep_0 does not fit",
         archive(p, lambda a: a["keep_0"].__setitem__(1, a["keep_0"][0]))),
        ("triangle", p, "triangles_0 do not", archive(p, lambda a: poison(a, "triangles_0", 256))),
        ("triangle-float", p, "triangles_0 is float64",
         archive(p, lambda a: a.update(triangles_0=a["triangles_0"] * 1.0))),
        ("triangle-quads", p, "triangles_0 is int64",
         archive(p, lambda a: a.update(triangles_0=np.zeros((9, 4), int)))),
        ("vertices-nan", p, "vertices_0 has values",
         archive(p, lambda a: poison(a, "vertices_0", np.nan))),
        ("vertices-flat", p, "vertices_0 is", archive(
            p, lambda a: a.update(vertices_0=a["vertices_0"].ravel()))),
        ("up-index", p, "do not fit", archive(p, lambda a: poison(a, "up_0_indices", 10**6))),
        ("up-pointer", p, "do not fit", archive(p, lambda a: poison(a, "up_0_indptr", 5))),
        ("up-rows", p, "do not fit",
         archive(p, lambda a: a.update(up_0_indptr=a["up_0_indptr"][:-1]))),
        ("up-negative", p, "up_1 is not", archive(p, lambda a: poison(a, "up_1_data", -1))),
        ("up-nan", p, "up_1_data has values", archive(p, lambda a: poison(a, "up_1_data", np.nan))),
        ("objects", p, "Python objects",
         zipped(p, {"vertices_0.npy": objects, "keep_0.npy": ones})),
        ("traversal", p, "", zipped(p, {"../../vertices_0.npy": ones, "keep_0.npy": ones})),
        ("bomb", p, "unpacks to 300000",
         zipped(p, {"vertices_0.npy": bomb(), "keep_0.npy": ones}, zipfile.ZIP_DEFLATED)),
        ("missing", p, "does not exist", remove(p)),
        ("cut", p, "cannot be read|no archive", bytes_of(p, cut(0.5))),
    ]  # fmt: skip
    found = []
    for i, (name, names, fault, spoil) in enumerate(rows):
        reader = TRAIN if names == p else EVALUATE
        words = reader if i % 2 or name == "bomb" else ["inspect", names]
        # Without its keys the file is only some archive of arrays.
        words = reader if name == "keys" or name == "is-a-pyramid" else words
        kind = "pyramid" if names == p else "weights"
        found.append(case(f"{kind}-{name}", names, fault, spoil, words))
    return found


# Checkpoints, and what `inspect` does not know.


def signed(payload: bytes) -> bytes:
    """Return a checkpoint of any payload, with the right hash."""
    digest = hashlib.sha256(payload).hexdigest()
    return f"lwpipe checkpoint 2 sha256={digest}\n".encode() + payload


def looks() -> list[Case]:
    last = "checkpoints/last.pt"
    damaged = "is damaged, or is no checkpoint"

    def look(name: str, path: str, fault: str, spoil: Spoil = nothing) -> Case:
        return case(f"inspect-{name}", path, fault, spoil, ["inspect", path])

    return [
        look("checkpoint-cut", last, damaged, bytes_of(last, cut(0.5))),
        look("checkpoint-altered", last, damaged, bytes_of(last, flip)),
        look("checkpoint-empty", last, damaged, text(last, "")),
        look("checkpoint-pickle", last, damaged, text(last, pickle.dumps(Payload()))),
        look("checkpoint-torch", last, damaged, text(last, torch_file({"a": torch.ones(2)}))),
        look("checkpoint-objects", last, damaged, text(last, torch_file(Payload()))),
        look("checkpoint-of-objects", last, damaged, text(last, signed(torch_file(Payload())))),
        look("checkpoint-of-numbers", last, damaged, text(last, signed(torch_file({"epoch": 1})))),
        look("missing", "none", "does not exist"),
        look("readme", "README.md", "no kind of file", text("README.md", "words")),
        look("empty-folder", "empty", "holds nothing", lambda f: (f / "empty").mkdir()),
        look("some-json", "a.json", "none of lwpipe", text("a.json", '{"a": 1}')),
        look("no-json", "a.json", "not valid JSON", text("a.json", "words")),
        look("some-csv", "a.csv", "no table of lwpipe", text("a.csv", "a,b\n1,2\n")),
        look("not-text-csv", "a.csv", "cannot be read as CSV", text("a.csv", b"\xff\xfe\n\0")),
        look("curve", "history.csv", "not a learning curve",
             text("history.csv", "epoch,test_mm,seconds\n1,much,2\n")),
        look("mat", "a.mat", "cannot be read as a MATLAB file", text("a.mat", bytes(200))),
        look("mat-73", "a.mat", "version 7.3", text(
            "a.mat", b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM" + bytes(400))),
        look("npy", "a.npy", "no array of numbers", text("a.npy", npy(np.array([Payload()])))),
        look("npz", "a.npz", "no archive of arrays", text("a.npz", pickle.dumps(Payload()))),
        look("mesh", "a.obj", "no triangle|no vertex|in one point", text("a.obj", "v 0 0 0\n")),
        look("yaml", "a.yaml", "unknown key `nam`", text("a.yaml", "nam: a\n")),
        look("measures", "measures.json", "none of lwpipe", text("measures.json", "[1]")),
        case("inspect-broken-model-of-run", "model.json", "", lambda f: (
            (f / "variants/full/training").mkdir(parents=True),
            (f / "variants/full/training/model.json").write_text("{"),
        ), ["inspect", "data"]),
    ]  # fmt: skip


def cases() -> list[Case]:
    """Return the cases of the files of the stages."""
    return [*stores(), *archives(), *looks()]
