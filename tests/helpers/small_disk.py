"""A small disk to fill, or to make read-only, which takes root to mount."""

from __future__ import annotations

import gc
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Disk:
    """A small file system of its own, which can be filled and emptied, or made read-only."""

    folder: Path
    ballast: str = ".ballast"

    def leave(self, room: int) -> None:
        """Fill the disk but for `room` bytes."""
        self.empty()
        gc.collect()  # a memory map of a removed file would give its room back at any time
        free = shutil.disk_usage(self.folder).free
        (self.folder / self.ballast).write_bytes(b"\0" * max(free - room, 0))

    def empty(self) -> None:
        (self.folder / self.ballast).unlink(missing_ok=True)

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.folder)], check=True)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Disk]:
    """Mount a file system of `size` at `folder`, which only root can, and unmount it after."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    mount = shutil.which("mount")
    if mount is None or subprocess.run(words, capture_output=True).returncode != 0:
        pytest.skip("a disk to fill has to be mounted, which this user may not")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
