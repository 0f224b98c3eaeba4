"""The product of a sparse matrix with mesh features on a GPU: one fused Triton kernel.

`alpha A x + beta y + z` in one pass over memory, for a constant matrix of short rows: a mesh
Laplacian has about six entries a row, an upsampling matrix three. The entries lie in ELL form
(Bell and Garland, 2009): a fixed number of slots a row, so that a program knows where its entries
are without reading row pointers, and the loop over the slots is unrolled, so that their reads
overlap. The few entries of longer rows follow in CSR form, in the same kernel. No atomics: a
product gives the same bits every time.

Triton is imported at the first product, never by the import of this module.
"""

from __future__ import annotations

import functools
import importlib
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    import triton.language as tl  # type: ignore[import-untyped,import-not-found,unused-ignore]

# A row longer than the ELL part costs every row of its tile a turn of the loop over the rest, with
# dependent reads: about as much as 16 padded slots (a tile of wide features has 8 rows). One slot
# more then pays while it saves more than a sixteenth of the rows that detour.
_LONG_ROWS = 1 / 16
_WIDEST = 32  # slots: the loop over them is unrolled in the code
_TURN = 4  # entries of a long row that are read at once

# A warp reads 512 bytes, one vector of 16 bytes a thread, from one row where features are that
# wide: whole cache lines. A tile is two such reads for each of the four warps. Where features are
# narrow, a tile of more than 64 rows would pass its entries between threads, slot by slot.
_WARP_BYTES = 512
_TILE_BYTES = 4096
_TILE_ROWS = 64
_WARPS = 4

_DTYPES = (torch.float32, torch.bfloat16, torch.float64)


