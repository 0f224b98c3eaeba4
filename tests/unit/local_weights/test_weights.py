from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import nimfa
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import read_json
from lwpipe.data.make import make_dataset
from lwpipe.data.settings import DataSettings
from lwpipe.data.store import DatasetWriter
from lwpipe.local_weights import load_local_weights, make_local_weights, solve_snmf
from lwpipe.local_weights.features import choose_faces, features
from lwpipe.local_weights.make import (
    describe_parts,
    partition_of_unity,
    reading_order,
    sharpened,
    vertex_areas,
)
from lwpipe.local_weights.settings import LocalWeightsSettings
from lwpipe.template import build_pyramid

CENTRES = np.array([[6.0, 18.0], [18.0, 18.0], [12.0, 10.0], [12.0, 3.0]])
KINDS = ("signed", "magnitude", "magnitude_std")


def sheet(size=24):
    y, x = np.mgrid[0:size, 0:size].astype(float)
    vertices = np.stack([x, y, np.zeros_like(x)], -1).reshape(-1, 3)
    index = np.arange(size * size).reshape(size, size)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    lower = np.stack([a, b, c], -1).reshape(-1, 3)
    upper = np.stack([d, c, b], -1).reshape(-1, 3)
    return vertices, np.concatenate([lower, upper])


def bumps(vertices):
    distance = np.linalg.norm(vertices[:, None, :2] - CENTRES, axis=2)
    return np.exp(-((distance / 4.0) ** 2))


def write_faces(folder, count=40, seed=0, still=0, regions=True):
    """Four regions of a sheet that move apart from each other: the parts to be found."""
    vertices, triangles = sheet()
    generator = np.random.default_rng(seed)
    regional = bumps(vertices)
    with DatasetWriter(folder, count, triangles, len(vertices)) as writer:
        for row in range(count):
            motion = regional @ generator.standard_normal((4, 3))
            motion[:still] = 0.0
            writer[row] = vertices + motion
        blank = {"subject": "", "expression": "", "source": ""}
        faces = [
            {"id": str(i), "split": "test" if i % 8 == 7 else "train", **blank}
            for i in range(count)
        ]
        truth = {f"region_{i}": regional[:, i] for i in range(4)} if regions else None
        return writer.close(faces, {"source": "test", "seed": seed}, truth)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return write_faces(tmp_path_factory.mktemp("planted") / "data")


def run(dataset, folder, **changes):
    info = folder / "local_weights.json"
    made = make_local_weights(
        dataset.path, folder / "local_weights.npz", info, LocalWeightsSettings(**changes)
    )
    return made, json.loads(info.read_text())


def factors(vertices=90, columns=60, parts=3, seed=0):
    generator = np.random.default_rng(seed)
    W = generator.uniform(size=(vertices, parts)) * (generator.random((vertices, parts)) < 0.4)
    H = generator.uniform(size=(parts, columns)) * (generator.random((parts, columns)) < 0.5)
    return W, H, W @ H


def test_features_are_what_their_names_say():
    generator = np.random.default_rng(0)
    mean = generator.normal(size=(7, 3))
    faces = (mean + generator.normal(size=(5, 7, 3))).astype(np.float32)
    moved = faces.astype(float) - mean
    deviation = np.sqrt((moved**2).sum(2).mean(0))[:, None]
    magnitude = np.linalg.norm(moved, axis=2).T
    np.testing.assert_allclose(features(faces, mean, "magnitude"), magnitude)
    np.testing.assert_allclose(features(faces, mean, "magnitude_std"), magnitude / deviation)
    signed = features(faces, mean, "signed")
    assert signed.shape == (7, 30)
    assert (signed >= 0).all()
    blocks = signed.reshape(7, 5, 2, 3)
    np.testing.assert_allclose(
        (blocks[:, :, 0] - blocks[:, :, 1]).transpose(1, 0, 2), moved / deviation
    )
    assert (blocks[:, :, 0] * blocks[:, :, 1] == 0).all()
    some = features(faces, mean, "magnitude", np.array([1, 3]))
    np.testing.assert_allclose(some, magnitude[:, [1, 3]])


@pytest.mark.parametrize("kind", KINDS)
def test_a_vertex_at_rest_has_no_features(kind):
    faces = np.zeros((4, 3, 3), np.float32)
    faces[:, 0, 0] = [1, -1, 2, -2]
    faces[:, 1, 0] = 1e-9  # noise of rounding
    made = features(faces, np.zeros((3, 3)), kind)
    assert np.isfinite(made).all()
    assert made[0].any()
    assert not made[2].any()
    if kind != "magnitude":
        assert not made[1].any()


def test_faces_that_do_not_differ_are_refused():
    with pytest.raises(LwpipeError, match="all alike"):
        features(np.ones((3, 4, 3), np.float32), np.ones((4, 3)), "signed")


