"""Who may talk to the studio, and how much they may send.

A page that is served on this machine can be reached by every other page in the same browser: a
foreign page may open a socket to it, or, with a name that it lets point here (DNS rebinding), be
taken for its own. So the name in `Host` must be one of ours, the `Origin` of a socket must be the
page's own, and beyond this machine a token is asked for. viser has no settings for these, so its
call of `websockets.serve` is led through `Door`.
"""

from __future__ import annotations

import hmac
import http
import ipaddress
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from viser import ViserServer, _messages
from websockets.asyncio import server as websocket_server
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

COOKIE = "lwpipe_studio"
# Of one message of a page: a part of an upload, or a picture.
MAX_MESSAGE = 32 * 2**20
MAX_UPLOADS_AT_ONCE = 4
PICTURES = "/pictures/"
# What browsers say of a request of the page itself, or of an address that was typed.
_OURS = ("same-origin", "none")

Answered = Response | None | Awaitable[Response | None]
Answer = Callable[[ServerConnection, Request], Answered]
Pictures = Callable[[str], Awaitable[Response]]


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Door:
    """What requests are let through.

    Attributes
    ----------
    host : that the studio listens on
    token : that is asked for; None: none
    pictures : answers a path that begins with `PICTURES`; None: there is none
    """

    host: str
    token: str | None = None
    pictures: Pictures | None = None

    def refusal(self, request: Request) -> Response | None:
        """Return why a request is not answered; None where it is."""
        named = request.headers.get("Host", "")
        try:
            name = urlsplit(f"//{named}").hostname or ""
        except ValueError:
            name = ""
        if is_loopback(self.host) and not is_loopback(name):
            return _refused(http.HTTPStatus.FORBIDDEN, "This page is for this machine alone.")
        if request.headers.get("Upgrade", "").lower() == "websocket":
            if request.headers.get("Origin") != f"http://{named}":
                return _refused(http.HTTPStatus.FORBIDDEN, "The origin is not this page's.")
            if not self._holds_cookie(request):
                return _refused(http.HTTPStatus.UNAUTHORIZED, "A token is needed.")
            return None
        if self._holds_cookie(request):
            return None
        given = parse_qs(urlsplit(request.path).query).get("token", [""])[0]
        if not self._is_token(given):
            return _refused(
                http.HTTPStatus.UNAUTHORIZED,
                "A token is needed: open the address that the studio printed.",
            )
        cookie = f"{COOKIE}={given}; HttpOnly; SameSite=Strict; Path=/"
        headers = Headers({"Location": "/", "Set-Cookie": cookie, "Content-Length": "0"})
        return Response(http.HTTPStatus.SEE_OTHER, "See Other", headers)

    def _holds_cookie(self, request: Request) -> bool:
        if self.token is None:
            return True
        try:
            cookie = SimpleCookie(request.headers.get("Cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and self._is_token(cookie.value)

    def _is_token(self, given: str) -> bool:
        return self.token is not None and hmac.compare_digest(given.encode(), self.token.encode())

    def before(self, answer: Answer) -> Answer:
        """Return an answer to requests that are let through."""

        def guarded(connection: ServerConnection, request: Request) -> Answered:
            try:
                refusal = self.refusal(request)
                foreign = request.headers.get("Sec-Fetch-Site", "none") not in _OURS
            except LookupError:  # a header that is there twice
                refusal = _refused(http.HTTPStatus.BAD_REQUEST, "A header is there twice.")
            if refusal is not None:
                return refusal
            if self.pictures is not None and request.path.startswith(PICTURES):
                if foreign:
                    return _refused(http.HTTPStatus.FORBIDDEN, "Pictures are for this page alone.")
                return self.pictures(request.path)
            response = answer(connection, request)
            if isinstance(response, Response):
                response.headers["X-Frame-Options"] = "DENY"
                response.headers["Referrer-Policy"] = "no-referrer"
            return response

        return guarded


def _refused(status: http.HTTPStatus, said: str) -> Response:
    body = f"{said}\n".encode()
    headers = Headers({"Content-Type": "text/plain", "Content-Length": str(len(body))})
    return Response(status, status.phrase, headers, body)


@contextmanager
def guarded(door: Door) -> Iterator[None]:
    """Let servers that are started within the block stand behind a door."""
    plain = websocket_server.serve

    def serve(*words: Any, **settings: Any) -> Any:
        settings["process_request"] = door.before(settings["process_request"])
        settings["max_size"] = MAX_MESSAGE
        return plain(*words, **settings)

    websocket_server.serve = serve  # type: ignore[assignment, misc]
    try:
        yield
    finally:
        websocket_server.serve = plain  # type: ignore[misc]


def keep_at_home(server: ViserServer) -> None:
    """Take away the requests by which a page could have the server shared on the internet."""
    for message in (_messages.ShareUrlRequest, _messages.ShareUrlDisconnect):
        server._websock_server.unregister_handler(message)


def bound_uploads(server: ViserServer, most: int, refuse: Callable[[int, str], None]) -> None:
    """Refuse uploads of more bytes than are allowed, before they are held.

    Parameters
    ----------
    server : whose uploads they are
    most : bytes of one
    refuse : called with the number of the client and a sentence
    """
    gui, socket = server.gui, server._websock_server
    states = gui._current_file_upload_states

    def start(client: int, message: _messages.FileTransferStartUpload) -> None:
        # Each part but the last is as long as the others.
        if not 0 <= message.size_bytes <= most or not 0 <= message.part_count <= most:
            return turn_away(client, message, f"has more than {most / 2**20:.0f} MB")
        if len(states) >= MAX_UPLOADS_AT_ONCE:
            return turn_away(client, message, "comes while others are on their way")
        return gui._handle_file_transfer_start(client, message)  # type: ignore[arg-type]

    def part(client: int, message: _messages.FileTransferPart) -> None:
        state = states.get(message.transfer_uuid)
        if state is None:
            return
        if state["transferred_bytes"] + len(message.content) > state["total_bytes"]:
            states.pop(message.transfer_uuid, None)
            refuse(client, f"{state['filename'][-60:]}: is longer than it was said to be.")
            return
        gui._handle_file_transfer_part(client, message)  # type: ignore[arg-type]

    def turn_away(client: int, message: _messages.FileTransferStartUpload, why: str) -> None:
        refuse(client, f"{message.filename[-60:]}: {why}.")
        # The page waits for what it sends to arrive.
        socket.queue_message(
            _messages.FileTransferPartAck(
                source_component_uuid=message.source_component_uuid,
                transfer_uuid=message.transfer_uuid,
                transferred_bytes=message.size_bytes,
                total_bytes=message.size_bytes,
            )
        )

    socket.unregister_handler(_messages.FileTransferStartUpload)
    socket.unregister_handler(_messages.FileTransferPart)
    socket.register_handler(_messages.FileTransferStartUpload, start)
    socket.register_handler(_messages.FileTransferPart, part)
