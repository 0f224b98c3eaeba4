"""The page: one worker does what it asks for, one after the other, and then all tabs show it."""

from __future__ import annotations

import itertools
import logging
import re
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import viser
from viser import _messages

from lwpipe.core.errors import LwpipeError
from lwpipe.data.signals import positions
from lwpipe.editor.session import Session
from lwpipe.studio.scene import FaceScene
from lwpipe.studio.workbench import Workbench

Job = Callable[[], object]
Heard = Callable[[str, int | None], object]

# The text field that the script of the page writes into: a word, perhaps a number, and a count.
_CHANNEL = "lwpipe-page"
_WORDS = re.compile(r"([a-z]{1,9})(?: (\d{1,6}))? #\d{1,9}", re.ASCII)
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Queued:
    """A job that waits: see `Page.later`."""

    job: Job
    client: int | None
    changes: bool


_NO_JOB = ("", Queued(lambda: None, None, False))


def _draw(picture: Callable[[], bytes], future: Future[bytes]) -> None:
    """Draw a picture that is still waited for."""
    if future.set_running_or_notify_cancel():
        try:
            future.set_result(picture())
        except Exception as error:
            future.set_exception(error)


@dataclass(frozen=True)
class Bound:
    """A widget that shows something of the session.

    Attributes
    ----------
    handle : of viser
    value : what it shows
    """

    handle: Any
    value: Callable[[Session], Any]


