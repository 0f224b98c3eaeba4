"""The command `edit`: what is kept, the dials, and the edit of the paper."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lwpipe.cli.main import main
from lwpipe.editing import blend_part
from lwpipe.mesh.ply_file import read_ply, write_ply
from lwpipe.model import load, save_model
from tests.unit.editing.test_keeping import MODEL, SOURCES, TARGETS, WEIGHTS


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    save_model(MODEL, tmp_path / "model", {"epochs": 1})
    for name, face in (("source", SOURCES[1]), ("target", TARGETS[1])):
        write_ply(tmp_path / f"{name}.ply", face, MODEL.triangles)
    names = ["--source", "source.ply", "--target", "target.ply", "--output", "out.ply"]
    return ["edit", "model", *names, "--part", "1"]


def edited(words: list[str], *more: str) -> np.ndarray:
    assert main([*words, *more]) == 0
    return read_ply("out.ply")[0].astype(np.float32)


def test_what_lies_outside_the_part_is_kept(words: list[str]) -> None:
    face = edited(words)
    outside = WEIGHTS[:, 1] == 0
    np.testing.assert_array_equal(face[outside], SOURCES[1][outside])
    assert np.abs(face - SOURCES[1]).max() > 1
    np.testing.assert_array_equal(edited(words, "--alpha", "0"), SOURCES[1])


def test_the_dials_let_the_rest_follow(words: list[str]) -> None:
    outside = WEIGHTS[:, 1] == 0
    face = edited(words, "--keep", "0", "--harmony", "1")
    assert np.abs(face - SOURCES[1])[outside].max() > 0.1


def test_plain_is_the_edit_of_the_paper(words: list[str]) -> None:
    model = load("model")
    source, target = (model.parts(model.encode(face[1:2])) for face in (SOURCES, TARGETS))
    expected = model.decode(blend_part(source, target, 1, 1.0))[0]
    np.testing.assert_allclose(edited(words, "--plain"), expected, atol=1e-4)


@pytest.mark.parametrize("dial", ["--keep", "--harmony"])
@pytest.mark.parametrize("value", ["-0.1", "1.5", "nan"])
def test_dials_go_from_0_to_1(
    dial: str, value: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, dial, value]) == 1
    assert f"{dial} {value}: must lie between 0 and 1." in capsys.readouterr().err
    assert not Path("out.ply").exists()
