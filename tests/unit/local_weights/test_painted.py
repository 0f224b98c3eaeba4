"""Weights from elsewhere: what each format holds, what is refused, and how borders are blurred."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import norm

from lwpipe.core.errors import LwpipeError
from lwpipe.data.store import Dataset
from lwpipe.local_weights import load_local_weights
from lwpipe.local_weights.archive import load_names
from lwpipe.local_weights.blur import blurred, diffused
from lwpipe.local_weights.make import make_local_weights, partition_of_unity, vertex_areas
from lwpipe.local_weights.settings import LocalWeightsSettings
from tests.unit.local_weights.test_weights import bumps, run, sheet, write_faces

VERTICES, TRIANGLES = sheet()
COUNT = len(VERTICES)
SOFT = partition_of_unity(bumps(VERTICES))
# Of each vertex its quarter: bottom left, bottom right, top left, top right.
QUARTER = 2 * (VERTICES[:, 1] > 11.5) + (VERTICES[:, 0] > 11.5)
# The quarters in reading order, from the top.
READ = [2, 3, 0, 1]
HARD = np.eye(4, dtype=np.float32)[QUARTER]
COLORS = np.array([[255, 0, 0], [0, 0, 255], [0, 128, 0], [250, 250, 0]])


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write_faces(tmp_path_factory.mktemp("painted") / "data", count=8)


def made(dataset: Dataset, file: Path, **changes: Any) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the weights that are made of a file, and what is told of them."""
    return run(dataset, file.parent, source="file", path=str(file), **changes)


def refused(dataset: Dataset, file: Path, words: str, **changes: Any) -> str:
    out = file.parent / "out"
    settings = LocalWeightsSettings(source="file", path=str(file), **changes)
    with pytest.raises(LwpipeError, match=words) as error:
        make_local_weights(dataset.path, out / "w.npz", out / "w.json", settings)
    sentence = str(error.value)
    assert file.name in sentence
    assert sentence.isprintable()
    assert sentence.endswith(".")
    assert not out.exists()
    return sentence


def write_csv(file: Path, head: str, rows: Any) -> Path:
    file.write_text("\n".join([head, *map(str, rows)]) + "\n", encoding="utf-8")
    return file


def write_ply(
    file: Path,
    colors: np.ndarray,
    kind: str = "uchar",
    triangles: np.ndarray = TRIANGLES,
    vertices: np.ndarray = VERTICES,
) -> Path:
    """Write a text PLY as painting programs do, with an alpha behind the colours."""
    head = f"ply\nformat ascii 1.0\nelement vertex {len(vertices)}\n"
    head += "".join(f"property float {axis}\n" for axis in "xyz")
    head += "".join(f"property {kind} {name}\n" for name in ("red", "green", "blue", "alpha"))
    head += f"element face {len(triangles)}\nproperty list uchar int vertex_indices\nend_header\n"
    body = [f"{x} {y} {z} {r} {g} {b} 1" for (x, y, z), (r, g, b) in zip(vertices, colors)]  # noqa: B905
    body += [" ".join(map(str, (len(row), *row))) for row in triangles.tolist()]
    file.write_text(head + "\n".join(body) + "\n")
    return file


