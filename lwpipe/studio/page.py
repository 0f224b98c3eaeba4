"""The page: one worker does what it asks for, one after the other, and then all tabs show it."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import viser

from lwpipe.core.errors import LwpipeError
from lwpipe.data.signals import positions
from lwpipe.editor.session import Session
from lwpipe.studio.scene import FaceScene
from lwpipe.studio.workbench import Workbench

Job = Callable[[], object]
_LOG = logging.getLogger(__name__)


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
        self._jobs: OrderedDict[str, tuple[Job, int | None]] = OrderedDict()
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

    def later(self, key: str, job: Job, client: int | None = None) -> None:
        """Queue a job.

        Parameters
        ----------
        key : a job of the same key that still waits is dropped
        job : raises LwpipeError where it cannot be done
        client : the page that asked, which is told so
        """
        with self._woken:
            self._idle.clear()
            self._jobs[key] = job, client
            self._woken.notify()

    def wait(self, seconds: float = 30.0) -> bool:
        """Wait until the queue is empty and all is shown."""
        return self._idle.wait(seconds)

    def _work(self) -> None:
        while True:
            with self._woken:
                while not self._jobs and not self._stopped:
                    self._idle.set()
                    self._woken.wait()
                if not self._jobs:
                    self._idle.set()
                    return
                key, (job, client) = self._jobs.popitem(last=False)
            # A dial that still moves is not set back to where it was a moment ago.
            moving = key if self._do(job, client) else ""
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

        def changed(event: Any) -> None:
            if event.client_id is not None:
                value = handle.value
                self.later(key, lambda: act(value), event.client_id)

        handle.on_update(changed)

    def button(self, handle: Any, act: Callable[[Any], object]) -> None:
        """Queue a job whenever a button is pressed; `act` is called with its event."""

        def pressed(event: Any) -> None:
            # Each press counts.
            self.later(f"press {next(self._presses)}", lambda: act(event), event.client_id)

        handle.on_click(pressed)

    def buttons(self, handle: Any, acts: dict[str, Callable[[Any], object]]) -> None:
        """Queue a job whenever a button of a group is pressed."""

        def pressed(event: Any) -> None:
            act = acts[handle.value]
            self.later(f"press {next(self._presses)}", lambda: act(event), event.client_id)

        handle.on_click(pressed)
