"""Standardised faces for training: in the memory of the device if they fit, streamed if not."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lwpipe.data.signals import LazyFaces
from lwpipe.model.part_model import PartModel

Floats = npt.NDArray[np.float32] | LazyFaces
Ints = npt.NDArray[np.int64]
Place = Literal["memory", "stream"]

# The rest of the memory is for activations; on the CPU also for other programs and the page cache.
_SHARE = 0.25
# Batches that are read while another one is computed.
_AHEAD = 2
# Faces that are standardised at once when all are put into memory.
_CHUNK_BYTES = 64 * 2**20


class Faces(Protocol):
    """A source of batches; every kind gives the same bits on the CPU."""

    def batches(self, rows: Iterable[Ints]) -> Generator[Tensor]:
        """Yield standardised faces, float32 (n, V, C), for each entry (n,) of `rows`, in its order.

        Close the generator when it is not read to its end: `contextlib.closing`.
        """


def open_faces(
    model: PartModel, vertices: Floats, processes: int = 1, place: Place | None = None
) -> Faces:
    """Choose where training takes its faces from.

    All faces, standardised, are 4 N V C bytes. They are held in the memory of the model's device if
    that is at most a quarter of what is free there, and else read batch by batch from the memory
    map, which takes five batches of memory and no more.

    Parameters
    ----------
    model : PartModel
        On the device of the training.
    vertices : float32 (N, V, C)
        `Dataset.signals`, which are read from the memory-mapped store.
    processes : how many processes hold faces; on the CPU they share its memory
    place : 'memory' or 'stream' instead of the choice by size
    """
    device = model.mean.device
    if place is None:
        sharing = processes if device.type == "cpu" else 1
        fits = vertices.nbytes <= _SHARE * free_bytes(device) / sharing
        place = "memory" if fits else "stream"
    return FacesInMemory(model, vertices) if place == "memory" else StreamedFaces(model, vertices)


class FacesInMemory:
    """All faces, standardised once, on the device of the model."""

    def __init__(self, model: PartModel, vertices: Floats) -> None:
        device = model.mean.device
        self._faces = torch.empty(vertices.shape, dtype=torch.float32, device=device)
        step = max(1, _CHUNK_BYTES // vertices[:1].nbytes)
        for start in range(0, len(vertices), step):
            chunk = torch.from_numpy(np.array(vertices[start : start + step]))
            self._faces[start : start + step] = model.standardise(chunk)

    def batches(self, rows: Iterable[Ints]) -> Generator[Tensor]:
        """Yield the faces of each entry of `rows`."""
        for chosen in rows:
            index = torch.from_numpy(chosen).to(self._faces.device, non_blocking=True)
            yield self._faces.index_select(0, index)


class StreamedFaces:
    """Faces read from the memory map by one thread, two batches ahead.

    The thread ends with the generator. A fault of reading is raised where the batch is due.
    """

    def __init__(self, model: PartModel, vertices: Floats) -> None:
        self._model, self._vertices = model, vertices
        # From pinned memory a GPU copies while it computes.
        self._pinned = model.mean.device.type == "cuda"

    def batches(self, rows: Iterable[Ints]) -> Generator[Tensor]:
        """Yield the faces of each entry of `rows`."""
        reader = ThreadPoolExecutor(1, thread_name_prefix="lwpipe-faces")
        ahead: deque[Future[Tensor]] = deque()
        try:
            for chosen in rows:
                ahead.append(reader.submit(self._read, chosen))
                if len(ahead) > _AHEAD:
                    yield self._standardised(ahead.popleft().result())
            while ahead:
                yield self._standardised(ahead.popleft().result())
        finally:
            reader.shutdown(cancel_futures=True)

    def _read(self, rows: Ints) -> Tensor:
        """Return faces (n, V, C), read in the order of the file."""
        shape = (len(rows), *self._vertices.shape[1:])
        faces = torch.empty(shape, dtype=torch.float32, pin_memory=self._pinned)
        array = faces.numpy()
        for place in np.argsort(rows):
            array[place] = self._vertices[rows[place]]
        return faces

    def _standardised(self, faces: Tensor) -> Tensor:
        return self._model.standardise(faces.to(self._model.mean.device, non_blocking=True))


def free_bytes(device: torch.device, root: Path = Path("/")) -> int:
    """Return the free memory of a GPU, or the memory that this process may still take.

    Parameters
    ----------
    device : of the training
    root : where the folders `proc` and `sys` of Linux lie
    """
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
        table = dict(line.split(":", 1) for line in lines)
        free = int(table["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        # Not Linux: all the memory there is, or, where even that is unknown, none.
        try:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, OSError, ValueError):
            return 0
    return max(0, min([free, *_left_to_groups(root)]))


def _left_to_groups(root: Path) -> list[int]:
    """Return what the limits of the control groups leave, as clusters and containers set them.

    Only memory without a file behind it counts against a limit: the page cache gives way.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    own = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), None)
    if own is None:
        return []
    top, left = root / "sys/fs/cgroup", []
    group = top / own
    for folder in (group, *group.parents):
        try:
            limit = int((folder / "memory.max").read_text(encoding="ascii"))
            stat = (folder / "memory.stat").read_text(encoding="ascii").split()
            left.append(limit - int(stat[stat.index("anon") + 1]))
        except (OSError, ValueError):
            pass  # no limit here ('max'), or no such file
        if folder == top:
            break
    return left
