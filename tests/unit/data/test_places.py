"""Where meshes lie: folders of folders, the same face in two formats, arrays, and the table."""

from __future__ import annotations

import csv
import logging
import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from lwpipe.cli.main import main
from lwpipe.core.errors import LwpipeError
from lwpipe.data.sources.meshes import Meshes, MeshesSettings
from lwpipe.data.sources.meshes.places import find
from lwpipe.data.sources.meshes.table import read_table
from lwpipe.data.split import draw_split
from tests.helpers.mesh_files import (
    TRIANGLES,
    VERTICES,
    convert,
    shapes,
    write_folder,
    write_obj,
    write_ply,
    write_stl,
)

PEOPLE = ("FaceTalk_170725_00137_TA", "FaceTalk_170728_03272_TA", "FaceTalk_170731_00024_TA")
EXPRESSIONS = ("bareteeth", "mouth_open")


@pytest.fixture
def coma(tmp_path: Path) -> Path:
    """Meshes as CoMA lays them out: the same file names in every folder."""
    faces = iter(shapes(12))
    for person in PEOPLE:
        for expression in EXPRESSIONS:
            folder = tmp_path / "coma" / person / expression
            folder.mkdir(parents=True)
            for number in (1, 2):
                write_ply(folder / f"{expression}.{number:06d}.ply", next(faces), TRIANGLES)
    (tmp_path / "coma" / "README.txt").write_text("not a mesh")
    (tmp_path / "coma" / ".git" / "x").mkdir(parents=True)
    write_obj(tmp_path / "coma" / ".git" / "x" / "a.obj", VERTICES)
    return tmp_path / "coma"


# --- folders ----------------------------------------------------------------------------------


