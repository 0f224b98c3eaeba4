"""The GPU kernel of the sparse product.

Without a GPU one test runs the others in a second Python under Triton's interpreter: that has to
be switched on before Triton is imported, and must not reach the tests of other files.
"""

import importlib.util
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lwpipe.engine.triton_product as triton_product
from lwpipe.engine.sparse import CsrMatrix
from lwpipe.engine.triton_product import EllMatrix, available, tile_shape
from lwpipe.engine.vertex_major import Analysis, Step, Synthesis, chebyshev_terms, clenshaw
from lwpipe.template import scaled_laplacian

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED or not torch.cuda.is_available() else "cuda"
needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="triton is not installed"
)
needs_cuda = pytest.mark.skipif(
    INTERPRETED or not (torch.cuda.is_available() and available()), reason="no GPU with Triton"
)

# Of one sum or product. The reference is itself summed in double precision: twice its unit.
ROUNDING = {torch.float32: 2**-24, torch.bfloat16: 2**-24, torch.float64: 2**-52}
# Of the stored output. The interpreter chops to bfloat16 where a GPU rounds to nearest.
STORED = {torch.float32: 0.0, torch.bfloat16: 2**-7 if INTERPRETED else 2**-8, torch.float64: 0.0}


def mesh_laplacian(rng, vertices):
    """Two components with boundaries, a vertex of degree 40 and isolated vertices."""
    fan = np.stack([np.zeros(39, int), np.arange(1, 40), np.arange(2, 41)], 1)
    rest = np.arange(41, vertices - 3)
    soup = np.stack([rng.choice(rest, 3, replace=False) for _ in range(2 * len(rest))])
    return scaled_laplacian(np.concatenate([fan, soup]), vertices)


def upsampling(rng, rows, columns):
    """Three entries a row, many of them in the first column."""
    picked = np.stack([rng.choice(columns - 1, 3, replace=False) + 1 for _ in range(rows)])
    picked[: rows // 2, 0] = 0
    weights = rng.dirichlet(np.ones(3), rows).astype(np.float32)
    pairs = np.repeat(np.arange(rows), 3), picked.ravel()
    return sp.csr_matrix((weights.ravel(), pairs), (rows, columns))


@st.composite
def matrices(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["laplacian", "upsampling", "transpose", "any"]))
    if kind == "laplacian":
        return mesh_laplacian(rng, draw(st.integers(48, 100)))
    if kind == "any":
        shape = draw(st.tuples(st.integers(1, 90), st.integers(1, 90)))
        density = draw(st.sampled_from([0.0, 0.02, 0.2, 1.0]))
        dtype = draw(st.sampled_from([np.float32, np.float64]))
        return sp.random(*shape, density=density, format="csr", rng=rng, dtype=dtype)
    up = upsampling(rng, draw(st.integers(4, 120)), draw(st.integers(4, 30)))
    return up if kind == "upsampling" else sp.csr_matrix(up.T)


def features(rows, columns, dtype, seed):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(rows, columns))).to(dtype)


def check(matrix, columns, dtype, alpha=1.0, beta=1.0, with_y=False, with_z=False):
    """Compare with scipy, entry by entry, to the rounding that the sum of a row allows."""
    rows = matrix.shape[0]
    x = features(matrix.shape[1], columns, dtype, 1)
    y = features(rows, columns, dtype, 2) if with_y else None
    z = features(rows, columns, dtype, 3) if with_z else None
    there = [None if t is None else t.to(DEVICE) for t in (x, y, z)]
    found = EllMatrix(matrix).to(DEVICE).product(there[0], alpha, there[1], beta, there[2])
    assert found.dtype == dtype
    assert found.shape == (rows, columns)

    exact = matrix.astype(np.float64)
    expected = alpha * (exact @ x.double().numpy())
    largest = abs(alpha) * (abs(exact) @ x.double().abs().numpy())
    for term, factor in ((y, beta), (z, 1.0)):
        if term is not None:
            expected = expected + factor * term.double().numpy()
            largest = largest + abs(factor) * term.double().abs().numpy()
    # Higham, Accuracy and Stability of Numerical Algorithms, section 3.1: one unit an operation,
    # seven of them for the entries themselves, alpha, beta, y and z.
    operations = np.diff(sp.csr_matrix(matrix).indptr)[:, None] + 7
    bound = 1.001 * operations * ROUNDING[dtype] * largest
    bound += STORED[dtype] * (abs(expected) + bound)
    error = abs(found.cpu().double().numpy() - expected)
    assert np.all(error <= bound), (error - bound).max()