@pytest.mark.parametrize("kind", ["npz", "npy", "csv"])
def test_weights_are_read_as_they_are(faces: Dataset, tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"mine.{kind}"
    if kind == "npz":
        np.savez(file, weights=SOFT)
    elif kind == "npy":
        np.save(file, SOFT)
    else:
        rows = [",".join(map(repr, map(float, row))) for row in SOFT]
        write_csv(file, "left eye,right eye,nose,mouth", rows)
    weights, info = made(faces, file)
    np.testing.assert_array_equal(weights, SOFT)
    assert (info["source"], info["file"], info["blur_mm"]) == ("file", file.name, 0)
    assert not info["one_part_a_vertex"]
    assert not {"solver", "iterations", "objective", "sparsity", "seed"} & set(info)
    stored, basis = load_local_weights(tmp_path / "local_weights.npz")
    np.testing.assert_array_equal(stored, SOFT)
    np.testing.assert_allclose(basis.max(axis=0), 1)
    named = ["left eye", "right eye", "nose", "mouth"] if kind == "csv" else None
    assert load_names(tmp_path / "local_weights.npz", 4) == named
    assert [part.get("name") for part in info["part"]] == (named or [None] * 4)


def test_weights_of_the_factorisation_come_back_to_the_bit(faces: Dataset, tmp_path: Path) -> None:
    weights, _ = run(faces, tmp_path / "nmf", sparsity=0.1, iterations=5)
    again, _ = made(faces, (tmp_path / "nmf" / "local_weights.npz"))
    np.testing.assert_array_equal(again, weights)
    # What is exported after sharpening is not sharpened by reading it.
    sharp, _ = run(faces, tmp_path / "sharp", sparsity=0.1, iterations=5, sharpness=3.0)
    again, _ = made(faces, tmp_path / "sharp" / "local_weights.npz")
    np.testing.assert_array_equal(again, sharp)


def test_an_archive_of_regions_may_compress_well(faces: Dataset, tmp_path: Path) -> None:
    file = tmp_path / "mine.npz"
    np.savez_compressed(file, weights=HARD.astype(np.float64).repeat(16, axis=1))
    assert file.stat().st_size < 0.01 * 8 * 64 * COUNT
    weights, _ = made(faces, file, parts=64)
    np.testing.assert_allclose(weights[:, ::16], HARD / 16)


def test_rows_are_brought_to_a_sum_of_one(faces: Dataset, tmp_path: Path) -> None:
    file = tmp_path / "mine.npy"
    np.save(file, 1e308 * SOFT.astype(np.float64))
    np.testing.assert_allclose(made(faces, file)[0], SOFT, atol=1e-6)
    np.save(file, np.full(SOFT.shape, 1e308))
    np.testing.assert_allclose(made(faces, file)[0], 0.25)
    np.save(file, (200 * SOFT).astype(np.uint8))
    weights, _ = made(faces, file)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(weights, SOFT, atol=0.02)


def test_names_in_an_archive_are_kept(faces: Dataset, tmp_path: Path) -> None:
    file = tmp_path / "mine.npz"
    np.savez(file, weights=SOFT, names=["a", "b", "c", "d"])
    assert [part["name"] for part in made(faces, file)[1]["part"]] == list("abcd")


@pytest.mark.parametrize(
    ("labels", "names", "order"),
    [
        (["chin", "jaw", "brow", "eye"], ["brow", "eye", "chin", "jaw"], READ),
        (["10", "9", "3", "4"], ["3", "4", "9", "10"], [2, 3, 1, 0]),
    ],
    ids=["names in reading order", "numbers in their order"],
)
def test_a_column_of_regions(
    faces: Dataset, tmp_path: Path, labels: list[str], names: list[str], order: list[int]
) -> None:
    file = write_csv(tmp_path / "mine.csv", "region", [labels[quarter] for quarter in QUARTER])
    weights, info = made(faces, file, blur=0.0)
    np.testing.assert_array_equal(weights, HARD[:, order])
    assert [part["name"] for part in info["part"]] == names
    assert info["one_part_a_vertex"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_of_other_programs(faces: Dataset, tmp_path: Path, delimiter: str) -> None:
    rows = [delimiter.join(map(str, row)) for row in HARD]
    text = "\r\n".join([delimiter.join(["a", '"b"', " c", "d"]), *rows]) + "\r\n\r\n"
    (tmp_path / "mine.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    weights, info = made(faces, tmp_path / "mine.csv", blur=0.0)
    np.testing.assert_array_equal(weights, HARD)
    assert [part["name"] for part in info["part"]] == list("abcd")


@pytest.mark.parametrize("kind", ["uchar", "float", "ushort", "int"])
def test_colours_are_regions_in_reading_order(faces: Dataset, tmp_path: Path, kind: str) -> None:
    scale = {"float": 1 / 255, "ushort": 257}.get(kind, 1)
    file = write_ply(tmp_path / "mine.ply", COLORS[QUARTER] * scale, kind)
    weights, info = made(faces, file, blur=0.0)
    np.testing.assert_array_equal(weights, HARD[:, READ])
    names = [part["name"] for part in info["part"]]
    assert names == ["#008000", "#fafa00", "#ff0000", "#0000ff"]


def test_colours_of_a_binary_file(faces: Dataset, tmp_path: Path) -> None:
    head = f"ply\nformat binary_big_endian 1.0\nelement vertex {COUNT}\n"
    head += "property uchar blue\nproperty uchar red\nproperty uchar green\nproperty float x\n"
    head += "property float y\nproperty float z\nend_header\n"
    body = b"".join(
        struct.pack(">3B3f", blue, red, green, 0, 0, 0) for red, green, blue in COLORS[QUARTER]
    )
    (tmp_path / "mine.PLY").write_bytes(head.encode() + body)
    weights, _ = made(faces, tmp_path / "mine.PLY", blur=0.0)
    np.testing.assert_array_equal(weights, HARD[:, READ])


def test_quads_that_were_cut_otherwise_are_the_same_mesh(faces: Dataset, tmp_path: Path) -> None:
    index = np.arange(COUNT).reshape(24, 24)
    quads = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]], -1)
    file = write_ply(tmp_path / "mine.ply", COLORS[QUARTER], triangles=quads.reshape(-1, 4))
    np.testing.assert_array_equal(made(faces, file, blur=0.0)[0], HARD[:, READ])


