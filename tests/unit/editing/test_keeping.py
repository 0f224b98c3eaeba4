"""Edits that keep what a model cannot represent, and their dials."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lwpipe.editing import (
    EditingSettings,
    HarmonisedMaskBlend,
    KeepingEditor,
    LinearModel,
    MaskBlend,
    ModelEditor,
    Pca,
    edit_part,
    make_editor,
    mask_blend,
)
from lwpipe.editing.harmony import OUTSIDE, Harmony
from lwpipe.model import PartModel
from tests.unit.model.test_base import faces_of, local_weights, make_model

SOURCES, TARGETS = faces_of(4, 4), faces_of(4, 5)
# Bits count: a coordinate may also be a negative zero.
SOURCES[0, :3] = -0.0


def trained(support: float = 0.2, **more: object) -> PartModel:
    """Return a model that adds something to its base."""
    model = make_model(support, **more)
    torch.manual_seed(1)
    with torch.no_grad():
        model.network.last.weight.normal_(std=0.05)
        model.network.to_latent.weight.normal_(std=0.01)
        if model.network.projections is not None:
            model.network.projections.add_(0.1 * torch.randn_like(model.network.projections))
    return model


MODEL = trained()
WEIGHTS = local_weights(0.2)


def editor(model: PartModel = MODEL, **dials: object) -> KeepingEditor:
    return KeepingEditor(model, WEIGHTS, EditingSettings(residual=True, **dials))


def bits(faces: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(faces).view(np.uint32)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(keep=st.floats(0, 1), harmony=st.floats(0, 1), part=st.integers(0, 2))
def test_alpha_0_is_the_source_bit_for_bit(keep: float, harmony: float, part: int) -> None:
    edited = editor(keep=keep, harmony=harmony).edit(SOURCES, TARGETS, part, 0.0)
    np.testing.assert_array_equal(bits(edited), bits(SOURCES))


@settings(deadline=None, max_examples=25, derandomize=True)
@given(alpha=st.floats(-2, 2), harmony=st.floats(0, 1), part=st.integers(0, 2))
def test_what_is_kept_is_kept_bit_for_bit(alpha: float, harmony: float, part: int) -> None:
    edited = editor(keep=1.0, harmony=harmony).edit(SOURCES, TARGETS, part, alpha)
    outside = WEIGHTS[:, part] == 0
    assert outside.any()
    np.testing.assert_array_equal(bits(edited[:, outside]), bits(SOURCES[:, outside]))


def test_less_is_kept_in_between() -> None:
    outside = WEIGHTS[:, 0] == 0
    moved = [
        np.abs(editor(keep=keep, harmony=1.0).edit(SOURCES, TARGETS, 0, 1.0) - SOURCES)[:, outside]
        for keep in (0.0, 0.5, 1.0)
    ]
    np.testing.assert_allclose(moved[1], 0.5 * moved[0], atol=1e-4)
    assert moved[0].max() > 0.1
    assert not moved[2].any()


@pytest.mark.parametrize("dials", [{}, {"keep": 1.0}, {"harmony": 1.0}, {"keep": 0.3}])
def test_alpha_is_linear_where_the_model_is(dials: dict[str, float]) -> None:
    linear = make_model(0.2)
    edit = editor(linear, **dials)
    whole = edit.edit(SOURCES, TARGETS, 1, 1.0) - SOURCES
    for alpha in (0.25, 0.5, -1.0):
        part = edit.edit(SOURCES, TARGETS, 1, alpha) - SOURCES
        np.testing.assert_allclose(part, alpha * whole, atol=2e-4)


def test_on_the_base_alone_it_is_the_blend_of_vertices() -> None:
    blended = mask_blend(SOURCES, TARGETS, WEIGHTS[:, 2])
    for keep in (0.0, 1.0):
        edited = editor(make_model(0.2), keep=keep).edit(SOURCES, TARGETS, 2, 1.0)
        if keep == 0:
            np.testing.assert_allclose(edited, blended, atol=1e-3)
        else:
            # From a tenth of a weight on all of the change is taken, and none below it is added.
            assert np.abs(edited - blended).max() < np.abs(TARGETS - SOURCES).max() * 0.1


def test_a_target_that_is_the_source_changes_nothing() -> None:
    edited = editor(harmony=0.7, keep=0.4).edit(SOURCES, SOURCES, 1, 1.0)
    np.testing.assert_allclose(edited, SOURCES, atol=1e-4)


def test_without_the_residual_the_model_speaks() -> None:
    plain = KeepingEditor(MODEL, WEIGHTS, EditingSettings(keep=0.0, harmony=0.0))
    np.testing.assert_allclose(
        plain.edit(SOURCES, TARGETS, 0, 1.0),
        ModelEditor(MODEL).edit(SOURCES, TARGETS, 0, 1.0),
        atol=1e-4,
    )
    held = KeepingEditor(MODEL, WEIGHTS, EditingSettings(keep=1.0))
    outside = WEIGHTS[:, 0] == 0
    np.testing.assert_array_equal(
        held.edit(SOURCES, TARGETS, 0, 1.0)[:, outside], MODEL.reconstruct(SOURCES)[:, outside]
    )


def test_parts_without_places_keep_the_residual_of_the_source() -> None:
    model = trained(weighting="none")
    edited = editor(model).edit(SOURCES, TARGETS, 0, 1.0)
    expected = SOURCES - model.reconstruct(SOURCES)
    expected = expected + ModelEditor(model).edit(SOURCES, TARGETS, 0, 1.0)
    np.testing.assert_allclose(edited, expected, atol=1e-3)


def test_where_no_dial_is_turned_the_editor_is_the_papers() -> None:
    assert isinstance(make_editor(MODEL, WEIGHTS, EditingSettings()), ModelEditor)
    assert isinstance(make_editor(MODEL, WEIGHTS, EditingSettings(keep=0.1)), KeepingEditor)
    whole = trained(projection=False)
    assert isinstance(make_editor(whole, WEIGHTS, EditingSettings(residual=True)), ModelEditor)
    assert MaskBlend(WEIGHTS).part_count == 3


PATH = MODEL.linear_path
assert PATH is not None
HARMONY = Harmony.of(MODEL.projections, PATH)
SIZE = len(PATH.basis)


def field(codes: np.ndarray) -> np.ndarray:
    """Return what the linear path makes of encodings (n, Z), (n, V, 3)."""
    parts = np.einsum("kij,nj->nki", MODEL.projections.astype(np.float64), codes)
    moved = (parts * PATH.deviation) @ PATH.basis
    columns = PATH.weights.T[None, :, :, None]
    return np.asarray((moved.reshape(len(codes), 3, -1, 3) * columns).sum(axis=1))


def distance(codes: np.ndarray, sources: np.ndarray, targets: np.ndarray, part: int) -> np.ndarray:
    """Return how far they are from the target within the part and the source beyond it, (n,)."""
    w = PATH.weights[:, part, None]
    inside = w * field(codes - targets) ** 2
    outside = OUTSIDE * (1 - w) * field(codes - sources) ** 2
    return np.asarray((inside + outside).sum(axis=(1, 2)))


def two_people(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return encodings of pairs of faces that have nothing to do with each other."""
    sources, targets = np.random.default_rng(0).normal(size=(2, count, SIZE))
    along = np.einsum("ni,ni->n", sources, targets) / np.einsum("ni,ni->n", sources, sources)
    return sources, targets - along[:, None] * sources


