import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lwpipe.editing import (
    MaskBlend,
    ModelEditor,
    Pca,
    ProjectedMaskBlend,
    alphas,
    blend_part,
    combine,
    interpolate_part,
    mask_blend,
)


def test_alphas_are_the_papers():
    np.testing.assert_allclose(alphas(8), np.arange(1, 9) / 9)


@settings(deadline=None)
@given(
    parts=st.integers(1, 5),
    chosen=st.integers(0, 4),
    alpha=st.floats(0, 1),
    seed=st.integers(0, 2**16),
)
def test_only_the_chosen_part_moves_and_by_alpha(parts, chosen, alpha, seed):
    part = chosen % parts
    source, target = np.random.default_rng(seed).normal(size=(2, parts, 3))
    blended = blend_part(source, target, part, alpha)
    others = np.arange(parts) != part
    np.testing.assert_array_equal(blended[others], source[others])
    moved = np.linalg.norm(blended[part] - source[part])
    expected = alpha * np.linalg.norm(target[part] - source[part])
    np.testing.assert_allclose(moved, expected, rtol=1e-9, atol=1e-12)


def test_interpolation_stacks_the_blends_and_keeps_the_dtype():
    source, target = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)
    steps = interpolate_part(source, target, 2, [0.25, 1.0])
    assert steps.shape == (2, 4, 3)
    assert steps.dtype == np.float32
    np.testing.assert_array_equal(steps[0], blend_part(source, target, 2, 0.25))
    np.testing.assert_array_equal(steps[1], blend_part(source, target, 2, 1.0))
    np.testing.assert_array_equal(steps[1][2], target[2])


def test_a_part_that_does_not_exist_is_refused():
    parts = np.zeros((4, 3))
    with pytest.raises(ValueError, match="part 4 is not among the 4 parts"):
        blend_part(parts, parts, 4, 1.0)
    with pytest.raises(ValueError, match=r"\(4, 3\).*\(3, 3\)"):
        blend_part(parts, parts[:3], 0, 1.0)


def test_combine_takes_each_part_from_its_face():
    parts = np.arange(3 * 2 * 1).reshape(3, 2, 1).astype(float)
    np.testing.assert_array_equal(combine(parts, [2, 0]), [[4.0], [1.0]])
    with pytest.raises(ValueError, match="one source a part"):
        combine(parts, [0])
    with pytest.raises(ValueError, match="not all among"):
        combine(parts, [0, 3])
    with pytest.raises(ValueError, match="not all among"):
        combine(parts, [0, -1])


def test_mask_blend_is_exact_where_the_weight_is_zero_or_one(patches):
    source, target = np.asarray(patches.data.vertices[:2])
    weight = patches.weights[:, 1]
    blended = mask_blend(source, target, weight, 1.0)
    np.testing.assert_array_equal(blended[weight == 0], source[weight == 0])
    np.testing.assert_allclose(blended[weight == 1], target[weight == 1], atol=1e-5)
    half = mask_blend(source, target, weight, 0.5)[weight == 1]
    np.testing.assert_allclose(half, (source + target)[weight == 1] / 2, atol=1e-5)
    with pytest.raises(ValueError, match="weights"):
        mask_blend(source, target, weight[:-1])


def test_pca_agrees_with_the_singular_value_decomposition(patches):
    data = patches.data
    rows = data.indices("train")
    pca = Pca.fit(data.vertices, rows)
    x = data.vertices[rows].reshape(len(rows), -1).astype(float)
    _, values, axes = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    assert pca.rank == 6
    np.testing.assert_allclose(pca.mean, x.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(pca.deviation, values[:6] / np.sqrt(len(rows)), rtol=1e-6)
    assert pca.variance == pytest.approx(x.var(axis=0).mean())
    assert pca.first(2).variance == pca.variance
    np.testing.assert_allclose(np.abs(axes[:6] @ pca.basis.T), np.eye(6), atol=1e-4)
    np.testing.assert_allclose(pca.basis @ pca.basis.T, np.eye(6), atol=1e-5)


def test_pca_does_not_depend_on_how_the_columns_are_cut(patches, monkeypatch):
    rows = patches.data.indices("train")
    whole = Pca.fit(patches.data.vertices, rows, components=4)
    monkeypatch.setattr("lwpipe.editing.pca._CHUNK_BYTES", 24 * len(rows) * 7)
    cut = Pca.fit(patches.data.vertices, rows, components=4)
    np.testing.assert_allclose(cut.basis, whole.basis, atol=1e-6)
    assert whole.rank == 4
    assert whole.first(2).rank == 2


def test_projection_on_all_components_returns_the_face_and_fewer_do_not(patches):
    data = patches.data
    pca = Pca.fit(data.vertices, data.indices("train"))
    faces = np.asarray(data.vertices[data.indices("test")])
    np.testing.assert_allclose(pca.project(faces), faces, atol=1e-3)
    assert np.abs(pca.first(3).project(faces) - faces).max() > 0.5
    np.testing.assert_allclose(
        pca.coefficients(pca.faces(np.eye(6) * 30)), np.eye(6) * 30, atol=1e-2
    )


def test_pca_of_equal_faces_has_no_component():
    vertices = np.ones((3, 5, 3), np.float32)
    pca = Pca.fit(vertices, np.arange(3))
    assert pca.rank == 0
    np.testing.assert_array_equal(pca.project(vertices), vertices)


def test_all_editors_give_the_source_at_0_and_the_targets_part_at_1(patches):
    data = patches.data
    pca = Pca.fit(data.vertices, data.indices("train"))
    sources, targets = np.asarray(data.vertices[40:46]), np.asarray(data.vertices[46:52])
    editors = [
        ModelEditor(patches.model),
        MaskBlend(patches.weights),
        ProjectedMaskBlend(patches.weights, pca),
    ]
    for editor in editors:
        assert editor.part_count == 4
        same = editor.edit(sources, targets, 3, 0.0)
        assert same.shape == sources.shape
        assert same.dtype == np.float32
        np.testing.assert_allclose(same, sources, atol=2e-3)
    inside = patches.weights[:, 3] == 1
    for editor in editors[:2]:
        swapped = editor.edit(sources, targets, 3, 1.0)
        np.testing.assert_allclose(swapped[:, inside], targets[:, inside], atol=2e-3)
        np.testing.assert_allclose(swapped[:, ~inside], sources[:, ~inside], atol=2e-3)
    # A blend of patches leaves the span of whole faces; its projection does not.
    projected = editors[2].edit(sources, targets, 3, 1.0)
    np.testing.assert_allclose(pca.project(projected), projected, atol=1e-3)
    assert np.abs(projected[:, ~inside] - sources[:, ~inside]).max() > 0.1
