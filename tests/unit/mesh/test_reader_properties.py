"""Properties of the readers: what is written comes back, and damage is always told of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lwpipe.mesh.read import read_mesh
from tests.helpers.mesh_files import ORDERED, WRITERS
from tests.robust.fuzz.targets import SEEDS, TARGETS, run

SEED_FILES = sorted(path for path in SEEDS.glob("*/*") if path.is_file())
# Examples are drawn by a fixed seed: the suite finds the same today and tomorrow.
FIXED = settings(
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@st.composite
def meshes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Return single-precision vertices, not all in one point, and triangles."""
    count = draw(st.integers(3, 12))
    numbers = st.floats(-1e6, 1e6, width=32)
    vertices = draw(arrays(np.float32, (count, 3), elements=numbers)).astype(np.float64)
    assume(np.ptp(vertices, axis=0).max() > 1e-3)
    corners = st.integers(0, count - 1)
    triangles = draw(arrays(np.int64, st.tuples(st.integers(1, 9), st.just(3)), elements=corners))
    return vertices, triangles


@pytest.mark.parametrize("kind", WRITERS)
@FIXED
@given(mesh=meshes())
def test_every_format_gives_back_what_was_written(
    kind: str, mesh: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    vertices, triangles = mesh
    corners = vertices[triangles]
    # Of an STL only the corners are left; they must not be in one point either.
    assume(np.ptp(corners.reshape(-1, 3), axis=0).max() > 1e-3)
    suffix, write = WRITERS[kind]
    write(tmp_path / f"a{suffix}", vertices, triangles)
    read_vertices, read_triangles = read_mesh(tmp_path / f"a{suffix}")
    np.testing.assert_allclose(read_vertices[read_triangles], corners, rtol=1e-6, atol=1e-6)
    if kind in ORDERED:
        np.testing.assert_allclose(read_vertices, vertices, rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(read_triangles, triangles)


@st.composite
def damage(draw: st.DrawFn, content: bytes, words: tuple[bytes, ...]) -> bytes:
    """Change, insert, take out or repeat bytes at a few places."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(changed)))
        length = draw(st.integers(0, 8))
        piece = draw(st.one_of(st.binary(max_size=8), st.sampled_from([b"-1", *words])))
        match draw(st.sampled_from(["change", "insert", "cut", "repeat", "end"])):
            case "change":
                changed[start : start + len(piece)] = piece
            case "insert":
                changed[start:start] = piece
            case "cut":
                del changed[start : start + length]
            case "repeat":
                changed[start:start] = changed[start : start + 40 * length]
            case "end":
                del changed[start:]
    return bytes(changed)


@pytest.mark.parametrize("name", TARGETS)
@FIXED
@given(data=st.data())
def test_damage_is_one_sentence_or_harmless(name: str, data: st.DataObject) -> None:
    target = TARGETS[name]
    content = data.draw(st.sampled_from(target.examples()))
    run(name, data.draw(damage(content, target.words)))


@pytest.mark.parametrize("name", TARGETS)
def test_undamaged_examples_are_read(name: str) -> None:
    assert all(run(name, content) for content in TARGETS[name].examples())


@pytest.mark.parametrize("path", SEED_FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_inputs_that_fuzzing_has_found(path: Path) -> None:
    run(path.parent.name, path.read_bytes())


def test_there_are_inputs_that_fuzzing_has_found() -> None:
    assert {path.parent.name for path in SEED_FILES} <= set(TARGETS)
    assert len(SEED_FILES) >= 4


def test_a_defect_is_not_taken_for_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(content: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(TARGETS, "obj", TARGETS["obj"].__class__(defect, list))
    with pytest.raises(ZeroDivisionError):
        run("obj", b"")


def test_fuzzing_without_atheris_is_one_sentence(tmp_path: Path) -> None:
    # A module of that name that cannot be found: the tests run where it is not installed.
    code = (
        "import sys; sys.modules['atheris'] = None; "
        "import runpy; runpy.run_module('tests.robust.fuzz')"
    )
    root = Path(__file__).parents[3]
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            code.replace("'tests.robust.fuzz'", "'tests.robust.fuzz', run_name='__main__'"),
        ],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("python -m tests.robust.fuzz: error: needs the package atheris")
    assert ended.stderr.count("\n") == 1
