"""Files that are known by their SHA-256, read from a folder or an archive.

Every file is compared with its hash, wherever it comes from, so that the same settings give the
same faces everywhere. Archives are read as a stream and never unpacked.
"""

from __future__ import annotations

import csv
import hashlib
import lzma
import reprlib
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from lwpipe.core.errors import LwpipeError, short_reason
from lwpipe.core.paths import searched

# The largest file of any kit has 2.7 MB; an archive whose member unpacks to more is none.
MAX_FILE_BYTES = 16_000_000
# Whole repositories, with all their history and samples, are smaller.
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

Files = Iterator[tuple[str, bytes]]


@dataclass(frozen=True)
class Kit:
    """What messages call the files, and how they are found.

    Attributes
    ----------
    name : such as 'ICT-FaceKit'
    release : the one that the hashes belong to, such as 'ICT-FaceKit at commit da5f95a607f5'
    advice : what to do if a file is not of that release
    holds : what a place that lacks a file should hold
    name_of : of a path in an archive, the name by which a file is asked for; '' if it is none
    root : of a folder, where the names begin
    """

    name: str
    release: str
    advice: str
    holds: str
    name_of: Callable[[str], str]
    root: Callable[[Path], Path]


def hashes_beside(package: str) -> dict[str, str]:
    """Return the SHA-256 by file name, of the list `hashes.csv` of a package."""
    text = resources.files(package).joinpath("hashes.csv").read_text(encoding="utf-8")
    return {row["file"]: row["sha256"] for row in csv.DictReader(text.splitlines())}


def is_readable(place: Path) -> bool:
    """Return whether a path is a folder or an archive."""
    return place.is_dir() or (
        place.is_file() and (zipfile.is_zipfile(place) or tarfile.is_tarfile(place))
    )


def read_place(kit: Kit, origin: str, place: Path, wanted: Collection[str]) -> Files:
    """Yield the name and the content of every wanted file that is there, in any order, unchecked.

    Parameters
    ----------
    kit : Kit
    origin : what names the place, for messages
    place : folder, or .zip or .tar archive (plain, gz, bz2, xz)
    wanted : names of files

    Raises
    ------
    LwpipeError
        If the place is neither, or a file cannot be read.
    """
    if place.is_dir():
        return _from_folder(kit, place, wanted)
    if not place.is_file():
        raise neither(origin, place)
    if zipfile.is_zipfile(place):
        return _from_zip(kit, place, wanted)
    return _from_tar(kit, place, wanted, origin)


def neither(origin: str, place: Path) -> LwpipeError:
    """Return the fault of a place that is no folder and no archive."""
    return LwpipeError(f"{origin}: {searched(place)} is neither a folder nor an archive.")


def checked(kit: Kit, label: str, files: Files, hashes: Mapping[str, str]) -> Files:
    """Yield every file in `hashes`, each checked.

    Parameters
    ----------
    kit : Kit
    label : what the files come from, for messages
    files : names and contents
    hashes : SHA-256 by file name

    Raises
    ------
    LwpipeError
        If a file is missing, there twice, or not the one of the release.
    """
    missing = set(hashes)
    for name, content in files:
        if name not in missing:
            raise LwpipeError(f"{label}: holds {name} twice.")
        if hashlib.sha256(content).hexdigest() != hashes[name]:
            raise LwpipeError(
                f"{label}: {name} is not the file of {kit.release} (its sha256 differs); "
                f"{kit.advice}."
            )
        missing.discard(name)
        yield name, content
        if not missing:
            return
    if missing:
        raise LwpipeError(
            f"{label}: {min(missing)} is missing"
            + (f" (and {len(missing) - 1} more files)" if len(missing) > 1 else "")
            + f"; it must hold {kit.holds}."
        )


def _from_folder(kit: Kit, path: Path, wanted: Collection[str]) -> Files:
    folder = kit.root(path)
    for name in sorted(wanted):
        file = folder / name
        if not file.exists():
            continue
        try:
            if not file.is_file():
                raise LwpipeError(f"{file}: cannot be read: it is no file.")
            if file.stat().st_size > MAX_FILE_BYTES:
                raise _too_large(kit, path, name)
            yield name, file.read_bytes()
        except OSError as error:
            raise LwpipeError(f"{file}: cannot be read: {error.strerror}.") from error


def _from_zip(kit: Kit, path: Path, wanted: Collection[str]) -> Files:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name = kit.name_of(member.filename)
                if member.is_dir() or name not in wanted:
                    continue
                with archive.open(member) as file:
                    content = file.read(MAX_FILE_BYTES + 1)
                if len(content) > MAX_FILE_BYTES:
                    raise _too_large(kit, path, name)
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


def _from_tar(kit: Kit, path: Path, wanted: Collection[str], origin: str) -> Files:
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
                        f"{MAX_ARCHIVE_BYTES // 1_000_000} MB, so it is not {kit.name}."
                    )
                name = kit.name_of(member.name)
                if not member.isreg() or name not in wanted:
                    continue
                if member.size > MAX_FILE_BYTES:
                    raise _too_large(kit, path, name)
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


def _too_large(kit: Kit, path: Path, name: str) -> LwpipeError:
    return LwpipeError(
        f"{path}: {name} is larger than {MAX_FILE_BYTES // 1_000_000} MB, so it is not a file of "
        f"{kit.name}."
    )
