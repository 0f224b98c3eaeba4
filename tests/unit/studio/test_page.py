"""The page without a browser: its queue, and widgets that follow the session."""

from __future__ import annotations

import asyncio
import io
import logging
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from viser import _messages

from lwpipe.core.errors import LwpipeError
from lwpipe.data.sources.synthetic.grid import make_grid
from lwpipe.editor import Editor
from lwpipe.studio.looks import part_titles
from lwpipe.studio.patch import cut_out
from lwpipe.studio.scene import UNIT
from lwpipe.studio.studio import Studio
from tests.helpers.studio_run import MOUTH, NOSE
from tests.unit.studio.test_workbench import bad_sessions, bad_uploads


@pytest.fixture(scope="module")
def studio(editor: Editor) -> Iterator[Studio]:
    with Studio(editor, port=18300) as opened:
        yield opened


def test_of_a_dial_that_moves_the_last_place_is_worked_on(studio: Studio) -> None:
    done, gate = [], threading.Event()
    studio.page.later("first", lambda: gate.wait(10))
    for number in range(9):
        studio.page.later("dial", lambda number=number: done.append(number))
    studio.page.later("other", lambda: done.append("other"))
    gate.set()
    assert studio.page.wait()
    assert done == [8, "other"]


def test_faults_and_defects_do_not_stop_the_work(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[tuple[str, int | None]] = []
    monkeypatch.setattr(studio.page, "say", lambda text, client=None: said.append((text, client)))

    def fault() -> None:
        raise LwpipeError("face.ply: is empty.")

    def defect() -> None:
        raise ZeroDivisionError

    with caplog.at_level(logging.CRITICAL, "lwpipe.studio.page"):
        studio.page.later("fault", fault, 3)
        studio.page.later("defect", defect, 4)
        studio.page.later("fine", lambda: said.append(("fine", None)))
        assert studio.page.wait()
    assert said[0] == ("face.ply: is empty.", 3)
    assert said[1] == ("This is a defect of the studio: ZeroDivisionError.", 4)
    assert said[2] == ("fine", None)


def test_widgets_and_scene_follow_the_session(studio: Studio) -> None:
    page, bench = studio.page, studio.bench
    page.later("take", lambda: bench.take(NOSE, "face_11", 0.25))
    page.later("lock", lambda: bench.lock(MOUTH, True))
    assert page.wait()
    assert page.bound[f"from {NOSE}"].handle.value == "face_11"
    assert page.bound[f"alpha {NOSE}"].handle.value == 0.25
    assert page.bound[f"lock {MOUTH}"].handle.value is True
    np.testing.assert_allclose(page.scene.plain.vertices, bench.face * UNIT, rtol=1e-6)
    name = bench.keep_result()
    page.later("show", lambda: None)
    assert page.wait()
    assert page.bound["source"].handle.value == name
    assert name in page.bound["source"].handle.options
    page.later("undo", lambda: bench.go(0))
    assert page.wait()
    assert page.bound[f"from {NOSE}"].handle.value == "the face itself"
    assert page.bound["step"].handle.value == 1


def test_handles_and_pins_are_shown_and_taken_away(studio: Studio) -> None:
    page, bench = studio.page, studio.bench
    tip, corner = (int(bench.editor.weights[:, part].argmax()) for part in (NOSE, MOUTH))
    place = bench.face[tip] + [0.0, 1.0, 2.0]
    page.later("pull", lambda: bench.pull(tip, place))
    page.later("pin", lambda: bench.pin(corner))
    assert page.wait()
    gizmo = studio.server.scene.get_handle_by_name(f"/handles/{tip}")
    np.testing.assert_allclose(gizmo.position, place * UNIT, atol=1e-6)
    assert studio.server.scene.get_handle_by_name(f"/pins/{corner}") is not None
    page.scene.on_pull(tip, place + np.array([0.0, 1.0, 0.0]))
    assert page.wait()
    assert bench.session.handles[0].place[1] == pytest.approx(place[1] + 1)
    page.later("release", bench.release)
    assert page.wait()
    assert studio.server.scene.get_handle_by_name(f"/handles/{tip}") is None
    assert studio.server.scene.get_handle_by_name(f"/pins/{corner}") is None


def test_cameras_frame_the_face(studio: Studio) -> None:
    scene = studio.page.scene
    place, at = scene.view("front")
    assert place[2] > at[2] + 1
    assert place[:2] == pytest.approx(at[:2])
    side, _ = scene.view("side")
    assert side[0] > 5 * abs(side[2] - at[2])
    assert scene.view("front", pair=True)[0][2] > place[2]


def test_cards_are_called_after_what_lies_in_them(editor: Editor) -> None:
    titles = part_titles(editor)
    assert titles[0] == "Part 0: right eye"
    assert titles[1] == "Part 1: left eye"
    assert titles[NOSE].startswith("Part 2: nose")
    assert "mouth" in titles[MOUTH]


def test_pictures_are_drawn_when_there_is_nothing_else_to_do(studio: Studio) -> None:
    page, done, gate = studio.page, [], threading.Event()
    page.later("first", lambda: gate.wait(10))
    drawn = [page.draw(lambda n=n: done.append(n) or b"%d" % n) for n in range(3)]
    drawn[1].cancel()
    page.later("dial", lambda: done.append("dial"))
    gate.set()
    assert [drawn[n].result(10) for n in (0, 2)] == [b"0", b"2"]
    # What is asked for last is what is looked at.
    assert done == ["dial", 2, 0]

    def defect() -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        page.draw(defect).result(10)
    assert page.wait()


def test_the_steps_are_pictures_to_click(studio: Studio) -> None:
    page, bench, album = studio.page, studio.bench, studio.album
    assert album is not None
    page.later("take", lambda: bench.set("<b>&", source="face_05"))
    page.later("part", lambda: bench.take(NOSE, "face_12", 1.0))
    assert page.wait()
    listed = album.listed(0, len(bench.history.steps))
    assert "&lt;b&gt;&amp;" in listed
    assert listed.count("<button") == len(bench.history.steps)
    assert listed.count("aria-current") == 1
    numbers = [int(word.split('"')[0]) for word in listed.split("number=")[1:]]
    pictures = [page.draw(lambda n=n: album._step(str(n))).result(20) for n in numbers[-2:]]
    before, after = (np.asarray(Image.open(io.BytesIO(each))).astype(int) for each in pictures)
    assert np.abs(after - before).max() > 30
    # Steps keep their numbers, and those that are no longer listed have none.
    assert album.listed(0, len(bench.history.steps)) == listed
    album.listed(len(bench.history.steps) - 1, len(bench.history.steps))
    with pytest.raises(LwpipeError, match="no such step"):
        album._step(str(numbers[0]))


def test_what_the_script_says_is_checked(studio: Studio) -> None:
    page, heard = studio.page, []
    page.hear("test", lambda said, client: heard.append((said, client)))
    (channel,) = [
        handle
        for handle in studio.server.gui._gui_input_handle_from_uuid.values()
        if getattr(handle, "label", "") == "lwpipe-page"
    ]
    act = channel._impl.update_cb[0]
    for words in ("test 3 #1", "test #2", "other 3 #3", "test", "test 3", "test x #4", "TEST 3 #5",
                  "test 12345678 #6", "<script>", "test 3 #7\n"):  # fmt: skip
        channel._impl.value = words
        asyncio.run(act(SimpleNamespace(client_id=4, target=channel, client=None)))
        page.wait()
    assert heard == [("3", 4), ("", 4)]


def test_a_part_is_cut_out_along_its_line() -> None:
    grid = make_grid(1500)
    corners = np.concatenate([grid.points, np.zeros((len(grid.points), 1))], axis=1)
    plane = corners.astype(np.float32)
    share = plane[:, 0] / np.abs(plane[:, 0]).max()
    level = 0.123
    points, triangles = cut_out(plane, grid.triangles, share, level)
    line = level * np.abs(plane[:, 0]).max()
    assert points[:, 0].min() == pytest.approx(line, abs=1e-3)

    def areas(at: np.ndarray, faces: np.ndarray) -> np.ndarray:
        a, b, c = (at[faces[:, corner], :2].astype(np.float64) for corner in range(3))
        u, v = b - a, c - a
        return 0.5 * (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])

    whole, cut = areas(plane, grid.triangles), areas(points, triangles)
    # No triangle is turned over, both sides together are the whole, and a line is cut once.
    assert (np.sign(cut[np.abs(cut) > 1e-6]) == np.sign(whole[0])).all()
    other = areas(*cut_out(plane, grid.triangles, -share, -level))
    assert cut.sum() + other.sum() == pytest.approx(whole.sum(), rel=1e-5)
    assert len(np.unique(points, axis=0)) == len(points)
    for nothing in (2.0, 5.0):
        assert len(cut_out(plane, grid.triangles, share, nothing)[1]) == 0


