from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import nnls

from lwpipe.core.errors import LwpipeError
from lwpipe.data.store import DatasetWriter
from lwpipe.local_weights import kernels, load_local_weights, make_local_weights, solve_snmf
from lwpipe.local_weights import nnls as nnls_module
from lwpipe.local_weights import sweep as sweep_module
from lwpipe.local_weights.fast_snmf import solve_fast_snmf
from lwpipe.local_weights.features import features
from lwpipe.local_weights.nnls import Nnls, everything
from lwpipe.local_weights.settings import LocalWeightsSettings
from lwpipe.local_weights.sweep import Sweep

CPU = torch.device("cpu")


def factors(vertices=90, columns=60, parts=3, seed=0):
    """Data of so many parts, with vertices at rest and faces without motion."""
    generator = np.random.default_rng(seed)
    W = generator.uniform(size=(vertices, parts)) * (generator.random((vertices, parts)) < 0.4)
    H = generator.uniform(size=(parts, columns)) * (generator.random((parts, columns)) < 0.5)
    W[:5], H[:, :4] = 0.0, 0.0
    return W @ H


def noisy(parts, seed):
    V = factors(150, 70, parts, seed)
    V += 0.05 * np.random.default_rng(seed + 100).uniform(size=V.shape)
    V[:5], V[:, :4] = 0.0, 0.0
    return V


def assert_alike(one, two, tolerance=1e-5):
    """The factors agree, measured by their largest entries, and so does everything told of them."""
    for name in ("W", "H"):
        a, b = getattr(one, name), getattr(two, name)
        assert a.shape == b.shape
        assert a.dtype == b.dtype == np.float64
        assert a.flags.c_contiguous
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * b.max())
    assert one.iterations == two.iterations
    assert one.restarts == two.restarts
    assert one.converged == two.converged
    assert one.objective == pytest.approx(two.objective, rel=tolerance)
    np.testing.assert_allclose(one.objectives, two.objectives, rtol=tolerance)
    assert one.eta == pytest.approx(two.eta, rel=1e-7)


def solve(A, B, guess=None, compiled=True):
    """Return x >= 0 with the least ||A x - b|| for every column b of B, and the passive sets."""
    if guess is None:
        guess = everything(A.shape[1], B.shape[1], CPU)
    gram, product = torch.from_numpy(A.T @ A), torch.from_numpy(A.T @ B)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "COMPILED", compiled)
        x, sets = Nnls(gram).solve(product, guess)
    return x.numpy(), sets


def reference(A, B):
    """Return scipy's x for A with the ridge that makes the solution unique."""
    parts = A.shape[1]
    ridge = 1e-12 * np.square(A).sum() / parts
    A = np.concatenate([A, np.sqrt(ridge) * np.eye(parts)])
    B = np.concatenate([B, np.zeros((parts, B.shape[1]))])
    return np.stack([nnls(A, b, maxiter=1000)[0] for b in B.T], axis=1)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@settings(deadline=None, max_examples=100)
@given(
    parts=st.integers(1, 12),
    sides=st.integers(1, 20),
    seed=st.integers(0, 2**31),
    scale=st.sampled_from([1e-6, 1.0, 1e6]),
    spread=st.sampled_from([0.0, 3.0]),
    compiled=st.booleans(),
)
def test_least_squares_are_optimal_and_scipys(parts, sides, seed, scale, spread, compiled):
    generator = np.random.default_rng(seed)
    # Columns of very different length, as parts of very different size have.
    A = generator.standard_normal((parts + 8, parts)) * 10 ** generator.uniform(0, spread, parts)
    B = scale * generator.standard_normal((parts + 8, sides))
    guess = torch.from_numpy(generator.integers(0, 2**parts, sides))
    x, sets = solve(A, B, guess, compiled)
    assert (x >= 0).all()
    members = (sets.numpy() >> np.arange(parts)[:, None]) & 1 == 1
    assert (x[~members] == 0).all()
    # Kuhn and Tucker: no slope where positive, an upward one at zero. The scales of the unknowns
    # are those of the columns of A.
    length = np.linalg.norm(A, axis=0)[:, None]
    ridge = 1e-12 * np.square(A).sum() / parts
    slope = (A.T @ (A @ x - B) + ridge * x) / length
    limit = 1e-10 * np.linalg.norm(B, axis=0)
    assert (np.abs(np.where(x > 0, slope, 0)) <= limit).all()
    assert (slope >= -limit).all()
    np.testing.assert_allclose(
        x * length, reference(A, B) * length, rtol=0, atol=1e-8 * np.abs(B).max()
    )


