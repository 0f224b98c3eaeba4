"""Folders and archives that should be ICT-FaceKit and cannot be used."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from lwpipe.data.sources.ict.files import known_hashes

from .case import Case

NEUTRAL = "generic_neutral_mesh.obj"
MODE = "FaceXModel/identity000.obj"
OBJ = b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"


def case(name: str, path: str, fault: str, build: Callable[[Path], object]) -> Case:
    """Return a case of the source `ict` at `path`, which `build` makes in the folder."""

    def run(folder: Path) -> list[str]:
        build(folder / path)
        words = ["data.source=ict", "data.faces=10", f"data.ict.path={path}"]
        return ["data", *(word for setting in words for word in ("--set", setting))]

    return Case(f"archive-{name}", "archives", run, path.split("/")[0], fault)


def tar(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> Callable[[Path], None]:
    """Return a writer of a tar archive of the given members."""

    def write(path: Path) -> None:
        with tarfile.open(path, mode) as file:
            for member, content in members:
                member.size = len(content) if content else member.size
                file.addfile(member, io.BytesIO(content) if content else None)

    return write


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> Callable[[Path], None]:
    """Return a writer of a zip archive of the given members."""

    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for member, content in members:
                file.writestr(member, content, zipfile.ZIP_DEFLATED)

    return write


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """Return the header of a member of a tar archive."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def kit() -> list[tuple[str, bytes]]:
    """Return the names of the kit with content that is not the kit's."""
    return [(f"FaceXModel/{name}", OBJ) for name in known_hashes()]


def whole(mode: str = "w") -> Callable[[Path], None]:
    """Return a writer of a tar archive with every name of the kit."""
    return tar(*[(member(name), content) for name, content in kit()], mode=mode)


