"""Where the files of ICT-FaceKit Light come from: a folder, an archive, or a checked download.

Every file is compared with its SHA-256 at the pinned commit, wherever it comes from, so that the
same settings give the same faces everywhere. Archives are read as a stream and never unpacked.
"""

from __future__ import annotations

import csv
import hashlib
import lzma
import os
import reprlib
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path, PurePosixPath

from lwpipe.core.errors import LwpipeError, short_reason
from lwpipe.core.paths import searched, user_path

COMMIT = "da5f95a607f5e6b37755b38d3385d7f2853732e5"
BASE_URL = f"https://raw.githubusercontent.com/ICT-VGL/ICT-FaceKit/{COMMIT}/FaceXModel/"
FOLDER = "FaceXModel"
ENVIRONMENT = "LWPIPE_ICT_SOURCE"
# The largest file of the kit has 2.7 MB; an archive whose member unpacks to more is not the kit.
MAX_FILE_BYTES = 16_000_000
# The whole repository, with all its history and samples, is smaller.
MAX_ARCHIVE_BYTES, MAX_MEMBERS = 4_000_000_000, 20_000
# Long names and attributes of one member; the largest file name of any system has 4 kB.
MAX_DESCRIPTION_BYTES = 1_000_000
_DESCRIPTIONS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
# What zipfile, tarfile and the decompressors raise for damaged archives; RuntimeError: encrypted
# members; MemoryError: a dictionary of a size that cannot be.
_FAULTS = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    MemoryError,
    OverflowError,
    struct.error,
    zipfile.BadZipFile,
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
)


def known_hashes() -> dict[str, str]:
    """Return the SHA-256 of every shape of the kit at the pinned commit, by file name."""
    text = resources.files(__package__).joinpath("hashes.csv").read_text(encoding="utf-8")
    return {row["file"]: row["sha256"] for row in csv.DictReader(text.splitlines())}


def named_place(path: str | Path | None) -> tuple[str, Path] | None:
    """Return what names the kit, the setting or the variable, and the path; None: a download.

    Raises
    ------
    LwpipeError
        If it is no path that a system could have.
    """
    origin = "data.ict.path"
    if path is None and os.environ.get(ENVIRONMENT):
        path, origin = os.environ[ENVIRONMENT], ENVIRONMENT
    return None if path is None else (origin, user_path(origin, path))