def test_training_faces_are_chosen_evenly():
    train = np.arange(100, 200)
    np.testing.assert_array_equal(choose_faces(train, None), train)
    np.testing.assert_array_equal(choose_faces(train, 100), train)
    np.testing.assert_array_equal(choose_faces(train, 4), [100, 125, 150, 175])
    assert len(set(choose_faces(train, 33))) == 33


def test_the_solver_minimises_its_objective_step_by_step():
    _, _, V = factors()
    result = solve_snmf(V, 3, beta=0.5, eta=0.2, iterations=40, seed=0)
    drops = np.diff(result.objectives)
    assert (drops <= 1e-9 * result.objectives[0]).all()
    assert result.objective < 0.5 * result.objectives[0]
    misfit = np.square(V - result.W @ result.H).sum()
    penalty = 0.2**2 * np.square(result.W).sum() + 0.5 * np.square(result.H.sum(0)).sum()
    assert result.objective == pytest.approx(0.5 * (misfit + penalty), rel=1e-9)
    assert (result.W >= 0).all()
    assert (result.H >= 0).all()


def test_the_solver_ends_where_no_step_helps():
    _, _, V = factors()
    beta, eta = 0.5, 0.2
    result = solve_snmf(V, 3, beta, eta, iterations=2000, seed=0)
    assert result.converged
    assert result.iterations < 2000
    W, H = result.W, result.H
    slope = W.T @ (W @ H - V) + beta * np.ones((3, 3)) @ H
    # Kuhn and Tucker: no slope where positive, an upward one at zero.
    scale = np.abs(W.T @ V).max()
    assert np.abs(slope[H > 1e-9]).max() < 0.02 * scale
    assert slope[H <= 1e-9].min() > -0.02 * scale