def test_folders_of_folders_are_subjects_and_expressions(
    coma: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = convert(coma, tmp_path / "out")
    assert list(data.faces["id"])[:3] == [
        f"{PEOPLE[0]}/bareteeth/bareteeth.000001",
        f"{PEOPLE[0]}/bareteeth/bareteeth.000002",
        f"{PEOPLE[0]}/mouth_open/mouth_open.000001",
    ]
    assert list(data.faces["subject"]) == [person for person in PEOPLE for _ in range(4)]
    assert list(data.faces["expression"])[1:3] == ["bareteeth", "mouth_open"]
    np.testing.assert_allclose(data.vertices, shapes(12), atol=1e-4)
    assert data.info["folders"] == "subject/expression"
    assert (data.faces.groupby("subject")["split"].nunique() == 1).all()
    (note,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "12 meshes in 6 folders" in note.getMessage()
    assert f"'{PEOPLE[0]}' for the subject and 'bareteeth' for the exp" in note.getMessage()


def test_one_level_of_folders_is_said_to_be_subjects(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for person in "abc":
        write_folder(tmp_path / "in" / person, 2)
    data = convert(tmp_path / "in", tmp_path / "out")
    assert list(data.faces["subject"]) == ["a", "a", "b", "b", "c", "c"]
    assert list(data.faces["expression"].fillna("")) == [""] * 6
    (note,) = caplog.messages
    assert "'a' for the subject (data.meshes.folders tells otherwise)" in note
    caplog.clear()
    data = convert(tmp_path / "in", tmp_path / "again", folders="expression")
    assert list(data.faces["expression"]) == ["a", "a", "b", "b", "c", "c"]
    assert data.faces["subject"].nunique() == 6
    assert caplog.messages == []


def test_deeper_folders_are_read_when_they_are_told(coma: Path, tmp_path: Path) -> None:
    (tmp_path / "above" / "x").mkdir(parents=True)
    coma.rename(tmp_path / "above" / "x" / "data")
    with pytest.raises(LwpipeError, match=r"holds no mesh .*, nor do the folders below it"):
        find(tmp_path / "above")
    data = convert(tmp_path / "above", tmp_path / "out", folders="-/-/subject/expression")
    assert data.faces["subject"].nunique() == 3
    with pytest.raises(LwpipeError, match=r"holds no mesh 1 folders below, as data.meshes.folder"):
        find(tmp_path / "above", "subject")


def test_meshes_at_two_depths_are_not_guessed(coma: Path, tmp_path: Path) -> None:
    write_ply(coma / PEOPLE[0] / "template.ply", VERTICES, TRIANGLES)
    with pytest.raises(LwpipeError, match="1 meshes in its folders and 12 one folder below; set"):
        convert(coma, tmp_path / "out")
    assert len(convert(coma, tmp_path / "out", folders="subject/expression").vertices) == 12


def test_some_faces_of_folders_are_of_all_people(coma: Path, tmp_path: Path) -> None:
    data = convert(coma, tmp_path / "out", faces=6)
    assert list(data.faces["subject"].value_counts()) == [2, 2, 2]
    source = Meshes(MeshesSettings(path=str(coma)), 6, 0)
    assert len(source.inputs()) == 6
    assert {file.parts[-3] for file in source.inputs()} == set(PEOPLE)


def test_inputs_are_the_meshes_that_are_read(coma: Path) -> None:
    source = Meshes(MeshesSettings(path=str(coma)), None, 0)
    assert [file.name for file in source.inputs()][:2] == [
        "bareteeth.000001.ply", "bareteeth.000002.ply",
    ]  # fmt: skip
    assert len(source.inputs()) == 12
    assert source.size().faces == 12
    assert "12 meshes; 12 meshes in 6 folders of" in source.check()


@pytest.mark.parametrize(
    "folders", ["", "person", "subject/subject", "subject/", "-/-/-/-/subject"]
)
def test_other_words_for_folders_are_refused(folders: str) -> None:
    with pytest.raises(ValueError, match="expected up to 4 of subject, expression, - with /"):
        MeshesSettings(folders=folders)


@pytest.mark.parametrize("name", ["line\nend", "bell\a"])
def test_a_folder_whose_name_cannot_be_told(name: str, tmp_path: Path) -> None:
    write_folder(tmp_path / "in" / name, 2)
    with pytest.raises(LwpipeError, match="control characters") as caught:
        find(tmp_path / "in")
    assert str(caught.value).isprintable()


def test_a_relative_path_is_told_with_where_it_was_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LwpipeError, match=rf"nowhere \(in {tmp_path}\) does not exist"):
        find("nowhere")
    with pytest.raises(LwpipeError, match=rf"a\.csv \(in {tmp_path}\) cannot be read"):
        read_table("a.csv", [])


# --- splits -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("by", "whole"), [("subject", "subject"), ("expression", "expression")])
def test_what_is_held_out_is_held_out_whole(
    by: str, whole: str, coma: Path, tmp_path: Path
) -> None:
    data = convert(coma, tmp_path / "out", split_by=by)
    assert (data.faces.groupby(whole)["split"].nunique() == 1).all()
    assert set(data.faces["split"]) == {"train", "test"}
    assert data.info["split"] == f"drawn by seed, whole {by}s"


def test_faces_are_drawn_one_by_one_where_asked(coma: Path, tmp_path: Path) -> None:
    data = convert(coma, tmp_path / "out", split_by="face", test_fraction=0.5)
    assert list(data.faces["split"]) == draw_split([str(i) for i in range(12)], 0.5, 0)
    assert (data.faces.groupby("subject")["split"].nunique() == 2).any()
    only = convert(coma / PEOPLE[0] / "bareteeth", tmp_path / "one", split_by="face")
    assert len(only.vertices) == 2


# --- the same face twice ----------------------------------------------------------------------


def test_one_face_in_two_formats_is_a_fault(tmp_path: Path) -> None:
    write_folder(tmp_path / "in", 4)
    write_folder(tmp_path / "in", 4, "ply")
    fault = r"holds both face_000\.obj and face_000\.ply \(4 such names\)"
    with pytest.raises(LwpipeError, match=fault):
        convert(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["FACE_002.ply", "Face_002.Obj", "face_002.PLY"])
def test_other_case_is_the_same_name(name: str, tmp_path: Path) -> None:
    write_folder(tmp_path / "in", 4)
    write = write_ply if name.lower().endswith("ply") else write_obj
    write(tmp_path / "in" / name, VERTICES, TRIANGLES)
    with pytest.raises(LwpipeError, match=rf"holds both .*{name}"):
        convert(tmp_path / "in", tmp_path / "out")


def test_names_with_dots_are_others(tmp_path: Path) -> None:
    for name in ("a.obj", "a.ply.obj", "a.1.obj", "a.2.ply"):
        write = write_obj if name.endswith("obj") else write_ply
        (tmp_path / "in").mkdir(exist_ok=True)
        write(tmp_path / "in" / name, VERTICES, TRIANGLES)
    data = convert(tmp_path / "in", tmp_path / "out")
    assert list(data.faces["id"]) == ["a.1", "a.2", "a", "a.ply"]


# --- the table --------------------------------------------------------------------------------


def table(path: Path, rows: list[list[str]]) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return str(path)


def test_a_table_finds_files_by_names_that_leave_no_doubt(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "Müller.obj")
    files = [decomposed, "b.obj", "s1/c.ply", "d.obj"]
    path = tmp_path / "t.csv"
    rows = [["file", "subject"], ["Müller.obj", "1"], ["", ""], [" B.OBJ", "2"], ["   "]]
    found = read_table(table(path, [*rows, ["S1\\c.ply", "3"], ["D", "4"]]), files)
    assert found.subject == dict(zip(files, "1234", strict=True))


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("face_01.obj", "not among the meshes; the nearest is 'face_1.obj'"),
        ("face", "not among the meshes"),
        # Two files have this name without its suffix, and two in other case.
        ("twin", "line 2 names 'twin', which is not"),
        ("A.OBJ", "line 2 names 'A.OBJ', which is not"),
    ],
)
def test_a_table_does_not_guess(name: str, fault: str, tmp_path: Path) -> None:
    files = ["face_1.obj", "twin.obj", "twin.ply", "a.obj", "A.obj"]
    with pytest.raises(LwpipeError, match=fault):
        read_table(table(tmp_path / "t.csv", [["file", "split"], [name, "train"]]), files)