def _fused(  # type: ignore[no-untyped-def]  # compiled by Triton, which reads only these types
    index, values, rest_start, rest_index, rest_values, x, y, z, out, rows, columns,
    alpha: tl.float64, beta: tl.float64,
    WIDTH: tl.constexpr, TURN: tl.constexpr, WITH_Y: tl.constexpr, WITH_Z: tl.constexpr,
    DOUBLE: tl.constexpr, TILE_ROWS: tl.constexpr, TILE_COLUMNS: tl.constexpr,
):  # fmt: skip
    sums: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    # Row tiles first: the programs under way at one time share a panel of columns, and a row of x
    # in it is still in the L2 cache when the next neighbour reads it.
    tiles = tl.cdiv(rows, TILE_ROWS)
    program = tl.program_id(0)
    row = (program % tiles) * TILE_ROWS + tl.arange(0, TILE_ROWS)
    column = ((program // tiles) * TILE_COLUMNS + tl.arange(0, TILE_COLUMNS))[None, :]
    in_rows = row < rows
    in_columns = column < columns
    total = tl.zeros((TILE_ROWS, TILE_COLUMNS), sums)
    for slot in tl.static_range(WIDTH):
        entry = slot * rows + row
        source = tl.load(index + entry, mask=in_rows, other=-1)
        weight = tl.load(values + entry, mask=in_rows, other=0.0).to(sums)
        # 64 bits: the features of a large batch pass 2^31 numbers. Empty slots read nothing.
        address = x + source.to(tl.int64)[:, None] * columns + column
        feature = tl.load(address, mask=(source >= 0)[:, None] & in_columns, other=0.0)
        total += weight[:, None] * feature.to(sums)
    if TURN > 0:
        start = tl.load(rest_start + row, mask=in_rows, other=0)
        end = tl.load(rest_start + row + 1, mask=in_rows, other=0)
        for first in range(0, tl.max(end - start, axis=0), TURN):
            for step in tl.static_range(TURN):
                entry = start + first + step
                inside = entry < end
                source = tl.load(rest_index + entry, mask=inside, other=0)
                weight = tl.load(rest_values + entry, mask=inside, other=0.0).to(sums)
                address = x + source.to(tl.int64)[:, None] * columns + column
                feature = tl.load(address, mask=inside[:, None] & in_columns, other=0.0)
                total += weight[:, None] * feature.to(sums)
    total *= tl.full((1, 1), alpha, sums)
    place = row.to(tl.int64)[:, None] * columns + column
    here = in_rows[:, None] & in_columns
    if WITH_Y:
        total += tl.full((1, 1), beta, sums) * tl.load(y + place, mask=here, other=0.0).to(sums)
    if WITH_Z:
        total += tl.load(z + place, mask=here, other=0.0).to(sums)
    tl.store(out + place, total.to(out.dtype.element_ty), mask=here)


@functools.cache
def _kernel() -> Any:
    """Import Triton and hand it the kernel, which finds `tl` among this module's globals."""
    global tl
    tl = importlib.import_module("triton.language")
    return importlib.import_module("triton").jit(_fused, do_not_specialize=["rows"])


def available() -> bool:
    """Whether the kernel can run: on a GPU, or on the CPU under TRITON_INTERPRET=1."""
    if not torch.cuda.is_available() and os.environ.get("TRITON_INTERPRET") != "1":
        return False
    try:
        _kernel()
    except ImportError:
        return False
    return True


def tile_shape(columns: int, itemsize: int) -> tuple[int, int]:
    """Return the rows and columns of a tile, powers of two, for `columns` features.

    Fixed, not tuned by trial runs: those wait for the GPU, which breaks the capture of a graph.
    """
    wide = min(_WARP_BYTES // itemsize, 1 << (columns - 1).bit_length())
    return min(_TILE_ROWS, _TILE_BYTES // itemsize // wide), wide


def _width(degree: npt.NDArray[np.integer]) -> int:
    """Return the number of slots a row: the least that leaves few rows longer."""
    if not degree.size:
        return 0
    return min(_WIDEST, int(np.quantile(degree, 1 - _LONG_ROWS, method="inverted_cdf")))


class EllMatrix(nn.Module):
    """A constant sparse matrix for the GPU kernel; it moves with the module that holds it.

    Parameters
    ----------
    matrix : scipy sparse, (rows, columns)
        Kept in its own precision, single or double.

    Attributes
    ----------
    index : int32 (slots, rows)
        Column of each entry, -1 in an empty slot. Slot by slot, so that the rows of a tile are
        read as one run.
    values : float32 or float64 (slots, rows)
    rest_start : int32 (rows + 1,)
        CSR row pointers of the entries beyond the slots.
    rest_index : int32 (rest,)
    rest_values : as values, (rest,)
    """

    index: Tensor
    values: Tensor
    rest_start: Tensor
    rest_index: Tensor
    rest_values: Tensor

    def __init__(self, matrix: sp.csr_matrix) -> None:
        super().__init__()
        csr = sp.csr_matrix(matrix).sorted_indices()
        self.shape: tuple[int, int] = csr.shape
        rows = csr.shape[0]
        degree = np.diff(csr.indptr)
        width = _width(degree)
        row = np.repeat(np.arange(rows), degree)
        slot = np.arange(csr.nnz) - csr.indptr[row]
        rest = slot >= width
        index = np.full((width, rows), -1, np.int32)
        values = np.zeros((width, rows), np.result_type(csr.dtype, np.float32))
        index[slot[~rest], row[~rest]] = csr.indices[~rest]
        values[slot[~rest], row[~rest]] = csr.data[~rest]
        start = np.concatenate([[0], np.cumsum(np.maximum(degree - width, 0))])
        for name, array in (
            ("index", index),
            ("values", values),
            ("rest_start", start.astype(np.int32)),
            ("rest_index", csr.indices[rest].astype(np.int32)),
            ("rest_values", csr.data[rest].astype(values.dtype)),
        ):
            self.register_buffer(name, torch.from_numpy(array), persistent=False)

    def product(
        self,
        x: Tensor,
        alpha: float = 1.0,
        y: Tensor | None = None,
        beta: float = 1.0,
        z: Tensor | None = None,
    ) -> Tensor:
        """Return `alpha A x + beta y + z`, summed in single precision (float64: in double).

        Parameters
        ----------
        x : float32, bfloat16 or float64 (columns, n)
        y, z : as x, (rows, n), optional

        Returns
        -------
        as x, (rows, n), contiguous

        Raises
        ------
        ValueError
            If the shapes, types or devices do not fit: the kernel reads memory unchecked.
        """
        rows = self.shape[0]
        if x.ndim != 2 or x.shape[0] != self.shape[1]:
            raise ValueError(f"matrix {self.shape} cannot multiply features {tuple(x.shape)}")
        if x.dtype not in _DTYPES:
            raise ValueError(f"features are {x.dtype}, expected float32, bfloat16 or float64")
        if x.device != self.index.device:
            raise ValueError(f"matrix is on {self.index.device}, features are on {x.device}")
        columns = x.shape[1]
        for term in (y, z):
            if term is not None and (
                term.shape != (rows, columns) or term.dtype != x.dtype or term.device != x.device
            ):
                raise ValueError(
                    f"cannot add {term.dtype} {tuple(term.shape)} on {term.device} "
                    f"to {x.dtype} {(rows, columns)} on {x.device}"
                )
        out = torch.empty((rows, columns), dtype=x.dtype, device=x.device)
        if out.numel() == 0:
            return out  # a launch of no programs is an error
        x = x.contiguous()
        tile_rows, tile_columns = tile_shape(columns, x.element_size())
        programs = -(-rows // tile_rows) * -(-columns // tile_columns)
        # Triton launches on the current device; -1 leaves it as it is.
        with torch.cuda.device(x.device if x.is_cuda else -1):
            _kernel()[(programs,)](
                self.index, self.values, self.rest_start, self.rest_index, self.rest_values,
                x, out if y is None else y.contiguous(), out if z is None else z.contiguous(), out,
                rows, columns, float(alpha), float(beta),
                WIDTH=self.index.shape[0], TURN=_TURN if self.rest_index.numel() else 0,
                WITH_Y=y is not None, WITH_Z=z is not None, DOUBLE=x.dtype == torch.float64,
                TILE_ROWS=tile_rows, TILE_COLUMNS=tile_columns,
                num_warps=_WARPS, enable_fp_fusion=True,
            )  # fmt: skip
        return out
