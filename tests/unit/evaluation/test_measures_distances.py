"""Reconstruction, surface, plausibility, validity and specificity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lwpipe.editing import MaskBlend, Pca
from lwpipe.evaluation.measures.plausibility import plausibility
from lwpipe.evaluation.measures.reconstruction import (
    reconstruction_distances,
    reconstruction_error,
    vertex_distances,
)
from lwpipe.evaluation.measures.specificity import NearestFace, spatial_blocks
from lwpipe.evaluation.measures.validity import (
    border_triangles,
    edge_stretch,
    flipped_share,
    validity,
)
from lwpipe.evaluation.surface import surface_distances

SQUARE = np.array([[0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]], np.float32)
TWO_TRIANGLES = np.array([[0, 1, 2], [0, 2, 3]])


def test_the_error_of_a_constant_shift_is_its_length(patches):
    rows = patches.data.indices("test")
    shift = np.array([1.0, 2.0, 2.0], np.float32)
    distances = reconstruction_distances(lambda x: x + shift, patches.data.vertices, rows, batch=7)
    assert distances.shape == (20, 256)
    error = reconstruction_error(distances)
    assert error == pytest.approx({"mean": 3.0, "median": 3.0, "p95": 3.0}, abs=1e-4)


def test_the_error_is_over_all_vertices_of_all_faces():
    distances = np.arange(101, dtype=np.float32).reshape(1, 101)
    error = reconstruction_error(np.concatenate([distances, distances]))
    assert error == {"mean": 50.0, "median": 50.0, "p95": 95.0}


def test_a_plane_lifted_by_2_mm_is_2_mm_away():
    lifted = SQUARE + np.array([0, 0, 2])
    np.testing.assert_allclose(surface_distances(lifted, SQUARE, TWO_TRIANGLES), 2.0)
    assert surface_distances(lifted, SQUARE, TWO_TRIANGLES).max() == pytest.approx(2.0)


def test_sliding_within_the_surface_is_no_distance_but_past_its_border_is():
    slid = SQUARE + np.array([3, 0, 0])
    distances = surface_distances(slid, SQUARE, TWO_TRIANGLES)
    np.testing.assert_allclose(distances, [0, 3, 3, 0], atol=1e-12)
    np.testing.assert_allclose(vertex_distances(slid.astype(np.float32), SQUARE), 3.0)


def test_faces_of_the_span_have_no_distance_to_it(patches):
    data = patches.data
    pca = Pca.fit(data.vertices, data.indices("train"))
    test = np.asarray(data.vertices[data.indices("test")])
    mahalanobis, outside = plausibility(pca, test, components=100)
    assert outside.max() < 1e-3
    assert 0.6 < mahalanobis.mean() < 1.4


def test_mahalanobis_of_the_training_faces_is_1_in_the_root_mean_square(patches):
    data = patches.data
    rows = data.indices("train")
    pca = Pca.fit(data.vertices, rows)
    mahalanobis, _ = plausibility(pca, np.asarray(data.vertices[rows]), components=4)
    assert np.mean(mahalanobis**2) == pytest.approx(1.0, rel=1e-4)


def test_plausibility_counts_what_was_added_outside_and_along_a_component(patches):
    data = patches.data
    pca = Pca.fit(data.vertices, data.indices("train"))
    random = np.random.default_rng(0)
    noise = random.normal(size=pca.mean.shape)
    noise -= pca.basis.T.astype(float) @ (pca.basis.astype(float) @ noise)
    noise = noise.reshape(-1, 3)
    noise *= 0.7 / np.linalg.norm(noise, axis=1).mean()
    face = (pca.mean + 3 * pca.deviation[1] * pca.basis[1]).reshape(-1, 3) + noise
    mahalanobis, outside = plausibility(pca, face[None].astype(np.float32), components=4)
    assert outside[0] == pytest.approx(0.7, rel=1e-3)
    assert mahalanobis[0] == pytest.approx(3 / np.sqrt(4), rel=1e-3)


def test_plausibility_of_equal_training_faces_has_no_mahalanobis():
    vertices = np.ones((3, 5, 3), np.float32)
    mahalanobis, outside = plausibility(Pca.fit(vertices, np.arange(3)), vertices + 1)
    assert np.isnan(mahalanobis).all()
    np.testing.assert_allclose(outside, np.sqrt(3))


def test_the_border_of_hard_weights_is_where_patches_touch(patches):
    triangles = patches.data.triangles
    border = border_triangles(triangles, patches.weights)
    owner = patches.weights.argmax(axis=1)
    assert 0 < len(border) < len(triangles) / 4
    assert (np.ptp(owner[border], axis=1) > 0).all()
    soft = 0.6 * patches.weights + 0.1
    np.testing.assert_array_equal(border_triangles(triangles, soft), triangles)
    assert len(border_triangles(triangles, np.ones((256, 1)))) == 0


def test_stretch_is_0_within_the_range_of_source_and_target_and_a_ratio_beyond():
    pairs = np.array([[0, 1]])
    length = [np.array([[0, 0, 0], [x, 0, 0]], np.float32) for x in (0, 2, 4, 5, 6, 8)]
    assert edge_stretch(length[3], length[2], length[4], pairs)[0] == 0
    assert edge_stretch(length[5], length[2], length[1], pairs)[0] == pytest.approx(1.0)
    assert edge_stretch(length[1], length[2], length[5], pairs)[0] == pytest.approx(1.0)
    collapsed = edge_stretch(length[0], length[2], length[5], pairs)[0]
    assert 1e5 < collapsed < np.inf


def test_flipped_counts_triangles_against_both_source_and_target():
    folded = SQUARE.copy()
    folded[3] = [10, 0, 1]  # the second triangle folds over
    assert flipped_share(SQUARE, SQUARE, SQUARE, TWO_TRIANGLES) == 0
    assert flipped_share(folded, SQUARE, SQUARE, TWO_TRIANGLES) == 0.5
    assert flipped_share(folded, SQUARE, folded, TWO_TRIANGLES) == 0


def test_a_seam_stretches_and_the_source_itself_does_not(patches):
    data = patches.data
    border = border_triangles(data.triangles, patches.weights)
    sources, targets = np.asarray(data.vertices[40:45]), np.asarray(data.vertices[45:50])
    stretch, largest, flipped = validity(sources, sources, targets, border)
    np.testing.assert_array_equal([stretch, largest, flipped], 0)
    seam = MaskBlend(patches.weights).edit(sources, targets, 0, 1.0)
    stretch, largest, _ = validity(seam, sources, targets, border)
    assert (largest > stretch).all()
    assert stretch.min() > 0
    nothing = validity(seam, sources, targets, border[:0])
    assert np.isnan(nothing).all()


def test_the_nearest_face_is_that_of_brute_force(patches):
    data = patches.data
    rows = data.indices("train")
    test = np.asarray(data.vertices[data.indices("test")])
    every = vertex_distances(np.asarray(data.vertices[rows])[None], test[:, None]).mean(axis=2)
    for blocks in (1, 8, 1000):
        search = NearestFace(data.vertices, rows, data.template, blocks)
        np.testing.assert_allclose(search.distances(test), every.min(axis=1), rtol=1e-6)
        assert [search.distance(face)[1] for face in test] == list(rows[every.argmin(axis=1)])


def test_the_search_skips_faces_that_cannot_be_nearest(patches, monkeypatch):
    data = patches.data
    search = NearestFace(data.vertices, data.indices("train"), data.template)
    compared = []

    def spy(a, b):
        compared.append(1)
        return vertex_distances(a, b)

    monkeypatch.setattr("lwpipe.evaluation.measures.specificity.vertex_distances", spy)
    distance, row = search.distance(np.asarray(data.vertices[7]))
    assert (distance, row) == (0.0, 7)
    assert len(compared) == 1


@settings(max_examples=30, deadline=None)
@given(points=st.integers(1, 90), blocks=st.integers(1, 100), seed=st.integers(0, 99))
def test_blocks_are_a_partition(points, blocks, seed):
    order, starts = spatial_blocks(np.random.default_rng(seed).normal(size=(points, 3)), blocks)
    assert sorted(order) == list(range(points))
    assert len(starts) <= min(blocks, points)
    assert (np.diff(np.append(starts, points)) > 0).all()
