"""The two pipes between a training's processes and the caller that started them."""

from __future__ import annotations

import json
import os
import select
import threading
from collections.abc import Callable
from typing import Any


def tell(event: str, **values: Any) -> None:
    """Tell the caller of an event: one line of JSON on standard output.

    One write of up to 4096 bytes is never mixed with that of another process.
    """
    os.write(1, (json.dumps({"event": event, **values}) + "\n").encode())


def end_with_caller(stop: Callable[[], None] | None = None) -> None:
    """End this process at once when the caller closes its end of standard input, or is gone.

    Parameters
    ----------
    stop : called when the caller has written something, which means: save and end. It is never
        read: all processes have the one pipe, and each of them is to see it.
    """

    def watch() -> None:
        poll = select.poll()
        poll.register(0, 0 if stop is None else select.POLLIN)
        while True:
            ((_, events),) = poll.poll()
            if events & ~select.POLLIN:
                os._exit(1)
            if stop is not None:
                stop()
            poll.modify(0, 0)

    threading.Thread(target=watch, name="lwpipe-caller", daemon=True).start()