def cut(write: Callable[[Path], None], quarter: int) -> Callable[[Path], None]:
    """Return a writer of the first quarters of what another writes."""

    def short(path: Path) -> None:
        write(path)
        content = path.read_bytes()
        # Within the members: the end of a tar archive is blank.
        path.write_bytes(content[: max(len(content) * quarter // 4 - 700, 20)])

    return short


def blank(path: Path, size: int, opener: Callable[..., object], head: bytes) -> None:
    """Write a compressed file of a header and so many zero bytes."""
    with opener(path, "wb") as file:
        file.write(head)
        for _ in range(size // 2**20):
            file.write(bytes(2**20))


def huge_header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    """Return the header of a member of any announced size."""
    info = member(name, kind)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


def _members(count: int) -> Iterator[bytes]:
    header = member("a").tobuf(tarfile.USTAR_FORMAT)
    for _ in range(count // 2000):
        yield header * 2000


def _many(path: Path) -> None:
    with gzip.open(path, "wb", 1) as file:
        for block in _members(100_000):
            file.write(block)


def _patched(old: bytes, new: bytes, write: Callable[[Path], None]) -> Callable[[Path], None]:
    def patched(path: Path) -> None:
        write(path)
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new))

    return patched


def _pax(name: str = MODE, **headers: str) -> Callable[[Path], None]:
    info = member(name)
    info.pax_headers = headers
    return tar((info, OBJ))


def _encrypted(path: Path) -> None:
    zipped((MODE, OBJ))(path)
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(bytes(content))


def _folder(content: Callable[[Path], object], name: str = MODE) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        (path / "FaceXModel").mkdir(parents=True)
        content(path / name)

    return make


def _sparse_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**33)


def _damage(write: Callable[[Path], None]) -> Callable[[Path], None]:
    def damaged(path: Path) -> None:
        write(path)
        content = bytearray(path.read_bytes())
        middle = len(content) // 2
        for place in range(middle, middle + 40):
            content[place] ^= 255
        path.write_bytes(bytes(content))

    return damaged


def _tars() -> list[Case]:
    missing, other = "is missing", "sha256 differs"
    outside = "/tmp/lwpipe_outside.obj"
    links = [
        ("symbolic-link", tarfile.SYMTYPE, "/etc/passwd"),
        ("hard-link", tarfile.LNKTYPE, "/etc/passwd"),
        ("device", tarfile.CHRTYPE, ""),
        ("pipe", tarfile.FIFOTYPE, ""),
        ("folder", tarfile.DIRTYPE, ""),
    ]
    negative = tarfile.TarInfo(MODE)
    negative.size = -1024
    gib = 2**30
    return [
        *[case(f"member-is-a-{label}", "kit.tar", missing, tar((member(MODE, kind, link), b"")))
          for label, kind, link in links],
        case("link-out-then-member-through-it", "kit.tar", other, tar(
            (member("FaceXModel", tarfile.SYMTYPE, "/tmp"), b""), (member(MODE), OBJ))),
        case("path-traversal", "kit.tar", other, tar((member(f"../../../{MODE}"), OBJ))),
        case("absolute-path", "kit.tar.gz", f"{missing}", tar((member(outside), OBJ), mode="w:gz")),
        case("altered-files", "kit.tar.xz", other, whole("w:xz")),
        *[case(f"tar-{kind or 'plain'}-truncated-{q}/4", f"kit.tar.{kind or 'bin'}",
               "cannot be read|is missing|sha256|can be read", cut(whole(f"w:{kind}"), q))
          for kind in ("", "gz", "bz2", "xz") for q in (1, 2, 3)],
        *[case(f"tar-{kind}-with-flipped-bytes", f"kit.tar.{kind}",
               "cannot be read|sha256|can be read", _damage(whole(f"w:{kind}")))
          for kind in ("gz", "bz2", "xz")],
        case("member-of-8-gb", "kit.tar.gz", "announces|larger than|more than", lambda p: blank(
            p, 2**20, gzip.open, huge_header(MODE, 2**33 - 1))),
        case("member-larger-than-any-of-the-kit", "kit.tar.gz", "larger than", lambda p: blank(
            p, 2**25, gzip.open, huge_header(MODE, 2**25))),
        case("long-name-of-a-gigabyte", "kit.tar.xz", "announces", lambda p: blank(
            p, gib, lzma.open, huge_header("././@LongLink", gib, tarfile.GNUTYPE_LONGNAME))),
        case("attributes-of-a-gigabyte", "kit.tar.gz", "announces", lambda p: blank(
            p, 2**26, gzip.open, huge_header("x", gib, tarfile.XHDTYPE))),
        case("100000-members", "kit.tar.gz", "more than 20000 members", _many),
        case("negative-size", "kit.tar", "negative|cannot be read|can be read", lambda p:
             p.write_bytes(negative.tobuf(tarfile.GNU_FORMAT) + bytes(2048))),
        case("negative-size-in-attributes", "kit.tar", "cannot be read|can be read|negative",
             _patched(b"size=1024", b"size=-999", _pax("README.md", size="1024"))),
        case("damaged-sparse-map", "kit.tar", "cannot be read|can be read|sha256|missing", _pax(**{
            "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9999999"})),
        case("sparse-numbers-that-are-words", "kit.tar", "cannot be read|can be read|sha256",
             _pax(**{"GNU.sparse.map": "a,b,c", "GNU.sparse.size": "x"})),
        case("checksum-wrong", "kit.tar", "can be read", _patched(
            b"FaceXModel", b"faceXModel", tar((member(MODE), OBJ)))),
    ]  # fmt: skip


def _zips() -> list[Case]:
    missing, other = "is missing", "sha256 differs"
    link = zipfile.ZipInfo(MODE)
    link.external_attr = 0o120777 << 16
    files = zipped(*kit())
    return [
        case("zip-path-traversal", "kit.zip", other, zipped((f"../../{MODE}", OBJ))),
        case("zip-absolute-path", "kit.zip", other, zipped((f"/tmp/{MODE}", OBJ))),
        case("zip-link", "kit.zip", other, zipped((link, b"/etc/passwd"))),
        case("zip-altered-files", "kit.zip", other, files),
        case("zip-of-other-files", "kit.zip", missing, zipped(("README.md", b"hello"))),
        case("zip-bomb", "kit.zip", "larger than", zipped((MODE, bytes(2**27)))),
        case("zip-encrypted", "kit.zip", "encrypted|password", _encrypted),
        case("zip-of-other-compression", "kit.zip", "cannot be read", _patched(
            b"\x08\x00", b"\x61\x00", zipped((MODE, OBJ)))),
        case("zip-of-lzma-that-is-none", "kit.zip", "cannot be read", _patched(
            b"\x08\x00", b"\x0e\x00", zipped((MODE, OBJ)))),
        case("zip-with-flipped-bytes", "kit.zip", "cannot be read|sha256|can be read",
             _damage(zipped((MODE, bytes(range(256)) * 8)))),
        *[case(f"zip-truncated-{q}/4", "kit.zip", "can be read", cut(files, q)) for q in (1, 2, 3)],
    ]  # fmt: skip


def _others() -> list[Case]:
    def text(content: bytes) -> Callable[[Path], object]:
        return lambda path: path.write_bytes(content)

    gz = gzip.compress(b"hello")
    return [
        case("is-text", "kit.zip", "can be read", text(b"hello")),
        case("empty", "kit.tar", "can be read", text(b"")),
        case("is-a-gz-of-text", "kit.tar.gz", "can be read", text(gz)),
        case("is-not-there", "kit.tar.gz", "neither a folder nor an archive", lambda path: None),
        case("is-a-pipe", "kit.tar", "neither a folder nor an archive", os.mkfifo),
        case("folder-empty", "kit", "is missing", Path.mkdir),
        case("folder-of-altered-files", "kit", "sha256 differs",
             _folder(lambda path: path.write_bytes(OBJ))),
        case("folder-file-of-8-gb", "kit", "larger than", _folder(_sparse_file)),
        case("folder-file-is-a-folder", "kit", "no file", _folder(Path.mkdir)),
        case("folder-file-is-a-pipe", "kit", "no file", _folder(os.mkfifo)),
        case("folder-file-is-a-device", "kit", "no file",
             _folder(lambda path: path.symlink_to("/dev/zero"))),
    ]  # fmt: skip


def cases() -> list[Case]:
    """Return the cases."""
    return [*_tars(), *_zips(), *_others()]
