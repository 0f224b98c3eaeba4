"""STL files, binary and text."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.text import BLANK, numbers, plain

HEADER_BYTES = 84
RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
# The name of a solid, which may hold any word: up to the first triangle or the end of the line.
_NAME = re.compile(rb"(?im)^[ \t]*solid\b[^\n]*?(?=\sfacet\s+normal\s|$)")
_END = re.compile(rb"(?im)(?<!\S)endsolid\b[^\n]*$")


def parse_stl(content: bytes) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Parse an STL and weld its vertices.

    Corners with exactly equal coordinates become one vertex; vertices are numbered in the order in
    which they first appear, so files with the same triangles in the same order get the same
    numbers.

    Returns
    -------
    vertices : float64 (V, 3)
    triangles : int64 (F, 3)

    Raises
    ------
    MeshError
        If the file is cut off or no STL.
    """
    corners = _corners(content).reshape(-1, 3)
    # Adding zero makes -0.0 equal to 0.0 bit by bit too.
    _, first, inverse = np.unique(corners + 0.0, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    return corners[first[order]], number[inverse.reshape(-1)].reshape(-1, 3)


def _corners(content: bytes) -> npt.NDArray[np.float64]:
    count = int.from_bytes(content[80:HEADER_BYTES], "little")
    size = HEADER_BYTES + count * RECORD.itemsize
    # Binary files may also start with "solid": the size tells.
    if len(content) >= HEADER_BYTES and len(content) == size:
        return _records(content, count)
    text = plain(content)
    if text.lstrip(BLANK + b"\n")[:6].lower().split() == [b"solid"] and b"\0" not in text[:512]:
        return _text_corners(text)
    if len(content) < HEADER_BYTES:
        raise MeshError("is cut off: it is shorter than the header of a binary STL")
    over = len(content) - size
    if over < 0:
        raise MeshError(
            f"is cut off: its header announces {count} triangles, which take {size} bytes, and it "
            f"has {len(content)}"
        )
    if over % RECORD.itemsize == 0:
        raise MeshError(
            f"holds {over // RECORD.itemsize} more triangles than the {count} that its header "
            "announces"
        )
    if count == 0:
        raise MeshError("is neither a binary nor a text STL")
    # Some programs write something of their own behind the triangles.
    return _records(content, count)


def _records(content: bytes, count: int) -> npt.NDArray[np.float64]:
    records = np.frombuffer(content, RECORD, count=count, offset=HEADER_BYTES)
    return records["corners"].astype(np.float64)


def _text_corners(text: bytes) -> npt.NDArray[np.float64]:
    text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    body, ends = _END.subn(b"", _NAME.sub(b"", text))
    if not ends:
        raise MeshError("is cut off: the line endsolid is missing")
    words = body.split()
    keys = [i for i, word in enumerate(words) if word.lower() == b"vertex"]
    facets = sum(word.lower() == b"facet" for word in words)
    if len(keys) != 3 * facets:
        raise MeshError("has a triangle of other than three corners")
    return numbers(
        [words[i + 1 : i + 4] for i in keys], 3, "has a vertex line without three numbers"
    )