def whole(sources: np.ndarray, targets: np.ndarray, part: int) -> np.ndarray:
    """Return z*."""
    return sources + HARMONY.changes(sources, {part: targets})[part]


def matrices(part: int) -> tuple[np.ndarray, np.ndarray]:
    """Return A and B for two people: each column from one code, the other being zero."""
    unit, zero = np.eye(SIZE), np.zeros((SIZE, SIZE))
    return whole(unit, zero, part).T, whole(zero, unit, part).T


@pytest.mark.parametrize("part", [0, 1, 2])
def test_in_harmony_faces_are_distributed_as_faces(part: int) -> None:
    a, b = matrices(part)
    np.testing.assert_allclose(a @ a.T + b @ b.T, np.eye(SIZE), atol=1e-7)
    assert min(np.abs(a).max(), np.abs(b).max()) > 0.1


def test_no_such_map_is_nearer_to_target_and_source() -> None:
    random = np.random.default_rng(1)
    sources, targets = random.normal(size=(2, 4000, SIZE))
    both = np.concatenate([sources, targets], axis=1)
    a, b = matrices(1)
    best = distance(sources @ a.T + targets @ b.T, sources, targets, 1).mean()
    for _ in range(10):
        turn = np.linalg.qr(np.eye(2 * SIZE) + 0.05 * random.normal(size=(2 * SIZE, 2 * SIZE)))[0]
        turn = turn * np.sign(np.diag(turn))
        other = np.concatenate([a, b], axis=1) @ turn
        assert distance(both @ other.T, sources, targets, 1).mean() > best


