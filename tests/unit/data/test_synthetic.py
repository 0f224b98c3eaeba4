"""The embedded face: its mesh, its anatomy, its population, its store."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from lwpipe.core.errors import LwpipeError
from lwpipe.data.make import make_dataset
from lwpipe.data.settings import DataSettings
from lwpipe.data.sources.synthetic import SyntheticSettings
from lwpipe.data.sources.synthetic import curves as face_curves
from lwpipe.data.sources.synthetic.anatomy import mean_face
from lwpipe.data.sources.synthetic.detail import SCALES, detail_names, draw_detail
from lwpipe.data.sources.synthetic.faces import (
    draw_parameters,
    expression_names,
    parameter_names,
    regions,
    shape_names,
    synthesize,
    unit_fields,
)
from lwpipe.data.sources.synthetic.grid import FaceGrid, make_grid
from lwpipe.data.sources.synthetic.shapes import ALL_PARAMETERS, GLOBAL_PARAMETERS, loadings
from lwpipe.data.split import split_labels
from lwpipe.mesh.topology import edges, triangle_normals


@pytest.fixture(scope="module")
def grid() -> FaceGrid:
    return make_grid(2000)


def one(name: str, value: float) -> np.ndarray:
    row = np.zeros((1, len(parameter_names())))
    row[0, parameter_names().index(name)] = value
    return row


# --- the split ------------------------------------------------------------------------------------


def test_split_has_the_papers_sizes_and_repeats() -> None:
    labels = split_labels(2000, 0.11, 3)
    assert labels.count("test") == 220
    assert labels.count("train") == 1780
    assert labels == split_labels(2000, 0.11, 3)
    assert labels != split_labels(2000, 0.11, 4)


@pytest.mark.parametrize(("count", "fraction"), [(4, 0.01), (4, 0.99), (2, 0.5)])
def test_split_always_has_both_kinds(count: int, fraction: float) -> None:
    labels = split_labels(count, fraction, 0)
    assert len(labels) == count
    assert set(labels) == {"train", "test"}


@pytest.mark.parametrize(("count", "fraction"), [(1, 0.5), (10, 0.0), (10, 1.0)])
def test_split_refuses_the_impossible(count: int, fraction: float) -> None:
    with pytest.raises(LwpipeError):
        split_labels(count, fraction, 0)


# --- the mesh -------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [1500, 3000, 12_000, 40_000])
def test_mesh_is_a_disc_of_about_the_wanted_size(wanted: int) -> None:
    grid = make_grid(wanted)
    count = len(grid.points)
    assert abs(count - wanted) < 0.03 * wanted
    assert np.array_equal(np.unique(grid.triangles), np.arange(count))
    sides = np.sort(
        np.concatenate([grid.triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])]), axis=1
    )
    _, uses = np.unique(sides, axis=0, return_counts=True)
    assert set(uses) == {1, 2}
    # V - E + F = 1 and one boundary loop: a disc.
    assert count - len(uses) + len(grid.triangles) == 1
    border = np.unique(sides, axis=0)[uses == 1]
    follow: dict[int, list[int]] = {}
    for a, b in border.tolist():
        follow.setdefault(a, []).append(b)
        follow.setdefault(b, []).append(a)
    assert all(len(ends) == 2 for ends in follow.values())
    start = previous = border[0, 0]
    current, steps = follow[start][0], 1
    while current != start:
        ends = follow[current]
        previous, current = current, ends[0] if ends[0] != previous else ends[1]
        steps += 1
    assert steps == len(border)


def test_mesh_is_symmetric_and_finest_at_eyes_and_lips(grid: FaceGrid) -> None:
    points = {tuple(row) for row in grid.points.round(9).tolist()}
    assert {(-p + 0.0, q) for p, q in points} == points
    pairs = edges(grid.triangles)
    length = np.linalg.norm(grid.points[pairs[:, 0]] - grid.points[pairs[:, 1]], axis=1)
    middle = grid.points[pairs].mean(axis=1)
    eye = np.abs(face_curves.eye_depth(np.abs(middle[:, 0]), middle[:, 1])) < 2
    assert np.median(length[eye]) < 0.35 * np.median(length[middle[:, 1] > 35])


def test_mesh_is_the_same_each_time(grid: FaceGrid) -> None:
    make_grid.cache_clear()
    again = make_grid(2000)
    assert np.array_equal(again.points, grid.points)
    assert np.array_equal(again.triangles, grid.triangles)


# --- the anatomy ----------------------------------------------------------------------------------


def test_mean_face_has_human_proportions(grid: FaceGrid) -> None:
    mean = mean_face(grid.points)
    width, height, depth = np.ptp(mean, axis=0)
    assert 120 < width < 150
    assert 140 < height < 190
    assert 60 < depth < 120

    def at(p: float, q: float) -> np.ndarray:
        return mean_face(np.array([[p, q]]))[0]

    tip = mean[np.argmax(mean[:, 2])]
    assert abs(tip[0]) < 1.0
    assert -45 < tip[1] < -30
    assert 14 < tip[2] - at(0, -52)[2] < 28  # the nose stands out of the face
    assert at(0, 15)[2] - at(17, 0)[2] > 8  # the inner corner of the eye lies deep
    assert at(31, 0)[2] - at(47, 2)[2] > 2  # the eyeball bulges
    assert at(0, -73)[2] - at(0, -68.5)[2] > 1.5  # a line between the lips
    assert at(0, -63)[2] - at(0, -68.5)[2] > 1.5
    assert at(0, -103)[2] - at(0, -88)[2] > 1  # the chin before its groove


def test_mean_face_is_symmetric(grid: FaceGrid) -> None:
    other = mean_face(grid.points * [-1, 1])
    assert np.allclose(other * [-1, 1, 1], mean_face(grid.points), atol=1e-9)


def extreme_parameters(count: int) -> np.ndarray:
    """All shape parameters at +-2.5, with detail; the second half with each expression in full."""
    rng = np.random.default_rng(1)
    shape = rng.choice([-2.5, 2.5], (count, len(shape_names())))
    shown = np.zeros((count, len(expression_names())))
    for row in range(count // 2, count):
        shown[row, row % len(expression_names())] = 1
    return np.concatenate([shape, shown, draw_detail(rng.standard_normal((count, 3)), rng)], axis=1)


def turned_away(faces: np.ndarray, grid: FaceGrid) -> np.ndarray:
    """Return the share of each face's triangles that look into the head, but for those under it."""
    triangles = grid.triangles
    middle = grid.points[triangles].mean(axis=1)
    # Beyond this radius the surface turns under the jaw, away from the viewer.
    front = face_curves.outline_radius(np.abs(middle[:, 0]), middle[:, 1]) < 0.82
    angle = middle[:, 0] / 68
    skull = np.column_stack([np.sin(angle), 0 * angle, np.cos(angle)])
    shares = []
    for face in faces:
        normals = triangle_normals(face, triangles)
        outward = np.maximum(normals[:, 2], np.sum(normals * skull, axis=1))
        shares.append(np.mean((outward <= 0) & (front | (normals[:, 1] >= 0))))
    return np.array(shares)


