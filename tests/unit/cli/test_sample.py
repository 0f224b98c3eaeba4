"""The command `sample`: whole faces, a part given the rest, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from lwpipe.cli.main import main
from lwpipe.data.store import DatasetWriter
from lwpipe.mesh.ply_file import read_ply, write_ply
from lwpipe.model import save_model
from lwpipe.sampling import fit_prior, sample, save_prior
from tests.unit.editing.test_keeping import MODEL, WEIGHTS
from tests.unit.sampling.test_draw import FACE, FACES, PRIOR, ROWS

OF_PART = ["--part", "1", "--face", "face.ply"]


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    save_model(MODEL, tmp_path / "training", {"epochs": 1})
    save_prior(tmp_path / "sampling" / "prior.npz", PRIOR)
    write_ply(tmp_path / "face.ply", FACE, MODEL.triangles)
    return ["sample", "training", "--output", "out", "--seed", "3"]


def drawn(words: list[str], *more: str) -> np.ndarray:
    assert main([*words, *more]) == 0
    files = sorted(Path("out").glob("*.ply"))
    return np.stack([read_ply(file)[0].astype(np.float32) for file in files])


def test_whole_faces_are_those_of_the_library(words: list[str]) -> None:
    faces = drawn(words, "--count", "3", "--temperature", "0.5")
    np.testing.assert_allclose(faces, sample(MODEL, PRIOR, 3, 3, 0.5), atol=1e-4)


def test_a_part_is_drawn_and_the_rest_kept(words: list[str]) -> None:
    faces = drawn(words, "--count", "2", *OF_PART)
    outside = WEIGHTS[:, 1] == 0
    assert (faces[:, outside] == FACE[outside]).all()
    assert np.abs(faces[0] - faces[1]).max() > 0.1
    followed = drawn(words, "--count", "2", *OF_PART, "--keep", "0", "--harmony", "1")
    assert np.abs(followed[:, outside] - FACE[outside]).max() > 0.01


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--count", "0"], "--count 0: must lie between 1 and"),
        (["--seed", "-1"], "--seed -1: must be at least 0"),
        (["--temperature", "nan"], "--temperature nan: must be at least 0"),
        (["--keep", "2"], "--keep 2.0: must lie between 0 and 1"),
        (["--part", "1"], "--part and --face: a part is drawn of a face"),
        (["--part", "7", "--face", "face.ply"], "--part 7: the model has the parts 0 to 2"),
        (["--part", "1", "--face", "none.ply"], "none.ply"),
        (["--prior", "none.npz"], "none.npz: does not exist"),
    ],
)
def test_what_cannot_be_drawn_is_a_sentence(
    more: list[str], said: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, *more]) == 1
    assert said in capsys.readouterr().err
    assert not Path("out").exists()


def test_a_run_and_an_id_are_taken(words: list[str]) -> None:
    """The folder of a run leads to model, prior and data, as for `lwpipe edit` and the studio."""
    with DatasetWriter(Path("run/data"), len(FACES), MODEL.triangles, MODEL.vertex_count) as writer:
        writer[:] = FACES
        rows = [
            {"id": f"face_{i}", "split": "train", "subject": i, "source": "bump"}
            for i in range(len(FACES))
        ]
        writer.close(rows, {"source": "bump", "licence": "none", "seed": 3, "alignment": None})
    root = Path("run/variants/on_pca")
    shutil.copytree("training", root / "training")
    shutil.copytree("sampling", root / "sampling")
    known = drawn(words, "--count", "2", "--part", "1", "--face", "face.ply")
    write_ply("face.ply", FACES[0], MODEL.triangles)
    expected = drawn(words, "--part", "1", "--face", "face.ply", "--count", "2")
    words[1] = "run"
    by_id = drawn(words, "--count", "2", "--part", "1", "--face", "face_0")
    np.testing.assert_array_equal(by_id, expected)
    assert known.shape == by_id.shape
    assert np.isfinite(drawn(words, "--part", "1", "--face", "random:4")).all()
    # Drawn by the editor, and by `lwpipe edit`.
    edited = ["edit", "run", "--source", "face_0", "--part", "1=given-rest:3", "--output", "e.ply"]
    assert main(edited) == 0
    one = drawn(words, "--part", "1", "--face", "face_0")[0]
    np.testing.assert_allclose(read_ply("e.ply")[0], one, atol=1e-4)
    # Without the file of a prior one is fitted to the training faces.
    shutil.rmtree(root / "sampling")
    fitted = drawn(words, "--temperature", "0.5")[0]
    np.testing.assert_allclose(
        fitted, sample(MODEL, fit_prior(MODEL, FACES, ROWS), 1, 3, 0.5)[0], atol=1e-4
    )


def test_without_a_prior_it_says_how_to_make_one(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("sampling/prior.npz").unlink()
    assert main(words) == 1
    assert "lwpipe sampling --only fit_prior" in capsys.readouterr().err
