"""One input that `lwpipe` must refuse, and what its answer must say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """A bad input.

    Attributes
    ----------
    name : str
        Unique, such as `ply-binary-truncated-1/4`.
    group : str
        The kind of input: meshes, mat, npy, archives, configs or models.
    build : callable
        Writes the input into an empty folder, which is also the working directory of the run, and
        returns the arguments of the `lwpipe` command.
    names : str
        The file name or key that the sentence must contain.
    fault : str
        Regular expression that the sentence must match.
    """

    name: str
    group: str
    build: Callable[[Path], list[str]]
    names: str
    fault: str