@pytest.mark.parametrize("vertices", [2000, 12_000])
def test_faces_do_not_fold(vertices: int) -> None:
    grid = make_grid(vertices)
    triangles = grid.triangles
    drawn = synthesize(draw_parameters(60, 5), grid)
    extreme = synthesize(extreme_parameters(56), grid)
    # A hooked nose or a dropped jaw has an underside; nobody has all parameters at their ends.
    assert turned_away(drawn, grid).max() < 0.003
    assert turned_away(extreme, grid).max() < 0.01
    assert np.mean(turned_away(extreme, grid)) < 0.002
    for face, least in [(face, 0.005) for face in drawn] + [(face, 5e-4) for face in extreme]:
        a, b, c = (face[triangles[:, i]] for i in range(3))
        longest = np.max([np.linalg.norm(x - y, axis=1) for x, y in ((a, b), (b, c), (c, a))], 0)
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        # Height over the longest side: zero for a degenerate triangle.
        assert (area / longest**2).min() > least


@pytest.mark.parametrize("vertices", [2000, 12_000])
def test_ordinary_faces_have_no_sharp_edges(vertices: int) -> None:
    grid = make_grid(vertices)
    triangles = grid.triangles
    side = np.sort(
        np.concatenate([triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])]), axis=1
    )
    owner = np.tile(np.arange(len(triangles)), 3)
    order = np.lexsort(side.T)
    twin = np.flatnonzero((side[order][1:] == side[order][:-1]).all(axis=1))
    pair = np.column_stack([owner[order][twin], owner[order][twin + 1]])
    for face in synthesize(draw_parameters(8, 0, expressions=False), grid):
        normals = triangle_normals(face, triangles)
        agreement = np.sum(normals[pair[:, 0]] * normals[pair[:, 1]], axis=1)
        assert agreement.min() > -0.95
        assert np.mean(agreement < 0) < 0.03
        assert np.median(agreement) > 0.9


# --- the parameters -------------------------------------------------------------------------------


