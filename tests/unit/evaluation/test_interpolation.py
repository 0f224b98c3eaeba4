"""Interpolations, computed without pictures."""

from __future__ import annotations

import tracemalloc
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

from lwpipe.core.errors import LwpipeError
from lwpipe.evaluation.interpolation import COLUMNS, interpolate_pair, read_interpolations
from lwpipe.evaluation.pairs import choose_pairs, part_differences
from lwpipe.evaluation.settings import InterpolationSettings
from lwpipe.evaluation.surface import surface_distances
from lwpipe.mesh.ply_file import read_ply
from tests.helpers.interpolation import compute, names
from tests.helpers.pictures import store


def test_interpolation_writes_its_files_and_their_numbers(patches, tmp_path):
    rows = compute(patches, tmp_path, pairs=[["f41", "f50"], ["f00", "f01"]], meshes=True)
    expected = {"interpolation.npz", "interpolation.csv"}
    expected |= {
        f"meshes/pair_{n:02d}_part_{k}_step_{i}.ply"
        for n in (0, 1) for k in range(4) for i in range(3)
    }  # fmt: skip
    assert names(tmp_path) == expected
    table = pd.read_csv(tmp_path / "interpolation.csv")
    assert list(table) == list(COLUMNS)
    assert list(table["pair"]) == [0, 0, 0, 0, 1, 1, 1, 1]
    assert len(table) == 8
    table = table[table["pair"] == 0]
    assert list(table["part"]) == [0, 1, 2, 3]
    assert set(table["source"]) == {"f41"}
    assert set(table["target"]) == {"f50"}
    assert table["alpha_first"][0] == pytest.approx(0.25)
    assert table["alpha_last"][0] == pytest.approx(0.75)
    assert len(rows) == 8
    meshes = [read_ply(tmp_path / f"meshes/pair_00_part_2_step_{i}.ply")[0] for i in range(3)]
    distances = surface_distances(meshes[0], meshes[2], patches.data.triangles)
    assert table["hausdorff_max_mm"][2] == pytest.approx(distances.max(), rel=1e-4)
    assert table["hausdorff_mean_mm"][2] == pytest.approx(distances.mean(), rel=1e-4)
    # Only the part moves, and its middle step lies in the middle.
    still = patches.weights[:, 2] == 0
    np.testing.assert_array_equal(meshes[0][still], meshes[2][still])
    np.testing.assert_allclose(meshes[1], (meshes[0] + meshes[2]) / 2, atol=1e-3)


def test_what_is_read_is_what_was_computed(patches, tmp_path):
    compute(patches, tmp_path, pairs=[["f41", "f50"], ["f00", "f01"]])
    found = list(read_interpolations(tmp_path / "interpolation.npz", patches.data))
    assert len(found) == 2
    for read, (source, target) in zip(found, [(41, 50), (0, 1)], strict=True):
        made = interpolate_pair(patches.data, patches.weights, patches.model, source, target, 3)
        for field in fields(made):
            ours, theirs = getattr(made, field.name), getattr(read, field.name)
            assert type(ours) is type(theirs), field.name
            if isinstance(ours, np.ndarray):
                assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)
    assert (read.faces.dtype, read.maps.dtype) == (np.float32, np.float64)