def test_a_table_names_files_of_folders(coma: Path, tmp_path: Path) -> None:
    rows = [[find(coma).name(file), "test" if "03272" in str(file) else "train"]
            for file in find(coma).meshes]  # fmt: skip
    path = table(tmp_path / "t.csv", [["file", "split"], *rows])
    data = convert(coma, tmp_path / "out", table=path)
    assert set(data.faces["subject"][data.faces["split"] == "test"]) == {PEOPLE[1]}


# --- arrays -----------------------------------------------------------------------------------


def test_two_arrays_are_the_two_splits(tmp_path: Path) -> None:
    faces = shapes(7).astype(np.float32)
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in" / "train.npy", faces[:5])
    np.save(tmp_path / "in" / "test.npy", faces[5:])
    write_obj(tmp_path / "in" / "template.obj", VERTICES)
    data = convert(tmp_path / "in", tmp_path / "out")
    np.testing.assert_allclose(data.vertices, faces, atol=1e-4)
    assert list(data.faces["split"]) == ["train"] * 5 + ["test"] * 2
    assert list(data.faces["id"])[4:] == ["train_00004", "test_00000", "test_00001"]
    assert data.info["split"] == "from the names of the arrays"
    some = convert(tmp_path / "in", tmp_path / "some", faces=4)
    assert list(some.faces["split"]) == ["train"] * 3 + ["test"]
    source = Meshes(MeshesSettings(path=str(tmp_path / "in")), None, 0)
    assert [file.name for file in source.inputs()] == ["template.obj", "test.npy", "train.npy"]
    assert (source.size().faces, source.size().vertices) == (7, 25)
    np.save(tmp_path / "in" / "val.npy", faces)
    with pytest.raises(LwpipeError, match=r"holds several arrays; .* or call them train\.npy and"):
        convert(tmp_path / "in", tmp_path / "more")


def test_flat_faces_are_told_how_to_be_reshaped(tmp_path: Path) -> None:
    np.save(tmp_path / "faces.npy", shapes(4).reshape(4, 75))
    write_obj(tmp_path / "template.obj", VERTICES)
    with pytest.raises(LwpipeError, match=r"\(4, 75\), a row a face; reshape them to \(4, 25, 3\)"):
        convert(tmp_path / "faces.npy", tmp_path / "out")


# --- what else is told ------------------------------------------------------------------------


def test_an_stl_that_does_not_fit_says_why(tmp_path: Path) -> None:
    faces = write_folder(tmp_path / "in", 4, "stl")
    faces[2, 7] = faces[2, 8]
    write_stl(tmp_path / "in" / "face_002.stl", faces[2])
    with pytest.raises(LwpipeError, match=r"keeps no vertex numbers, .* joined: export OBJ or PLY"):
        convert(tmp_path / "in", tmp_path / "out")


def test_z_up_files_are_turned(tmp_path: Path) -> None:
    faces = write_folder(tmp_path / "in", 4)
    data = convert(tmp_path / "in", tmp_path / "out", up="z")
    x, y, z = faces.transpose(2, 0, 1)
    np.testing.assert_allclose(data.vertices, np.stack([x, z, -y], axis=2), atol=1e-4)
    assert data.info["up_in_files"] == "z"


def test_a_folder_of_meshes_is_judged_at_once(
    coma: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(coma)]) == 0
    text = capsys.readouterr().out
    for words in (
        "folder of meshes", "12 .ply", "12 faces", "subjects               3",
        "25 vertices, 32 triangles", "12 meshes", "mm", "reads all of them",
    ):  # fmt: skip
        assert words in text
    bad = coma / PEOPLE[1] / "bareteeth"
    (bad / "bareteeth.000001.ply").write_text("")
    write_ply(bad / "bareteeth.000002.ply", VERTICES[:24], TRIANGLES[:4])
    assert main(["inspect", str(coma)]) == 0
    text = capsys.readouterr().out
    assert "refuses 2:" in text
    assert "bareteeth.000001.ply: is empty." in text
    assert "has 24 vertices, most meshes here have 25." in text
    write_folder(tmp_path / "in", 3)
    write_folder(tmp_path / "in", 3, "ply")
    assert main(["inspect", str(tmp_path / "in")]) == 0
    assert "holds both face_000.obj and face_000.ply" in capsys.readouterr().out
    os.mkdir(tmp_path / "nothing")
    assert main(["inspect", str(tmp_path / "nothing")]) == 1