def test_parameters_are_many_and_named_once() -> None:
    assert len(shape_names()) >= 30
    assert len(expression_names()) >= 5
    assert len(set(parameter_names())) == len(parameter_names())
    assert parameter_names() == shape_names() + expression_names() + detail_names()


def test_correlation_is_what_is_drawn() -> None:
    wanted = loadings() @ loadings().T
    np.fill_diagonal(wanted, 1)
    assert np.linalg.eigvalsh(wanted).min() > 0.05
    drawn = draw_parameters(20_000, 0)[:, : len(wanted)]
    assert np.abs(np.corrcoef(drawn.T) - wanted).max() < 0.05
    assert np.abs(drawn.std(axis=0) - 1).max() < 0.03
    assert np.abs(wanted - np.eye(len(wanted))).max() > 0.2


def test_a_parameter_moves_its_region_and_nothing_else(grid: FaceGrid) -> None:
    truth = regions(grid)
    assert list(truth) == shape_names()
    neutral = synthesize(np.zeros((1, len(parameter_names()))), grid)[0]
    for item in ALL_PARAMETERS:
        region = truth[item.name]
        assert region.dtype == np.float32
        assert region.min() >= 0
        assert region.max() == pytest.approx(1)
        moved = np.linalg.norm(synthesize(one(item.name, 1.0), grid)[0] - neutral, axis=1)
        assert 0.3 < moved.max() < 9, item.name
        assert moved[region < 1e-6].max(initial=0) < 1e-4, item.name
        assert np.corrcoef(moved, region)[0, 1] > 0.99, item.name
        if item not in GLOBAL_PARAMETERS:
            assert np.mean(region > 0.1) < 0.5, item.name


@pytest.mark.parametrize("name", expression_names())
def test_each_expression_moves_the_face(name: str, grid: FaceGrid) -> None:
    neutral = synthesize(one(name, 0.0), grid)[0]
    shown = synthesize(one(name, 1.0), grid)[0]
    moved = np.linalg.norm(shown - neutral, axis=1)
    assert 1.5 < moved.max() < 40
    assert np.median(moved) < 0.35 * moved.max()


def test_the_jaw_is_turned_as_one_bone(grid: FaceGrid) -> None:
    neutral, half, whole = (synthesize(one("jaw_open", v), grid)[0] for v in (0.0, 0.5, 1.0))
    chin = np.flatnonzero((np.abs(grid.points[:, 0]) < 25) & (grid.points[:, 1] < -96))
    pairs = chin[[0, 1, 2, 3]], chin[[-1, -2, -3, -4]]
    apart = [np.linalg.norm(face[pairs[0]] - face[pairs[1]], axis=1) for face in (neutral, whole)]
    np.testing.assert_allclose(*apart, atol=0.05)
    # On an arc the middle of the way is off the chord.
    chord = (neutral[chin] + whole[chin]) / 2
    assert np.linalg.norm(half[chin] - chord, axis=1).min() > 0.4


def test_lids_slide_over_the_ball(grid: FaceGrid) -> None:
    neutral, shut = (synthesize(one("blink_right", v), grid)[0] for v in (0.0, 1.0))
    p, q = grid.points.T
    opening = face_curves.eye_depth(p, q) > 0
    centre = neutral[np.argmin((p - 31.5) ** 2 + (q - 0.4) ** 2)] - [0, 0, 14.1]
    eye = np.hypot(p - 31.5, q) < 14
    radii = [np.linalg.norm((face - centre)[eye, 1:], axis=1) for face in (neutral, shut)]
    np.testing.assert_allclose(*radii, atol=1e-3)
    height = [np.ptp(face[opening & (np.abs(p - 31.5) < 3), 1]) for face in (neutral, shut)]
    assert height[1] < 0.6 * height[0]
    assert np.array_equal(neutral[p < 0], shut[p < 0])


def test_sizes_multiply(grid: FaceGrid) -> None:
    tip = np.argmax(mean_face(grid.points)[:, 2])
    zero, long, big = (
        synthesize(one(name, 2.0 * (name != "jaw_open")), grid)[0, tip].astype(np.float64)
        for name in ("jaw_open", "nose_projection", "nose_size")
    )
    both = synthesize(one("nose_projection", 2.0) + one("nose_size", 2.0), grid)[0, tip]
    base = -3.0
    grown = [(face[2] - base) / (zero[2] - base) for face in (long, big, both)]
    assert grown[2] == pytest.approx(grown[0] * grown[1], rel=0.01)
    assert grown[2] - 1 > 1.02 * (grown[0] - 1 + grown[1] - 1)