def test_a_hundred_bad_files_are_a_sentence_each(
    editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All go through what the page calls: in parts, into the button, to the worker and back."""
    with Studio(editor, port=18320) as studio:
        bench, server, said = studio.bench, studio.server, []
        handlers = server._websock_server._incoming_handlers
        (start,) = handlers[_messages.FileTransferStartUpload]
        (part,) = handlers[_messages.FileTransferPart]
        face_button, session_button = (
            next(
                uuid
                for uuid, handle in server.gui._gui_input_handle_from_uuid.items()
                if getattr(handle, "label", "") == label
            )
            for label in ("Upload a face", "Open a session")
        )
        monkeypatch.setattr(server.gui, "_resolve_client", lambda number: SimpleNamespace())
        monkeypatch.setattr(studio.page, "say", lambda text, client=None: said.append(text))
        studio.page.later("take", lambda: bench.take(NOSE, "face_03", 0.5))
        assert studio.page.wait()
        before, face, steps = bench.session, bench.face, len(bench.history.steps)
        cases = [(face_button, name, content) for name, content in bad_uploads(editor)]
        cases += [
            (session_button, f"{n}.json", text)
            for n, text in enumerate(bad_sessions(bench, editor))
        ]
        assert len(cases) > 90

        def sent(button: str, number: int, name: str, content: bytes) -> None:
            half = len(content) // 2 or 1
            parts = (
                [content[:half], content[half:]] if content[half:] else [content][: len(content)]
            )
            uuid = f"upload {number}"
            start(5, _messages.FileTransferStartUpload(
                button, uuid, name, "", len(parts), len(content)))  # fmt: skip
            for place, piece in enumerate(parts):
                part(5, _messages.FileTransferPart(button, uuid, place, piece))

        for number, (button, name, content) in enumerate(cases):
            said.clear()
            server.get_event_loop().call_soon_threadsafe(sent, button, number, name, content)
            for _ in range(500):
                if said:
                    break
                time.sleep(0.01)
            assert studio.page.wait()
            assert len(said) == 1, (name, said)
            assert said[0].isprintable(), said
            assert said[0].endswith("."), said
            assert "defect" not in said[0], (name, said)
            assert bench.session is before
        assert bench.face is face
        assert len(bench.history.steps) == steps
        assert not server.gui._current_file_upload_states