class TestProduct:
    __test__ = available()  # else they run in `test_under_the_interpreter`

    @settings(max_examples=40, deadline=None)
    @given(
        matrix=matrices(),
        columns=st.sampled_from([1, 2, 3, 5, 16, 33, 130]),
        dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.float64]),
        alpha=st.sampled_from([1.0, 2.0, -0.3]),
        beta=st.sampled_from([1.0, -1.0, 0.7]),
        with_y=st.booleans(),
        with_z=st.booleans(),
    )
    def test_equals_scipy(self, matrix, columns, dtype, alpha, beta, with_y, with_z):
        check(matrix, columns, dtype, alpha, beta, with_y, with_z)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
    def test_several_panels_of_columns_and_a_row_longer_than_all_slots(self, dtype):
        matrix = mesh_laplacian(np.random.default_rng(0), 60)
        ell = EllMatrix(matrix)
        assert len(ell.index) <= 16
        assert len(ell.rest_index) >= 40 - 16
        check(matrix, 2 * tile_shape(10**6, dtype.itemsize)[1] + 1, dtype, 2.0, -1.0, True, True)

    @pytest.mark.parametrize(
        ("rows", "columns", "n"), [(0, 4, 3), (4, 0, 3), (4, 4, 0), (0, 0, 0), (1, 1, 1)]
    )
    @pytest.mark.parametrize("with_y", [False, True])
    def test_empty_matrices(self, rows, columns, n, with_y):
        check(sp.csr_matrix((rows, columns), dtype=np.float32), n, torch.float32, with_y=with_y)

    def test_reads_nothing_but_the_entries(self):
        """Not a number spreads to the neighbours alone: an empty slot reads no features."""
        matrix = mesh_laplacian(np.random.default_rng(1), 60)
        for vertex in (0, 1, 50, 59):
            x = torch.ones(60, 3, device=DEVICE)
            x[vertex] = torch.nan
            found = EllMatrix(matrix).to(DEVICE).product(x).isnan().all(dim=1).cpu().numpy()
            np.testing.assert_array_equal(found, matrix[:, [vertex]].toarray().ravel() != 0)

    def test_strided_operands(self):
        matrix = mesh_laplacian(np.random.default_rng(2), 50)
        ell = EllMatrix(matrix).to(DEVICE)
        x, y, z = (features(6, 50, torch.float64, seed).to(DEVICE).T for seed in range(3))
        found = ell.product(x, 2.0, y, -1.0, z)
        expected = ell.product(x.contiguous(), 2.0, y.contiguous(), -1.0, z.contiguous())
        assert torch.equal(found, expected)

    def test_chebyshev_recurrences_equal_those_of_pytorchs_product(self):
        matrix = mesh_laplacian(np.random.default_rng(3), 55)
        csr, ell = CsrMatrix(matrix), EllMatrix(matrix).to(DEVICE)
        x = features(55, 12, torch.float64, 0)
        for found, expected in zip(
            chebyshev_terms(ell, x.to(DEVICE), 6), chebyshev_terms(csr, x, 6), strict=True
        ):
            torch.testing.assert_close(found.cpu(), expected, rtol=0, atol=1e-12)
        c = [features(55, 12, torch.float64, seed) for seed in range(6)]
        found = clenshaw(ell, [term.to(DEVICE) for term in c])
        torch.testing.assert_close(found.cpu(), clenshaw(csr, c), rtol=0, atol=1e-12)

    @pytest.mark.parametrize(
        ("function", "rows", "inputs", "outputs"), [(Analysis, 48, 1, 2), (Synthesis, 7, 2, 1)]
    )
    def test_gradients_of_a_convolution(self, function, rows, inputs, outputs):
        rng = np.random.default_rng(4)
        step = Step(mesh_laplacian(rng, 48), sp.csr_matrix(upsampling(rng, 48, 7).T), EllMatrix)
        step = step.to(DEVICE)
        x = features(rows, inputs, torch.float64, 0).view(rows, 1, inputs)
        weight = features(3, inputs * outputs, torch.float64, 1).view(3, inputs, outputs)
        # Fast: products of the Jacobians with random vectors, not a column a feature.
        assert torch.autograd.gradcheck(
            lambda x, weight: function.apply(x, weight, step),
            [t.to(DEVICE).requires_grad_() for t in (x, weight)],
            fast_mode=True,
        )

    def test_buffers_move_with_a_module_and_stay_out_of_its_state(self):
        holder = torch.nn.Sequential(EllMatrix(mesh_laplacian(np.random.default_rng(5), 50)))
        assert not holder.state_dict()
        moved = holder.to(DEVICE).double()[0]
        assert moved.values.dtype == moved.rest_values.dtype == torch.float64
        assert moved.index.dtype == moved.rest_start.dtype == torch.int32
        assert all(buffer.device.type == DEVICE for buffer in moved.buffers())
        x = features(50, 2, torch.float32, 0).to(DEVICE)
        single = EllMatrix(mesh_laplacian(np.random.default_rng(5), 50)).to(DEVICE)
        assert torch.equal(moved.product(x), single.product(x))

    def test_operands_that_do_not_fit(self):
        ell = EllMatrix(sp.csr_matrix(np.eye(4, 5, dtype=np.float32))).to(DEVICE)
        x, y = torch.zeros(5, 2, device=DEVICE), torch.zeros(4, 2, device=DEVICE)
        with pytest.raises(ValueError, match=r"matrix \(4, 5\) cannot .* features \(4, 2\)"):
            ell.product(y)
        with pytest.raises(ValueError, match=r"features are torch\.int32"):
            ell.product(x.int())
        with pytest.raises(ValueError, match="features are on meta"):
            ell.product(x.to("meta"))
        for wrong in (x, y.double(), y[:, :1], y.to("meta")):
            with pytest.raises(ValueError, match="cannot add"):
                ell.product(x, 1.0, wrong)
            with pytest.raises(ValueError, match="cannot add"):
                ell.product(x, 1.0, y, 1.0, wrong)


