"""What every source declares, and the files, sizes and words that each tells without its data."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from lwpipe.core.errors import LwpipeError
from lwpipe.core.settings import KeyFaultError
from lwpipe.core.stage import Size
from lwpipe.data.settings import SOURCES, DataSettings
from lwpipe.data.source import Source
from lwpipe.data.sources.ict.files import ENVIRONMENT, FOLDER, known_hashes
from tests.helpers.mesh_files import TRIANGLES, VERTICES, shapes, write_folder, write_obj

ROOT = Path(__file__).resolve().parents[3]
MODEL = ("Model_Exp.mat", "Model_Shape.mat")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder, and no kit that the machine happens to have."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    return tmp_path


def source(name: str, faces: int | None = None, **own: Any) -> Source[Any]:
    section = {SOURCES[name].key(): own} if own else {}
    return DataSettings(source=name, faces=faces, **section).make_source()


def meshes(path: str | Path, faces: int | None = None, **own: Any) -> Source[Any]:
    return source("meshes", faces, path=str(path), **own)


def aflw(model: str | Path, faces_dir: str | Path, faces: int | None = None) -> Source[Any]:
    own = {"model_dir": str(model), "faces_dir": str(faces_dir)}
    return source("aflw2000-3d", faces, **own)


def ict(path: str | Path) -> Source[Any]:
    return source("ict", 10, path=str(path))


def touched(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / name for name in names]
    for file in files:
        file.write_bytes(b"x")
    return files


# --- what is declared -----------------------------------------------------------------------


def test_the_sources_that_are_there() -> None:
    assert list(SOURCES) == ["synthetic", "ict", "makehuman", "aflw2000-3d", "meshes"]
    assert [each.key() for each in SOURCES.values()] == [
        "synthetic",
        "ict",
        "makehuman",
        "aflw2000_3d",
        "meshes",
    ]
    schema = DataSettings.model_json_schema()["properties"]
    assert schema["source"]["enum"] == list(SOURCES)
    shared = ["source", "faces", "test_fraction", "split_by", "seed", "align", "scale", "colors"]
    assert list(schema) == [*shared, *(each.key() for each in SOURCES.values())]


def test_declarations_are_quick_to_import() -> None:
    program = (
        "import sys, lwpipe.data.settings\n"
        "heavy = {'torch', 'igl', 'scipy', 'pandas', 'matplotlib', 'numba', 'vtk', 'pyvista'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("name", SOURCES)
def test_the_keys_that_a_source_reads(name: str) -> None:
    keys = DataSettings.keys(name)
    assert keys[:5] == ("source", "faces", "test_fraction", "split_by", "seed")
    assert keys[-1] == SOURCES[name].key()
    aligned = set() if name == "synthetic" else {"align", "scale"}
    assert set(keys[5:-1]) == aligned | ({"colors"} if SOURCES[name].colored else set())
    assert set(keys) < set(DataSettings.keys())


def test_only_what_varies_by_default_is_aligned_by_default() -> None:
    paths = {
        "aflw2000_3d": {"model_dir": "a", "faces_dir": "b"},
        "meshes": {"path": "c"},
    }
    found = {name: DataSettings(source=name, **paths) for name in SOURCES}
    assert [name for name in SOURCES if found[name].aligned] == ["ict", "makehuman", "meshes"]
    assert all(type(found[name].own) is SOURCES[name].Settings for name in SOURCES)


@pytest.mark.parametrize(
    ("values", "key"),
    [({"align": True}, "align"), ({"align": False}, "align"), ({"scale": True}, "scale")],
)
def test_a_key_that_is_not_read_is_named(values: dict[str, Any], key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        DataSettings(**values)
    error = caught.value.errors()[0]["ctx"]["error"]
    assert isinstance(error, KeyFaultError)
    assert error.key == key
    assert str(error) == "is not read where `data.source` is 'synthetic'"


def test_of_two_keys_that_are_not_read_it_is_always_the_same_that_is_named() -> None:
    program = (
        "from lwpipe.data.settings import DataSettings\n"
        "try: DataSettings(align=True, scale=True)\n"
        "except ValueError as error: print(error.errors()[0]['ctx']['error'].key)"
    )
    for seed in range(4):
        told = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
        )
        assert told.stdout.strip() == "align"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"source": "meshes"}, "source 'meshes' needs data.meshes.path"),
        ({"source": "aflw2000-3d"}, "source 'aflw2000-3d' needs data.aflw2000_3d.model_dir"),
        (
            {"source": "aflw2000-3d", "aflw2000_3d": {"model_dir": "a"}},
            "source 'aflw2000-3d' needs data.aflw2000_3d.faces_dir",
        ),
        ({"faces": None}, "source 'synthetic' needs a number for data.faces"),
        ({"source": "ict", "faces": None}, "source 'ict' needs a number for data.faces"),
    ],
)
def test_a_source_that_is_not_described(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        DataSettings(**values)


# --- files that are read --------------------------------------------------------------------


def test_faces_that_are_made_read_no_file() -> None:
    assert source("synthetic", 4).inputs() == []
    assert source("ict", 4).inputs() == []


def test_a_tilde_is_the_home_folder(home: Path) -> None:
    write_folder(home / "faces", 2)
    table = touched(home, "table.csv")
    expected = [home / "faces" / name for name in sorted(os.listdir(home / "faces"))]
    assert meshes("~/faces", table="~/table.csv").inputs() == [*expected, *table]
    assert ict("~/kit").inputs() == []
    kit = touched(home / "kit", min(known_hashes()))
    assert ict("~/kit").inputs() == kit
    archive = touched(home, "kit.tar.xz")
    assert ict("~/kit.tar.xz").inputs() == archive
    model, faces = touched(home / "bfm", *MODEL), touched(home / "aflw", "a.mat", "b.mat")
    assert aflw("~/bfm", "~/aflw").inputs() == [*model, *faces]


def test_what_nobody_reads_is_no_input(home: Path) -> None:
    folder = home / "faces"
    write_folder(folder, 3)
    expected = sorted(folder.iterdir())
    touched(folder, ".DS_Store", "Screenshot.png", "notes.txt", "._face.obj", ".face.obj")
    (folder / "folder.obj").mkdir()
    (folder / "nowhere.obj").symlink_to("none")
    touched(folder / ".snakemake", "a.obj")
    touched(folder / ".venv/lib", "sphere.ply")
    assert meshes(folder).inputs() == expected
    shape = touched(folder / FOLDER, min(known_hashes()))
    touched(folder / FOLDER, "readme.obj")
    assert ict(folder).inputs() == shape
    model = touched(home / "bfm", *MODEL)
    touched(home / "bfm", ".DS_Store", "Model_Expression.mat")
    faces = touched(home / "aflw", "a.mat")
    touched(home / "aflw", ".a.mat", "a.jpg")
    (home / "aflw/b.mat").mkdir()
    assert aflw(home / "bfm", home / "aflw").inputs() == [*model, *faces]


def test_the_working_folder_can_hold_the_meshes(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(home, 2)
    expected = sorted(file.name for file in home.glob("*.obj"))
    touched(home / ".snakemake/log", "a.obj")
    touched(home / ".venv/lib", "sphere.ply")
    monkeypatch.chdir(home)
    assert [str(file) for file in meshes(".").inputs()] == expected


def test_faces_beyond_those_asked_for_are_no_input(home: Path) -> None:
    write_folder(home / "faces", 9)
    expected = sorted((home / "faces").iterdir())
    assert meshes(home / "faces", 4).inputs() == expected[:4]
    assert meshes(home / "faces", 12).inputs() == expected
    model = touched(home / "bfm", *MODEL)
    faces = touched(home / "aflw", *(f"{letter}.mat" for letter in "abcdefg"))
    assert aflw(home / "bfm", home / "aflw", 5).inputs() == [*model, *faces[:5]]


def test_model_and_faces_may_share_a_folder(home: Path) -> None:
    faces = touched(home / "all", *(f"{letter}.mat" for letter in "ABCDEZ"))
    model = touched(home / "all", *MODEL)
    assert aflw(home / "all", home / "all").inputs() == [*model, *faces]
    # The model of another folder is the one that is read.
    other = touched(home / "bfm", *MODEL)
    assert aflw(home / "bfm", home / "all", 5).inputs() == [*other, *faces[:5]]


def test_an_array_is_read_with_the_mesh_of_its_triangles(home: Path) -> None:
    folder = home / "arrays"
    array, named, template = touched(folder, "faces.npy", "faces.ply", "template.obj")
    assert meshes(array).inputs() == [array, named]
    assert meshes(folder).inputs() == [array, named]
    named.unlink()
    assert meshes(array).inputs() == [array, template]
    assert meshes(folder, 4).inputs() == [array, template]
    template.unlink()
    assert meshes(array).inputs() == [array]
    archive = touched(home / "archives", "faces.npz", "template.obj")[0]
    assert meshes(archive).inputs() == [archive]
    assert meshes(archive.parent).inputs() == [archive]


@pytest.mark.parametrize("path", ["none", "none/deeper"])
def test_a_path_that_leads_nowhere_gives_no_file(path: str) -> None:
    assert meshes(path, table=path).inputs() == []
    assert ict(path).inputs() == []
    assert aflw(path, path).inputs() == []


def test_what_is_no_path_gives_no_file_but_a_sentence() -> None:
    for each in (meshes("~nobody-of-that-name/faces"), ict("~nobody-of-that-name")):
        with pytest.raises(LwpipeError, match="cannot be used as a path"):
            each.inputs()


@pytest.mark.workflow
def test_the_workflow_ends_with_that_sentence(home: Path) -> None:
    mine = home / "mine.yaml"
    mine.write_text("data: {source: meshes, meshes: {path: '~nobody-of-that-name/faces'}}\n")
    words = ["-n", "--cores", "1", "--snakefile", str(ROOT / "Snakefile")]
    ended = subprocess.run(
        [sys.executable, "-m", "snakemake", "template", *words, "--configfile", str(mine)],
        cwd=home,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == (
        "lwpipe: error: data.meshes.path: '~nobody-of-that-name/faces' cannot be used as a path: "
        "Could not determine home directory."
    )
    assert "Traceback" not in ended.stderr


# --- sizes ----------------------------------------------------------------------------------


def test_a_table_beside_the_meshes_is_no_mesh(home: Path) -> None:
    write_folder(home / "faces", 3)
    before = meshes(home / "faces").size()
    assert before.faces == 3
    table = home / "faces/table.csv"
    table.write_bytes(b"x" * 10**6)
    assert meshes(home / "faces", table=str(table)).size() == before


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".NPY", ".NPZ"])
@pytest.mark.parametrize("faces", [None, 5])
def test_of_arrays_and_folders_that_hold_one(home: Path, suffix: str, faces: int | None) -> None:
    path = home / f"arrays/faces{suffix}"
    path.parent.mkdir()
    with path.open("wb") as file:
        if suffix.lower() == ".npz":
            np.savez_compressed(file, triangles=TRIANGLES, vertices=shapes(9))
        else:
            np.save(file, shapes(9))
    write_obj(path.with_name("template.obj"), VERTICES)
    expected = Size(faces or 9, len(VERTICES))
    assert meshes(path, faces).size() == expected
    assert meshes(path.parent, faces).size() == expected


@pytest.mark.parametrize("name", ["faces.npz", "faces.npy", "faces.txt", "none", "empty"])
def test_what_cannot_be_read_counts_as_usual(home: Path, name: str) -> None:
    touched(home, "faces.npz", "faces.npy", "faces.txt")
    (home / "empty").mkdir()
    found = meshes(home / name, 7).size()
    assert found.faces in (1, 7)
    assert found.vertices >= 0
    assert meshes("~nobody-of-that-name/faces", 7).size().faces == 7


# --- words for the doctor -------------------------------------------------------------------


@pytest.mark.parametrize("path", ["~nobody-of-that-name/faces", "a\0b"])
def test_what_is_no_path_is_one_sentence(home: Path, path: str) -> None:
    write_folder(home / "faces", 2)
    sources = {
        "data.ict.path": ict(path),
        "data.makehuman.path": source("makehuman", 4, path=path),
        "data.meshes.path": meshes(path),
        "data.meshes.table": meshes(home / "faces", table=path),
        "data.aflw2000_3d.model_dir": aflw(path, path),
    }
    for key, each in sources.items():
        with pytest.raises(LwpipeError, match=rf"^{key}: .* cannot be used as a path: "):
            each.check()


def test_the_variable_is_named_where_it_names_the_kit(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(home / "none"))
    with pytest.raises(LwpipeError, match=f"^{ENVIRONMENT}: {home}/none is neither a folder"):
        source("ict", 4).check()
    assert source("ict", 4, path=str(home)).check() == f"ICT-FaceKit in {home}"
    monkeypatch.setenv(ENVIRONMENT, str(home))
    assert source("ict", 4).check() == f"ICT-FaceKit in {home}"
    with pytest.raises(LwpipeError, match=r"^data\.ict\.path: .*none is neither a folder"):
        source("ict", 4, path=str(home / "none")).check()
    # As where the kit is read, an empty variable names nothing.
    monkeypatch.setenv(ENVIRONMENT, "")
    assert "downloaded" in source("ict", 4).check()


def test_what_is_there_is_told(home: Path) -> None:
    assert source("synthetic", 4).check() == "synthetic faces, made by lwpipe"
    write_folder(home / "faces", 3)
    assert meshes(home / "faces").check() == f"{home}/faces: 3 meshes"
    touched(home / "bfm", *MODEL)
    touched(home / "aflw", "a.mat", "b.mat")
    assert aflw("~/bfm", "~/aflw").check() == f"{home}/bfm, and 2 faces"
    archive = shutil.make_archive(str(home / "kit"), "zip", home / "bfm")
    assert ict(archive).check() == f"ICT-FaceKit in {archive}"
