"""Threads that share the meshes of a batch."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

Array = npt.NDArray[Any]


class Threads:
    """Threads that work on meshes side by side, and the memory that each of them reuses."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._size = 0
        self._memory: dict[tuple[int, str, Any], Array] = {}

    def run(self, count: int, task: Callable[[int, int], None]) -> None:
        """Call task(slot, index) for every index < count; slots run side by side."""
        slots = min(count, torch.get_num_threads())

        def share(slot: int) -> None:
            for index in range(slot, count, slots):
                task(slot, index)

        if slots <= 1:
            share(0)
            return
        if self._pool is None or self._size < slots - 1:
            if self._pool is not None:
                self._pool.shutdown()
            self._pool, self._size = ThreadPoolExecutor(slots - 1, "lwpipe"), slots - 1
        others = [self._pool.submit(share, slot) for slot in range(1, slots)]
        share(0)
        for other in others:
            other.result()

    def memory(self, slot: int, name: str, size: int, dtype: Any) -> Array:
        """Return at least `size` numbers that the slot may overwrite."""
        key = slot, name, np.dtype(dtype)
        found = self._memory.get(key)
        if found is None or found.size < size:
            self._memory[key] = found = np.empty(size, dtype)
        return found
