"""Trained models that cannot be used, and commands that do not fit the files they are given."""

from __future__ import annotations

import json
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from .case import Case
from .cases_arrays import Payload
from .spoil import (
    BASELINES,
    DIVERSITY,
    EDIT,
    EVALUATE,
    INTERPOLATE,
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
from .stage_inputs import LEVELS, retell_hash, write_model, write_store, write_weights


def tensors(edit: Callable[[Arrays], object]) -> Spoil:
    """Return a change of the arrays of a model, whose description tells the new hash."""

    def spoil(folder: Path) -> None:
        file = folder / "model" / "model.safetensors"
        arrays = {name: array.copy() for name, array in load_tensors(file.read_bytes()).items()}
        edit(arrays)
        file.write_bytes(save_tensors(arrays))
        retell_hash(folder / "model")

    return spoil


def replaced(content: bytes | Callable[[bytes], bytes], retell: bool = True) -> Spoil:
    """Return a change of the bytes of `model.safetensors`."""

    def spoil(folder: Path) -> None:
        file = folder / "model" / "model.safetensors"
        file.write_bytes(content if isinstance(content, bytes) else content(file.read_bytes()))
        if retell:
            retell_hash(folder / "model")

    return spoil


def described(edit: Callable[[dict[str, Any]], object]) -> Spoil:
    """Return a change of `model.json`."""
    return edit_json("model/model.json", edit)


def other(**settings: Any) -> Spoil:
    """Return a description with other settings of the network."""
    return described(lambda about: about["model"].update(settings))


def header_of(length: int, content: bytes = b"") -> bytes:
    """Return a safetensors file that announces a header of `length` bytes."""
    return struct.pack("<Q", length) + content


def tensor_header(**entry: Any) -> bytes:
    content = json.dumps({"mean": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16], **entry}})
    return header_of(len(content), content.encode() + bytes(16))


WEIGHTS, ABOUT = "model.safetensors", "model.json"


