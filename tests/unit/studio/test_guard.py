"""Who may talk to the studio: hosts, origins, tokens, sizes."""

from __future__ import annotations

import asyncio
import http.client
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import viser
import websockets
from viser import _messages
from websockets.datastructures import Headers
from websockets.http11 import Request

from lwpipe.cli.main import main
from lwpipe.editor import Editor
from lwpipe.studio import guard
from lwpipe.studio.guard import COOKIE, Door, is_loopback
from lwpipe.studio.studio import Studio
from lwpipe.studio.workbench import MAX_UPLOAD

SOCKET = {"Upgrade": "websocket"}


def status(door: Door, path: str = "/", **headers: str) -> int:
    refusal = door.refusal(Request(path, Headers(headers)))
    return 200 if refusal is None else refusal.status_code


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.3.2.1", "::1"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::", "example.org", "", "127.0.0.1.x"])
def test_beyond_this_machine(host: str) -> None:
    assert not is_loopback(host)


def test_a_name_that_is_led_here_is_not_ours() -> None:
    door = Door("127.0.0.1")
    for name in ("localhost:8080", "127.0.0.1:8080", "[::1]:8080"):
        assert status(door, Host=name) == 200
    for name in ("evil.example:8080", "127.0.0.1.evil.example", "", "[::", "192.168.1.2:8080"):
        assert status(door, Host=name) == 403


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "", "https://localhost:8080", "http://localhost",
     "http://localhost:8081", "http://127.0.0.1:8080", "http://localhost:8080.evil.example"],
)  # fmt: skip
def test_a_socket_has_the_origin_of_its_page(origin: str) -> None:
    door = Door("127.0.0.1")
    ours = {"Host": "localhost:8080"} | SOCKET
    assert status(door, **ours, Origin="http://localhost:8080") == 200
    assert status(door, **ours, Origin=origin) == 403
    assert status(door, **ours) == 403


def test_a_token_is_asked_for_and_kept_as_a_cookie() -> None:
    door = Door("0.0.0.0", "a-long-token")
    away = {"Host": "face.example:80"}
    origin = {"Origin": "http://face.example:80"} | SOCKET
    assert status(door, **away) == 401
    assert status(door, "/?token=wrong", **away) == 401
    assert status(door, "/?token=", **away) == 401
    assert status(door, **away, **origin) == 401
    answer = door.refusal(Request("/?token=a-long-token", Headers(away)))
    assert answer.status_code == 303
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    held = {"Cookie": cookie.split(";")[0]}
    assert status(door, **away, **held) == 200
    assert status(door, **away, **origin, **held) == 200
    assert status(door, **away, Cookie=f"{COOKIE}=wrong") == 401
    assert status(door, **away, Cookie="=;=") == 401
    foreign = {"Origin": "http://evil.example"} | SOCKET
    assert status(door, **away, **foreign, **held) == 403


@pytest.fixture(scope="module")
def studio(editor: Editor) -> Iterator[Studio]:
    with Studio(editor, port=18200, token="a-long-token") as opened:
        yield opened


