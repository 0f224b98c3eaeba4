"""Commands that read the files of the stages, and ways to spoil these files."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .case import Case
from .stage_inputs import LEVELS, copy_run

Spoil = Callable[[Path], object]
Arrays = dict[str, np.ndarray]

PLACES = ["--data", "data", "--local_weights", "local_weights.npz"]
EVALUATE = ["evaluation", *PLACES, "--model", "model", "--output", "out"]
BASELINES = ["baselines", *PLACES, "--output", "out"]
INTERPOLATE = ["interpolation", *PLACES, "--model", "model", "--output", "out"]
DIVERSITY = ["diversity", "--data", "data", "--model", "model", "--output", "out"]
TRAIN = ["training", *PLACES, "--pyramid", "pyramid.npz", "--output", "out"]
TRAIN += ["--checkpoints", "ck", *LEVELS]
EDIT = ["edit", "model", "--source", "source.ply", "--target", "target.ply", "--output", "out.ply"]
EDIT += ["--part", "0"]


def case(name: str, names: str, fault: str, spoil: Spoil, words: list[str]) -> Case:
    """Return a case: a good run of which `spoil` spoils something, and a command."""

    def build(folder: Path) -> list[str]:
        spoil(copy_run(folder))
        return words

    return Case(name, "models", build, names, f"{re.escape(names)}.*{fault}")


def text(name: str, content: str | bytes) -> Spoil:
    """Return a file of other content."""
    data = content if isinstance(content, bytes) else content.encode()
    return lambda folder: (folder / name).write_bytes(data)


def edit_json(name: str, edit: Callable[[dict[str, Any]], object]) -> Spoil:
    """Return a change of a JSON file."""

    def spoil(folder: Path) -> None:
        content = json.loads((folder / name).read_text())
        edit(content)
        (folder / name).write_text(json.dumps(content))

    return spoil


def remove(name: str) -> Spoil:
    return lambda folder: (folder / name).unlink()


def poison(arrays: Arrays, name: str, value: float) -> None:
    arrays[name].flat[0] = value


def torch_file(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def cut(share: float) -> Callable[[bytes], bytes]:
    return lambda content: content[: int(share * len(content))]


def flip(content: bytes) -> bytes:
    return content[:-5] + bytes([content[-5] ^ 1]) + content[-4:]


def nothing(folder: Path) -> None:
    """Spoil nothing: the fault is in the words."""