def models() -> list[Case]:
    fits = "does not fit its settings"
    no_file = "is no safetensors file"
    rows: list[tuple[str, str, str, Spoil]] = [
        ("altered", WEIGHTS, "was altered", replaced(flip, retell=False)),
        *(
            (f"cut-{i}-quarters", WEIGHTS, "was altered", replaced(cut(i / 4), retell=False))
            for i in range(4)
        ),
        *(
            (f"cut-{i}-quarters-rehashed", WEIGHTS, no_file, replaced(cut(i / 4)))
            for i in range(4)
        ),
        ("missing", WEIGHTS, "does not exist", remove("model/model.safetensors")),
        ("pickle", WEIGHTS, no_file, replaced(pickle.dumps(Payload()))),
        ("torch", WEIGHTS, no_file, replaced(torch_file({"mean": torch.zeros(3)}))),
        ("header-huge", WEIGHTS, no_file, replaced(header_of(2**62, b"{}"))),
        ("header-large", WEIGHTS, no_file, replaced(header_of(90_000_000, b"{}"))),
        ("header-not-json", WEIGHTS, no_file, replaced(header_of(8, b"not json"))),
        ("header-deep", WEIGHTS, no_file, replaced(header_of(40_000, b"[" * 40_000))),
        ("header-list", WEIGHTS, no_file, replaced(header_of(2, b"[]"))),
        ("header-dtype", WEIGHTS, no_file, replaced(tensor_header(dtype="X9"))),
        ("header-shape", WEIGHTS, no_file, replaced(tensor_header(shape=[2**40]))),
        ("header-offset", WEIGHTS, no_file, replaced(tensor_header(data_offsets=[0, 2**50]))),
        ("header-negative", WEIGHTS, no_file, replaced(tensor_header(shape=[-4]))),
        ("empty-tensors", WEIGHTS, fits, tensors(lambda a: a.clear())),
        ("tensor-missing", WEIGHTS, fits, tensors(lambda a: a.pop("network.projections"))),
        ("bias-missing", WEIGHTS, fits, tensors(lambda a: a.pop("network.encoder.1.bias"))),
        ("mean-missing", WEIGHTS, fits, tensors(lambda a: a.pop("mean"))),
        ("weights-missing", WEIGHTS, fits, tensors(lambda a: a.pop("local_weights"))),
        ("pyramid-missing", WEIGHTS, fits, tensors(lambda a: a.pop("pyramid.keep_0"))),
        ("tensor-more", WEIGHTS, fits,
         tensors(lambda a: a.update({"network.more": np.zeros(3, np.float32)}))),
        ("tensor-double", WEIGHTS, "float64, expected float32", tensors(lambda a: a.update(
            {"network.projections": a["network.projections"].astype(np.float64)}))),
        ("tensor-half", WEIGHTS, "float16, expected float32", tensors(lambda a: a.update(
            {"network.to_latent.bias": a["network.to_latent.bias"].astype(np.float16)}))),
        ("tensor-nan", WEIGHTS, "`network.to_latent.weight` has values that are not finite",
         tensors(lambda a: poison(a, "network.to_latent.weight", np.nan))),
        ("mean-infinite", WEIGHTS, "`mean` has values that are not finite",
         tensors(lambda a: poison(a, "mean", np.inf))),
        ("scale-zero", WEIGHTS, "not positive", tensors(lambda a: poison(a, "scale", 0))),
        ("scale-shape", WEIGHTS, fits, tensors(lambda a: a.update(scale=np.ones((2, 2), "f4")))),
        ("mean-shape", WEIGHTS, fits, tensors(lambda a: a.update(mean=a["mean"][:-1]))),
        ("weights-negative", WEIGHTS, "not positive",
         tensors(lambda a: poison(a, "local_weights", -1))),
        ("weights-rows", WEIGHTS, fits,
         tensors(lambda a: a.update(local_weights=a["local_weights"][:-1]))),
        ("weights-flat", WEIGHTS, fits,
         tensors(lambda a: a.update(local_weights=a["local_weights"].reshape(-1)))),
        ("pyramid-index", WEIGHTS, "keep_0 does not fit",
         tensors(lambda a: poison(a, "pyramid.keep_0", 10**9))),
        ("pyramid-triangle", WEIGHTS, "triangles_1 do not fit",
         tensors(lambda a: poison(a, "pyramid.triangles_1", -1))),
        ("pyramid-upsampling", WEIGHTS, "up_0 is not a matrix",
         tensors(lambda a: poison(a, "pyramid.up_0_data", 7))),
        ("order", WEIGHTS, fits, other(order=4)),
        ("latent-size", WEIGHTS, fits, other(latent_size=4096)),
        ("channels", WEIGHTS, fits, other(channels=[4, 1024])),
        ("channels-levels", WEIGHTS, "3 channels for 2 levels", other(channels=[4, 6, 6])),
        ("weighting", WEIGHTS, fits, other(weighting="outer")),
        ("projection", WEIGHTS, fits, other(projection=False)),
        ("standardise", WEIGHTS, fits, other(standardise="vertex")),
        ("json-missing", ABOUT, "No such file", remove("model/model.json")),
        ("json-empty", ABOUT, "not valid JSON", text("model/model.json", "")),
        ("json-cut", ABOUT, "not valid JSON", text("model/model.json", '{"format_version": 1')),
        ("json-deep", ABOUT, "not valid JSON", text("model/model.json", "[" * 100_000)),
        ("json-not-text", ABOUT, "not valid JSON", text("model/model.json", b"\xff\xfe\0")),
        ("json-list", ABOUT, "not a model description", text("model/model.json", "[1]")),
        ("json-version", ABOUT, "not a model description of version 1",
         described(lambda about: about.update(format_version=99))),
        *((f"json-no-{key}", ABOUT, f"it has no '{key}'",
           described(lambda about, key=key: about.pop(key)))
          for key in ("model", "weights_sha256", "info")),
        ("json-info", ABOUT, "does not describe a model",
         described(lambda about: about.update(info=3))),
        ("json-settings", ABOUT, "`model.latent_size`", other(latent_size=-3)),
        ("json-unknown-setting", ABOUT, "`model.backend`", other(backend="fpga")),
        ("json-hash", WEIGHTS, "was altered",
         described(lambda about: about.update(weights_sha256="0" * 64))),
        ("history", "history.csv", "not the history of a training",
         text("model/history.csv", "epoch,loss\n1,2\n")),
    ]  # fmt: skip
    found = [case(f"model-{name}", names, fault, spoil, EDIT) for name, names, fault, spoil in rows]
    # The same faults, seen by the other readers of models.
    for name, names, fault, spoil in rows[:1] + rows[9:12] + rows[24:26]:
        found.append(case(f"model-inspect-{name}", names, fault, spoil, ["inspect", "model"]))
        found.append(case(f"model-evaluate-{name}", names, fault, spoil, EVALUATE))
    return found