def test_the_same_bytes_again_and_no_mesh_that_is_no_more(patches, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    compute(patches, one)
    assert (one / "meshes").is_dir()
    compute(patches, two, meshes=True, steps=4, pairs=[["f41", "f50"], ["f00", "f01"]])
    (two / "meshes/mine.ply").write_bytes(b"mine")
    compute(patches, two)
    assert names(two) == names(one) | {"meshes/mine.ply"}
    for name in names(one):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_no_pairs_are_an_empty_table(patches, tmp_path):
    assert compute(patches, tmp_path, pairs=[]) == []
    assert (tmp_path / "interpolation.csv").read_text() == ",".join(COLUMNS) + "\n"
    assert list(read_interpolations(tmp_path / "interpolation.npz", patches.data)) == []


def test_one_pair_at_a_time_is_in_memory(patches, tmp_path):
    """Both when they are written and when they are read."""
    peaks = []
    for count in (2, 16):
        pairs = [[f"f{i:02d}", f"f{i + 1:02d}"] for i in range(count)]
        tracemalloc.start()
        compute(patches, tmp_path, pairs=pairs, steps=32)
        for _ in read_interpolations(tmp_path / "interpolation.npz", patches.data):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    pair = 4 * 32 * 256 * 3 * 4
    assert peaks[1] - peaks[0] < pair


def test_meshes_in_the_way_are_named(patches, tmp_path):
    (tmp_path / "meshes").write_bytes(b"a file")
    with pytest.raises(LwpipeError, match=r"meshes: cannot be written: File exists\."):
        compute(patches, tmp_path)


OTHER = {
    "missing": "does not exist",
    "cut": "is no archive of arrays",
    "foreign": "it has no array 'columns_0'",
    "objects": "it holds Python objects",
    "one array too many": "it has no array 'columns_1'",
    "other mesh": r"`faces` is float32 \(4, 3, 255, 3\)",
    "double precision": r"`faces` is float64 \(4, 3, 256, 3\)",
    "no step": r"`faces` is float32 \(4, 0, 256, 3\)",
    "a number": r"`faces` is float32 \(\)",
    "not finite": "`maps` has values that are not finite",
    "other columns": "`columns` names local weights that there are not",
    "negative columns": "`columns` names local weights that there are not",
    "other ids": "was made of other data: .* has the id 'who'",
}


@pytest.mark.parametrize("fault", OTHER)
def test_a_file_that_is_no_interpolation_of_the_data_is_named(patches, tmp_path, fault):
    file = tmp_path / "interpolation.npz"
    compute(patches, tmp_path)
    content = file.read_bytes()
    arrays = dict(np.load(file))
    faces = arrays["faces_0"]
    changed = {
        "objects": {"ids_0": np.array(["f41", {}], dtype=object)},
        "one array too many": {"mine": np.ones(3)},
        "other mesh": {"faces_0": faces[:, :, :-1]},
        "double precision": {"faces_0": faces.astype(np.float64)},
        "no step": {"faces_0": faces[:, :0]},
        "a number": {"faces_0": faces[0, 0, 0, 0]},
        "not finite": {"maps_0": arrays["maps_0"] * np.nan},
        "other columns": {"columns_0": np.arange(4) + 1},
        "negative columns": {"columns_0": np.arange(4) - 1},
        "other ids": {"ids_0": np.array(["f41", "who"])},
    }
    if fault == "missing":
        file.unlink()
    elif fault == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif fault == "foreign":
        np.savez(file, weights=np.ones(3))
    else:
        np.savez(file, **(arrays | changed[fault]))
    with pytest.raises(LwpipeError, match=rf"interpolation\.npz: .*{OTHER[fault]}") as caught:
        list(read_interpolations(file, patches.data))
    assert "\n" not in str(caught.value)


def test_unweighted_parts_are_matched_to_the_weights(patches):
    shuffled = type(patches.model)(
        patches.model.template, patches.model.fields[[2, 0, 3, 1]],
        parts_match_weights=False,
    )  # fmt: skip
    result = interpolate_pair(patches.data, patches.weights, shuffled, 41, 50, 2)
    assert result.matched
    assert result.columns == (2, 0, 3, 1)
    np.testing.assert_array_equal(result.weights[:, 0], patches.weights[:, 2])
    tied = interpolate_pair(patches.data, patches.weights, patches.model, 41, 50, 2)
    assert not tied.matched
    assert tied.columns == (0, 1, 2, 3)


def test_model_that_does_not_fit_is_refused(patches, tmp_path):
    model = patches.model
    fewer = type(model)(model.template[:-1], model.fields[:, :, :-1])
    with pytest.raises(LwpipeError, match="255"):
        compute(patches, tmp_path, model=fewer)
    three = type(model)(model.template, model.fields[:3])
    with pytest.raises(LwpipeError, match="3 parts and the local weights 4"):
        compute(patches, tmp_path, model=three)


def test_pairs_come_from_the_settings_or_from_the_seed(patches):
    data, weights = patches.data, patches.weights
    named = InterpolationSettings(pairs=[["f03", "f41"]])
    assert choose_pairs(data, weights, named) == [(3, 41)]
    with pytest.raises(LwpipeError, match=r"interpolation\.pairs\[0\].*'f99'.*nearest is 'f\d9'"):
        choose_pairs(data, weights, InterpolationSettings(pairs=[["f99", "f41"]]))
    drawn = choose_pairs(data, weights, InterpolationSettings(random_pairs=5, seed=1))
    assert drawn == choose_pairs(data, weights, InterpolationSettings(random_pairs=5, seed=1))
    assert drawn != choose_pairs(data, weights, InterpolationSettings(random_pairs=5, seed=2))
    assert len(set(drawn)) == 5
    assert all(a != b for a, b in drawn)
    assert {row for pair in drawn for row in pair} <= set(data.indices("test"))


def test_drawn_pairs_differ_in_every_part(patches):
    data, weights = patches.data, patches.weights
    test = data.indices("test")
    every = np.array([(a, b) for a in test for b in test if a != b])
    apart = part_differences(data, every, weights)
    first = np.linalg.norm(data.vertices[every[0, 0]] - data.vertices[every[0, 1]], axis=1)
    assert apart[0, 1] == pytest.approx(np.average(first, weights=weights[:, 1]), rel=1e-5)
    least = (apart / apart.mean(axis=0)).min(axis=1)
    for seed in range(4):
        drawn = choose_pairs(data, weights, InterpolationSettings(random_pairs=2, seed=seed))
        found = [least[(every == pair).all(axis=1)][0] for pair in drawn]
        assert min(found) > np.percentile(least, 80)


def test_pairs_cannot_be_drawn_from_one_test_face(tmp_path):
    data = store(tmp_path, 4, 1)
    weights = np.ones((data.vertices.shape[1], 1))
    with pytest.raises(LwpipeError, match=r"interpolation\.pairs.*1 test faces"):
        choose_pairs(data, weights, InterpolationSettings())
