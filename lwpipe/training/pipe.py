"""The two pipes between a training's processes and the caller that started them."""

from __future__ import annotations

import json
import os
import threading
from typing import Any


def tell(event: str, **values: Any) -> None:
    """Tell the caller of an event: one line of JSON on standard output.

    One write of up to 4096 bytes is never mixed with that of another process.
    """
    os.write(1, (json.dumps({"event": event, **values}) + "\n").encode())


def end_with_caller() -> None:
    """End this process at once when the caller closes its end of standard input, or is gone."""

    def watch() -> None:
        # Unbuffered: a thread inside a buffered read would keep the interpreter from ending.
        while os.read(0, 4096):
            pass
        os._exit(1)

    threading.Thread(target=watch, name="lwpipe-caller", daemon=True).start()
