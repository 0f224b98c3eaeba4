"""The command `studio`: edit faces in the browser."""

from __future__ import annotations

import secrets
import socket
import threading
from argparse import Namespace
from pathlib import Path
from typing import Any

from lwpipe.cli.context import say
from lwpipe.core.errors import LwpipeError

# Addresses that stand for all of this machine's.
_EVERY = ("0.0.0.0", "::")  # noqa: S104

# What is slow to import is imported inside the command: help must not wait for PyTorch.


def add_command(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "studio",
        help="edit faces by parts in the browser",
        description="Open a page on which faces are edited by parts. It is served to this machine "
        "alone unless --host says otherwise.",
    )
    parser.add_argument("run", metavar="RUN", help="folder of a run, results/NAME, or of a model")
    parser.add_argument("--variant", default="on_pca", help="of the run (default: on_pca)")
    parser.add_argument("--data", metavar="FOLDER", help="data set (default: that of the run)")
    parser.add_argument("--measures", metavar="YAML", help="measurements of your own")
    parser.add_argument(
        "--session",
        metavar="JSON",
        help="file that the session is kept in, and opened from if it is there "
        "(default: studio/session.json in RUN)",
    )
    parser.add_argument("--port", type=int, default=8080, help="the next free one is taken")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; for another than this machine a token is asked for",
    )
    parser.add_argument("--token", help="that a browser must bring (beyond this machine: drawn)")
    parser.set_defaults(command=studio)


def studio(options: Namespace) -> None:
    """Serve the page until it is interrupted."""
    if not 0 < options.port < 65536:
        raise LwpipeError(f"--port {options.port}: must lie between 1 and 65535.")
    if options.token is not None and len(options.token) < 8:
        raise LwpipeError("--token: has fewer than 8 letters.")
    try:
        from lwpipe.studio.guard import is_loopback
        from lwpipe.studio.studio import Studio
    except ModuleNotFoundError as error:
        raise LwpipeError(
            f"the studio needs {error.name}, which is not installed: pip install 'lwpipe[studio]'."
        ) from error
    from lwpipe.editor import Editor

    editor = Editor.load(options.run, options.variant, options.data, options.measures)
    run = Path(options.run)
    autosave = Path(
        options.session or (run if run.is_dir() else run.parent) / "studio/session.json"
    )
    home = is_loopback(options.host)
    token = options.token or (None if home else secrets.token_urlsafe(16))
    with Studio(editor, autosave, options.host, options.port, token, run.resolve().name) as made:
        if made.bench.said:
            say(made.bench.said)
        name = socket.gethostname() if options.host in _EVERY else options.host
        name = f"[{name}]" if ":" in name else name
        address = f"http://{name}:{made.port}/" + (f"?token={token}" if token else "")
        say(f"Open {address} in a browser; the session is kept in {autosave}. Ctrl+C ends.")
        if not home:
            say("Everyone who can reach this machine and has the token can use the studio.")
        threading.Event().wait()