def answered(port: int, path: str = "/", **headers: str) -> tuple[int, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, {name.lower(): value for name, value in response.getheaders()}


def test_the_page_stands_behind_the_door(studio: Studio) -> None:
    assert answered(studio.port)[0] == 401
    held = f"{COOKIE}=a-long-token"
    code, headers = answered(studio.port, Cookie=held)
    assert code == 200
    assert headers["x-frame-options"] == "DENY"
    assert answered(studio.port, Cookie=held, Host="evil.example")[0] == 403
    assert answered(studio.port, "/../../../etc/passwd", Cookie=held)[0] == 404


def test_pictures_are_for_the_page_alone(studio: Studio) -> None:
    port, held = studio.port, {"Cookie": f"{COOKIE}=a-long-token"}
    name = studio.bench.editor.names[3]
    code, headers = answered(port, f"/pictures/face?name={name}", **held)
    assert code == 200
    assert headers["content-type"] == "image/jpeg"
    assert headers["cache-control"] == "no-store"
    assert answered(port, "/pictures/face?name=the%20face%20itself", **held)[0] == 200
    assert answered(port, f"/pictures/face?name={name}")[0] == 401
    site = {"Sec-Fetch-Site": "same-origin"}
    assert answered(port, f"/pictures/face?name={name}", **held, **site)[0] == 200
    for foreign in ("cross-site", "same-site", ""):
        site = {"Sec-Fetch-Site": foreign}
        assert answered(port, f"/pictures/face?name={name}", **held, **site)[0] == 403
    for path in (
        "face?name=/etc/passwd",
        "face?name=nobody",
        "face",
        "step?number=99",
        "",
        "face?name=",
    ):
        assert answered(port, f"/pictures/{path}", **held)[0] == 404


async def opens(port: int, **headers: str) -> bool:
    protocols = [websockets.Subprotocol(f"viser-v{viser.__version__}")]
    try:
        async with websockets.connect(
            f"ws://127.0.0.1:{port}", subprotocols=protocols, additional_headers=headers
        ):
            return True
    except websockets.exceptions.InvalidStatus:
        return False


def test_the_socket_stands_behind_the_door(studio: Studio) -> None:
    held, origin = f"{COOKIE}=a-long-token", f"http://127.0.0.1:{studio.port}"
    assert asyncio.run(opens(studio.port, Origin=origin, Cookie=held))
    for headers in (
        {"Origin": "http://evil.example", "Cookie": held},
        {"Cookie": held},
        {"Origin": origin},
        {"Origin": origin, "Cookie": f"{COOKIE}=wrong"},
    ):
        assert not asyncio.run(opens(studio.port, **headers))


def test_no_other_server_gets_the_door(studio: Studio) -> None:
    from websockets.asyncio import server

    assert server.serve.__module__ == "websockets.asyncio.server"


def test_the_studio_cannot_be_shared_on_the_internet(studio: Studio) -> None:
    handlers = studio.server._websock_server._incoming_handlers
    for message in (_messages.ShareUrlRequest, _messages.ShareUrlDisconnect):
        assert not handlers.get(message)


def test_uploads_are_bounded_before_they_are_held(studio: Studio) -> None:
    handlers = studio.server._websock_server._incoming_handlers
    (start,) = handlers[_messages.FileTransferStartUpload]
    (part,) = handlers[_messages.FileTransferPart]
    states = studio.server.gui._current_file_upload_states
    component = next(
        uuid
        for uuid, handle in studio.server.gui._gui_input_handle_from_uuid.items()
        if type(handle).__name__ == "GuiUploadButtonHandle"
    )

    def begin(name: str, size: int, parts: int = 2) -> None:
        start(7, _messages.FileTransferStartUpload(component, name, "x.ply", "", parts, size))

    for size, parts in ((MAX_UPLOAD + 1, 2), (-1, 2), (10, MAX_UPLOAD + 1), (10, -1)):
        begin("large", size, parts)
        assert not states
    for number in range(guard.MAX_UPLOADS_AT_ONCE + 3):
        begin(f"many {number}", 10)
    assert len(states) == guard.MAX_UPLOADS_AT_ONCE
    part(7, _messages.FileTransferPart(component, "many 0", 0, b"x" * 11))
    assert "many 0" not in states
    part(7, _messages.FileTransferPart(component, "nobody's", 0, b"x"))
    studio.server.gui._drop_uploads_from_client(7)
    assert not states


def said(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Any) -> str:
    """Run the command until it waits."""
    monkeypatch.setattr(threading, "Event", lambda: SimpleNamespace(wait=lambda: None))
    monkeypatch.setattr("lwpipe.studio.studio.Studio", Opened)
    code = main(words)
    outcome = capsys.readouterr()
    return outcome.out if code == 0 else outcome.err


class Opened:
    """What the command is told of a studio."""

    def __init__(self, *words: Any) -> None:
        self.port, self.bench = words[3], SimpleNamespace(said="")

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_the_command_says_where_it_listens(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    home = said(["studio", str(run)], monkeypatch, capsys)
    assert "Open http://127.0.0.1:8080/ in a browser" in home
    assert "token" not in home
    away = said(["studio", str(run), "--host", "0.0.0.0"], monkeypatch, capsys)
    name = re.escape(socket.gethostname())
    assert re.search(rf"Open http://{name}:8080/\?token=\S{{16,}} in a browser", away)
    assert "Everyone who can reach this machine and has the token" in away
    own = said(["studio", str(run), "--token", "my-own-token"], monkeypatch, capsys)
    assert "/?token=my-own-token in" in own


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--port", "0"], "--port 0: must lie between"),
        (["--token", "short"], "--token: has fewer than 8"),
        (["--variant", "none"], "has no trained variant 'none'"),
        (["--measures", "none.yaml"], "none.yaml: cannot be read"),
    ],
)
def test_wrong_words_are_a_sentence(
    words: list[str], sentence: str, run: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert sentence in said(["studio", str(run), *words], monkeypatch, capsys)