# --- the detail -----------------------------------------------------------------------------------


def test_detail_is_local_smooth_and_along_the_normal(grid: FaceGrid) -> None:
    fields = unit_fields(grid)[-len(detail_names()) :]
    length = np.linalg.norm(fields, axis=2)
    half = length > 0.5 * length.max(axis=1, keepdims=True)
    assert (np.mean(half, axis=1) < 0.2).all()
    assert 0.2 < np.median(length.max(axis=1)) < 1
    normals = np.zeros((len(grid.points), 3))
    face = mean_face(grid.points)
    for corner in range(3):
        np.add.at(normals, grid.triangles[:, corner], triangle_normals(face, grid.triangles))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    along = np.abs(np.einsum("jvc,vc->jv", fields, normals))
    assert along.sum() > 0.85 * length.sum()


def test_detail_is_a_persons_own_at_any_resolution(grid: FaceGrid) -> None:
    fine = make_grid(12_000)
    people = draw_parameters(3, 0, expressions=False)
    people[:, : len(shape_names())] = 0
    coarse, dense = (synthesize(people, mesh) - mean_of(mesh) for mesh in (grid, fine))
    near = np.argmin(
        np.linalg.norm(grid.points[:, None] - fine.points[None], axis=2), axis=1
    )  # fmt: skip
    gap = np.linalg.norm(grid.points - fine.points[near], axis=1)
    # The skin of the nostrils turns quickly: two points so close may have other normals.
    same = gap < 0.5
    apart = np.linalg.norm(coarse[:, same] - dense[:, near[same]], axis=2)
    assert same.mean() > 0.15
    assert np.percentile(apart, 95) < 0.12
    size = np.linalg.norm(coarse, axis=2)
    assert 0.3 < size.mean() < 0.7
    assert not np.allclose(coarse[0], coarse[1], atol=0.5)


def mean_of(grid: FaceGrid) -> np.ndarray:
    return synthesize(np.zeros((1, len(parameter_names()))), grid)[0]


def test_coarse_detail_varies_more_than_fine_detail(grid: FaceGrid) -> None:
    rng = np.random.default_rng(0)
    drawn = draw_detail(rng.standard_normal((200, 3)), rng)
    scale = np.array([name.split("_")[1] for name in detail_names()])
    spread = []
    for spacing, _ in SCALES:
        parameters = np.zeros((200, len(parameter_names())))
        parameters[:, -drawn.shape[1] :] = drawn * (scale == f"{spacing:.0f}mm")
        moved = np.linalg.norm(synthesize(parameters, grid) - mean_of(grid), axis=2)
        spread.append(np.sqrt(np.mean(moved**2)))
    assert spread[0] > 1.2 * spread[1] > 1.2**2 * spread[2]
    np.testing.assert_allclose(spread, [deviation for _, deviation in SCALES], rtol=0.25)


def test_half_of_the_detail_follows_the_traits_and_not_in_proportion() -> None:
    rng = np.random.default_rng(1)
    traits = rng.standard_normal((4000, 3))
    one, two = (draw_detail(traits, np.random.default_rng(seed)) for seed in (2, 3))
    assert one.std(axis=0) == pytest.approx(1, abs=0.1)
    together = np.mean((one - one.mean(axis=0)) * (two - two.mean(axis=0)))
    assert together == pytest.approx(0.5, abs=0.08)
    # A line through the traits holds only part of what they say.
    columns = np.column_stack([np.ones(4000), traits])
    line = columns @ np.linalg.lstsq(columns, one, rcond=None)[0]
    assert 0.05 < line.var(axis=0).mean() < 0.35


def test_detail_hardly_parts_lids_and_lips(grid: FaceGrid) -> None:
    moved = np.linalg.norm(unit_fields(grid)[-len(detail_names()) :], axis=2)
    total = np.sqrt((moved**2).sum(axis=0))
    p, q = np.abs(grid.points[:, 0]), grid.points[:, 1]
    line = (np.abs(q - face_curves.mouth_line(p)) < 0.5) & (p < 18)
    ball = face_curves.eye_depth(p, q) > 1
    assert total[ball].max() < 1e-6
    assert total[line].max() < 0.4 * np.median(total)


def test_principal_components_leave_of_faces_what_they_leave_of_real_ones() -> None:
    faces = synthesize(draw_parameters(300, 0), make_grid(2500)).reshape(300, -1)
    train, test = faces[:267] - faces[:267].mean(axis=0), faces[267:] - faces[:267].mean(axis=0)
    basis = np.linalg.svd(train, full_matrices=False)[2][:64]
    left = (test - test @ basis.T @ basis).reshape(33, -1, 3)
    assert 0.3 < np.linalg.norm(left, axis=2).mean() < 0.6


