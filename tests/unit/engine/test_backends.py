"""Every implementation of the mesh convolution against torch_geometric's and finite differences."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lwpipe import engine as backends
from lwpipe.core.errors import LwpipeError
from lwpipe.engine import Backend, Geometry, choose, make_backend
from lwpipe.engine.base import selection
from lwpipe.engine.mesh_major import Analysis, Synthesis
from lwpipe.engine.mesh_operator import MeshOperator, bandwidth, local_order
from lwpipe.engine.sparse import CsrMatrix
from lwpipe.engine.vertex_major import chebyshev_terms, clenshaw
from lwpipe.mesh.topology import adjacency
from lwpipe.model.network import PartAutoencoder
from lwpipe.model.settings import ModelSettings
from lwpipe.template import scaled_laplacian

# No shrinking: each example runs two networks.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
OURS = ["numba", "torch"]
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}


def random_triangles(rng: np.random.Generator, count: int) -> np.ndarray:
    """Triangles of a soup: boundaries, several components, isolated vertices, a busy vertex."""
    used = max(3, count - 3)
    triangles = np.stack([rng.choice(used, 3, replace=False) for _ in range(count)])
    triangles[: count // 4, 0] = 0
    distinct = (triangles[:, 0] != triangles[:, 1]) & (triangles[:, 0] != triangles[:, 2])
    return triangles[distinct].astype(np.int64)


def double_laplacian(triangles: np.ndarray, count: int) -> sp.csr_matrix:
    """L~ in float64: the pyramid's own is rounded to float32, torch_geometric's is not."""
    matrix = adjacency(triangles, count).astype(np.float64)
    degree = np.asarray(matrix.sum(axis=1)).ravel()
    scale = np.divide(1.0, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)
    return sp.csr_matrix(-(sp.diags(scale) @ matrix @ sp.diags(scale)))


def random_geometry(seed: int, counts: tuple[int, ...]) -> Geometry:
    """Random meshes of so many vertices, selections between them, and convex combinations back."""
    rng = np.random.default_rng(seed)
    laplacian = [double_laplacian(random_triangles(rng, count), count) for count in counts]
    down, up = [], []
    for fine, coarse in itertools.pairwise(counts):
        down.append(selection(np.sort(rng.choice(fine, coarse, replace=False)), fine))
        weights = rng.dirichlet(np.ones(3), size=fine).astype(np.float32)
        columns = rng.integers(coarse, size=(fine, 3))
        rows = np.repeat(np.arange(fine), 3)
        up.append(sp.csr_matrix((weights.ravel(), (rows, columns.ravel())), (fine, coarse)))
    return Geometry(laplacian, down, up)


def make_network(geometry: Geometry, **options) -> PartAutoencoder:
    torch.manual_seed(0)
    weights = torch.rand(geometry.vertex_count(geometry.levels), 3)
    options = {"latent_size": 5, "channels": [4, 6], "order": 4} | options
    return PartAutoencoder(geometry, weights, ModelSettings(**options))


def run(network: PartAutoencoder, backend: str, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the output, the latent codes and all gradients."""
    network.use(backend)
    network.zero_grad()
    x = x.clone().requires_grad_()
    codes = network.encode(x)
    output = network.decode(network.parts(codes))
    # All of one sign: sums that cancel would have no accurate digits to compare.
    seed = torch.linspace(0.5, 1.5, output.numel(), dtype=output.dtype).view_as(output)
    (output * seed).sum().backward()
    gradients = {name: p.grad.clone() for name, p in network.named_parameters()}
    return {"codes": codes.detach(), "output": output.detach(), "input": x.grad} | gradients


def assert_same(found, expected, dtype):
    for name, value in expected.items():
        error = torch.linalg.norm(found[name] - value)
        assert error <= TOLERANCE[dtype] * torch.linalg.norm(value), name


