import csv
from dataclasses import replace

import numpy as np
import pytest

from lwpipe.core.errors import LwpipeError
from lwpipe.evaluation.diversity import (
    covered,
    ellipse,
    measure_diversity,
    pca_plane,
    synthesise,
    tsne_plane,
)
from lwpipe.evaluation.settings import DiversitySettings

SETTINGS = DiversitySettings(sources=2, targets=3, samples=15, perplexity=30.0)


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def files(patches, tmp_path_factory):
    folder = tmp_path_factory.mktemp("diversity")
    paths = folder / "points.csv", folder / "diversity.csv"
    measure_diversity(patches.data, patches.model, *paths, SETTINGS)
    return paths


def test_the_points_are_of_every_set_with_their_faces(files, patches):
    points = table(files[0])
    sets = [point["set"] for point in points]
    assert {kind: sets.count(kind) for kind in set(sets)} == {
        "train": 15,
        "test": 15,
        "synthesised": 2 * 3 * 4,
    }
    split = dict(zip(patches.data.faces["id"], patches.data.faces["split"], strict=True))
    for point in points:
        if point["set"] == "synthesised":
            ends, part = point["id"].split(":")
            source, target = ends.split("+")
            assert split[source] == split[target] == "test"
            assert source != target
            assert int(part) in range(4)
        else:
            assert split[point["id"]] == point["set"]
    assert len({point["id"] for point in points}) == len(points)


def test_the_table_agrees_with_the_points(files):
    rows = table(files[1])
    assert [(row["set"], row["method"]) for row in rows] == [
        (kind, method) for method in ("pca", "tsne") for kind in ("train", "test", "synthesised")
    ]
    points = table(files[0])
    for row in rows:
        xy = np.array(
            [
                [float(point[f"{row['method']}_{axis}"]) for axis in "xy"]
                for point in points
                if point["set"] == row["set"]
            ]
        )
        area = 4 * np.pi * np.sqrt(np.linalg.det(np.cov(xy.T)))
        assert float(row["ellipse_area"]) == pytest.approx(area, rel=1e-3)
        assert int(row["n"]) == len(xy)
        assert 0 <= float(row["covered_train"]) <= 1
    assert all(float(row["area_ratio"]) == 1 for row in rows if row["set"] == "train")


def test_a_rerun_gives_the_same_bytes(files, patches, tmp_path):
    again = tmp_path / "points.csv", tmp_path / "diversity.csv"
    measure_diversity(patches.data, patches.model, *again, SETTINGS)
    for one, other in zip(files, again, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_a_synthesised_face_is_coded_between_its_ends(patches):
    vertices = patches.data.vertices
    codes, edits = synthesise(patches.model, vertices, np.array([40]), np.array([41, 42]))
    assert edits == [(40, target, part) for part in range(4) for target in (41, 42)]
    source, first = patches.model.encode(np.asarray(vertices[40:42]))
    # The codes are linear in the face and the four patches cover it: replacing each in turn
    # makes the whole step.
    steps = codes[[0, 2, 4, 6]] - source
    np.testing.assert_allclose(steps.sum(axis=0), first - source, atol=1e-4)


def test_a_model_with_one_part_synthesises_nothing(patches, tmp_path):
    whole = replace(patches.model, fields=patches.model.fields.sum(axis=0, keepdims=True))
    paths = tmp_path / "points.csv", tmp_path / "diversity.csv"
    rows = measure_diversity(patches.data, whole, *paths, SETTINGS)
    assert {row["set"] for row in rows} == {"train", "test"}


def test_ends_come_from_all_faces_where_test_faces_are_few(patches, tmp_path):
    paths = tmp_path / "points.csv", tmp_path / "diversity.csv"
    settings = DiversitySettings(sources=5, targets=20, samples=5)
    measure_diversity(patches.data, patches.model, *paths, settings)
    synthesised = [point for point in table(paths[0]) if point["set"] == "synthesised"]
    assert len(synthesised) == 5 * 20 * 4
    with pytest.raises(LwpipeError, match=r"ask for 80 faces and the data set has 60"):
        measure_diversity(
            patches.data, patches.model, *paths, DiversitySettings(sources=30, targets=50)
        )


def test_the_ellipse_of_a_gaussian_covers_86_per_cent():
    random = np.random.default_rng(0)
    points = random.normal(size=(20_000, 2)) @ np.array([[3.0, 0.0], [1.0, 0.5]])
    centre, covariance, area = ellipse(points)
    assert area == pytest.approx(4 * np.pi * 1.5, rel=0.03)
    assert covered(points, centre, covariance) == pytest.approx(1 - np.exp(-2), abs=0.01)
    assert covered(points + 100, centre, covariance) == 0


def test_two_points_or_a_line_have_no_ellipse_to_cover():
    centre, covariance, area = ellipse(np.zeros((2, 2)))
    assert np.isnan(area)
    line = np.arange(10.0)[:, None] * [1.0, 0.0]
    centre, covariance, area = ellipse(line)
    assert area == 0
    assert np.isnan(covered(line, centre, covariance))


def test_the_pca_plane_keeps_the_widest_directions():
    random = np.random.default_rng(1)
    z = random.normal(size=(200, 5)) * [9, 0.1, 4, 0.1, 0.1]
    plane = pca_plane(z)
    for axis, column in ((0, 0), (1, 2)):
        assert abs(np.corrcoef(plane[:, axis], z[:, column])[0, 1]) > 0.99
    np.testing.assert_allclose(pca_plane(z + 5), plane)


def test_tsne_keeps_clusters_apart_and_takes_one_dimension_or_equal_codes():
    random = np.random.default_rng(2)
    z = random.normal(size=(40, 1)) + np.repeat([[0.0], [50.0]], 20, axis=0)
    plane = tsne_plane(z, 30.0, 0)
    centres = plane[:20].mean(axis=0), plane[20:].mean(axis=0)
    spread = max(plane[:20].std(axis=0).max(), plane[20:].std(axis=0).max())
    assert np.linalg.norm(centres[0] - centres[1]) > 2 * spread
    np.testing.assert_array_equal(tsne_plane(np.ones((9, 3)), 30.0, 0), 0)
