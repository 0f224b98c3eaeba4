"""Borders of the parts by the motion of their cores."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from lwpipe.core.files import read_json
from lwpipe.data.store import Dataset, DatasetWriter
from lwpipe.local_weights import load_local_weights, make_local_weights
from lwpipe.local_weights import refine as module
from lwpipe.local_weights.refine import refined
from lwpipe.local_weights.settings import LocalWeightsSettings
from lwpipe.mesh.topology import adjacency
from tests.unit.local_weights.test_weights import sheet

BORDER = 9


def planted(count: int = 60, still: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two halves of a sheet, each of which moves in six ways of its own; and a wrong border."""
    vertices, triangles = sheet()
    x = vertices[:, 0]
    left = x < BORDER
    generator = np.random.default_rng(0)
    ways = generator.standard_normal((2, 6, len(vertices), 3))
    scores = generator.standard_normal((2, 6, count))
    moved = np.einsum("psn,psvc->pnvc", scores, ways)
    faces = vertices + np.where(left[:, None], moved[0], moved[1])
    faces[:, :still] = vertices[:still]
    # Weights that change sides three vertices too far to the right.
    slope = 1 / (1 + np.exp(0.2 * (x - BORDER - 3)))
    weights = np.stack([slope, 1 - slope], axis=1)
    return faces.astype(np.float32), weights.astype(np.float32), triangles


def test_a_border_moves_to_where_the_motion_has_it() -> None:
    faces, weights, triangles = planted()
    truth = (sheet()[0][:, 0] < BORDER).astype(float)
    assert (weights.argmax(axis=1) == 1 - truth).mean() < 0.9
    made = refined(weights, faces, np.arange(60), triangles, 12)
    np.testing.assert_array_equal(made, np.stack([truth, 1 - truth], axis=1))
    assert made.dtype == np.float32


def test_it_is_the_regression_on_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    faces, weights, triangles = planted()
    rows, components = np.arange(5, 55), 3
    moved = (faces[rows] - faces[rows].mean(axis=0, dtype=np.float64)).reshape(len(rows), -1)
    explained = []
    for part in range(2):
        core = np.repeat(weights[:, part] >= 2 * weights[:, 1 - part], 3)
        scores = np.linalg.svd(moved[:, core], full_matrices=False)[0][:, :components]
        foretold = scores @ np.linalg.lstsq(scores, moved, rcond=None)[0]
        explained.append((foretold**2).sum(axis=0).reshape(-1, 3).sum(axis=1))
    expected = np.argmax(explained, axis=0)
    made = refined(weights, faces, rows, triangles, components)
    np.testing.assert_array_equal(made.argmax(axis=1), expected)
    # However few vertices are worked on together.
    monkeypatch.setattr(module, "_BLOCK_BYTES", 24 * len(rows) * 7)
    np.testing.assert_array_equal(refined(weights, faces, rows, triangles, components), made)


def test_more_components_than_faces_allow_are_not_taken() -> None:
    faces, weights, triangles = planted()
    few = np.arange(12)
    np.testing.assert_array_equal(
        refined(weights, faces, few, triangles, 1000), refined(weights, faces, few, triangles, 3)
    )


def test_no_piece_of_a_part_is_without_its_core(monkeypatch: pytest.MonkeyPatch) -> None:
    faces, weights, triangles = planted()
    x, y, _ = sheet()[0].T
    # Far from its core, a patch moves as the left half does; a strip joins another one to it.
    patch = np.hypot(x - 19, y - 4) < 2.5
    joined = (np.hypot(x - 17, y - 18) < 2.5) | ((x >= BORDER) & (x < 18) & (abs(y - 18) < 1.5))
    inside = np.flatnonzero((x < 4) & (abs(y - 12) < 4))
    for place in (patch, joined):
        taken = np.resize(inside, place.sum())
        faces[:, place] = faces[:, taken] - sheet()[0][taken] + sheet()[0][place]
    monkeypatch.setattr(module, "_in_one_piece", lambda explained, *_: explained.argmax(axis=1))
    assert (refined(weights, faces, np.arange(60), triangles, 6)[patch, 0] == 1).all()
    monkeypatch.undo()
    made = refined(weights, faces, np.arange(60), triangles, 6)
    assert (made[patch, 1] == 1).all()
    assert (made[joined, 0] == 1).all()


def test_a_vertex_at_rest_stays() -> None:
    faces, weights, triangles = planted(still=40)
    made = refined(weights, faces, np.arange(60), triangles, 12)
    np.testing.assert_array_equal(made[:40].argmax(axis=1), weights[:40].argmax(axis=1))