@pytest.mark.parametrize("backend", OURS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@settings(max_examples=15, deadline=None, derandomize=True, phases=PHASES)
@given(seed=st.integers(0, 10**6), size=st.integers(12, 400), batch=st.integers(1, 7))
def test_outputs_and_gradients_equal_torch_geometric(backend, dtype, seed, size, batch):
    geometry = random_geometry(seed, (size, size // 2, size // 4))
    network = make_network(geometry).to(dtype)
    x = torch.randn(batch, size, 3, dtype=dtype)
    assert_same(run(network, backend, x), run(network, "pyg", x), dtype)


@pytest.mark.parametrize("backend", OURS)
@pytest.mark.parametrize(
    "options",
    [
        {"order": 1},
        {"order": 2},
        {"order": 3},
        {"order": 9},
        {"activation": "relu"},
        {"activation": "leaky_relu"},
        {"activation": "tanh"},
        {"channels": [16, 16]},
        {"channels": [16, 32]},
        {"channels": [40, 17]},
        {"weighting": "outer"},
        {"projection": False, "weighting": "none"},
    ],
    ids=str,
)
def test_every_option_equals_torch_geometric(backend, options):
    geometry = random_geometry(3, (150, 40, 11))
    network = make_network(geometry, **options).double()
    x = torch.randn(3, 150, 3, dtype=torch.float64)
    assert_same(run(network, backend, x), run(network, "pyg", x), torch.float64)


@pytest.mark.parametrize("function", [Analysis, Synthesis])
@pytest.mark.parametrize("channels", [(3, 16), (16, 32)])
def test_the_number_of_threads_changes_no_bit(function, channels):
    geometry = random_geometry(5, (300, 80))
    operator = MeshOperator(geometry.laplacian[0], geometry.down[0])
    inputs, outputs = channels if function is Analysis else channels[::-1]
    x = torch.randn(11, 300 if function is Analysis else 80, inputs)
    weight = torch.randn(6, inputs, outputs, requires_grad=True)
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            out = function.apply(x, weight, None, operator, 0)
            results.append((out.detach(), *torch.autograd.grad(out.square().sum(), weight)))
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize("backend", OURS)
def test_gradcheck_in_double_precision(backend):
    geometry = random_geometry(1, (20, 9))
    network = make_network(geometry, channels=[3], order=4, latent_size=2).double()
    network.use(backend)
    x = torch.randn(2, 20, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(network, (x,))
    names = [name for name, _ in network.named_parameters()]

    def with_parameters(*values):
        return torch.func.functional_call(network, dict(zip(names, values, strict=True)), (x,))

    values = [p.detach().clone().requires_grad_() for p in network.parameters()]
    assert torch.autograd.gradcheck(with_parameters, values)


def test_an_isolated_vertex_keeps_only_the_even_terms():
    """Where L~ has an empty row, T_k(L~) x is x, 0, -x, 0, ..."""
    laplacian = CsrMatrix(scaled_laplacian(np.array([[0, 1, 2]]), 4))
    x = torch.randn(4, 3)
    for k, term in enumerate(chebyshev_terms(laplacian, x, 6)):
        expected = x[-1] * (0 if k % 2 else (-1) ** (k // 2))
        torch.testing.assert_close(term[-1], expected)


def test_clenshaw_equals_the_sum_of_terms():
    rng = np.random.default_rng(3)
    laplacian = CsrMatrix(scaled_laplacian(random_triangles(rng, 40), 40))
    for order in range(1, 8):
        c = [torch.randn(40, 4, dtype=torch.float64) for _ in range(order)]
        expected = sum(chebyshev_terms(laplacian, c[k], order)[k] for k in range(order))
        torch.testing.assert_close(clenshaw(laplacian, c), expected)


def test_a_mesh_wider_than_a_block_of_rows():
    """Blocks of rows must hold for any order of the vertices, also the worst."""
    rng = np.random.default_rng(0)
    count = 700
    strip = np.stack([np.arange(count - 2) + i for i in range(3)], axis=1)
    shuffled = rng.permutation(count)[strip]
    x = torch.randn(2, count, 16, dtype=torch.float64)
    weight = torch.randn(5, 16, 16, dtype=torch.float64)
    laplacian = scaled_laplacian(shuffled, count)
    dense = torch.from_numpy(laplacian.toarray().astype(np.float64))
    terms = [x, dense @ x]
    for _ in range(3):
        terms.append(2 * dense @ terms[-1] - terms[-2])
    expected = sum(terms[k] @ weight[k] for k in range(5))
    for function in (Analysis, Synthesis):
        for matrix, order in ((laplacian, np.arange(count)), (None, local_order(laplacian))):
            moved = laplacian if matrix is not None else laplacian[order][:, order]
            found = function.apply(x[:, order], weight, None, MeshOperator(moved), 0)
            torch.testing.assert_close(found, expected[:, order], rtol=1e-12, atol=1e-9)


def test_the_order_of_the_vertices_brings_neighbours_together():
    strip = np.stack([np.arange(498) + i for i in range(3)], axis=1)
    laplacian = scaled_laplacian(np.random.default_rng(0).permutation(500)[strip], 500)
    order = local_order(laplacian)
    assert sorted(order) == list(range(500))
    assert bandwidth(laplacian[order][:, order]) <= 4 < bandwidth(laplacian)


def test_a_wrong_shape_names_both_shapes():
    with pytest.raises(ValueError, match=r"matrix \(4, 4\) cannot multiply features \(3, 2\)"):
        CsrMatrix(sp.eye_array(4)).product(torch.zeros(3, 2))
    network = make_network(random_geometry(0, (30, 10)), channels=[4])
    for name in OURS:
        network.use(name)
        with pytest.raises(ValueError, match=r"\(2, 29, 3\).*\(batch, 30, 3\)"):
            network.encode(torch.zeros(2, 29, 3))


def test_auto_takes_what_runs_on_the_device(monkeypatch):
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert choose("auto", cpu) == "numba"
    assert choose("pyg", gpu) == "pyg"
    missing: list[str] = []
    monkeypatch.setattr(backends, "_installed", lambda name: name not in missing)
    assert choose("auto", gpu) == "triton"
    with pytest.raises(LwpipeError, match="'triton', which does not run on 'cpu'"):
        choose("triton", cpu)
    missing += ["numba", "triton", "pyg"]
    assert choose("auto", cpu) == choose("auto", gpu) == "torch"
    with pytest.raises(LwpipeError, match="'pyg', but torch_geometric is not installed"):
        choose("pyg", cpu)


def test_backends_have_no_parameters():
    geometry = random_geometry(0, (30, 10))
    for name in (*OURS, "pyg"):
        backend = make_backend(name, geometry, "elu")
        assert isinstance(backend, Backend)
        assert not backend.state_dict()


def test_a_mesh_cut_among_threads_is_the_same():
    """One face of a long strip is computed in runs of rows, which must fit without a seam."""
    count = 12_000
    strip = np.stack([np.arange(count - 2) + i for i in range(3)], axis=1)
    laplacian = double_laplacian(strip, count)
    rng = np.random.default_rng(0)
    keep = np.sort(rng.choice(count, count // 4, replace=False))
    weight = torch.randn(6, 16, 16)
    for select, rows in ((None, count), (selection(keep, count), len(keep))):
        operator = MeshOperator(laplacian, select)
        assert len(operator.spans(3, 6)) == 3
        x = torch.randn(1, rows, 16)
        before = torch.get_num_threads()
        results = []
        try:
            for threads in (1, 2, 3):
                torch.set_num_threads(threads)
                results.append(Synthesis.apply(x, weight, None, operator, 1))
        finally:
            torch.set_num_threads(before)
        assert torch.equal(results[0], results[1])
        assert torch.equal(results[0], results[2])


def test_compiled_loops_are_kept_for_one_version_of_their_sources():
    """numba looks at one file's date: a change in the others must count as well."""
    from lwpipe.core.compiled import stamp
    from lwpipe.engine import loops, sweeps

    assert sweeps.analyse._cache._cache_file._source_stamp == stamp(loops.__file__, loops.SOURCES)
    for name in ("mixing.py", "recurrence.py", "simd.py", "sweeps.py"):
        assert name in loops.SOURCES