# ------------------------------------------------------------------------------------- faults


def changed(value: Any, rows: Any = 7, array: np.ndarray = SOFT) -> np.ndarray:
    array = array.astype(np.float64)
    array[rows] = value
    return array


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (SOFT[:-1], "is for 575 vertices and the template has 576"),
        (SOFT.T, "holds 576 parts, more than 64"),
        (SOFT[:, 0], r"the weights are float32 \(576,\), expected numbers \(V, K\)"),
        (SOFT[:, :0], r"the weights are float32 \(576, 0\)"),
        (SOFT.astype("U4"), "expected numbers"),
        (SOFT.astype(complex), "expected numbers"),
        (changed(np.nan), "vertex 7, counted from 0, has a weight that is not finite"),
        (changed(np.inf, [5, 9]), r"vertex 5 \(and 1 more\), counted from 0, .* not finite"),
        (changed(-0.1), "vertex 7, counted from 0, has a negative weight"),
        (changed(0, 7), "vertex 7, counted from 0, has no weight"),
        (changed(0, np.s_[:, 2]), "the part 2 has no vertex"),
        (changed(1e-60, np.s_[:, 2]), "the part 2 has no vertex"),
        (SOFT[:, :3], r"has K = 3, and local_weights\.parts is 4: set local_weights\.parts: 3"),
    ],
)
@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_arrays_that_are_refused(
    faces: Dataset, tmp_path: Path, array: np.ndarray, words: str, kind: str
) -> None:
    file = tmp_path / f"mine.{kind}"
    if kind == "npy":
        np.save(file, array)
    else:
        np.savez(file, weights=array)
    refused(faces, file, words)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a", "b"], "not one text for each of 4 parts"),
        ([1, 2, 3, 4], "not one text for each of 4 parts"),
        (["a", "b", "c", "d\ne"], "names a part .*none of control"),
        (["a", "b", "c", "d" * 101], "at most 100 characters"),
        (np.array([0x110000], "<u4").view("<U1").repeat(4), "a name is no text"),
    ],
)
def test_names_that_are_refused(faces: Dataset, tmp_path: Path, names: Any, words: str) -> None:
    np.savez(tmp_path / "mine.npz", weights=SOFT, names=names)
    refused(faces, tmp_path / "mine.npz", words)


def test_archives_that_are_refused(faces: Dataset, tmp_path: Path) -> None:
    file = tmp_path / "mine.npz"
    np.savez(file, weight=SOFT)
    refused(faces, file, "no array 'weights'")
    np.savez(file, weights=np.full((COUNT, 4), None))
    refused(faces, file, "Python objects")
    (tmp_path / "mine.npy").write_bytes(b"no array")
    refused(faces, tmp_path / "mine.npy", "cannot be read as weights of vertices")
    np.save(tmp_path / "mine.npy", SOFT)
    content = (tmp_path / "mine.npy").read_bytes()
    (tmp_path / "mine.npy").write_bytes(content[:-8])
    refused(faces, tmp_path / "mine.npy", "Failed to read all data")


@pytest.mark.parametrize(
    ("head", "row", "words"),
    [
        ("a,b,c,d", "1,0,0", "line 2 has not 4 values"),
        ("a,b,c,d", "1,0,0,", "line 2 has not 4 values"),
        ("a,b,c,d", "1,0,0,much", "line 2 has 'much' in the column 'd', which is no number"),
        ("a;b;c;d", "1,5;0;0;0", "line 2 has '1,5' in the column 'a', which is no number"),
        ("a,b,c,a", "1,0,0,0", "a column without a name, or one twice"),
        (",a,b,c", "1,0,0,0", "a column without a name, or one twice"),
        ("a,b,c,d", "0,0,0,0", r"vertex 0 \(and 575 more\), counted from 0, has no weight"),
        ("a,b,c,d", "nan,0,0,0", "not finite"),
        ("a,b,c,d", "1,1,1,0", "the part 'd' has no vertex"),
        ("region", "", "needs a line of names"),
        ("region", "nose", r"has K = 1, .* set local_weights\.parts: 1"),
        ("region", 'no"se\x1b', "none of control"),
        (",".join(map(str, range(65))), ",".join(65 * "1"), "holds 65 parts, more than 64"),
    ],
)
def test_tables_that_are_refused(
    faces: Dataset, tmp_path: Path, head: str, row: str, words: str
) -> None:
    refused(faces, write_csv(tmp_path / "mine.csv", head, COUNT * [row]), words)


