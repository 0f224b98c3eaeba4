"""The pipe on which the processes of a training wait for the end, or the wish, of their caller."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable


def follow_caller(stop: Callable[[], None]) -> None:
    """End this process at once when the caller closes its end of standard input, or is gone.

    Parameters
    ----------
    stop : called when the caller has written something, which means: save and end. It is never
        read: all processes have the one pipe, and each of them is to see it.
    """

    def watch() -> None:
        poll = select.poll()
        poll.register(0, select.POLLIN)
        while True:
            ((_, events),) = poll.poll()
            if events & ~select.POLLIN:
                os._exit(1)
            stop()
            poll.modify(0, 0)

    threading.Thread(target=watch, name="lwpipe-caller", daemon=True).start()
