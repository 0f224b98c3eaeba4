"""Where the files of ICT-FaceKit Light come from: a folder, an archive, or a checked download."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from lwpipe.core.errors import LwpipeError, short_reason
from lwpipe.core.paths import user_path
from lwpipe.data.archives import Kit, checked, hashes_beside, read_place

COMMIT = "da5f95a607f5e6b37755b38d3385d7f2853732e5"
BASE_URL = f"https://raw.githubusercontent.com/ICT-VGL/ICT-FaceKit/{COMMIT}/FaceXModel/"
FOLDER = "FaceXModel"
ENVIRONMENT = "LWPIPE_ICT_SOURCE"


def root(path: Path) -> Path:
    """Return where the files of a folder lie."""
    return path / FOLDER if (path / FOLDER).is_dir() else path


KIT = Kit(
    name="ICT-FaceKit",
    release=f"ICT-FaceKit at commit {COMMIT[:12]}",
    advice="take that release, or leave data.ict.path empty",
    holds="the folder FaceXModel of ICT-FaceKit",
    name_of=lambda path: PurePosixPath(path).name,
    root=root,
)


def known_hashes() -> dict[str, str]:
    """Return the SHA-256 of every shape of the kit at the pinned commit, by file name."""
    return hashes_beside(__package__)


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
        label, files = "the download", _download(hashes)
    else:
        origin, place = named
        label, files = str(place), read_place(KIT, origin, place, hashes)
    return checked(KIT, label, files, hashes)


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
