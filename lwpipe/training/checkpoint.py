"""Checkpoints: everything that a resumed training needs to end with the same weights.

A checkpoint is one file: a line with the SHA-256 of what follows, then the state as `torch.save`
writes it. Kept are the last one, the one before, and the one of the lowest test error. Files are
replaced by renaming alone, which shared file systems do as well as local ones, and in an order
that leaves a good one whenever the process is killed.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import pickle
from collections.abc import Sequence
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import atomic_path, write_bytes, write_csv
from lwpipe.training.position import Position
from lwpipe.training.step import MEASURES

HISTORY_COLUMNS = ("epoch", *MEASURES, "test_mm", "learning_rate", "seconds")
_LAST, _PREVIOUS, _BEST, _CURVE = "last.pt", "previous.pt", "best.pt", "history.csv"
_HEADER = b"lwpipe checkpoint 2 sha256="
_DAMAGED = ("is damaged", "are damaged")
_FOREIGN = ("belongs to other settings or data", "belong to other settings or data")


def fingerprint(*values: Any) -> str:
    """Hash what a training depends on: settings and the hashes of its inputs.

    A checkpoint of another fingerprint belongs to another training and is not resumed.
    """
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


class Checkpoints:
    """The checkpoints of one training in a folder.

    Parameters
    ----------
    folder : made with the first checkpoint
    mark : fingerprint of the training
    device : kind of device that it runs on, such as 'cpu'
    writes : whether this process writes; of several, one does, and all keep count
    """

    def __init__(self, folder: Path, mark: str, device: str, writes: bool = True) -> None:
        self._folder, self._mark, self._device, self._writes = folder, mark, device, writes
        # Only a file that is known to be good may take the place of the one before.
        self._last_is_good = False
        self._kept: str | None = None
        self._history: Sequence[dict[str, float]] = ()

    def load(
        self, network: torch.nn.Module, optimizer: torch.optim.Optimizer
    ) -> tuple[Position, list[str]]:
        """Put the newest good checkpoint of the training into `network` and `optimizer`.

        Returns
        -------
        position : of the checkpoint; the start where there is none
        notes : sentences for the user: where it goes on, files that were not used, another device
        """
        faults: dict[tuple[str, str], list[str]] = {}
        state, name = None, ""
        for name in (_LAST, _PREVIOUS, _BEST):
            found = _read(self._folder / name)
            if found is _DAMAGED:
                faults.setdefault(_DAMAGED, []).append(name)
            elif isinstance(found, dict) and found["fingerprint"] != self._mark:
                faults.setdefault(_FOREIGN, []).append(name)
            elif isinstance(found, dict):
                state = found
                break
        said = " and ".join(
            f"{', '.join(str(self._folder / n) for n in names)} {words[len(names) > 1]}"
            for words, names in faults.items()
        )
        if state is None:
            return Position(), [f"{said}: training starts over."] if said else []
        position = Position(**state["position"])
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        self._last_is_good = name == _LAST
        self._keep(position, name)
        where = f"{self._folder / name}, {position.saved_words()}"
        notes = [f"{said}{': ' if said else ''}training goes on from {where}."]
        if state["device"] != self._device:
            notes.append(
                f"{where}, was computed on '{state['device']}' and training goes on on "
                f"'{self._device}': the weights will not be the same bytes as those of one device."
            )
        return position, notes

    def save(
        self, network: torch.nn.Module, optimizer: torch.optim.Optimizer, position: Position
    ) -> None:
        """Save where the training stands; after an epoch, its learning curve too.

        Raises
        ------
        LwpipeError
            If the folder cannot be written; what was there before stays.
        """
        errors = [row["test_mm"] for row in position.history]
        ended = position.step == 0
        if self._writes:
            state = {
                "fingerprint": self._mark,
                "device": self._device,
                "position": asdict(position),
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
            }
            content = _pack(state)
            # The last one comes last: who goes on from it finds the others as new as it is.
            if ended and errors[-1] < min(errors[:-1], default=math.inf):
                write_bytes(self._folder / _BEST, content)
            if ended:
                write_csv(self._folder / _CURVE, position.history, HISTORY_COLUMNS)
            with atomic_path(self._folder / _LAST) as temporary:
                temporary.write_bytes(content)
                if self._last_is_good:
                    os.replace(self._folder / _LAST, self._folder / _PREVIOUS)
            self._last_is_good = True
        self._keep(position, _LAST)

    def _keep(self, position: Position, name: str) -> None:
        self._kept = f"{self._folder / name} keeps {position.saved_words()}"
        self._history = list(position.history)

    def kept(self) -> str:
        """Say what of the training is on the disk."""
        if self._kept is None:
            return "no checkpoint has been written yet"
        if not self._history:
            return self._kept
        best = min(self._history, key=lambda row: row["test_mm"])
        return (
            f"{self._kept}, {self._folder / _BEST} epoch {int(best['epoch'])}, the best, and "
            f"{self._folder / _CURVE} the learning curve"
        )


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return the state in a file: fingerprint, device, position, network and optimizer.

    Raises
    ------
    LwpipeError
        If the file is missing, damaged or no checkpoint of lwpipe.
    """
    state = _read(path)
    if state is None:
        raise LwpipeError(f"{path}: does not exist.")
    keys = {"fingerprint", "device", "position", "network", "optimizer"}
    if not isinstance(state, dict) or not keys <= state.keys():
        raise LwpipeError(f"{path}: is damaged, or is no checkpoint of this version.")
    return state


def _pack(state: dict[str, Any]) -> bytes:
    buffer = BytesIO()
    torch.save(state, buffer)
    payload = buffer.getvalue()
    return _HEADER + hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload


def _read(path: Path) -> dict[str, Any] | tuple[str, str] | None:
    """Return the state in a file; `_DAMAGED` if it is none, None if there is no file."""
    try:
        header, _, payload = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    except OSError:
        return _DAMAGED
    if header != _HEADER + hashlib.sha256(payload).hexdigest().encode():
        return _DAMAGED
    try:
        state = torch.load(BytesIO(payload), map_location="cpu", weights_only=True)
    except (RuntimeError, ValueError, EOFError, pickle.UnpicklingError):
        return _DAMAGED
    return state if isinstance(state, dict) else _DAMAGED
