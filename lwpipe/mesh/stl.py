"""STL files, binary and text."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lwpipe.mesh.faults import MeshError

HEADER_BYTES = 84
RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


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
        records = np.frombuffer(content, RECORD, count=count, offset=HEADER_BYTES)
        return records["corners"].astype(np.float64)
    if content[:512].split()[:1] in ([b"solid"], [b"SOLID"]) and b"\0" not in content[:512]:
        return _text_corners([line.split() for line in content.splitlines()])
    if len(content) < HEADER_BYTES:
        raise MeshError("is cut off: it is shorter than the header of a binary STL")
    raise MeshError(
        f"is cut off or damaged: its header announces {count} triangles, which take {size} bytes, "
        f"and it has {len(content)}"
    )


def _text_corners(lines: list[list[bytes]]) -> npt.NDArray[np.float64]:
    # Only the first word of a line tells: the name of a solid may hold any word.
    if not any(line and line[0].lower() == b"endsolid" for line in lines):
        raise MeshError("is cut off: the line endsolid is missing")
    values = [line[1:4] for line in lines if line and line[0].lower() == b"vertex"]
    if len(values) % 3:
        raise MeshError("has a triangle of other than three corners")
    try:
        return np.array(values, dtype=np.float64).reshape(len(values), 3)
    except ValueError as error:
        raise MeshError("has a vertex line without three numbers") from error
