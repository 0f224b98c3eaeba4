from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from lwpipe.core.errors import LwpipeError
from lwpipe.data import align
from lwpipe.data.align import align_faces, nearest_rotations


def make_faces(count: int = 30, vertices: int = 60, noise: float = 0.0, seed: int = 3):
    """Return one shape, and rotated, moved and noisy copies of it, float32 (count, V, 3), mm."""
    random = np.random.default_rng(seed)
    shape = random.normal(size=(vertices, 3)) * [60, 90, 40]
    turns = Rotation.random(count, rng=seed).as_matrix()
    faces = np.einsum("vc,ndc->nvd", shape, turns) + random.normal(size=(count, 1, 3)) * 100
    return shape, (faces + noise * random.normal(size=faces.shape)).astype(np.float32)


def test_turned_and_moved_copies_become_one() -> None:
    shape, faces = make_faces()
    result = align_faces(faces, np.arange(20))
    assert result.converged
    assert result.after_mm < 1e-3 < 10 < result.before_mm
    np.testing.assert_allclose(faces, np.broadcast_to(faces[0], faces.shape), atol=1e-3)
    # A proper motion: all distances stay, and so does the handedness.
    turn = nearest_rotations((shape - shape.mean(0)).T @ faces[0])
    np.testing.assert_allclose(faces[0] @ turn.T, shape - shape.mean(0), atol=1e-3)
    assert np.linalg.det(turn) == pytest.approx(1)


def test_a_mirrored_face_is_not_mirrored_back() -> None:
    _, faces = make_faces()
    faces[5, :, 0] *= -1
    align_faces(faces, np.arange(4))
    assert np.abs(faces[5] - faces[0]).max() > 10
    edges = np.linalg.det(faces[[0, 5]][:, 1:4] - faces[[0, 5]][:, :1])
    assert edges[0] * edges[1] < 0


def test_real_differences_stay() -> None:
    _, faces = make_faces(noise=2.0)
    lengths = np.linalg.norm(faces[:, 1:] - faces[:, :-1], axis=2)
    result = align_faces(faces, np.arange(30))
    np.testing.assert_allclose(
        np.linalg.norm(faces[:, 1:] - faces[:, :-1], axis=2), lengths, rtol=1e-5
    )
    mean = faces.mean(axis=0)
    rms = np.sqrt(((faces - mean) ** 2).sum(axis=2).mean())
    assert result.after_mm == pytest.approx(rms, rel=1e-4)
    assert 2.5 < rms < 3.5


def test_reaches_the_fixed_point() -> None:
    _, faces = make_faces(noise=5.0)
    align_faces(faces, np.arange(30))
    mean = faces.astype(np.float64).mean(axis=0)
    # Nothing is left to turn: each face is already the closest to the mean.
    turns = nearest_rotations(mean.T @ faces.astype(np.float64))
    np.testing.assert_allclose(turns, np.broadcast_to(np.eye(3), turns.shape), atol=1e-4)
    np.testing.assert_allclose(faces.mean(axis=1), 0, atol=1e-4)


def test_faces_are_turned_as_little_as_possible() -> None:
    random = np.random.default_rng(0)
    shape = random.normal(size=(50, 3)) * 80
    turns = Rotation.from_rotvec(random.normal(size=(40, 3)) * 0.1).as_matrix()
    faces = np.einsum("vc,ndc->nvd", shape, turns).astype(np.float32)
    align_faces(faces, np.arange(40))
    frame = nearest_rotations((shape - shape.mean(0)).T @ faces[0])
    # The first face is turned by some 10 degrees, their common frame by the mean of 40 of these.
    assert np.degrees(Rotation.from_matrix(frame).magnitude()) < 4


def test_test_faces_have_no_part_in_the_mean() -> None:
    _, faces = make_faces(noise=3.0)
    other = faces.copy()
    other[20:] *= np.float32(3.0)
    train = np.arange(20)
    align_faces(faces, train)
    align_faces(other, train)
    np.testing.assert_array_equal(faces[:20], other[:20])


def test_scale_only_when_asked() -> None:
    _, faces = make_faces()
    faces *= np.linspace(0.8, 1.2, 30, dtype=np.float32)[:, None, None]
    scaled = faces.copy()
    align_faces(faces, np.arange(30))
    result = align_faces(scaled, np.arange(30), scale=True)

    def sizes(x):
        return np.linalg.norm(x - x.mean(axis=1, keepdims=True), axis=(1, 2))

    np.testing.assert_allclose(sizes(faces) / sizes(faces)[0], np.linspace(1, 1.5, 30), rtol=1e-4)
    np.testing.assert_allclose(sizes(scaled), sizes(faces).mean(), rtol=1e-4)
    assert result.describe()["scale"] is True


def test_memory_map_in_pieces_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, faces = make_faces(noise=1.0)
    np.save(tmp_path / "faces.npy", faces)
    align_faces(faces, np.arange(25))
    monkeypatch.setattr(align, "CHUNK_COORDINATES", 3 * 60 * 7)
    mapped = np.load(tmp_path / "faces.npy", mmap_mode="r+")
    align_faces(mapped, np.arange(25))
    mapped.flush()
    np.testing.assert_allclose(np.load(tmp_path / "faces.npy"), faces, atol=1e-4)


def test_same_bytes_when_run_again() -> None:
    _, faces = make_faces(noise=1.0)
    copy = faces.copy()
    align_faces(faces, np.arange(25))
    align_faces(copy, np.arange(25))
    assert faces.tobytes() == copy.tobytes()


def test_equal_faces_stay_equal() -> None:
    _, faces = make_faces(noise=1.0)
    faces[17] = faces[3]
    align_faces(faces, np.arange(10))
    np.testing.assert_array_equal(faces[17], faces[3])


def test_a_flat_shape_is_turned_and_not_reflected() -> None:
    _, faces = make_faces()
    flat = faces[0].copy()
    flat[:, 2] = 0
    turns = Rotation.random(6, rng=1).as_matrix()
    flats = np.einsum("vc,ndc->nvd", flat, turns).astype(np.float32)
    result = align_faces(flats, np.arange(6))
    assert result.after_mm < 1e-2


def test_a_face_in_one_point_is_refused() -> None:
    _, faces = make_faces()
    faces[4] = 7
    with pytest.raises(LwpipeError, match=r"face number 5: all its vertices lie in one point"):
        align_faces(faces, np.arange(4))


def test_no_training_face_is_refused() -> None:
    with pytest.raises(LwpipeError, match="no training face"):
        align_faces(make_faces()[1], np.array([], dtype=np.int64))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(0, 2))
def test_rotations_are_proper_and_best(seed: int, rank_lost: int) -> None:
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(3, 3))
    u, s, vt = np.linalg.svd(matrix)
    s[3 - rank_lost :] = 0
    matrix = u @ np.diag(s) @ vt
    turn = nearest_rotations(matrix)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(turn) == pytest.approx(1)
    others = Rotation.random(50, rng=seed).as_matrix()
    assert np.sum(turn * matrix) >= np.einsum("nij,ij->n", others, matrix).max() - 1e-9
