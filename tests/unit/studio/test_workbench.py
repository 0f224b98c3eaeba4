"""What the page does, without the page, and a hundred faults that leave the session as it was."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lwpipe.core.errors import LwpipeError
from lwpipe.editor import Editor, Session
from lwpipe.export.surface import vertex_normals
from lwpipe.mesh.read import parse_mesh
from lwpipe.studio import workbench as workbench_module
from lwpipe.studio.files import FORMATS, glb, obj, ply, stl
from lwpipe.studio.history import History
from lwpipe.studio.looks import CLAY, change_colors, color_bar, part_colors
from lwpipe.studio.pictures import png, strip_of_steps
from lwpipe.studio.scene import hit
from lwpipe.studio.workbench import Workbench
from tests.helpers.studio_run import MOUTH, NOSE
from tests.unit.editor.test_editor import BAD_MEASURES, BAD_SESSIONS


@pytest.fixture
def bench(editor: Editor, tmp_path: Path) -> Workbench:
    return Workbench(editor, tmp_path / "studio/session.json")


def test_undo_and_redo_have_no_end(bench: Workbench) -> None:
    faces = [bench.face]
    for number in range(60):
        bench.take(NOSE, f"face_{1 + number % 7:02d}", 0.5 + 0.005 * number)
        faces.append(bench.face)
    for face in reversed(faces):
        assert bench.face.tobytes() == face.tobytes()
        bench.undo()
    bench.undo()
    assert bench.history.place == 0
    for face in faces[1:]:
        bench.redo()
        assert bench.face.tobytes() == face.tobytes()
    bench.go(10)
    bench.take(MOUTH, "face_01", 1.0)
    assert len(bench.history.steps) == 12


def test_a_dial_that_moves_is_one_step() -> None:
    history = History(Session())
    for alpha in (0.1, 0.2, 0.3):
        history.add("part 0", Session(keep=alpha), "alpha 0")
    history.add("part 1", Session(), "alpha 1")
    assert [step.label for step in history.steps] == ["start", "part 0", "part 1"]
    history.go(0)
    history.add("part 1", Session(), "alpha 1")
    assert len(history.steps) == 2


def test_what_is_locked_is_not_taken(bench: Workbench, editor: Editor) -> None:
    bench.lock(MOUTH, True)
    bench.take_all("face_05")
    assert set(bench.session.parts) == set(range(4)) - {MOUTH}
    whole = editor.weights[:, MOUTH] == 1
    assert whole.any()
    np.testing.assert_array_equal(bench.face[whole], bench.source[whole])
    with pytest.raises(LwpipeError, match=f"part {MOUTH}: is locked"):
        bench.take(MOUTH, "face_05", 1.0)
    bench.lock(MOUTH, False)
    bench.give_back()
    assert bench.face.tobytes() == bench.source.tobytes()


def test_the_session_is_kept_and_opened(bench: Workbench, editor: Editor) -> None:
    own = bench.upload("scan.ply", ply(editor.face("face_09"), editor.triangles))
    bench.take(NOSE, "random:3", 0.7)
    vertex = int(editor.weights[:, NOSE].argmax())
    bench.pull(vertex, bench.face[vertex] + [0, 2, 1])
    bench.pin(int(editor.weights[:, MOUTH].argmax()))
    bench.measure("mouth width", 52.0)
    bench.save()
    again = Workbench(editor, bench.autosave)
    assert again.said == ""
    assert again.face.tobytes() == bench.face.tobytes()
    assert again.session.source == own == "scan.ply"
    bench.save()
    other = Workbench(editor)
    other.open_session("mine.json", bench.session_file())
    assert other.face.tobytes() == bench.face.tobytes()


def test_a_damaged_autosave_is_told_and_laid_aside(editor: Editor, tmp_path: Path) -> None:
    file = tmp_path / "session.json"
    file.write_text("{")
    bench = Workbench(editor, file)
    aside = tmp_path / "session.before.json"
    assert bench.said.startswith(f"{aside}: the session of before is not opened")
    assert bench.session.source == "face_00"
    bench.save()
    assert aside.read_text() == "{"
    assert Workbench(editor, file).said == ""


def test_the_result_can_be_gone_on_from(bench: Workbench) -> None:
    bench.take(NOSE, "face_03", 1.0)
    face = bench.face
    assert bench.keep_result() == "result 1"
    assert bench.face.tobytes() == bench.source.tobytes() == face.tobytes()
    bench.take(MOUTH, "face_04", 1.0)
    assert bench.keep_result() == "result 2"


def test_two_threads_leave_a_whole_session(bench: Workbench) -> None:
    def work(part: int) -> None:
        for number in range(25):
            bench.take(part, f"face_{number % 9:02d}", 1.0)

    threads = [threading.Thread(target=work, args=(part,)) for part in (NOSE, MOUTH)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bench.history.steps) == 51
    assert bench.face.tobytes() == bench.editor.vertices(bench.session).tobytes()


@pytest.mark.parametrize("kind", FORMATS)
def test_exports_are_read_back(kind: str, bench: Workbench, editor: Editor) -> None:
    bench.take(NOSE, "face_03", 1.0)
    vertices, triangles = parse_mesh(bench.export(kind), f".{kind}")
    if kind == "stl":
        corners = vertices[triangles]
        np.testing.assert_array_equal(corners, bench.face[editor.triangles])
        return
    scale = 1000 if kind == "glb" else 1
    np.testing.assert_allclose(scale * vertices, bench.face, rtol=3e-7, atol=1e-6)
    np.testing.assert_array_equal(triangles, editor.triangles)
    if kind != "glb":
        np.testing.assert_array_equal(vertices.astype(np.float32), bench.face)


def test_a_second_opinion_on_the_glb(bench: Workbench, editor: Editor) -> None:
    import io

    import trimesh

    colors = part_colors(editor.weights)
    content = glb(bench.face, editor.triangles, colors)
    (mesh,) = trimesh.load(io.BytesIO(content), file_type="glb", process=False).geometry.values()
    np.testing.assert_allclose(mesh.vertices * 1000, bench.face, atol=1e-4)
    np.testing.assert_array_equal(mesh.faces, editor.triangles)
    np.testing.assert_allclose(
        mesh.vertex_normals, vertex_normals(bench.face, editor.triangles), atol=1e-5
    )
    assert mesh.visual.vertex_attributes["color"].shape == (len(bench.face), 4)


def test_normals_look_away_from_a_ball() -> None:
    import trimesh

    ball = trimesh.creation.icosphere(3)
    found = vertex_normals(np.asarray(ball.vertices, np.float32), np.asarray(ball.faces))
    np.testing.assert_allclose(found, ball.vertices, atol=0.02)
    assert obj(np.zeros((1, 3), np.float32), np.zeros((0, 3), np.int64)).endswith(b"v 0 0 0\n")
    assert len(stl(np.asarray(ball.vertices, np.float32), np.asarray(ball.faces))) == 84 + 50 * 1280


def test_looks(bench: Workbench, editor: Editor) -> None:
    bench.take(NOSE, "face_03", 1.0)
    colors, end = change_colors(bench.face, bench.source)
    moved = np.linalg.norm(bench.face - bench.source, axis=1)
    assert end == pytest.approx(moved.max())
    assert tuple(colors[moved == 0][0]) == (255, 255, 204)
    assert colors[moved.argmax()].sum() < 250
    one = part_colors(editor.weights, NOSE)
    assert tuple(one[editor.weights[:, NOSE] == 0][0]) == CLAY
    assert np.ptp(color_bar(3.0)) > 100


def test_a_ray_meets_the_face_at_the_front(bench: Workbench, editor: Editor) -> None:
    tip = int(bench.face[:, 2].argmax())
    origin = bench.face[tip] + np.array([0.0, 0.0, 300.0])
    toward = np.array([0.0, 0.0, -1.0])
    assert hit(bench.face, editor.triangles, origin, toward) == tip
    assert hit(bench.face, editor.triangles, origin, -toward) is None
    assert hit(bench.face, editor.triangles, origin + 900 * toward[::-1], toward) is None


def test_the_strip_goes_from_the_source_to_the_result(bench: Workbench, editor: Editor) -> None:
    bench.take(NOSE, "face_03", 1.0)
    bench.measure("mouth width", 50.0)
    strip = strip_of_steps(editor, bench.session)
    tiles = np.split(strip.astype(int), 7, axis=1)
    change = [np.abs(tile - tiles[0]).mean() for tile in tiles]
    assert change == sorted(change)
    assert change[-1] > 0.3
    assert png(strip).startswith(b"\x89PNG")


def test_own_faces_and_uploads_are_bounded(
    bench: Workbench, editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbench_module, "MAX_OWN_FACES", 2)
    content = ply(editor.mean, editor.triangles)
    names = [bench.upload("a.ply", content) for _ in range(2)]
    assert names == ["a.ply", "a.ply (2)"]
    with pytest.raises(LwpipeError, match="has 2 own faces already"):
        bench.upload("a.ply", content)
    monkeypatch.setattr(workbench_module, "MAX_UPLOAD", 100)
    with pytest.raises(LwpipeError, match="more than"):
        bench.upload("a.ply", content)


def bad_uploads(editor: Editor) -> list[tuple[str, bytes]]:
    """Meshes that are cut, spoiled, of another kind or of other vertices."""
    good = {kind: make(editor.mean, editor.triangles) for kind, make in FORMATS.items()}
    found = [("face", b"x"), ("", b""), ("a.pkl", b"\x80\x04."), ("../../x.npy", b"\x93NUMPY")]
    for kind, content in good.items():
        found += [(f"cut.{kind}", content[: len(content) * share // 5]) for share in range(5)]
        found += [
            (f"noise.{kind}", np.random.default_rng(5).bytes(999)),
            (f"nul.{kind}", b"\0" * 99),
        ]
    small = {k: make(editor.mean[:9], editor.triangles[:0] + 0) for k, make in FORMATS.items()}
    found += [(f"small.{kind}", content) for kind, content in small.items()]
    lines = good["obj"].split(b"\n")
    for number, text in enumerate((b"v nan 0 0", b"v 1e30 0 0", b"v a b c", b"v", b"f 1 2 999999")):
        found.append((f"line {number}.obj", b"\n".join([lines[0], text, *lines[2:]])))
    found.append(("a\nb\x00.obj", b"v"))
    return found


def test_bad_uploads_are_a_sentence_and_the_session_stays(bench: Workbench, editor: Editor) -> None:
    bench.take(NOSE, "face_03", 0.5)
    cases = bad_uploads(editor)
    assert len(cases) > 35
    for name, content in cases:
        check(bench, lambda name=name, content=content: bench.upload(name, content), name)


def bad_sessions(bench: Workbench, editor: Editor) -> list[bytes]:
    """Sessions that are cut, spoiled, or of what is not there."""
    good = editor.session(bench.session)
    cases = [
        json.dumps(good | change if isinstance(change, dict) else change).encode()
        for change, _ in BAD_SESSIONS
    ]
    text = bench.session_file()
    cases += [text[: len(text) * share // 8] for share in range(8)]
    cases += [b"", b"\xff\xfe", b"null", b"[" * 100_000, b"1" * 5000, b"\x80\x04.", b'"x"']
    for name in ("nobody", "a.ply", "random:x", "random:-1", "given-rest:1@99", "\n", "x" * 999):
        parts = {"0": {"target": name, "alpha": 1}}
        cases.append(json.dumps(good | {"parts": parts}).encode())
    return cases


def test_bad_sessions_are_a_sentence_and_the_session_stays(
    bench: Workbench, editor: Editor
) -> None:
    bench.take(NOSE, "face_03", 0.5)
    cases = bad_sessions(bench, editor)
    assert len(cases) > 45
    for number, content in enumerate(cases):
        check(bench, lambda content=content: bench.open_session("a.json", content), number)


def test_bad_measures_are_a_sentence(editor: Editor, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    for text in BAD_MEASURES:
        file.write_text(text)
        with pytest.raises(LwpipeError) as raised:
            Editor(editor.model, editor.data, file)
        assert str(raised.value).count("\n") == 0


def check(bench: Workbench, act: object, case: object) -> None:
    """Let something fail, and see that it says one sentence and changes nothing."""
    steps, session, face = len(bench.history.steps), bench.session, bench.face
    with pytest.raises(LwpipeError) as raised:
        act()
    said = str(raised.value)
    assert 10 < len(said) < 300, (case, said)
    assert said.isprintable(), (case, said)
    assert said.endswith("."), (case, said)
    assert (len(bench.history.steps), bench.session) == (steps, session)
    assert bench.face is face


def test_what_cannot_be_shown_is_not_a_step(
    bench: Workbench, editor: Editor, tmp_path: Path
) -> None:
    (tmp_path / "mean.ply").write_bytes(ply(editor.mean, editor.triangles))
    steps = len(bench.history.steps)
    for name in ("nobody", str(tmp_path / "mean.ply"), "random:-1"):
        with pytest.raises(LwpipeError, match="is no face that is known here"):
            bench.take(0, name, 1.0)
    for alpha in (11.0, float("nan"), float("-inf")):
        with pytest.raises(LwpipeError, match=r"alpha .* is beyond 10"):
            bench.take(0, "mean", alpha)
    with pytest.raises(LwpipeError, match="is no length"):
        bench.measure("mouth width", -3.0)
    with pytest.raises(LwpipeError, match="the model has the parts"):
        bench.apply("x", lambda session: replace(session, parts={9: ("mean", 1.0)}))
    assert len(bench.history.steps) == steps
