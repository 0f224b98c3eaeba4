"""The closed-form rivals: gradient-domain paste and principal components a part."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lwpipe.editing import Editor, MaskBlend, Pca, PoissonPaste, RegionExchange, RegionPca
from lwpipe.local_weights.make import sharpened
from tests.unit.editing.test_keeping import bits
from tests.unit.model.test_base import FACES, faces_of
from tests.unit.model.test_model import bump

VERTICES, TRIANGLES = bump()
SOURCES, TARGETS = faces_of(4, 4), faces_of(4, 5)
SOURCES[0, :3] = -0.0


def bands() -> np.ndarray:
    """Return three parts from top to bottom that overlap, float32 (V, 3), with zeros."""
    distance = np.abs(VERTICES[:, 1:2] - [-60.0, 0.0, 60.0])
    weights = np.maximum(1 - distance / 55, 0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


WEIGHTS = bands()
ROWS = np.arange(len(FACES))
REGIONS = RegionPca.fit(FACES, ROWS, WEIGHTS, 5)
EDITORS: dict[str, Editor] = {
    "hard": MaskBlend(sharpened(WEIGHTS, np.inf)),
    "poisson": PoissonPaste(WEIGHTS, VERTICES, TRIANGLES),
    "placed": PoissonPaste(WEIGHTS, VERTICES, TRIANGLES, 8.0),
    "region": RegionExchange(REGIONS, residual=True),
}


@pytest.mark.parametrize("name", EDITORS)
@settings(deadline=None, max_examples=20, derandomize=True)
@given(alpha=st.floats(-2, 2), part=st.integers(0, 2))
def test_outside_the_part_nothing_moves(name: str, alpha: float, part: int) -> None:
    edited = EDITORS[name].edit(SOURCES, TARGETS, part, alpha)
    outside = WEIGHTS[:, part] == 0
    assert outside.any()
    assert edited.dtype == np.float32
    if name == "hard":
        np.testing.assert_array_equal(edited[:, outside], SOURCES[:, outside])
    else:
        np.testing.assert_array_equal(bits(edited[:, outside]), bits(SOURCES[:, outside]))
    if alpha == 0:
        np.testing.assert_array_equal(edited, SOURCES)


@pytest.mark.parametrize("name", [name for name in EDITORS if name != "hard"])
@pytest.mark.parametrize("part", range(3))
def test_alpha_0_is_the_source_bit_for_bit(name: str, part: int) -> None:
    edited = EDITORS[name].edit(SOURCES, TARGETS, part, 0.0)
    np.testing.assert_array_equal(bits(edited), bits(SOURCES))
    moved = EDITORS[name].edit(SOURCES, TARGETS, part, 1.0)
    assert np.abs(moved - SOURCES).max() > 1


@pytest.mark.parametrize("name", EDITORS)
def test_a_face_pasted_into_itself_stays(name: str) -> None:
    for part in range(3):
        np.testing.assert_array_equal(EDITORS[name].edit(SOURCES, SOURCES, part, 1.0), SOURCES)


@pytest.mark.parametrize("name", EDITORS)
def test_half_the_way_is_half_the_change(name: str) -> None:
    half, whole = (EDITORS[name].edit(SOURCES, TARGETS, 1, alpha) for alpha in (0.5, 1.0))
    np.testing.assert_allclose(half - SOURCES, 0.5 * (whole - SOURCES), atol=2e-5)


def test_the_hard_paste_cuts_out_the_target() -> None:
    edited = EDITORS["hard"].edit(SOURCES, TARGETS, 1, 1.0)
    inside = WEIGHTS.argmax(axis=1) == 1
    np.testing.assert_allclose(edited[:, inside], TARGETS[:, inside], atol=1e-5)


def uniform_laplacian(faces: np.ndarray) -> np.ndarray:
    """Return the cotangent Laplacian of fields on a flat grid, where cotangents are 1 or 0."""
    grid = faces.reshape(-1, 16, 16, 3)
    inner = 4 * grid[:, 1:-1, 1:-1]
    return inner - grid[:, :-2, 1:-1] - grid[:, 2:, 1:-1] - grid[:, 1:-1, :-2] - grid[:, 1:-1, 2:]


def test_the_paste_has_the_targets_laplacian_coordinates() -> None:
    x, y = np.meshgrid(np.arange(16.0), np.arange(16.0))
    flat = np.stack([x, y, 0 * x], -1).reshape(-1, 3)
    edited = PoissonPaste(WEIGHTS, flat, TRIANGLES).edit(SOURCES, TARGETS, 1, 1.0)
    inside = (WEIGHTS[:, 1] > 0).reshape(16, 16)[1:-1, 1:-1]
    found, wanted = uniform_laplacian(edited), uniform_laplacian(TARGETS)
    np.testing.assert_allclose(found[:, inside], wanted[:, inside], atol=1e-3)
    assert np.abs(edited - TARGETS)[:, WEIGHTS[:, 1] > 0].max() > 1


def test_a_constant_change_is_no_change_of_shape() -> None:
    moved = (SOURCES + np.float32(5)).astype(np.float32)
    paste = EDITORS["poisson"].edit(SOURCES, moved, 1, 1.0)
    np.testing.assert_allclose(paste, SOURCES, atol=1e-2)
    placed = EDITORS["placed"].edit(SOURCES, moved, 1, 1.0) - SOURCES
    inside = WEIGHTS[:, 1] > 0
    assert placed[:, inside].max() > 3
    assert placed[:, inside].min() > 0
    assert placed.max() < 5.001


def test_the_shorter_the_length_the_nearer_the_target() -> None:
    inside = WEIGHTS[:, 1] > 0
    lengths = (0.01, 2.0, 20.0, None)
    pastes = [PoissonPaste(WEIGHTS, VERTICES, TRIANGLES, length) for length in lengths]
    far = [
        np.abs(paste.edit(SOURCES, TARGETS, 1, 1.0) - TARGETS)[:, inside].mean() for paste in pastes
    ]
    assert far == sorted(far)
    assert far[0] < 1e-3


def test_what_has_no_border_takes_the_targets_place() -> None:
    every = np.ones((len(VERTICES), 1), np.float32)
    edited = PoissonPaste(every, VERTICES, TRIANGLES).edit(SOURCES, TARGETS, 0, 1.0)
    np.testing.assert_allclose(edited, TARGETS, atol=1e-2)


def test_a_part_without_vertices_moves_none() -> None:
    weights = np.concatenate([WEIGHTS, 0 * WEIGHTS[:, :1]], axis=1)
    regions = RegionPca.fit(FACES, ROWS, weights, 5)
    for editor in (
        PoissonPaste(weights, VERTICES, TRIANGLES),
        RegionExchange(regions, residual=True),
    ):
        np.testing.assert_array_equal(editor.edit(SOURCES, TARGETS, 3, 1.0), SOURCES)


def test_all_components_of_the_parts_give_the_training_faces_back() -> None:
    regions = RegionPca.fit(FACES, ROWS, WEIGHTS)
    np.testing.assert_allclose(regions.project(FACES), FACES, atol=1e-3)
    edited = RegionExchange(regions, residual=False).edit(FACES[:4], FACES[4:8], 1, 1.0)
    blended = MaskBlend(WEIGHTS).edit(FACES[:4], FACES[4:8], 1, 1.0)
    np.testing.assert_allclose(edited, blended, atol=1e-3)


def test_one_part_is_a_pca() -> None:
    every = np.ones((len(VERTICES), 1), np.float32)
    regions, pca = RegionPca.fit(FACES, ROWS, every, 4), Pca.fit(FACES, ROWS, 4)
    np.testing.assert_allclose(regions.project(SOURCES), pca.project(SOURCES), atol=1e-3)


def test_parts_of_their_own_hold_more_than_the_whole_in_as_many_components() -> None:
    def lost(model: RegionPca | Pca) -> float:
        return float(np.abs(model.project(FACES) - FACES).mean())

    assert lost(REGIONS) < lost(Pca.fit(FACES, ROWS, 5))


def test_without_the_residual_the_source_is_projected() -> None:
    plain = RegionExchange(REGIONS, residual=False)
    projected = REGIONS.project(SOURCES)
    np.testing.assert_array_equal(plain.edit(SOURCES, TARGETS, 1, 0.0), projected)
    kept = EDITORS["region"].edit(SOURCES, TARGETS, 1, 1.0) - SOURCES
    np.testing.assert_allclose(plain.edit(SOURCES, TARGETS, 1, 1.0) - projected, kept, atol=1e-4)