def test_more_faults_of_tables(faces: Dataset, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    refused(faces, write_csv(file, "region", range(COUNT)), "holds 576 parts, more than 64")
    labels = ["nose", "", *(COUNT - 2) * ["chin"]]
    refused(faces, write_csv(file, "region", labels), "line 3 has not 1 values")
    refused(faces, write_csv(file, "region", QUARTER[1:]), "is for 575 vertices")
    file.write_bytes(b"region\n\xff\n")
    refused(faces, file, "cannot be read as CSV")
    file.write_text('region\n"nose\n')
    refused(faces, file, "cannot be read as CSV")
    file.write_text("")
    refused(faces, file, "needs a line of names")


def test_meshes_that_are_refused(faces: Dataset, tmp_path: Path) -> None:
    file = tmp_path / "mine.ply"
    colors = COLORS[QUARTER]
    split = np.concatenate([VERTICES, VERTICES[:9]])
    write_ply(file, COLORS[[*QUARTER, *QUARTER[:9]]], vertices=split)
    refused(faces, file, "is for 585 vertices and the template has 576: .* in that order")
    shuffled = np.random.default_rng(0).permutation(COUNT)[TRIANGLES]
    write_ply(file, colors, triangles=shuffled)
    refused(faces, file, "of its edges are edges of the template: .* another order")
    write_ply(file, np.arange(COUNT)[:, None] // 6 * [1, 0, 2])
    refused(faces, file, "has 96 colours, more than 64 regions; the commonest 8 have 8% .*brush")
    blended = colors.copy()
    blended[5:7] = [127, 0, 127]
    refused(
        faces, write_ply(file, blended),
        r"has K = 5, .* set local_weights\.parts: 5, or paint over #7f007f, .*\(2 vertices\)",
    )  # fmt: skip
    write_ply(file, colors, "float")
    refused(faces, file, "colours out of range")
    file.write_text(write_ply(file, colors).read_text().replace(" green", " gren"))
    refused(faces, file, "has no colours of vertices")
    file.write_text(write_ply(file, colors).read_text()[:-30])
    refused(faces, file, "cut off|does not fit its header")


def test_files_that_are_not_there(
    faces: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LwpipeError) as error:
        LocalWeightsSettings(source="file", path="mine.ply").user_files()
    sentence = f"local_weights.path: mine.ply (in {tmp_path}) does not exist."
    assert str(error.value) == sentence
    (tmp_path / "mine.ply").mkdir()
    with pytest.raises(LwpipeError, match="is no file"):
        LocalWeightsSettings(source="file", path="mine.ply").user_files()
    (tmp_path / "mine.xyz").touch()
    refused(faces, tmp_path / "mine.xyz", r"none of the formats \.csv, \.npy, \.npz, \.ply")
    # It lies still where it is not read.
    assert LocalWeightsSettings(path="mine.xyz").user_files() == []
    with pytest.raises(ValidationError, match="is needed where"):
        LocalWeightsSettings(source="file")


# --------------------------------------------------------------------------------------- blur


def fine_sheet(spacing: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    vertices, triangles = sheet(round(100 / spacing))
    vertices = spacing * vertices
    return vertices, triangles, vertex_areas(vertices, triangles)


@pytest.mark.parametrize("deviation", [3.0, 6.0])
@pytest.mark.parametrize("spacing", [1.0, 2.0])
def test_a_straight_border_becomes_a_gaussian_one(deviation: float, spacing: float) -> None:
    mesh = fine_sheet(spacing)
    x = mesh[0][:, 0]
    left = x < 50
    border = 0.5 * (x[left].max() + x[~left].min())
    weights = blurred(np.stack([left, ~left], 1).astype(np.float32), *mesh, deviation)
    np.testing.assert_allclose(weights[:, 0], norm.cdf((border - x) / deviation), atol=0.03)
    # Far from the border a vertex is in one part, exactly.
    far = np.abs(x - border) > 4 * deviation
    np.testing.assert_array_equal(weights[far, 0], left[far])


def test_a_blur_of_zero_returns_the_same_bytes() -> None:
    area = vertex_areas(VERTICES, TRIANGLES)
    assert blurred(SOFT, VERTICES, TRIANGLES, area, 0.0) is SOFT


@pytest.mark.parametrize("deviation", [1e-6, 0.5, 5.0, 1e6])
def test_blurred_weights_are_shares_on_any_mesh(deviation: float) -> None:
    random = np.random.default_rng(0)
    vertices = VERTICES + random.normal(scale=0.4, size=VERTICES.shape)
    vertices[5] = vertices[6]  # triangles without area
    vertices = np.concatenate([vertices, [[50.0, 50, 50]]])  # a vertex in no triangle
    weights = np.eye(5, dtype=np.float32)[random.integers(0, 5, len(vertices))]
    area = vertex_areas(vertices, TRIANGLES)
    made = blurred(weights, vertices, TRIANGLES, area, deviation)
    np.testing.assert_allclose(made.sum(axis=1), 1, atol=1e-6)
    assert made.min() >= 0
    assert made.dtype == np.float32
    np.testing.assert_array_equal(made[-1], weights[-1])
    if deviation < 1e-3:
        np.testing.assert_array_equal(made, weights)
    if deviation > 1e3:
        share = (weights[:-1] * area[:-1, None]).sum(axis=0) / area[:-1].sum()
        np.testing.assert_allclose(made[:-1], np.tile(share, (COUNT, 1)), atol=1e-3)


def test_what_diffuses_is_neither_gained_nor_lost() -> None:
    mesh = fine_sheet(2.0)
    values = np.random.default_rng(0).gamma(0.1, 1e5, (len(mesh[0]), 3))
    made = diffused(values, *mesh, 6.0)
    np.testing.assert_allclose(mesh[2] @ made, mesh[2] @ values)
    assert made.min() >= values.min()
    assert np.ptp(made) < 0.1 * np.ptp(values)
    assert diffused(values, *mesh, 0.0) is values


def test_only_hard_borders_are_blurred_by_default(faces: Dataset, tmp_path: Path) -> None:
    file = write_ply(tmp_path / "mine.ply", COLORS[QUARTER])
    by_default, info = made(faces, file)
    diagonal = float(np.linalg.norm(np.ptp(faces.template, axis=0)))
    assert info["blur_mm"] == pytest.approx(diagonal / 50)
    border = (by_default > 0).sum(axis=1) > 1
    assert 0.02 < border.mean() < 0.5
    np.testing.assert_array_equal(by_default, made(faces, file, blur=info["blur_mm"])[0])
    wide, _ = made(faces, file, blur=3.0)
    assert ((wide > 0).sum(axis=1) > 1).mean() > border.mean()
    np.save(tmp_path / "mine.npy", SOFT)
    assert not np.array_equal(made(faces, tmp_path / "mine.npy", blur=3.0)[0], SOFT)


def test_sharpness_and_support_act_on_what_was_blurred(faces: Dataset, tmp_path: Path) -> None:
    file = write_ply(tmp_path / "mine.ply", COLORS[QUARTER])
    soft, _ = made(faces, file, blur=2.0)
    sharp, info = made(faces, file, blur=2.0, sharpness=3.0, support=0.05)
    assert (info["sharpness"], info["support"]) == (3.0, 0.05)
    assert (sharp > 0).sum() < (soft > 0).sum()
    np.testing.assert_allclose(sharp.sum(axis=1), 1, atol=1e-6)


def test_the_same_file_gives_the_same_bytes(faces: Dataset, tmp_path: Path) -> None:
    file = write_ply(tmp_path / "mine.ply", COLORS[QUARTER])
    written = []
    for _ in range(2):
        made(faces, file)
        names = ("local_weights.npz", "local_weights.json")
        written.append([(tmp_path / name).read_bytes() for name in names])
    assert written[0] == written[1]
    assert json.loads(written[0][1])["parts"] == 4


def test_a_reader_exists_for_each_format_that_is_documented() -> None:
    from lwpipe.local_weights.painted import READERS

    words = LocalWeightsSettings.model_fields["path"].description or ""
    assert {suffix[1:].upper() for suffix in READERS} <= set(words.replace(",", " ").split())
