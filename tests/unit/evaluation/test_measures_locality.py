import numpy as np
import pytest

from lwpipe.core.errors import LwpipeError
from lwpipe.editing import MaskBlend, ModelEditor
from lwpipe.evaluation.measures.locality import correlations, edit_profiles, leak, locality
from lwpipe.evaluation.sampling import draw_composites, draw_pairs, draw_rows


def profiles_of(editor, patches, pairs=8):
    test = np.asarray(patches.data.vertices[patches.data.indices("test")])
    return edit_profiles(editor, editor.encode(test), draw_pairs(len(test), pairs, 0), batch=3)


def test_a_mask_blend_moves_by_seven_ninths_within_the_mask_and_not_at_all_beyond(patches):
    profiles = profiles_of(MaskBlend(patches.weights), patches)
    test = np.asarray(patches.data.vertices[patches.data.indices("test")])
    source, target = test[draw_pairs(20, 8, 0).T]
    moved = np.linalg.norm(target - source, axis=2).mean(axis=0) * 7 / 9
    np.testing.assert_allclose(profiles, patches.weights.T * moved, atol=1e-4)
    result = locality(profiles, patches.weights)
    assert result["leak_max"] == 0.0
    assert result["r_min"] > 0.8
    assert result["remark"] is None


def test_a_model_with_hard_parts_leaks_nothing(patches):
    result = locality(profiles_of(ModelEditor(patches.model), patches), patches.weights)
    assert result["leak_max"] < 1e-5
    assert [part["weights_column"] for part in result["parts"]] == [0, 1, 2, 3]
    assert result["matching"] == "identity"


def test_r_of_a_profile_that_is_the_weight_is_1_and_of_its_opposite_minus_1():
    weights = np.random.default_rng(0).random((50, 2))
    profiles = np.stack([3 * weights[:, 0] + 1, 1 - weights[:, 1]])
    r = correlations(profiles, weights)
    np.testing.assert_allclose(np.diag(r), [1, -1])
    np.testing.assert_allclose(r[0, 1], np.corrcoef(weights.T)[0, 1])


def test_the_leak_is_the_ratio_of_the_means():
    weight = np.array([0.0, 0.05, 0.3, 0.6, 1.0])
    assert leak(np.array([1.0, 3.0, 99.0, 4.0, 12.0]), weight) == pytest.approx(2 / 8)
    assert np.isnan(leak(np.ones(5), np.full(5, 0.3)))
    assert np.isnan(leak(np.zeros(5), weight))


def test_what_is_not_defined_is_nan_and_said_so():
    weights = np.full((6, 2), 0.5)
    result = locality(np.ones((2, 6)), weights)
    assert np.isnan([result["r_min"], result["leak_max"], result["leak_mean"]]).all()
    assert "r is not defined" in result["remark"]
    assert "leak is not defined" in result["remark"]


def test_one_part_without_a_value_does_not_hide_the_others(patches):
    profiles = profiles_of(MaskBlend(patches.weights), patches)
    profiles[2] = 0
    result = locality(profiles, patches.weights)
    assert result["r_min"] > 0.8
    assert np.isnan(result["parts"][2]["r"])
    assert "leak is not defined" in result["remark"]


def test_assignment_finds_the_order_of_parts_that_were_shuffled(patches):
    profiles = profiles_of(ModelEditor(patches.model), patches)[[2, 0, 3, 1]]
    plain = locality(profiles, patches.weights)
    matched = locality(profiles, patches.weights, match=True)
    assert [part["weights_column"] for part in matched["parts"]] == [2, 0, 3, 1]
    assert matched["matching"] == "assignment"
    assert matched["r_min"] > 0.8 > plain["r_min"]


def test_pairs_are_of_two_faces_each_once_and_the_same_for_a_seed():
    pairs = draw_pairs(5, 100, 3)
    assert len({tuple(pair) for pair in pairs}) == len(pairs) == 20
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert pairs.min() == 0
    assert pairs.max() == 4
    np.testing.assert_array_equal(draw_pairs(30, 9, 3), draw_pairs(30, 9, 3))
    assert not np.array_equal(draw_pairs(30, 9, 3), draw_pairs(30, 9, 4))


def test_composites_are_spread_over_the_parts():
    draws = draw_composites(20, 4, 10, 0)
    assert [len(pairs) for pairs in draws] == [3, 3, 2, 2]
    assert not np.array_equal(draws[0], draws[1])
    assert [len(pairs) for pairs in draw_composites(20, 4, 2, 0)] == [1, 1, 0, 0]


def test_a_single_test_face_is_refused_with_the_key_to_change():
    with pytest.raises(LwpipeError, match=r"data\.test_fraction"):
        draw_pairs(1, 5, 0)


def test_rows_are_drawn_without_repeats():
    rows = np.arange(100, 150)
    drawn = draw_rows(rows, 20, 1)
    assert len(set(drawn)) == 20
    assert set(drawn) <= set(rows)
    np.testing.assert_array_equal(draw_rows(rows, 50, 1), rows)
