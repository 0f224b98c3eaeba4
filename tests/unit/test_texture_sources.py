"""Coloured faces of files, from conversion to an export; and the same files without their colours.

One folder of painted faces in each format that holds colours, and the layout of AFLW2000-3D.
"""

from __future__ import annotations

import csv
import json
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from lwpipe.cli.main import main
from lwpipe.core.color import delta_e_2000, lab_of_srgb
from lwpipe.data.make import make_dataset
from lwpipe.data.settings import DataSettings
from lwpipe.data.signals import joined
from lwpipe.data.sources.synthetic.grid import make_grid
from lwpipe.data.store import Dataset
from lwpipe.editing.settings import EditingSettings
from lwpipe.evaluation.evaluate import evaluate_baselines, evaluate_model
from lwpipe.evaluation.interpolation import interpolate
from lwpipe.evaluation.settings import EvaluationSettings, InterpolationSettings
from lwpipe.export.textured import face_glb, obj_text, write_face
from lwpipe.mesh.ply_file import write_ply
from lwpipe.mesh.read_colors import read_colors
from lwpipe.mesh.texture import UvMap
from lwpipe.model.settings import LatentSettings
from tests.helpers.aflw_layout import write_aflw_layout
from tests.helpers.training_inputs import MODEL, SHORT, make_inputs_of, run

FACES = 12
ON_PCA = MODEL.model_copy(update={"base": "pca"})
TWO = SHORT.model_copy(update={"epochs": 2, "batch_size": 6, "learning_rate": 1e-4})
EVALUATION = EvaluationSettings(pairs=3, composites=4, components=4)


@dataclass
class Painted:
    """Painted faces, and a UV map that lays them flat."""

    vertices: np.ndarray
    colors: np.ndarray
    triangles: np.ndarray
    uv: UvMap


Write = Callable[[Path, Painted, int, bool], object]


def write_ply_face(file: Path, faces: Painted, row: int, painted: bool) -> None:
    colors = faces.colors[row] if painted else None
    write_ply(file.with_suffix(".ply"), faces.vertices[row], faces.triangles, colors)


def write_obj_face(file: Path, faces: Painted, row: int, painted: bool) -> None:
    colors = faces.colors[row] if painted else None
    text = obj_text(faces.vertices[row], faces.triangles, colors)
    file.with_suffix(".obj").write_text(text)


def write_glb_face(file: Path, faces: Painted, row: int, painted: bool) -> None:
    colors = faces.colors[row] if painted else None
    content = face_glb(faces.vertices[row], faces.triangles, colors)
    file.with_suffix(".glb").write_bytes(content)


def with_image(suffix: str) -> Write:
    def write(file: Path, faces: Painted, row: int, painted: bool) -> None:
        face = joined(faces.vertices[row], faces.colors[row] if painted else None)
        write_face(file.with_suffix(suffix), face, faces.triangles, faces.uv)

    return write


OF_VERTICES: dict[str, Write] = {
    "ply": write_ply_face, "obj": write_obj_face, "glb": write_glb_face
}  # fmt: skip
WITH_IMAGES = {"obj with images": with_image(".obj"), "glb with images": with_image(".glb")}
FORMATS = OF_VERTICES | WITH_IMAGES


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Painted:
    settings = DataSettings.model_validate(
        {"faces": FACES, "colors": True, "synthetic": {"vertices": 1500}}
    )
    data = make_dataset(settings, tmp_path_factory.mktemp("painted"))
    flat = make_grid(1500).points
    low, high = flat.min(axis=0), flat.max(axis=0)
    uv = UvMap(0.02 + 0.96 * (flat - low) / (high - low), data.triangles)
    return Painted(np.array(data.vertices), np.array(data.colors), data.triangles, uv)


Files = Callable[[str, bool], Path]