def larger_model(folder: Path) -> None:
    write_model(folder / "model", side=18)


def larger_weights(folder: Path) -> None:
    write_weights(folder / "local_weights.npz", side=18)


def larger_data(folder: Path) -> None:
    shutil.rmtree(folder / "data")
    write_store(folder / "data", side=18)


def edits() -> list[Case]:
    at = EDIT.index("--part")
    return [
        case("edit-part", "--part 3", "parts 0 to 2", nothing, [*EDIT[:at], "--part", "3"]),
        case("edit-alpha", "--alpha nan", "not a finite", nothing, [*EDIT, "--alpha", "nan"]),
        case("edit-other-vertices", "source.ply", "has 256 vertices, the model has 324",
             larger_model, EDIT),
        case("edit-no-mesh", "source.ply", "cannot be read", remove("source.ply"), EDIT),
        case("edit-cut-mesh", "target.ply", "cut off",
             lambda f: (f / "target.ply").write_bytes((f / "source.ply").read_bytes()[:900]), EDIT),
        case("edit-no-id", "data", "no face with the id 'nobody'", nothing,
             [*EDIT, "--data", "data", "--source", "nobody"]),
        case("edit-no-part", "--part nose", "is not K", nothing, [*EDIT[:at], "--part", "nose"]),
        case("edit-part-twice", "--part", "names a part twice", nothing, [*EDIT, "--part", "0"]),
        case("edit-no-variant", "run", "has no trained variant 'on_pca'",
             lambda f: (f / "run/variants/full").mkdir(parents=True), ["edit", "run", *EDIT[2:]]),
        case("edit-model-is-torch", "model.pt", "is not a model",
             text("model.pt", torch_file({"a": torch.zeros(2)})), ["edit", "model.pt", *EDIT[2:]]),
        case("edit-model-is-a-mesh", "source.ply", "is not a model", nothing,
             ["edit", "source.ply", *EDIT[2:]]),
        case("edit-no-model", "none/model.json", "No such file", nothing,
             ["edit", "none/model.safetensors", *EDIT[2:]]),
        case("evaluate-other-data", "data", "the model 324", larger_model, EVALUATE),
        case("diversity-other-data", "data", "the model 324", larger_model, DIVERSITY),
        case("evaluate-other-weights", "local_weights.npz", "weights are .324", larger_weights,
             EVALUATE),
        case("baselines-other-weights", "local_weights.npz", "weights are .324", larger_weights,
             BASELINES),
        case("train-other-weights", "local_weights.npz", "is for 324 vertices, data has 256",
             larger_weights, TRAIN),
        case("train-other-data", "pyramid.npz", "is for 256 vertices, data has 324", larger_data,
             TRAIN),
        case("train-other-levels", "model.channels", "has 4 entries.*2 levels", nothing,
             TRAIN[: -len(LEVELS)]),
        case("train-no-gpu", "training.device", "no usable GPU", nothing,
             [*TRAIN, "--set", "training.device=cuda"]),
        case("diversity-few-faces", "diversity.sources", "ask for 16 faces", nothing, DIVERSITY),
        case("interpolate-no-id", "interpolation.pairs", "no face of data has the id 'f9'", nothing,
             [*INTERPOLATE, "--set", "interpolation.pairs=[[f9, f1]]"]),
        case("template-factors", "template.factors", "leave 1 of 256 vertices", nothing,
             ["template", "--data", "data", "--output", "out"]),
        case("weights-parts", "local_weights.parts", "64 parts cannot be drawn from 256", nothing,
             ["local_weights", "--data", "data", "--output", "out",
              "--set", "local_weights.parts=64"]),
    ]  # fmt: skip


def cases() -> list[Case]:
    """Return the cases of models and of their commands."""
    return [*models(), *edits()]
