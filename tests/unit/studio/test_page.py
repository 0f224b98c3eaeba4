"""The page without a browser: its queue, and widgets that follow the session."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from lwpipe.core.errors import LwpipeError
from lwpipe.editor import Editor
from lwpipe.studio.looks import part_titles
from lwpipe.studio.scene import UNIT
from lwpipe.studio.studio import Studio
from tests.helpers.studio_run import MOUTH, NOSE


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