@pytest.fixture(scope="module")
def files(faces: Painted, tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Return what writes all faces in a format, with colours or without, and gives the folder."""
    root = tmp_path_factory.mktemp("files")

    def written(kind: str, painted: bool) -> Path:
        folder = root / kind / ("painted" if painted else "plain") / "in"
        if not folder.exists():
            folder.mkdir(parents=True)
            for row in range(FACES):
                FORMATS[kind](folder / f"face_{row:02d}", faces, row, painted)
        return folder

    return written


def own(folder: Path, colors: bool = True) -> DataSettings:
    return DataSettings.model_validate(
        {"source": "meshes", "faces": None, "colors": colors, "test_fraction": 0.25,
         "meshes": {"path": str(folder)}}
    )  # fmt: skip


def all_the_way(settings: DataSettings, folder: Path) -> dict[str, Any]:
    """Convert, part, train and evaluate; return what is measured."""
    make_inputs_of(settings, folder)
    training = folder / "variants/on_pca/training"
    run(folder, training, folder / "checkpoints", training=TWO, model=ON_PCA)
    evaluation = folder / "variants/on_pca/evaluation"
    measured = evaluate_model(
        folder / "data", folder / "weights.npz", training, evaluation / "measures.json",
        evaluation / "parts.csv", EVALUATION, EditingSettings(),
    )  # fmt: skip
    return dict(measured)


def difference(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return how far colours (..., 3), sRGB, are from others, by CIEDE2000."""
    return delta_e_2000(lab_of_srgb(found), lab_of_srgb(expected))


def from_the_mean(data: Dataset) -> float:
    """Return how far the colours of test faces are from the mean of the training faces'."""
    mean = data.mean_face()[:, 3:]
    return float(delta_e_2000(data.lab[data.indices("test")], mean).mean())


def check_edit_and_export(folder: Path, suffix: str) -> None:
    """Edit by the command, and export blend shapes: both have their colours."""
    data = Dataset.open(folder / "data")
    source, target = (str(data.faces["id"][row]) for row in data.indices("test")[:2])
    out = folder / f"edit.{suffix}"
    words = ["edit", str(folder), "--source", source, "--target", target, "--part", "1"]
    assert main([*words, "--texture", "keep", "--output", str(out)]) == 0
    row = list(data.faces["id"]).index(source)
    apart = difference(read_colors(out), data.colors[row])
    if data.uv() is None or suffix == "ply":
        assert apart.max() == 0
    else:
        assert apart.mean() < 2.0
        assert np.median(apart) < 0.5
    shapes = folder / "shapes.glb"
    words = ["export", "glb", str(folder), "--source", source, "--target", target]
    assert main([*words, "--output", str(shapes)]) == 0
    np.testing.assert_array_equal(read_colors(shapes), data.colors[row])


@pytest.mark.parametrize("kind", FORMATS)
def test_own_coloured_meshes_go_all_the_way(
    kind: str, files: Files, faces: Painted, tmp_path: Path
) -> None:
    measured = all_the_way(own(files(kind, True)), tmp_path / "run")
    data = Dataset.open(tmp_path / "run/data")
    if kind in WITH_IMAGES:
        # An image is averaged until a vertex has four texels: eyes, of small triangles, lose.
        assert difference(data.colors, faces.colors).mean() < 2.0
        assert np.median(difference(data.colors, faces.colors)) < 0.5
        assert data.uv() is not None
    else:
        np.testing.assert_array_equal(data.colors, faces.colors)
    assert 0 < measured["color"]["mean"] < 0.9 * from_the_mean(data)
    check_edit_and_export(tmp_path / "run", kind[:3])


def test_the_layout_of_aflw2000_goes_all_the_way(tmp_path: Path) -> None:
    layout = write_aflw_layout(tmp_path, 1502, faces=FACES, samples=20)
    random = np.random.default_rng(4)
    basis = np.linalg.qr(random.normal(size=(3 * 1502, 5)))[0]
    mean = np.tile([180.0, 140.0, 120.0], 1502)
    scipy.io.savemat(layout.model_dir / "Model_Tex.mat", {"texMU": mean[:, None], "texPC": basis})
    tones = random.normal(0, 700, size=(FACES, 5))
    for tone, file in zip(tones, sorted(layout.faces_dir.glob("*.mat")), strict=True):
        about = {k: v for k, v in scipy.io.loadmat(file).items() if not k.startswith("__")}
        scipy.io.savemat(file, about | {"Tex_Para": tone[:, None]})
    places = {"model_dir": str(layout.model_dir), "faces_dir": str(layout.faces_dir)}
    settings = DataSettings.model_validate(
        {"source": "aflw2000-3d", "colors": True, "faces": None, "test_fraction": 0.25,
         "aflw2000_3d": places}
    )  # fmt: skip
    measured = all_the_way(settings, tmp_path / "run")
    data = Dataset.open(tmp_path / "run/data")
    expected = np.clip(mean + tones @ basis.T, 0, 255).reshape(FACES, -1, 3)
    assert np.abs(data.colors - expected).max() <= 0.5
    assert 0 < measured["color"]["mean"] < 0.9 * from_the_mean(data)
    check_edit_and_export(tmp_path / "run", "ply")


# Without colours


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder by their names, without the time that passed in training."""
    found = {}
    for file in sorted(folder.rglob("*")):
        if not file.is_file() or "checkpoints" in file.parts:
            continue
        content = file.read_bytes()
        if file.name == "history.csv":
            rows = list(csv.DictReader(content.decode().splitlines()))
            content = json.dumps([{**row, "seconds": ""} for row in rows]).encode()
        if file.name == "measures.json":
            content = re.sub(rb'"seconds": [0-9.e-]+', b"", content)
        if not file.name.startswith("events.out"):
            found[str(file.relative_to(folder))] = content
    return found


@pytest.mark.parametrize("kind", FORMATS)
def test_colours_that_are_not_asked_for_change_no_store(
    kind: str, files: Files, tmp_path: Path
) -> None:
    stores = []
    for painted in (True, False):
        folder = tmp_path / str(painted) / "data"
        make_dataset(own(files(kind, painted), colors=False), folder)
        stores.append(bytes_of(folder))
    assert stores[0].keys() == stores[1].keys()
    assert [name for name in stores[0] if stores[0][name] != stores[1][name]] == []
    # The files themselves do differ.
    assert bytes_of(files(kind, True)) != bytes_of(files(kind, False))


def further(folder: Path) -> None:
    """Write what else a run writes of its faces: rivals, interpolations, an edit, an export."""
    place = folder / "variants/on_pca"
    evaluate_baselines(
        folder / "data", folder / "weights.npz", folder / "baselines.json",
        folder / "baselines.csv", EVALUATION, LatentSettings(latent_size=4),
    )  # fmt: skip
    interpolate(
        folder / "data", folder / "weights.npz", place / "training", place / "interpolation",
        InterpolationSettings(steps=2, meshes=True),
    )  # fmt: skip
    words = ["--source", "face_00", "--target", "face_01"]
    for out in ("edit.ply", "edit.obj", "edit.glb"):
        told = ["edit", str(folder), *words, "--part", "1", "--output", str(folder / out)]
        assert main(told) == 0
    assert main(["export", "glb", str(folder), *words, "--output", str(folder / "shapes.glb")]) == 0


@pytest.fixture(scope="module")
def runs(files: Files, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs of painted files with colours and without, and of the same files without colours."""
    root = tmp_path_factory.mktemp("runs")
    found = {}
    for name, painted, colors in (
        ("skin", True, True), ("off", True, False), ("plain", False, False)
    ):  # fmt: skip
        all_the_way(own(files("ply", painted), colors), root / name / "run")
        further(root / name / "run")
        found[name] = root / name / "run"
    return found


def test_a_run_without_colours_is_untouched_by_them(runs: dict[str, Path]) -> None:
    off, plain = bytes_of(runs["off"]), bytes_of(runs["plain"])
    assert off.keys() == plain.keys()
    assert [name for name in off if off[name] != plain[name]] == []
    wanted = {"data/vertices.npy", "pyramid.npz", "weights.npz", "edit.glb", "baselines.json"}
    of_variant = ("training/model.safetensors", "training/history.csv", "evaluation/measures.json",
                  "interpolation/interpolation.npz")  # fmt: skip
    assert wanted | {f"variants/on_pca/{name}" for name in of_variant} <= off.keys()


def keys(value: object) -> Iterator[str]:
    """Yield the keys of JSON."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def names_in(file: Path) -> Iterator[str]:
    """Yield the names of what a file holds: columns, keys, arrays, properties, attributes."""
    if file.suffix == ".csv":
        yield from file.read_text().splitlines()[0].split(",")
        yield from (line.split(",")[0] for line in file.read_text().splitlines()[1:])
    elif file.suffix == ".json":
        yield from keys(json.loads(file.read_text()))
    elif file.suffix == ".npz":
        with np.load(file) as arrays:
            yield from (f"{name} {arrays[name].shape[-1:]}" for name in arrays.files)
    elif file.suffix == ".ply":
        header = file.read_bytes().split(b"end_header")[0].decode()
        yield from (line for line in header.splitlines() if line.startswith("property"))
    elif file.suffix == ".glb":
        content = file.read_bytes()
        yield from keys(json.loads(content[20 : 20 + struct.unpack("<I", content[12:16])[0]]))
    elif file.suffix == ".obj":
        yield from (f"{len(line.split())} words" for line in file.read_text().splitlines()
                    if line.startswith("v "))  # fmt: skip


# Settings are written down whatever they are, and a glTF material has a colour of its own.
SETTINGS = {"color_weight", "baseColorFactor"}
OF_COLOR = ("color", "colour", "delta_e", "red", "skin", "(6,)", "7 words")


def colored(folder: Path) -> set[str]:
    """Return what in the files of a folder tells of colours."""
    found = set()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and "checkpoints" not in file.parts:
            said = {file.name, *names_in(file)} - SETTINGS
            told = {each for each in said if any(word in each.lower() for word in OF_COLOR)}
            found |= {f"{file.relative_to(folder)}: {each}" for each in told}
    return found


def test_no_file_of_a_run_without_colours_tells_of_some(runs: dict[str, Path]) -> None:
    assert colored(runs["off"]) == set()
    told = {each.split(":")[0] for each in colored(runs["skin"])}
    assert {
        "data/colors.npy", "data/dataset.json", "data/template.ply", "edit.ply", "edit.obj",
        "edit.glb", "shapes.glb", "baselines.json", "variants/on_pca/training/model.json",
        "variants/on_pca/evaluation/measures.json",
        "variants/on_pca/interpolation/interpolation.npz",
    } <= told  # fmt: skip