def test_for_one_person_harmony_is_least_squares() -> None:
    """Where the target is a multiple of the source their correlation is 1."""
    source = np.random.default_rng(2).normal(size=(1, SIZE))
    found = whole(source, 1.5 * source, 2)
    best = distance(found, source, 1.5 * source, 2)
    for _ in range(20):
        away = 0.01 * np.random.default_rng(3).normal(size=source.shape)
        assert distance(found + away, source, 1.5 * source, 2) > best
    np.testing.assert_allclose(whole(source, source, 2), source, atol=1e-9)


def test_two_people_keep_their_variety() -> None:
    sources, targets = two_people(500)
    found = whole(sources, targets, 1)
    assert abs((found**2).mean() - (sources**2 + targets**2).mean() / 2) < 0.1
    inside = HARMONY.inside[1]
    outside = OUTSIDE * (HARMONY.inside.sum(axis=0) - inside)
    averaged = np.linalg.solve(inside + outside, (sources @ outside + targets @ inside).T).T
    assert (averaged**2).mean() < 0.9 * (found**2).mean()


def test_harmony_without_a_linear_path_compares_encodings() -> None:
    projections = np.random.default_rng(0).normal(size=(3, 5, 5))
    harmony = Harmony.of(projections, None)
    square = projections[2].T @ projections[2]
    np.testing.assert_allclose(harmony.inside[2], square, atol=1e-12)
    one = np.ones((1, 5))
    np.testing.assert_allclose(harmony.changes(one, {2: one})[2], 0, atol=1e-9)


def test_several_parts_in_harmony() -> None:
    """Faces stay faces, whichever parts are exchanged; without a part there is no change."""
    unit, zero = np.eye(SIZE), np.zeros((SIZE, SIZE))
    columns = []
    for place in range(3):
        source, first, second = (unit if place == at else zero for at in range(3))
        changes = HARMONY.changes(source, {0: first, 2: second})
        columns.append((source + changes[0] + changes[2]).T)
    together = np.concatenate(columns, axis=1)
    np.testing.assert_allclose(together @ together.T, np.eye(SIZE), atol=1e-6)
    other = np.ones((1, SIZE))
    everything = HARMONY.changes(2 * other, dict.fromkeys(range(3), other))
    np.testing.assert_allclose(2 * other + sum(everything.values()), other, rtol=1e-4)
    assert HARMONY.changes(other, {}) == {}


def test_the_mean_face_may_take_part() -> None:
    mean, other = np.zeros((1, SIZE)), np.ones((1, SIZE))
    for pair in ((mean, other), (other, mean), (mean, mean)):
        assert np.isfinite(whole(*pair, 0)).all()


PCA = Pca.fit(faces_of(30, 6), np.arange(30), 6)
TRIANGLES = MODEL.triangles


def test_the_linear_model_is_the_pca_blended_by_the_weights() -> None:
    model = LinearModel(WEIGHTS, PCA, TRIANGLES)
    np.testing.assert_allclose(model.reconstruct(SOURCES), PCA.project(SOURCES), atol=1e-4)
    parts, others = (model.parts(model.encode(faces)) for faces in (SOURCES, TARGETS))
    np.testing.assert_allclose(model.decode(parts), PCA.project(SOURCES), atol=1e-3)
    parts[:, 1] = others[:, 1]
    blended = mask_blend(PCA.project(SOURCES), PCA.project(TARGETS), WEIGHTS[:, 1], 1.0)
    np.testing.assert_allclose(model.decode(parts), blended, atol=1e-3)