@settings(deadline=None, max_examples=100)
@given(
    A=arrays(float, (6, 3), elements=st.sampled_from([0.0, 1.0, 2.0])),
    B=arrays(float, (6, 4), elements=st.sampled_from([0.0, 1.0, 3.0, -1.0])),
    copies=st.lists(st.integers(0, 2), min_size=1, max_size=10),
    compiled=st.booleans(),
)
def test_equal_and_empty_parts_do_no_harm(A, B, copies, compiled):
    A = A[:, copies]  # columns that are zero, equal, or both
    x, _ = solve(A, B, compiled=compiled)
    assert np.isfinite(x).all()
    assert (x >= 0).all()
    misfit = np.linalg.norm(A @ x - B, axis=0)
    least = np.linalg.norm(A @ reference(A, B) - B, axis=0)
    # The ridge of 1e-12 and the root of rounding errors in a misfit of zero.
    np.testing.assert_allclose(misfit, least, rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize("compiled", [True, False])
def test_nearly_equal_parts_have_the_least_misfit(compiled):
    generator = np.random.default_rng(0)
    A = generator.uniform(size=(30, 4))
    A[:, 3] = A[:, 2] + 1e-7 * generator.standard_normal(30)  # condition of A'A: 1e14
    B = generator.uniform(size=(30, 50))
    x, _ = solve(A, B, compiled=compiled)
    misfit = np.linalg.norm(A @ x - B, axis=0)
    np.testing.assert_allclose(misfit, np.linalg.norm(A @ reference(A, B) - B, axis=0), rtol=1e-9)


def test_a_matrix_of_zeros_gives_zeros():
    x, _ = Nnls(torch.zeros(3, 3, dtype=torch.float64)).solve(
        torch.zeros(3, 2, dtype=torch.float64), everything(3, 2, CPU)
    )
    assert (x == 0).all()


@pytest.mark.parametrize("parts", [9, 33, 64])
def test_many_parts(parts, monkeypatch):
    monkeypatch.setattr(nnls_module, "_BATCH", 7 * parts**2)  # several batches
    generator = np.random.default_rng(parts)
    A = generator.standard_normal((parts + 20, parts))
    B = generator.standard_normal((parts + 20, 30))
    x, sets = solve(A, B)
    np.testing.assert_allclose(x, reference(A, B), rtol=0, atol=1e-9)
    again, same = solve(A, B, sets)
    np.testing.assert_allclose(again, x, rtol=0, atol=1e-13)
    assert (same == sets).all()


def overlapping_bumps(parts):
    """Return A with a condition of A'A of 1e6 to 1e8, on which full exchanges alone cycle."""
    positions, centres = np.linspace(0, 1, 60)[:, None], np.linspace(0, 1, parts)
    return np.exp(-(((positions - centres) * parts / 2.4) ** 2))


@pytest.mark.parametrize("parts", [8, 12])
def test_pivoting_ends_where_exchanges_cycle(parts, monkeypatch):
    A = overlapping_bumps(parts)
    B = np.random.default_rng(0).standard_normal((60, 400))
    monkeypatch.setattr(Nnls, "_one_by_one", None)  # must not be needed
    x, _ = solve(A, B, compiled=False)
    misfit = np.linalg.norm(A @ x - B, axis=0)
    np.testing.assert_allclose(misfit, np.linalg.norm(A @ reference(A, B) - B, axis=0), rtol=1e-10)


def test_all_sets_are_tried_where_pivoting_does_not_end(monkeypatch):
    parts, sides = 5, 200
    generator = np.random.default_rng(3)
    A = generator.standard_normal((12, parts))
    B = generator.standard_normal((12, sides))
    monkeypatch.setattr(kernels, "_PIVOTS", 0)
    # Compiled code keeps the number that it was compiled with; the function in Python does not.
    monkeypatch.setattr(kernels, "solve_by_table", kernels.solve_by_table.py_func)
    monkeypatch.setattr(Nnls, "search", None)  # must not be needed
    guess = torch.from_numpy(generator.integers(0, 2**parts, sides))
    np.testing.assert_allclose(solve(A, B, guess)[0], reference(A, B), rtol=0, atol=1e-9)


@pytest.mark.parametrize("parts", [4, 10])
def test_what_pivoting_cannot_end_is_solved_one_by_one(parts, monkeypatch):
    generator = np.random.default_rng(1)
    A = generator.standard_normal((parts + 5, parts))
    B = generator.standard_normal((parts + 5, 20))
    monkeypatch.setattr(nnls_module, "_TOLERANCE", -1.0)  # no solution is good enough
    np.testing.assert_allclose(solve(A, B)[0], reference(A, B), rtol=0, atol=1e-9)

    def fail(*_, **__):
        raise RuntimeError("too many steps")

    monkeypatch.setattr(nnls_module, "nnls", fail)
    x, _ = solve(A, B)
    assert np.isfinite(x).all()
    assert (x >= 0).all()


@pytest.mark.parametrize("eta", [None, 0.0, 0.3])
@pytest.mark.parametrize("parts", [2, 3, 4, 5, 6])
def test_the_factors_are_nimfas(parts, eta):
    for seed in range(3):
        V = noisy(parts, seed)
        ours = solve_fast_snmf(V, parts, 0.7, eta, 40, seed)
        assert_alike(ours, solve_snmf(V, parts, 0.7, eta, 40, seed))
        assert (ours.W[:5] == 0).all()
        assert (ours.H[:, :4] == 0).all()


def test_many_parts_are_nimfas():
    V = noisy(10, 0)
    assert_alike(solve_fast_snmf(V, 10, 0.1, 0.2, 20, 0), solve_snmf(V, 10, 0.1, 0.2, 20, 0))


def test_restarts_and_the_end_are_nimfas():
    seen = {"restart": 0, "converged": 0, "ran out": 0}
    for seed in range(4):
        V = factors(300, 120, 4, seed)
        theirs = solve_snmf(V, 4, 7.5, None, 60, seed)
        assert_alike(solve_fast_snmf(V, 4, 7.5, None, 60, seed), theirs)
        seen["restart"] += theirs.restarts
        seen["converged" if theirs.converged else "ran out"] += 1
    assert min(seen.values()) > 0


def test_the_objective_is_that_of_the_factors():
    V = noisy(3, 0)
    made = solve_fast_snmf(V, 3, 0.5, 0.2, 30, 0)
    misfit = np.square(V - made.W @ made.H).sum()
    penalty = 0.2**2 * np.square(made.W).sum() + 0.5 * np.square(made.H.sum(0)).sum()
    assert made.objective == pytest.approx(0.5 * (misfit + penalty), rel=1e-12)
    assert (np.diff(made.objectives) <= 0).all()


def test_unusable_input_is_one_sentence():
    V = factors()
    broken = [np.where(V > 0.5, value, V) for value in (np.nan, np.inf, -1e-9)]
    for bad in (*broken, np.zeros((5, 5)), V[0], V[:0]):
        with pytest.raises(LwpipeError, match="features of sparse NMF"):
            solve_fast_snmf(bad, 2, 1.0, None, 5, 0)
    with pytest.raises(LwpipeError, match=r"local_weights\.parts: 70 parts"):
        solve_fast_snmf(V, 70, 1.0, None, 5, 0)


def test_too_much_sparsity_is_one_sentence(threads):
    threads(2)
    spike = np.zeros((40, 30))
    spike[0, 0] = 1.0
    with pytest.raises(LwpipeError, match=r"local_weights\.sparsity"):
        solve_fast_snmf(spike, 3, 1e6, None, 300, 0)
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(("rows", "parts"), [(1, 1), (4, 2), (67, 3), (131, 5), (300, 9)])
@pytest.mark.parametrize("columns", [1, 511, 1025])
def test_a_sweep_multiplies_and_solves(rows, parts, columns, compiled, dtype, monkeypatch):
    monkeypatch.setitem(sweep_module._BLOCK, "cpu", 7 * columns * 8)
    monkeypatch.setattr(kernels, "COMPILED", compiled)
    generator = np.random.default_rng(0)
    V = generator.uniform(size=(rows, columns)).astype(dtype)
    H, W = generator.uniform(size=(parts, columns)), generator.uniform(size=(parts, rows))
    problem = Nnls(torch.from_numpy(H @ H.T + np.eye(parts)))
    sets = everything(parts, rows, CPU)
    with Sweep(V, CPU) as sweep:
        squared = sweep.norm_squared()
        summed = sweep.product(torch.from_numpy(W)).numpy()
        solved, product, solved_summed = sweep.update(torch.from_numpy(H), problem, sets)
    # Sums of at most 1,025 positive numbers in double precision, whatever V is stored in.
    exact = V.astype(np.float64)
    assert squared == pytest.approx(np.square(exact).sum(), rel=1e-13)
    np.testing.assert_allclose(summed, W @ exact, rtol=1e-13)
    np.testing.assert_allclose(product.numpy(), H @ exact.T, rtol=1e-13)
    stacked = np.concatenate([H.T, np.eye(parts)])
    sides = np.concatenate([exact.T, np.zeros((parts, rows))])
    np.testing.assert_allclose(solved.numpy(), reference(stacked, sides), rtol=0, atol=1e-10)
    np.testing.assert_allclose(solved_summed.numpy(), solved.numpy() @ exact, atol=1e-10)
    members = (sets.numpy() >> np.arange(parts)[:, None]) & 1 == 1
    np.testing.assert_array_equal(members, solved.numpy() > 0)


def test_vertices_that_resist_the_table_are_solved_all_the_same(monkeypatch):
    V = noisy(4, 2)
    expected = solve_fast_snmf(V, 4, 0.5, None, 10, 0)
    compiled = Nnls.__init__

    def refuse(self, gram):
        compiled(self, gram)
        if self.compiled is not None:  # the table's solutions are never good enough
            self.compiled = *self.compiled[:-1], -1.0

    monkeypatch.setattr(Nnls, "__init__", refuse)
    assert_alike(solve_fast_snmf(V, 4, 0.5, None, 10, 0), expected, 1e-9)


def test_threads_change_no_bit_and_are_given_back(threads):
    V = noisy(4, 0)
    made = []
    for count in (1, 2, 3, 2):
        threads(count)
        made.append(solve_fast_snmf(V, 4, 0.5, None, 15, 0))
        assert torch.get_num_threads() == count
    for other in made[1:]:
        np.testing.assert_array_equal(made[0].W, other.W)
        np.testing.assert_array_equal(made[0].H, other.H)
        assert made[0].objectives == other.objectives


def test_without_numba_the_factors_are_the_same(monkeypatch):
    V = noisy(4, 1)
    fast = solve_fast_snmf(V, 4, 0.5, None, 30, 0)
    monkeypatch.setattr(kernels, "COMPILED", False)
    assert_alike(solve_fast_snmf(V, 4, 0.5, None, 30, 0), fast, 1e-9)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("parts", [4, 10])
def test_a_gpu_gives_the_same_factors(parts):
    V = noisy(parts, 1)
    on_cpu = solve_fast_snmf(V, parts, 0.1, None, 30, 0, device=CPU)
    assert_alike(solve_fast_snmf(V, parts, 0.1, None, 30, 0, device=torch.device("cuda")), on_cpu)


def test_data_are_neither_copied_nor_changed():
    V = np.random.default_rng(0).uniform(size=(3000, 400))
    before = V.copy()
    V.flags.writeable = False
    tracemalloc.start()
    try:
        solve_fast_snmf(V, 3, 0.1, None, 3, 0, device=CPU)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < V.nbytes / 10
    np.testing.assert_array_equal(V, before)


def sheet_of_faces(folder, count=24, size=16):
    """A sheet whose four corners move apart from each other."""
    y, x = np.mgrid[0:size, 0:size].astype(float)
    vertices = np.stack([x, y, np.zeros_like(x)], -1).reshape(-1, 3)
    index = np.arange(size * size).reshape(size, size)
    a, b, c = index[:-1, :-1], index[:-1, 1:], index[1:, :-1]
    triangles = np.stack([a, b, c], -1).reshape(-1, 3)
    corners = np.array([[0.0, 0.0], [0.0, 15.0], [15.0, 0.0], [15.0, 15.0]])
    distance = np.linalg.norm(vertices[:, None, :2] - corners, axis=2)
    generator = np.random.default_rng(0)
    with DatasetWriter(folder, count, triangles, len(vertices)) as writer:
        for row in range(count):
            motion = np.exp(-((distance / 5.0) ** 2)) @ generator.standard_normal((4, 3))
            writer[row] = vertices + motion
        blank = {"subject": "", "expression": "", "source": ""}
        faces = [
            {"id": str(i), "split": "test" if i % 8 == 7 else "train", **blank}
            for i in range(count)
        ]
        return writer.close(faces, {"source": "test", "seed": 0}, None)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return sheet_of_faces(tmp_path_factory.mktemp("sheet") / "data")


@pytest.mark.parametrize("kind", ["signed", "magnitude", "magnitude_std"])
def test_the_stage_gives_nimfas_weights(dataset, tmp_path, kind):
    made, told = {}, {}
    for solver in ("nimfa", "fast"):
        info = tmp_path / f"{solver}.json"
        settings = LocalWeightsSettings(solver=solver, features=kind, sparsity=0.5, eta=0.5)
        make_local_weights(dataset.path, tmp_path / f"{solver}.npz", info, settings)
        made[solver] = load_local_weights(tmp_path / f"{solver}.npz")
        told[solver] = json.loads(info.read_text())
        assert told[solver]["solver"] == solver
    for one, two in zip(made["fast"], made["nimfa"], strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-5)
    for name in ("iterations", "restarts", "converged", "feature_columns", "faces"):
        assert told["fast"][name] == told["nimfa"][name]
    assert told["fast"]["objective"] == pytest.approx(told["nimfa"]["objective"], rel=1e-5)


@pytest.mark.parametrize("kind", ["signed", "magnitude", "magnitude_std"])
def test_features_in_single_precision_are_rounded_only(dataset, kind):
    double = features(dataset.vertices, dataset.template, kind)
    single = features(dataset.vertices, dataset.template, kind, dtype=np.float32)
    assert single.dtype == np.float32
    # One rounding when stored and one when divided, each by half of 2^-23.
    np.testing.assert_allclose(single, double, rtol=2**-23, atol=0)
