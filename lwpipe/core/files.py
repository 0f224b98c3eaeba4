"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from lwpipe.core.errors import LwpipeError


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write, then rename it to `path` if the block succeeds.

    The temporary file lies in the same folder (which is made if missing) and keeps the suffix, so
    that writers which choose a format by suffix work. When the block raises, it is removed and
    whatever stood at `path` before stays. What a killed process left in the folder is removed.
    Nothing but renaming is asked of the file system: of several processes that write the same
    file at once, the last one's stays, whole.

    Raises
    ------
    LwpipeError
        If the folder cannot be made or written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}.{_NODE}-{os.getpid()}-", suffix=path.suffix, dir=path.parent
        )
    except OSError as error:
        raise cannot_write(path, error) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        _flush(temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def cannot_write(path: str | os.PathLike[str], error: OSError) -> LwpipeError:
    """Return the one sentence for a file that cannot be written, such as on a full disk."""
    # Programs that libraries call put their whole output into the error.
    reason = error.strerror or next(iter(str(error).splitlines()), type(error).__name__)
    return LwpipeError(f"{os.fspath(path)}: cannot be written: {reason.rstrip('.')}.")


def make_folder(path: str | os.PathLike[str]) -> None:
    """Make a folder and those above it, where they are missing.

    Raises
    ------
    LwpipeError
        If it cannot be made, or a file stands in its place.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def allocate(path: str | os.PathLike[str]) -> None:
    """Take the place on the disk of a file that is all holes, such as a new memory map's.

    A full disk kills a process that writes to a hole through memory; here it is an error.

    Raises
    ------
    OSError
        If there is not enough place.
    """
    with Path(path).open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:  # macOS: what is there is written over itself
            while chunk := file.read(2**20):
                file.seek(-len(chunk), os.SEEK_CUR)
                file.write(chunk)


def _flush(path: Path) -> None:
    """Bring a file to the disk: only then do network file systems tell that the disk is full."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# Which machine a temporary file belongs to, in a form that is valid in every file name.
_NODE = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
_TEMPORARY = re.compile(r"\..+\.(?P<node>[0-9a-f]{8})-(?P<process>\d+)-\w{8}(\.\w+)?")
_ABANDONED_SECONDS = 86_400.0


@cache
def _sweep(folder: Path) -> None:
    """Remove the temporary files in `folder` that no process will finish, once a process.

    Those of this machine whose process is gone, and those of any machine after a day.
    """
    for path in folder.iterdir():
        found = _TEMPORARY.fullmatch(path.name)
        if found is None:
            continue
        with suppress(OSError):  # another process may be sweeping too
            here = found["node"] == _NODE
            old = time.time() - path.stat().st_mtime > _ABANDONED_SECONDS
            if old or (here and not _runs(int(found["process"]))):
                path.unlink()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` (UTF-8) atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: str | os.PathLike[str], content: bytes | memoryview) -> None:
    """Write `content` atomically.

    For libraries that hide the reason when they cannot write a file: let them fill a `BytesIO`.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as indented JSON, keys in the order given, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read a JSON file.

    Raises
    ------
    LwpipeError
        If the file is missing or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise LwpipeError(f"{path}: cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:  # the latter from very deep nesting
        raise LwpipeError(f"{path}: is not valid JSON ({error}).") from error


def write_csv(
    path: str | os.PathLike[str], rows: Iterable[Mapping[str, Any]], columns: Sequence[str]
) -> None:
    """Write rows as CSV with the given columns, atomically."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
