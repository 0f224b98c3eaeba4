"""Files are whole or not there: what a kill leaves, a full disk, and two writers at once."""

from __future__ import annotations

import errno
import multiprocessing
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lwpipe.core import files
from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import (
    allocate,
    atomic_path,
    cannot_write,
    write_bytes,
    write_csv,
    write_text,
)

KILLED = """
import os, signal, sys
from lwpipe.core.files import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def nothing_swept() -> None:
    """Forget which folders this process has swept, as a new process would."""
    files._sweep.cache_clear()


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def leave_behind(path: Path) -> str:
    """Have a process killed while it writes `path`; return the name of what it leaves."""
    before = set(entries(path.parent))
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], timeout=60)
    assert killed.returncode == -9
    (name,) = set(entries(path.parent)) - before
    return name


def test_what_a_kill_leaves_is_hidden_and_the_next_writer_in_the_folder_removes_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.csv").write_text("before")
    assert leave_behind(tmp_path / "a.csv").startswith(".a.")
    assert (tmp_path / "a.csv").read_text() == "before"
    write_text(tmp_path / "b.txt", "other")
    assert entries(tmp_path) == ["a.csv", "b.txt"]


def test_what_another_process_still_writes_is_left_alone(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a.csv") as temporary:
        temporary.write_text("a")
        files._sweep.cache_clear()
        write_text(tmp_path / "b.csv", "b")
        assert temporary.read_text() == "a"
    assert entries(tmp_path) == ["a.csv", "b.csv"]


def test_what_another_machine_left_is_removed_after_a_day(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a.csv") as temporary:
        (node,) = re.findall(r"\.([0-9a-f]{8})-", temporary.name)
    foreign = temporary.name.replace(node, "0" * 8 if node != "0" * 8 else "1" * 8)
    for name, days in (("old", 1.1), ("new", 0.9)):
        file = tmp_path / foreign.replace(".a.", f".{name}.")
        file.write_text("half")
        os.utime(file, (time.time() - 86_400 * days,) * 2)
    (tmp_path / ".hidden.csv").write_text("the user's own")
    os.utime(tmp_path / ".hidden.csv", (0, 0))
    files._sweep.cache_clear()
    write_text(tmp_path / "b.csv", "b")
    left = entries(tmp_path)
    assert [name for name in left if "old" in name] == []
    assert [name for name in left if "new" in name] == [foreign.replace(".a.", ".new.")]
    assert ".hidden.csv" in left


@pytest.mark.parametrize("failing", ["write", "fsync", "replace"])
def test_a_write_that_fails_is_one_sentence_and_leaves_what_was_there(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "table.csv"
    path.write_text("before")
    if failing == "write":
        monkeypatch.setattr(Path, "write_bytes", fail)
    else:
        monkeypatch.setattr(os, failing, fail)
    with pytest.raises(
        LwpipeError, match=r"table\.csv: cannot be written: No space left on device\.$"
    ):
        write_bytes(path, b"after")
    monkeypatch.undo()
    assert entries(tmp_path) == ["table.csv"]
    assert path.read_text() == "before"


def test_a_reason_of_many_lines_becomes_its_first(tmp_path: Path) -> None:
    error = OSError("the encoder failed.\nlibx264 @ 0x1234 ...\n" * 20)
    assert str(cannot_write(tmp_path / "a.mp4", error)) == (
        f"{tmp_path / 'a.mp4'}: cannot be written: the encoder failed."
    )
    assert str(cannot_write("a.mp4", OSError())) == "a.mp4: cannot be written: OSError."


def test_a_folder_in_the_way_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(LwpipeError, match=r"a\.csv: cannot be written: Is a directory\."):
        write_csv(tmp_path / "a.csv", [{"a": 1}], ["a"])
    assert entries(tmp_path) == ["a.csv"]


@pytest.mark.parametrize("everywhere", [True, False])
def test_holes_are_filled_and_what_is_there_stays(
    everywhere: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not everywhere:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    file = tmp_path / "holes"
    with file.open("wb") as written:
        written.write(b"header")
        written.truncate(3 * 2**20 + 5)
    allocate(file)
    content = file.read_bytes()
    assert content[:6] == b"header"
    assert len(content) == 3 * 2**20 + 5
    assert not any(content[6:])
    assert file.stat().st_blocks * 512 >= len(content)


def _write_often(path: Path, letter: bytes, barrier: multiprocessing.synchronize.Barrier) -> None:
    barrier.wait(60)
    for _ in range(150):
        write_bytes(path, letter * 50_000)


def test_of_two_processes_that_write_one_file_one_wins_whole(tmp_path: Path) -> None:
    """By renaming alone: locks do not work on all shared file systems."""
    path = tmp_path / "shared.bin"
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    writers = [
        context.Process(target=_write_often, args=(path, letter, barrier))
        for letter in (b"a", b"b")
    ]
    for writer in writers:
        writer.start()
    barrier.wait(60)
    seen: set[bytes] = set()
    while any(writer.is_alive() for writer in writers) or not seen:
        if path.exists():
            seen.add(path.read_bytes())
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert seen <= {b"a" * 50_000, b"b" * 50_000}
    assert entries(tmp_path) == ["shared.bin"]
