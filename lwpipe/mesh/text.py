"""Text of mesh files: how it is encoded, and the numbers in it."""

from __future__ import annotations

import codecs
import re
import reprlib
from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from lwpipe.mesh.faults import MeshError

Floats = npt.NDArray[np.float64]

# What may stand before the first word of a line: white space, and the byte order mark of UTF-8,
# which also stands in the middle where files were joined.
BLANK = b" \t\v\f\r\xef\xbb\xbf"
# Every other byte of so many is zero in UTF-16 of mostly Latin letters.
_LOOKED_AT, _ZEROS = 64, 0.9
_DECIMAL_COMMA = re.compile(rb"[-+]?\d*,\d+([eE][-+]?\d+)?")


def plain(content: bytes) -> bytes:
    """Return text as UTF-8 without a byte order mark; UTF-16 is told by its mark or its zeros.

    Raises
    ------
    MeshError
        If it starts like UTF-16 and is not.

    Examples
    --------
    >>> plain("v 1 2 3".encode("utf-8-sig")), plain("v 1 2 3".encode("utf-16"))
    (b'v 1 2 3', b'v 1 2 3')
    """
    encoding = _utf16(content)
    if encoding is None:
        return content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode(encoding).encode()
    except UnicodeError as error:
        raise MeshError("starts as text in UTF-16, and is not; save it as UTF-8") from error


def _utf16(content: bytes) -> str | None:
    """Return the name of the encoding where it is UTF-16."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = content[:_LOOKED_AT]
    for encoding, zeros, letters in (
        ("utf-16-le", start[1::2], start[::2]),
        ("utf-16-be", start[::2], start[1::2]),
    ):
        if len(zeros) > 2 and zeros.count(0) >= _ZEROS * len(zeros) and letters.isascii():
            return encoding if 0 not in letters else None
    return None


def lines_of(content: bytes) -> list[bytes]:
    """Return the lines of text, ended by LF, CR LF or CR, without what is blank before a word."""
    return [line.lstrip(BLANK) for line in content.splitlines()]


def numbers(rows: Sequence[Sequence[bytes]], width: int, fault: str) -> Floats:
    """Return rows of `width` words as float64 (n, width).

    Raises
    ------
    MeshError
        With `fault`, or with the decimal comma that is the reason.
    """
    try:
        return np.array(rows, dtype=np.float64).reshape(len(rows), width)
    except ValueError as error:
        for word in chain.from_iterable(rows):
            if _DECIMAL_COMMA.fullmatch(word):
                shown = word.decode()
                raise MeshError(
                    f"writes numbers with a decimal comma ({shown}); export it with a decimal point"
                ) from error
        raise MeshError(fault) from error


def wholes(words: Sequence[bytes]) -> list[int]:
    """Return words as whole numbers, also those that are written as 3.0.

    Raises
    ------
    ValueError
        If one is none.

    Examples
    --------
    >>> wholes([b"3", b"4.0"])
    [3, 4]
    """
    try:
        return [int(word) for word in words]
    except ValueError:
        return [_whole(word) for word in words]


def _whole(word: bytes) -> int:
    try:
        return int(word)
    except ValueError:
        value = float(word)
        if not value.is_integer():
            raise ValueError(f"{reprlib.repr(word)} is no whole number") from None
        return int(value)