def test_the_solver_does_what_unchanged_nimfa_does():
    _, _, V = factors(seed=3)
    generator = np.random.default_rng(11)
    start = generator.uniform(size=(V.shape[0], 3)), generator.uniform(size=(3, V.shape[1]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = nimfa.Snmf(
            V, W=start[0], H=start[1], rank=3, max_iter=7, version="r", eta=0.3, beta=0.7
        )
        plain.factorize()
    ours = solve_snmf(V, 3, beta=0.7, eta=0.3, iterations=7, seed=11)
    np.testing.assert_allclose(ours.W, np.asarray(plain.W), atol=1e-6)
    np.testing.assert_allclose(ours.H, np.asarray(plain.H), atol=1e-6)


def test_eta_defaults_to_the_largest_feature_and_zero_is_not_none():
    _, _, V = factors()
    assert solve_snmf(V, 3, 0.1, None, 3, 0).eta == V.max()
    assert solve_snmf(V, 3, 0.1, 0.0, 3, 0).eta == 0.0


def test_factors_that_generated_the_data_are_found():
    W, _, V = factors(seed=5)
    result = solve_snmf(V, 3, beta=1e-3, eta=1e-3, iterations=300, seed=1)
    assert np.square(V - result.W @ result.H).sum() < 1e-3 * np.square(V).sum()
    alike = np.corrcoef(W.T, result.W.T)[:3, 3:]
    rows, columns = linear_sum_assignment(-alike)
    assert alike[rows, columns].min() > 0.95


def test_more_sparsity_gives_sparser_columns():
    generator = np.random.default_rng(2)
    V = generator.uniform(size=(90, 3)) @ generator.uniform(size=(3, 60))
    results = [solve_snmf(V, 3, beta, 0.1, 60, 0) for beta in (1e-4, 0.5, 5.0)]
    shares = [(result.H <= 1e-12).mean() for result in results]
    assert shares[0] < shares[1] < shares[2]


def test_restarts_do_not_spoil_the_result(planted):
    V = features(planted.vertices, planted.template, "magnitude")
    result = solve_snmf(V, 4, 7.5, None, 100, 0)
    assert result.restarts > 0
    assert result.objective == min(result.objectives)
    assert result.W.any(axis=0).all()
    misfit = np.square(V - result.W @ result.H).sum()
    penalty = result.eta**2 * np.square(result.W).sum() + 7.5 * np.square(result.H.sum(0)).sum()
    assert result.objective == pytest.approx(0.5 * (misfit + penalty), rel=1e-9)


def test_the_same_seed_gives_the_same_factors_and_another_seed_others():
    _, _, V = factors()
    np.random.seed(1)  # noqa: NPY002 - the global generator must have no say
    one = solve_snmf(V, 3, 0.5, None, 10, seed=4)
    np.random.seed(2)  # noqa: NPY002
    two = solve_snmf(V, 3, 0.5, None, 10, seed=4)
    np.testing.assert_array_equal(one.W, two.W)
    np.testing.assert_array_equal(one.H, two.H)
    assert not np.array_equal(one.W, solve_snmf(V, 3, 0.5, None, 10, seed=5).W)


def test_unusable_input_is_one_sentence():
    _, _, V = factors()
    for bad in (V - 1.0, np.where(V > 0.5, np.nan, V), np.zeros((5, 5)), V[0]):
        with pytest.raises(LwpipeError, match="features of sparse NMF"):
            solve_snmf(bad, 2, 1.0, None, 5, 0)
    with pytest.raises(LwpipeError, match=r"local_weights\.parts: 70 parts"):
        solve_snmf(V, 70, 1.0, None, 5, 0)
    spike = np.zeros((40, 30))
    spike[0, 0] = 1.0
    with pytest.raises(LwpipeError, match=r"local_weights\.sparsity"):
        solve_snmf(spike, 3, 1e6, None, 300, 0)


def test_numpy_is_left_as_it_was():
    solve_snmf(factors()[2], 3, 0.5, None, 3, 0)
    for name in ("mat", "Inf"):
        assert name not in vars(np)
        with pytest.raises(AttributeError):
            getattr(np, name)
    assert sys.modules["numpy"] is np
    with pytest.warns(PendingDeprecationWarning):
        np.matrix([[1.0]])


@pytest.mark.parametrize("kind", KINDS)
def test_planted_parts_are_found(planted, tmp_path, kind):
    weights, info = run(planted, tmp_path, features=kind, sparsity=0.5, eta=0.5, iterations=150)
    assert weights.shape == (576, 4)
    assert weights.dtype == np.float32
    found = [part["region"] for part in info["part"]]
    assert sorted(found) == [f"region_{i}" for i in range(4)]
    if kind == "signed":
        assert found == sorted(found)
        centres = np.array([part["centre_mm"][:2] for part in info["part"]])
        assert np.linalg.norm(centres - CENTRES, axis=1).max() < 2.0
        assert min(part["region_correlation"] for part in info["part"]) > 0.5


def test_weights_sum_to_one_and_columns_of_the_basis_reach_one(planted, tmp_path):
    weights, info = run(planted, tmp_path)
    loaded, basis = load_local_weights(tmp_path / "local_weights.npz")
    np.testing.assert_array_equal(loaded, weights)
    np.testing.assert_allclose(weights.sum(1), 1.0, atol=1e-6)
    assert weights.min() >= 0
    np.testing.assert_allclose(basis.max(0), 1.0)
    moving = basis.sum(1) > 0
    share = basis[moving] / basis[moving].sum(1, keepdims=True)
    np.testing.assert_allclose(weights[moving], share, atol=1e-6)
    assert info["faces"] == 35
    assert info["feature_columns"] == 210
    assert info["sparsity"] == 7.5
    assert sum(part["area_share"] for part in info["part"]) == pytest.approx(1.0)


def test_vertices_that_never_move_belong_to_all_parts_alike(tmp_path):
    dataset = write_faces(tmp_path / "data", still=30, regions=False)
    weights, info = run(dataset, tmp_path)
    np.testing.assert_array_equal(weights[:30], np.full((30, 4), 0.25, np.float32))
    assert info["vertices_without_part"] >= 30
    assert "region" not in info["part"][0]


def test_the_stage_writes_the_same_bytes_again(planted, tmp_path):
    written = []
    for name in ("one", "two"):
        run(planted, tmp_path / name, iterations=10)
        written.append([path.read_bytes() for path in sorted((tmp_path / name).iterdir())])
    assert len(written[0]) == 2
    assert written[0] == written[1]


def test_only_training_faces_count_and_no_more_than_asked(planted, tmp_path):
    _, info = run(planted, tmp_path, max_faces=12, features="magnitude")
    assert info["faces"] == 12
    assert info["feature_columns"] == 12
    _, info = run(planted, tmp_path, max_faces=None, features="magnitude")
    assert info["faces"] == 35
    with pytest.raises(LwpipeError, match=r"local_weights\.parts"):
        run(planted, tmp_path, max_faces=3, features="magnitude")


def test_one_part_is_everything(planted, tmp_path):
    weights, _ = run(planted, tmp_path, parts=1)
    np.testing.assert_array_equal(weights, np.ones((576, 1), np.float32))


def test_reading_order_is_top_to_bottom_and_by_x_where_level():
    vertices, triangles = sheet()
    area = vertex_areas(vertices, triangles)
    basis = bumps(vertices)
    assert reading_order(basis, vertices, area) == [0, 1, 2, 3]
    shuffled = [2, 1, 3, 0]
    order = reading_order(basis[:, shuffled], vertices, area)
    assert [shuffled[part] for part in order] == [0, 1, 2, 3]


def test_areas_add_up_and_are_never_zero():
    vertices, triangles = sheet()
    area = vertex_areas(np.concatenate([vertices, [[50.0, 50, 50]]]), triangles)
    assert area.sum() == pytest.approx(23**2)
    assert area.min() > 0


def test_parts_are_described(planted):
    halves = (planted.template[:, 0] < 11.5).astype(np.float32)
    weights = np.stack([halves, 1 - halves], 1)
    area = vertex_areas(planted.template, planted.triangles)
    left, right = describe_parts(weights, planted, area)
    assert left["area_share"] == pytest.approx(right["area_share"], abs=0.05)
    assert left["centre_mm"][0] < 11.5 < right["centre_mm"][0]
    assert left["pieces"] == 1
    assert left["spread"] < 1


def test_zero_rows_become_uniform():
    made = partition_of_unity([[0.0, 0.0, 0.0], [0.0, 2.0, 2.0]])
    np.testing.assert_allclose(made, [[1 / 3] * 3, [0, 0.5, 0.5]], atol=1e-7)


def test_coarser_levels_are_selections():
    vertices, triangles = sheet()
    pyramid = build_pyramid(vertices, triangles, [4, 4])
    weights = partition_of_unity(bumps(vertices))
    assert [len(vertices) for vertices in pyramid.vertices] == [576, 144, 36]
    coarsest = pyramid.coarsest(weights)
    np.testing.assert_array_equal(coarsest, weights[pyramid.keep[0]][pyramid.keep[1]])
    with pytest.raises(LwpipeError, match="575 vertices"):
        pyramid.coarsest(weights[1:])


def test_bad_files_are_named(tmp_path):
    weights = np.full((5, 2), 0.5, np.float32)
    cases = {
        "other": {"a": weights},
        "shapes": {"weights": weights, "basis": weights[:, :1]},
        "sums": {"weights": weights / 2, "basis": weights},
        "negative": {"weights": weights - [1.0, -1.0], "basis": weights},
        "nan": {"weights": weights * np.nan, "basis": weights},
        "flat": {"weights": weights[:, 0], "basis": weights[:, 0]},
        "text": {"weights": np.full((5, 2), "a"), "basis": weights},
        "pickled": {"weights": np.array([{}], dtype=object), "basis": weights},
    }
    for name, arrays in cases.items():
        np.savez(tmp_path / f"{name}.npz", **arrays)
        with pytest.raises(LwpipeError, match=rf"{name}\.npz"):
            load_local_weights(tmp_path / f"{name}.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "sums.npz").read_bytes()[:100])
    for name in ("cut", "missing"):
        with pytest.raises(LwpipeError, match=rf"{name}\.npz"):
            load_local_weights(tmp_path / f"{name}.npz")


@pytest.mark.parametrize("sharpness", [1.0, 2.0, 3.0, 40.0])
@pytest.mark.parametrize("support", [0.0, 0.1, 0.9])
def test_sharper_weights_are_still_shares(sharpness: float, support: float) -> None:
    weights = partition_of_unity(np.random.default_rng(0).random((200, 5)) ** 2)
    sharp = sharpened(weights, sharpness, support)
    np.testing.assert_allclose(sharp.sum(axis=1), 1, atol=1e-6)
    assert sharp.dtype == np.float32
    np.testing.assert_array_equal(sharp.argmax(axis=1), weights.argmax(axis=1))
    if sharpness > 1:
        assert (sharp.max(axis=1) >= weights.max(axis=1) - 1e-6).all()
    if support:
        # But for the largest of a vertex, what is left was not below the support.
        small = (sharp > 0) & (sharp < support) & (sharp < sharp.max(axis=1, keepdims=True))
        assert not small.any()
    if sharpness == 1 and not support:
        assert sharp is weights


def test_the_files_hold_sharp_weights(tmp_path: Path) -> None:
    data = DataSettings.model_validate({"faces": 20, "synthetic": {"vertices": 1500}})
    make_dataset(data, tmp_path / "data")
    made = {}
    for name, more in (("soft", {}), ("sharp", {"sharpness": 3.0, "support": 0.05})):
        settings = LocalWeightsSettings(iterations=5, **more)
        files = tmp_path / f"{name}.npz", tmp_path / f"{name}.json"
        made[name] = make_local_weights(tmp_path / "data", *files, settings)
        stored, basis = load_local_weights(files[0])
        np.testing.assert_array_equal(stored, made[name])
        assert read_json(files[1])["sharpness"] == settings.sharpness
        assert basis.max() == 1
    np.testing.assert_array_equal(made["sharp"], sharpened(made["soft"], 3.0, 0.05))
    assert (made["sharp"] == 0).any()
