"""Downloads of ICT-FaceKit that break off: one sentence, and what has arrived is kept."""

from __future__ import annotations

import gc
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lwpipe.core.errors import LwpipeError
from lwpipe.data.sources.ict import files as ict_files


@dataclass
class Server:
    """Files over HTTP, some of them with a fault."""

    files: dict[str, bytes]
    fault: Callable[[http.server.BaseHTTPRequestHandler, bytes], None] | None = None
    faulty: str = ""
    asked: list[str] = field(default_factory=list)
    url: str = ""


def _half(request: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body[: len(body) // 2])
    request.close_connection = True


def _other(request: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
    _answer(request, b"x" + body[1:])


def _missing(request: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
    request.send_error(404)


def _silent(request: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body[:10])
    request.wfile.flush()
    time.sleep(0.6)


def _answer(request: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Server]:
    served = Server({f"{name}.obj": name.encode() * 5000 for name in ("a", "b", "c")})

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rsplit("/", 1)[-1]
            served.asked.append(name)
            if served.fault is not None and name == served.faulty:
                served.fault(self, served.files[name])
            else:
                _answer(self, served.files[name])

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        served.url = f"http://127.0.0.1:{listening.server_port}/"
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield served
        listening.shutdown()
        thread.join()


# pooch leaves the socket of a download that timed out to the collector.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (_half, "7500 more expected|IncompleteRead"),
        (_other, "its sha256 differs"),
        (_missing, "404 .*Not Found"),
        (_silent, "timed out"),
        (None, "refused"),
    ],
    ids=["half", "wrong_hash", "not_found", "hangs", "nobody_there"],
)
def test_an_interrupted_download_is_one_sentence_and_goes_on(
    fault: Any, reason: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pooch

    monkeypatch.setattr(ict_files, "BASE_URL", server.url)
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path)
    monkeypatch.setattr(pooch.downloaders, "DEFAULT_TIMEOUT", 0.2)
    monkeypatch.setattr(pooch.core, "time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.delenv(ict_files.ENVIRONMENT, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    hashes = {name: sha256(body).hexdigest() for name, body in server.files.items()}
    server.fault, server.faulty = fault, "b.obj"
    if fault is None:
        dict(ict_files.read_files(None, {"a.obj": hashes["a.obj"]}))
        monkeypatch.setattr(ict_files, "BASE_URL", "http://127.0.0.1:9/")
    with pytest.raises(LwpipeError, match=reason) as caught:
        dict(ict_files.read_files(None, hashes))
    sentence = str(caught.value)
    assert sentence.startswith("b.obj of ICT-FaceKit cannot be downloaded (")
    assert sentence.endswith("that holds it.")
    assert "\n" not in sentence
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name: path.read_bytes() for path in kept} == {"a.obj": server.files["a.obj"]}
    server.fault = None
    server.asked.clear()
    monkeypatch.setattr(ict_files, "BASE_URL", server.url)
    assert dict(ict_files.read_files(None, hashes)) == server.files
    assert server.asked == ["b.obj", "c.obj"], "what had arrived was asked for again"
    gc.collect()