def test_a_part_that_is_nowhere_large_begins_where_it_is_largest() -> None:
    faces, weights, triangles = planted()
    hidden = np.stack([weights[:, 0], 0.6 * weights[:, 1], 0.4 * weights[:, 1]], axis=1)
    assert not (hidden.argmax(axis=1) == 2).any()
    assert refined(hidden, faces, np.arange(60), triangles, 12)[hidden[:, 2].argmax(), 2] == 1
    level = np.stack([0.55 * np.ones(len(hidden)), 0.45 * np.ones(len(hidden))], axis=1)
    assert (
        refined(level.astype(np.float32), faces, np.arange(60), triangles, 12)[:, 0] == 1
    ).mean() > 0.9


def test_what_is_nearby_counts() -> None:
    faces, weights, triangles = planted()
    x, y, _ = sheet()[0].T
    alone = (x == BORDER + 2) & (y == 7)
    assert alone.sum() == 1
    # One vertex right of the border moves as one far left does.
    taken = np.flatnonzero((x == 2) & (y == 7))
    faces[:, alone] = faces[:, taken] - sheet()[0][taken] + sheet()[0][alone]
    neighbours = adjacency(triangles, len(x)) + sp.eye_array(len(x))
    near = partial(np.matmul, neighbours.toarray())
    without = refined(weights, faces, np.arange(60), triangles, 12)
    made = refined(weights, faces, np.arange(60), triangles, 12, near)
    # By itself it would be an island of the left half, which has none of its core: so none is kept.
    assert without[alone, 1] == made[alone, 1] == 1
    # Beside the border it is no island, and by itself goes left.
    alone, taken = (x == BORDER) & (y == 7), np.flatnonzero((x == 2) & (y == 9))
    faces[:, alone] = faces[:, taken] - sheet()[0][taken] + sheet()[0][alone]
    assert refined(weights, faces, np.arange(60), triangles, 12)[alone, 0] == 1
    assert refined(weights, faces, np.arange(60), triangles, 12, near)[alone, 1] == 1


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    faces, _, triangles = planted()
    folder = tmp_path_factory.mktemp("planted") / "data"
    with DatasetWriter(folder, len(faces), triangles, faces.shape[1]) as writer:
        writer[:] = faces
        blank = {"subject": "", "expression": "", "source": ""}
        table = [
            {"id": str(i), "split": "test" if i % 8 == 7 else "train", **blank}
            for i in range(len(faces))
        ]
        return writer.close(table, {"source": "test"})


@pytest.mark.parametrize(("blur", "deviation"), [(None, 0.02), (0.0, 0.0), (1.5, 1.5)])
def test_the_stage_blurs_refined_parts(
    data: Dataset, tmp_path: Path, blur: float | None, deviation: float
) -> None:
    settings = LocalWeightsSettings(parts=2, sparsity=0.1, refine=12, blur=blur)
    made = make_local_weights(data.path, tmp_path / "w.npz", tmp_path / "w.json", settings)
    if blur is None:
        deviation *= float(np.linalg.norm(np.ptp(data.template, axis=0)))
    info = read_json(tmp_path / "w.json")
    assert info["refine"] == 12
    assert info["blur_mm"] == pytest.approx(deviation)
    assert ((made > 0).sum(axis=1) == 1).all() == (blur == 0)
    np.testing.assert_array_equal(load_local_weights(tmp_path / "w.npz")[0], made)


def test_the_stage_takes_motion_nearby_into_account(data: Dataset, tmp_path: Path) -> None:
    diagonal = float(np.linalg.norm(np.ptp(data.template, axis=0)))
    made = {}
    for asked, near in ((None, 0.04 * diagonal), (0.0, 0.0), (4.0, 4.0)):
        settings = LocalWeightsSettings(
            parts=2, sparsity=0.1, refine=12, blur=0.0, neighbourhood=asked
        )
        made[asked] = make_local_weights(
            data.path, tmp_path / "w.npz", tmp_path / "w.json", settings
        )
        assert read_json(tmp_path / "w.json")["neighbourhood_mm"] == pytest.approx(near)
    # Each vertex of a sheet moves in its own way: the wider, the straighter is the border.
    assert len(np.unique([value.tobytes() for value in made.values()])) > 1
    borders = {asked: _border(value, data.triangles) for asked, value in made.items()}
    assert borders[4.0] <= borders[None] <= borders[0.0]


def _border(weights: np.ndarray, triangles: np.ndarray) -> int:
    part = weights.argmax(axis=1)[triangles]
    return int((part != part[:, :1]).any(axis=1).sum())


def test_without_it_the_factors_are_as_they_were(data: Dataset, tmp_path: Path) -> None:
    plain = LocalWeightsSettings(parts=2, sparsity=0.1)
    made = make_local_weights(data.path, tmp_path / "w.npz", tmp_path / "w.json", plain)
    _, basis = load_local_weights(tmp_path / "w.npz")
    np.testing.assert_allclose(made, basis / basis.sum(axis=1, keepdims=True), atol=1e-6)
    assert read_json(tmp_path / "w.json")["blur_mm"] == 0