class Page:
    """What widgets and scene share.

    Jobs are queued by a key: of a dial that moves fast only the last place is worked on.

    Parameters
    ----------
    server : of viser
    bench : Workbench
    """

    def __init__(self, server: viser.ViserServer, bench: Workbench) -> None:
        self.server, self.bench = server, bench
        self.scene = FaceScene(server, bench.editor.triangles, bench.editor.mean)
        self.bound: dict[str, Bound] = {}
        self.before: list[Callable[[Session], None]] = []
        self.after: list[Callable[[], None]] = []
        self.highlighted: int | None = None
        self.highlight: Callable[[int], None] = lambda part: None
        self._jobs: OrderedDict[str, Queued] = OrderedDict()
        self._pictures: deque[tuple[Callable[[], bytes], Future[bytes]]] = deque()
        self._heard: dict[str, tuple[Heard, bool]] = {}
        self._woken = threading.Condition()
        self._idle = threading.Event()
        self._stopped = False
        self._presses = itertools.count()
        self._worker = threading.Thread(target=self._work, name="studio", daemon=True)

    def start(self) -> None:
        """Show what there is, and begin to work."""
        # Pictures are rendered in one thread.
        self.later("start", lambda: None)
        self._worker.start()
        self.wait()

    def stop(self) -> None:
        """Finish the queue and stop."""
        with self._woken:
            self._stopped = True
            self._woken.notify()
        self._worker.join(timeout=10)

    def later(self, key: str, job: Job, client: int | None = None, changes: bool = True) -> None:
        """Queue a job.

        Parameters
        ----------
        key : a job of the same key that still waits is dropped
        job : raises LwpipeError where it cannot be done
        client : the page that asked, which is told so
        changes : it may change the session, which is shown anew
        """
        with self._woken:
            self._idle.clear()
            self._jobs[key] = Queued(job, client, changes)
            self._woken.notify()

    def draw(self, picture: Callable[[], bytes]) -> Future[bytes]:
        """Draw a picture when there is no job; the last one that is asked for comes first."""
        future: Future[bytes] = Future()
        with self._woken:
            self._pictures.append((picture, future))
            self._woken.notify()
        return future

    def script(self) -> None:
        """Run the page's script in every page, and listen to what it says."""
        source = (Path(__file__).parent / "page.js").read_text(encoding="utf-8")
        channel = self.server.gui.add_text(_CHANNEL, "")

        @channel.on_update
        async def _(event: Any) -> None:
            found = _WORDS.fullmatch(channel.value)
            client, known = event.client_id, self._heard.get(found[1]) if found else None
            if found is None or known is None or client is None:
                return
            (act, changes), said = known, found[2] or ""
            self.later(f"{found[1]} {client}", lambda: act(said, client), client, changes)

        self.server.gui._websock_interface.queue_message(
            _messages.RunJavascriptMessage(source=source)
        )

    def hear(self, word: str, act: Heard, changes: bool = True) -> None:
        """Queue a job whenever the script of a page says a word.

        Parameters
        ----------
        word : that begins what is said
        act : called with what follows, digits or nothing, and the number of the page
        changes : as of `later`
        """
        self._heard[word] = act, changes

    def wait(self, seconds: float = 30.0) -> bool:
        """Wait until the queue is empty and all is shown."""
        return self._idle.wait(seconds)

    def _work(self) -> None:
        while True:
            with self._woken:
                if not self._jobs:
                    self._idle.set()
                while not self._jobs and not self._pictures and not self._stopped:
                    self._woken.wait()
                if not self._jobs and self._stopped:
                    return
                drawn = None if self._jobs else self._pictures.pop()
                key, queued = self._jobs.popitem(last=False) if self._jobs else _NO_JOB
            if drawn is not None:
                _draw(*drawn)
                continue
            client, done = queued.client, self._do(queued.job, queued.client)
            if not queued.changes:
                continue
            # A dial that still moves is not set back to where it was a moment ago.
            moving = key if done else ""
            self._do(partial(self.refresh, moving), client)
            if not self._jobs:
                self._do(self.bench.save, client)

    def _do(self, job: Job, client: int | None) -> bool:
        try:
            job()
        except LwpipeError as error:
            self.say(str(error), client)
        except Exception as error:
            _LOG.exception("a defect of the studio")
            self.say(f"This is a defect of the studio: {type(error).__name__}.", client)
        else:
            return True
        return False

    def refresh(self, key: str = "") -> None:
        """Show the session in the scene and in all widgets but the one of `key`."""
        session = self.bench.session
        with self.server.atomic():
            for prepare in self.before:
                prepare(session)
            for name, bound in self.bound.items():
                if name != key and name not in self._jobs:
                    value = bound.value(session)
                    if bound.handle.value != value:
                        bound.handle.value = value
            for show in self.after:
                show()
            self.scene.show_handles(session, positions(self.bench.face))
        self.server.flush()

    def say(self, sentence: str, client: int | None = None, good: bool = False) -> None:
        """Tell one page something, or all of them."""
        clients = self.server.get_clients()
        for number, handle in clients.items():
            if client is None or number == client:
                handle.add_notification(
                    title="Done" if good else "Not done",
                    body=sentence,
                    auto_close_seconds=6.0 if good else 12.0,
                    color="teal" if good else "red",
                )

    def bind(self, key: str, handle: Any, value: Callable[[Session], Any]) -> None:
        """Let a widget show something of the session."""
        self.bound[key] = Bound(handle, value)

    def on(self, key: str, handle: Any, act: Callable[[Any], object]) -> None:
        """Queue a job whenever a page changes a widget; `act` is called with its value."""

        # At once, before the worker shows the widgets anew: a thread of its own comes later.
        async def changed(event: Any) -> None:
            if event.client_id is not None:
                value = handle.value
                self.later(key, lambda: act(value), event.client_id)

        handle.on_update(changed)

    def button(self, handle: Any, act: Callable[[Any], object]) -> None:
        """Queue a job whenever a button is pressed; `act` is called with its event."""

        async def pressed(event: Any) -> None:
            # Each press counts.
            self.later(f"press {next(self._presses)}", lambda: act(event), event.client_id)

        handle.on_click(pressed)

    def buttons(self, handle: Any, acts: dict[str, Callable[[Any], object]]) -> None:
        """Queue a job whenever a button of a group is pressed."""

        async def pressed(event: Any) -> None:
            act = acts[handle.value]
            self.later(f"press {next(self._presses)}", lambda: act(event), event.client_id)

        handle.on_click(pressed)