@needs_triton
def test_under_the_interpreter():
    """Run `TestProduct` on the CPU."""
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"{__file__}::TestProduct",
        ],
        env=os.environ | {"TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "passed" in result.stdout
    assert "skipped" not in result.stdout


class _NoLaunch:
    """Compiles what `product` would launch on an H100, without a GPU."""

    def __init__(self, kernel):
        self.kernel = kernel

    def __getitem__(self, grid):
        def launch(*args, **options):
            self.ptx = self.kernel.run(*args, grid=grid, warmup=True, **options).asm["ptx"]

        return launch


@needs_triton
@pytest.mark.parametrize(
    ("dtype", "n"),
    [
        (torch.float32, 512),
        (torch.bfloat16, 512),
        (torch.bfloat16, 96),
        (torch.float64, 3),
        (torch.float32, 1),
    ],
)
@pytest.mark.skipif(INTERPRETED, reason="the interpreter compiles nothing")
def test_compiles_to_wide_reads(dtype, n, monkeypatch, tmp_path):
    """The compiler, not only the interpreter, takes the kernel; wide features are read in vectors.

    One read of 16 bytes a thread, twice, for each slot, each turn's entry, y and z.
    """
    from triton.backends.compiler import GPUTarget
    from triton.runtime import driver

    class Driver:
        def get_current_device(self):
            return 0

        def get_current_stream(self, device):
            return 0

        def get_current_target(self):
            return GPUTarget("cuda", 90, 32)

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    kernel = _NoLaunch(triton_product._kernel.__wrapped__())  # not the one that is launched
    monkeypatch.setattr(triton_product, "_kernel", lambda: kernel)
    matrix = EllMatrix(mesh_laplacian(np.random.default_rng(0), 60))
    x = torch.zeros(60, n, dtype=dtype)
    monkeypatch.setattr(driver, "_active", Driver())
    matrix.product(x, 2.0, x, -1.0, x)
    assert ".local" not in kernel.ptx  # registers that spill into memory
    wide = len(re.findall(r"ld\.global\.v4\.b32", kernel.ptx))
    reads = len(matrix.index) + triton_product._TURN + 2
    assert wide == (2 * reads if n % 16 == 0 else 0)


def test_the_import_needs_no_triton():
    code = """
import os, sys
import lwpipe.engine.triton_product as triton_product
assert "triton" not in sys.modules
sys.modules["triton"] = None
os.environ["TRITON_INTERPRET"] = "1"
assert not triton_product.available()
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@needs_cuda
def test_a_captured_graph_replays_the_product():
    matrix = EllMatrix(mesh_laplacian(np.random.default_rng(0), 200)).cuda()
    x, new = (features(200, 96, torch.float32, seed).cuda() for seed in (0, 1))
    expected = matrix.product(new, 2.0, new, -1.0)  # also compiles, which a capture forbids
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = matrix.product(x, 2.0, x, -1.0)
    x.copy_(new)
    graph.replay()
    assert torch.equal(out, expected)


@needs_cuda
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_large_mesh(dtype):
    side = 230
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    triangles = np.concatenate(
        [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([d, c, b], -1).reshape(-1, 3)]
    )
    check(scaled_laplacian(triangles, side * side), 512, dtype, 2.0, -1.0, True, True)
