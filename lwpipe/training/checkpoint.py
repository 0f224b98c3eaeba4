"""Checkpoints: everything that a resumed training needs to end with the same weights."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import torch

from lwpipe.files import atomic_path

_LAST = "last.pt"


def fingerprint(*values: Any) -> str:
    """Hash what a training depends on: settings and the hashes of its inputs.

    A checkpoint of another fingerprint belongs to another training and is not resumed.
    """
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def save_checkpoint(
    folder: Path,
    mark: str,
    epoch: int,
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    history: list[dict[str, float]],
) -> None:
    """Replace the last checkpoint of the training `mark` by its state after `epoch` epochs."""
    state = {
        "fingerprint": mark,
        "epoch": epoch,
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "history": history,
    }
    with atomic_path(folder / _LAST) as temporary:
        torch.save(state, temporary)


def load_checkpoint(folder: Path, mark: str) -> dict[str, Any] | None:
    """Return the last checkpoint of the training `mark`, or None if there is none that fits.

    A checkpoint that cannot be read is as good as none: the training starts over.
    """
    file = folder / _LAST
    if not file.is_file():
        return None
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError):
        return None
    if not isinstance(state, dict) or state.get("fingerprint") != mark:
        return None
    return state