def read_files(path: str | Path | None, hashes: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of every file in `hashes`, each checked, in any order.

    Parameters
    ----------
    path : folder, or .zip or .tar archive (plain, gz, bz2, xz), with the files
        They may lie at any depth, for instance in `FaceXModel/`. None: the environment variable
        LWPIPE_ICT_SOURCE names it, or else the files are downloaded and kept in pooch's cache.
    hashes : SHA-256 by file name

    Raises
    ------
    LwpipeError
        If a file is missing, unreadable, there twice, or not the one of the pinned commit.
    """
    named = named_place(path)
    if named is None:
        source, label = _download(hashes), "the download"
    else:
        origin, path = named
        label = str(path)
        if path.is_dir():
            source = _from_folder(path, hashes)
        elif not path.is_file():
            raise LwpipeError(f"{origin}: {searched(path)} is neither a folder nor an archive.")
        elif zipfile.is_zipfile(path):
            source = _from_zip(path, hashes)
        else:
            source = _from_tar(path, hashes, origin)

    missing = set(hashes)
    for name, content in source:
        if name not in missing:
            raise LwpipeError(f"{label}: holds {name} twice.")
        if hashlib.sha256(content).hexdigest() != hashes[name]:
            raise LwpipeError(
                f"{label}: {name} is not the file of ICT-FaceKit at commit {COMMIT[:12]} "
                "(its sha256 differs); take that release, or leave data.ict.path empty."
            )
        missing.discard(name)
        yield name, content
        if not missing:
            return
    raise LwpipeError(
        f"{label}: {min(missing)} is missing"
        + (f" (and {len(missing) - 1} more files)" if len(missing) > 1 else "")
        + "; it must hold the folder FaceXModel of ICT-FaceKit."
    )


def _from_folder(path: Path, wanted: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    folder = path / FOLDER if (path / FOLDER).is_dir() else path
    for name in sorted(wanted):
        file = folder / name
        if not file.exists():
            continue
        try:
            if not file.is_file():
                raise LwpipeError(f"{file}: cannot be read: it is no file.")
            if file.stat().st_size > MAX_FILE_BYTES:
                raise _too_large(path, name)
            yield name, file.read_bytes()
        except OSError as error:
            raise LwpipeError(f"{file}: cannot be read: {error.strerror}.") from error


def _from_zip(path: Path, wanted: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name = PurePosixPath(member.filename).name
                if member.is_dir() or name not in wanted:
                    continue
                with archive.open(member) as file:
                    content = file.read(MAX_FILE_BYTES + 1)
                if len(content) > MAX_FILE_BYTES:
                    raise _too_large(path, name)
                yield name, content
    except _FAULTS as error:
        raise _damaged(path, error) from error


class _Member(tarfile.TarInfo):
    """A member whose own description is small; tarfile reads descriptions of any size whole."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        # tarfile calls this for every header, and says that subclasses may override it.
        if self.size < 0:
            raise tarfile.ReadError(f"{reprlib.repr(self.name)} has a negative size")
        if self.type not in tarfile.SUPPORTED_TYPES or self.type in _DESCRIPTIONS:
            limit = MAX_DESCRIPTION_BYTES
        else:
            limit = MAX_ARCHIVE_BYTES
        if self.size > limit:
            raise tarfile.ReadError(f"{reprlib.repr(self.name)} announces {self.size} bytes")
        made: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return made


def _from_tar(path: Path, wanted: Mapping[str, str], origin: str) -> Iterator[tuple[str, bytes]]:
    read = 0
    try:
        # "r|*" reads forwards only: an xz archive is decompressed once, and never more than
        # one file is in memory.
        with _open_tar(path, origin) as archive:
            for number, member in enumerate(archive):
                # The archive would keep all its members to find them again.
                archive.members = []  # type: ignore[attr-defined]
                read += max(member.size, 0)
                if read > MAX_ARCHIVE_BYTES or number >= MAX_MEMBERS:
                    raise LwpipeError(
                        f"{path}: holds more than {MAX_MEMBERS} members or "
                        f"{MAX_ARCHIVE_BYTES // 1_000_000} MB, so it is not ICT-FaceKit."
                    )
                name = PurePosixPath(member.name).name
                if not member.isreg() or name not in wanted:
                    continue
                if member.size > MAX_FILE_BYTES:
                    raise _too_large(path, name)
                file = archive.extractfile(member)
                if file is not None:
                    yield name, file.read()
    except _FAULTS as error:
        raise _damaged(path, error) from error


def _open_tar(path: Path, origin: str) -> tarfile.TarFile:
    try:
        return tarfile.open(path, mode="r|*", tarinfo=_Member)
    except _FAULTS as error:
        raise LwpipeError(
            f"{origin}: {path} is not a .zip or .tar archive that can be read "
            f"({short_reason(error)})."
        ) from error


def _damaged(path: Path, error: BaseException) -> LwpipeError:
    return LwpipeError(f"{path}: the archive cannot be read ({short_reason(error)}).")


def _of_system(error: OSError) -> str:
    """Return the reason that the system gave, if it did: libraries wrap it several times."""
    inner: BaseException = error
    while inner.__context__ is not None:
        inner = inner.__context__
    return (isinstance(inner, OSError) and inner.strerror) or short_reason(error)


def _download(wanted: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    import pooch  # imports requests: only who downloads waits for it

    cache = pooch.os_cache("lwpipe")
    pooch.get_logger().setLevel("WARNING")
    store = pooch.create(
        path=cache / f"ict-facekit-{COMMIT[:12]}",
        base_url=BASE_URL,
        registry={name: f"sha256:{digest}" for name, digest in wanted.items()},
        retry_if_failed=3,
    )
    for name in sorted(wanted):
        try:
            yield name, Path(store.fetch(name)).read_bytes()
        except (OSError, ValueError) as error:
            # Of pooch's own errors the one that is no OSError is a wrong hash.
            reason = _of_system(error) if isinstance(error, OSError) else "its sha256 differs"
            raise LwpipeError(
                f"{name} of ICT-FaceKit cannot be downloaded ({reason}); try again, which keeps "
                f"what has arrived, or set data.ict.path or {ENVIRONMENT} to a folder or archive "
                "that holds it."
            ) from error


def _too_large(path: Path, name: str) -> LwpipeError:
    return LwpipeError(
        f"{path}: {name} is larger than {MAX_FILE_BYTES // 1_000_000} MB, so it is not a file of "
        "ICT-FaceKit."
    )