@settings(deadline=None, max_examples=15, derandomize=True)
@given(alpha=st.floats(0, 1), part=st.integers(0, 2))
def test_without_harmony_it_is_the_mask_blend(alpha: float, part: int) -> None:
    blend = HarmonisedMaskBlend(WEIGHTS, PCA, TRIANGLES, harmony=0.0)
    expected = MaskBlend(WEIGHTS).edit(SOURCES, TARGETS, part, alpha)
    np.testing.assert_allclose(blend.edit(SOURCES, TARGETS, part, alpha), expected, atol=2e-3)


def test_with_harmony_the_rest_of_a_mask_blend_follows_unless_it_is_kept() -> None:
    outside = WEIGHTS[:, 1] == 0
    assert outside.any()
    for keep, moves in ((0.0, True), (1.0, False)):
        blend = HarmonisedMaskBlend(WEIGHTS, PCA, TRIANGLES, harmony=1.0, keep=keep)
        edited = blend.edit(SOURCES, TARGETS, 1, 1.0)
        assert (np.abs(edited - SOURCES)[:, outside].max() > 0.01) == moves


def test_one_part_of_one_face_or_of_many() -> None:
    many = edit_part(MODEL, SOURCES, TARGETS, 1, 0.5)
    one = edit_part(MODEL, SOURCES[2], TARGETS[2], 1, 0.5)
    assert one.shape == SOURCES[2].shape
    np.testing.assert_allclose(one, many[2], atol=1e-4)
    kept = make_editor(MODEL, MODEL.weights, EditingSettings(residual=True, keep=1.0))
    np.testing.assert_array_equal(many, kept.edit(SOURCES, TARGETS, 1, 0.5))
    plain = edit_part(MODEL, SOURCES, TARGETS, 1, 0.5, EditingSettings())
    np.testing.assert_array_equal(plain, ModelEditor(MODEL).edit(SOURCES, TARGETS, 1, 0.5))
    assert np.abs(plain - many).max() > 0.01


@pytest.mark.parametrize(
    ("faces", "part", "fault"),
    [
        (SOURCES, 3, "the model has the parts 0 to 2"),
        (SOURCES, -1, "the model has the parts 0 to 2"),
        (SOURCES[:, 1:], 0, "expected"),
        (SOURCES[0, :, 0], 0, "expected"),
    ],
)
def test_what_cannot_be_edited_is_named(faces: np.ndarray, part: int, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        edit_part(MODEL, faces, TARGETS, part)


def test_inside_the_part_are_the_targets_vertices() -> None:
    inside = WEIGHTS[:, 0] == 1
    assert inside.any()
    edited = editor().edit(SOURCES, TARGETS, 0, 1.0)
    np.testing.assert_allclose(edited[:, inside], TARGETS[:, inside], atol=1e-3)
    assert np.abs(MODEL.reconstruct(TARGETS) - TARGETS)[:, inside].max() > 0.1


def test_in_full_harmony_the_model_is_heard_inside_the_part() -> None:
    """The change that is decoded, and of what is not represented the target's within the part."""
    keeping = editor(harmony=1.0)
    sources, targets = MODEL.encode(SOURCES), MODEL.encode(TARGETS)
    source, target = (PATH.decode(MODEL.parts(codes)) for codes in (sources, targets))
    moved = PATH.decode(keeping._moved(sources, {1: (targets, 0.6)})) - source
    residual = (TARGETS - target) - (SOURCES - source)
    expected = SOURCES + moved + np.float32(0.6) * WEIGHTS[:, 1, None] * residual
    np.testing.assert_allclose(keeping.edit(SOURCES, TARGETS, 1, 0.6), expected, atol=1e-3)


def test_the_linear_path_is_the_decoder_without_its_network() -> None:
    codes = np.random.default_rng(0).normal(size=(5, SIZE)).astype(np.float32)
    parts = MODEL.parts(codes)
    np.testing.assert_allclose(PATH.decode(parts), field(codes), atol=1e-3)
    untrained = make_model(0.2)
    path = untrained.linear_path
    assert path is not None
    decoded = untrained.decode(untrained.parts(codes)) - untrained.template
    np.testing.assert_allclose(path.decode(untrained.parts(codes)), decoded, atol=1e-3)
    assert np.abs(MODEL.decode(parts) - MODEL.template - PATH.decode(parts)).max() > 0.1
