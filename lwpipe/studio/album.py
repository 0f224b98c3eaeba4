"""Small pictures of faces and of steps, which the page asks for by address."""

from __future__ import annotations

import asyncio
import html
import http
import io
import itertools
from collections.abc import Callable
from concurrent.futures import Future
from urllib.parse import parse_qs, urlsplit

from PIL import Image
from websockets.datastructures import Headers
from websockets.http11 import Response

from lwpipe.core.errors import LwpipeError
from lwpipe.studio.guard import PICTURES
from lwpipe.studio.history import Step
from lwpipe.studio.pictures import Picture, Thumbnails
from lwpipe.studio.workbench import Workbench

_SECONDS = 30.0
# What a drop-down calls the face that is edited.
ITSELF = "the face itself"

Draw = Callable[[Callable[[], bytes]], "Future[bytes]"]


class Album:
    """Pictures of what a workbench knows.

    Parameters
    ----------
    bench : Workbench
    draw : draws a picture in the one thread that renders, when there is nothing else to do
    """

    def __init__(self, bench: Workbench, draw: Draw) -> None:
        self.bench, self.draw = bench, draw
        self.thumbnails = Thumbnails(bench.editor)
        self._numbers = itertools.count()
        self._steps: dict[int, tuple[int, Step]] = {}

    def number(self, step: Step) -> int:
        """Return the number of a step, by which its picture is asked for."""
        number, kept = self._steps.get(id(step), (-1, None))
        if kept is not step:
            number = next(self._numbers)
            self._steps[id(step)] = number, step
        return number

    def keep_only(self, steps: list[Step]) -> None:
        """Forget the numbers of other steps."""
        kept = {id(step) for step in steps}
        self._steps = {key: value for key, value in self._steps.items() if key in kept}

    def listed(self, first: int, last: int) -> str:
        """Return steps as HTML: pictures to click, and what was done."""
        history = self.bench.history
        shown = history.steps[first:last]
        self.keep_only(shown)
        lines = []
        for place, step in enumerate(shown, first):
            current = ' aria-current="step"' if place == history.place else ""
            label = html.escape(step.label, quote=True)
            lines.append(
                f'<button type="button" data-say="step {place + 1}"{current}>'
                f'<img src="pictures/step?number={self.number(step)}" alt="" loading="lazy">'
                f"{place + 1}: {label}</button>"
            )
        return f'<div class="lwpipe-steps">{"".join(lines)}</div>'

    async def answer(self, path: str) -> Response:
        """Answer a request for a picture."""
        address = urlsplit(path)
        asked = {key: values[0] for key, values in parse_qs(address.query).items()}
        kind = address.path.removeprefix(PICTURES)
        if kind == "face" and "name" in asked:
            return await self._answered(lambda: self._face(asked["name"]))
        if kind == "step" and "number" in asked:
            return await self._answered(lambda: self._step(asked["number"]))
        return await self._answered(None)

    async def _answered(self, picture: Callable[[], bytes] | None) -> Response:
        """Draw, and answer with the picture."""
        if picture is not None:
            try:
                drawn = asyncio.wrap_future(self.draw(picture))
                image = await asyncio.wait_for(drawn, _SECONDS)
                return _response(http.HTTPStatus.OK, "image/jpeg", image)
            except (LwpipeError, TimeoutError):
                pass
        return not_found()

    def _face(self, name: str) -> bytes:
        session = self.bench.session
        name = session.source if name == ITSELF else name
        if name not in session.faces and not self.bench.editor.knows(name):
            raise LwpipeError("There is no such face.")
        return jpeg(self.thumbnails.one(name, session))

    def _step(self, number: str) -> bytes:
        found = next((step for known, step in self._steps.values() if str(known) == number), None)
        if found is None:
            raise LwpipeError("There is no such step.")
        return jpeg(self.thumbnails.result(found.session))


def jpeg(image: Picture) -> bytes:
    """Return a picture (h, w, 3) as JPEG."""
    content = io.BytesIO()
    Image.fromarray(image).save(content, format="jpeg", quality=88)
    return content.getvalue()


def not_found() -> Response:
    """Answer that there is no such picture."""
    return _response(http.HTTPStatus.NOT_FOUND, "text/plain", b"There is no such picture.\n")


def _response(status: http.HTTPStatus, kind: str, body: bytes) -> Response:
    headers = Headers(
        {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
    )
    return Response(status, status.phrase, headers, body)