def test_the_first_faces_of_more_are_the_same() -> None:
    few, many = draw_parameters(5, 3), draw_parameters(50, 3)
    np.testing.assert_allclose(few, many[:5], atol=1e-12)
    assert not np.allclose(few[0], draw_parameters(5, 4)[0])


# --- the population -------------------------------------------------------------------------------


def test_population_is_not_linear(grid: FaceGrid) -> None:
    parameters = draw_parameters(300, 0)
    named = len(shape_names()) + len(expression_names())
    parameters[:, named:] = 0
    faces = synthesize(parameters, grid).reshape(300, -1)
    centred = faces - faces.mean(axis=0)
    energy = np.linalg.svd(centred, compute_uv=False) ** 2
    assert 1e-4 < energy[named:].sum() / energy.sum() < 0.05


def test_population_has_human_spread(grid: FaceGrid) -> None:
    faces = synthesize(draw_parameters(300, 0, expressions=False), grid)
    size = np.ptp(faces, axis=1)
    assert 120 < size[:, 0].mean() < 150
    assert 140 < size[:, 1].mean() < 190
    assert 3 < size[:, 0].std() < 11
    assert 3 < size[:, 1].std() < 12
    spread = np.linalg.norm(faces.std(axis=0), axis=1)
    assert 1 < np.median(spread) < 6


def test_parameters_of_a_wrong_shape_are_refused(grid: FaceGrid) -> None:
    with pytest.raises(ValueError, match="expected"):
        synthesize(np.zeros((2, 3)), grid)


# --- the store ------------------------------------------------------------------------------------


def settings(**changes: object) -> DataSettings:
    return DataSettings(
        faces=12, test_fraction=0.25, synthetic=SyntheticSettings(vertices=2000), **changes
    )


def test_convert_fills_the_store(tmp_path, grid: FaceGrid) -> None:
    data = make_dataset(settings(), tmp_path)
    assert data.vertices.shape == (12, len(grid.points), 3)
    assert np.array_equal(data.triangles, grid.triangles)
    assert data.faces["id"].tolist()[:2] == ["synthetic_00000", "synthetic_00001"]
    assert data.faces["split"].tolist().count("test") == 3
    assert data.faces["split"].tolist() == split_labels(12, 0.25, 0)
    assert data.faces["subject"].nunique() == 12
    assert "neutral" in set(data.faces["expression"])
    assert len(set(data.faces["expression"])) > 1
    assert data.info["licence"] == "MIT (made by lwpipe)"
    assert data.info["seed"] == 0
    assert data.info["alignment"] == "none needed"
    assert data.info["shape_parameters"] == shape_names()
    stored = data.regions()
    assert stored is not None
    assert list(stored) == shape_names()
    drawn = synthesize(draw_parameters(12, 0), grid)
    assert np.allclose(data.vertices, drawn, atol=1e-4)


def test_convert_repeats_to_the_byte_in_any_chunks(tmp_path, monkeypatch) -> None:
    first = make_dataset(settings(), tmp_path / "a")
    again = make_dataset(settings(), tmp_path / "b")
    for name in ("vertices.npy", "faces.csv", "template.ply", "dataset.json", "regions.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    other = make_dataset(settings(seed=1), tmp_path / "c")
    assert first.info["content_sha256"] == again.info["content_sha256"]
    assert first.info["content_sha256"] != other.info["content_sha256"]
    monkeypatch.setattr("lwpipe.data.source.CHUNK_BYTES", 5 * 2000 * 3 * 8)
    small = make_dataset(settings(), tmp_path / "d")
    assert np.allclose(small.vertices, first.vertices, atol=1e-4)


def test_the_number_of_threads_changes_no_byte(tmp_path) -> None:
    # Some processors round the products of two threads otherwise than those of one.
    for threads in (1, 2):
        with threadpool_limits(limits=threads, user_api="blas"):
            make_dataset(settings().model_copy(update={"faces": 280}), tmp_path / str(threads))
    one, two = ((tmp_path / name / "vertices.npy").read_bytes() for name in "12")
    assert one == two


def test_convert_without_expressions_is_neutral(tmp_path) -> None:
    plain = DataSettings(faces=6, synthetic=SyntheticSettings(vertices=2000, expressions=False))
    data = make_dataset(plain, tmp_path)
    assert set(data.faces["expression"]) == {"neutral"}
    assert data.info["expressions"] == []
