"""Paths that users name, and the names of their files."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

from lwpipe.core.errors import LwpipeError

# Control characters, undecodable bytes, and separators of lines and paragraphs: they would break a
# sentence or a table in two. Spaces and letters of any script are fine.
_REFUSED = {"Cc", "Cs", "Zl", "Zp"}


def user_path(key: str, text: str | Path) -> Path:
    """Return the path that a setting names, with `~` resolved; it may lead nowhere.

    Parameters
    ----------
    key : the setting, for messages
    text : its value

    Raises
    ------
    LwpipeError
        If it is no path that a system could have, or may not be looked at.
    """
    try:
        if not _is_plain(str(text)):
            raise ValueError("it holds control characters")
        path = Path(text).expanduser()
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return path
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(getattr(error, "strerror", None) or error).rstrip(".")
        shown = ascii(str(text))
        if len(shown) > 200:
            shown = f"{shown[:200]}..."
        raise LwpipeError(f"{key}: {shown} cannot be used as a path: {reason}.") from error
    return path


def searched(path: str | Path) -> str:
    """Return a path for messages: with the folder that a relative one was searched in."""
    return str(path) if Path(path).expanduser().is_absolute() else f"{path} (in {Path.cwd()})"


def files_in(folder: Path, names: Iterable[str]) -> list[Path]:
    """Return the files of a folder with one of some names, sorted; none where it cannot be read."""
    try:
        there = {file.name for file in folder.iterdir() if file.is_file()}
    except OSError:
        return []
    return [folder / name for name in sorted(there.intersection(names))]


def check_names(files: Iterable[Path]) -> None:
    """Raise LwpipeError if the name of a file cannot be printed or written into a table."""
    for file in files:
        if not _is_plain(file.name):
            raise LwpipeError(
                f"{file.parent}: holds a file whose name has control characters or is not valid "
                f"Unicode ({file.name!a}); rename it."
            )


def _is_plain(text: str) -> bool:
    return not any(unicodedata.category(letter) in _REFUSED for letter in text)
