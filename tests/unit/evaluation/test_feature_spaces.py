"""Feature spaces against their plain formulas."""

from __future__ import annotations

import numpy as np
import pytest

from lwpipe.data.store import Dataset
from lwpipe.evaluation.feature_spaces import (
    FLOOR,
    SPACES,
    FeatureSpace,
    border,
    fit_spaces,
)
from lwpipe.mesh.topology import edges
from tests.conftest import Patches


@pytest.fixture(scope="module")
def spaces(patches: Patches) -> dict[str, FeatureSpace]:
    return {space.name: space for space in fit_spaces(patches.data)}


def features(space: FeatureSpace, faces: np.ndarray) -> np.ndarray:
    return np.concatenate(list(space.blocks(faces)), axis=1)


def train(data: Dataset) -> np.ndarray:
    return np.asarray(data.vertices[data.indices("train")], np.float64)


def held_out(data: Dataset) -> np.ndarray:
    return np.asarray(data.vertices[data.indices("test")])


def standardised(values: np.ndarray, of: np.ndarray) -> np.ndarray:
    deviation = of.std(axis=0)
    floor = FLOOR * np.sqrt((deviation**2).mean())
    return (values - of.mean(axis=0)) / np.maximum(deviation, floor)


def differences(faces: np.ndarray, data: Dataset) -> np.ndarray:
    found = np.empty(faces.shape)
    for vertex in range(faces.shape[1]):
        pairs = edges(data.triangles)
        near = [*pairs[pairs[:, 0] == vertex, 1], *pairs[pairs[:, 1] == vertex, 0]]
        found[:, vertex] = faces[:, vertex] - faces[:, near].mean(axis=1)
    return found.reshape(len(faces), -1)


def lengths(faces: np.ndarray, data: Dataset) -> np.ndarray:
    return np.stack(
        [np.linalg.norm(faces[:, a] - faces[:, b], axis=1) for a, b in edges(data.triangles)],
        axis=1,
    )


def test_vertices(patches: Patches, spaces: dict[str, FeatureSpace]) -> None:
    faces = held_out(patches.data)
    assert tuple(spaces) == SPACES
    np.testing.assert_array_equal(
        features(spaces["vertices"], faces), faces.reshape(len(faces), -1)
    )


def test_components_are_whitened(patches: Patches, spaces: dict[str, FeatureSpace]) -> None:
    of_train = features(spaces["components"], train(patches.data).astype(np.float32))
    assert of_train.shape == (40, 6)
    np.testing.assert_allclose(of_train.std(axis=0), 1, rtol=1e-3)
    np.testing.assert_allclose(of_train.mean(axis=0), 0, atol=1e-3)


@pytest.mark.parametrize(("name", "plain"), [("laplacian", differences), ("edges", lengths)])
def test_standardised_spaces(
    name: str, plain: object, patches: Patches, spaces: dict[str, FeatureSpace]
) -> None:
    data = patches.data
    expected = standardised(
        plain(held_out(data).astype(np.float64), data),
        plain(train(data), data),  # type: ignore[operator]
    )
    np.testing.assert_allclose(
        features(spaces[name], held_out(data)), expected, rtol=1e-3, atol=2e-3
    )


def test_what_never_varies_does_not_blow_up(patches: Patches) -> None:
    data = patches.data
    still = np.asarray(data.vertices).copy()
    still[:, :40] = data.template[:40]
    fixed = Dataset(data.path, still, data.template, data.triangles, data.faces, data.info)
    moved = still[:5].copy()
    moved[:, :40] += np.float32(1e-5)
    for space in fit_spaces(fixed):
        away = np.abs(features(space, moved) - features(space, still[:5])).max()
        assert away < 0.02


def test_restricted_spaces_hold_the_features_of_a_region(
    patches: Patches, spaces: dict[str, FeatureSpace]
) -> None:
    data, faces = patches.data, held_out(patches.data)
    region = np.zeros(256, bool)
    region[30:90] = True
    columns = np.repeat(region, 3)
    for name in ("vertices", "laplacian"):
        np.testing.assert_allclose(
            features(spaces[name].restricted(region), faces),
            features(spaces[name], faces)[:, columns],
        )
    inside = region[edges(data.triangles)].all(axis=1)
    np.testing.assert_allclose(
        features(spaces["edges"].restricted(region), faces),
        features(spaces["edges"], faces)[:, inside],
    )
    # Components of the region know nothing of the rest.
    other = faces.copy()
    other[:, ~region] += 5
    own = spaces["components"].restricted(region)
    np.testing.assert_array_equal(features(own, faces), features(own, other))
    whole = spaces["components"]
    assert np.abs(features(whole, faces) - features(whole, other)).max() > 0.1


def test_the_border_of_soft_and_of_sharp_parts(patches: Patches) -> None:
    triangles = patches.data.triangles
    sharp = np.zeros((256, 2))
    sharp[:128, 0], sharp[128:, 1] = 1, 1
    # Rows 7 and 8 of the grid are where the halves meet.
    assert np.flatnonzero(border(sharp, 0, triangles)).tolist() == list(range(112, 144))
    soft = sharp.copy()
    soft[80:128] = [0.85, 0.15]
    assert np.flatnonzero(border(soft, 0, triangles)).tolist() == list(range(80, 144))
    np.testing.assert_array_equal(border(soft, 0, triangles), border(soft, 1, triangles))
    assert not border(np.ones((256, 1)), 0, triangles).any()
