"""Edit faces by parts with a trained run: exchange, drag, measure, sample; sessions that reopen."""

from typing import TYPE_CHECKING

from lwpipe.core.lazy import lazily

if TYPE_CHECKING:
    from lwpipe.editor.editor import Editor
    from lwpipe.editor.session import Handle, Session

__all__ = ["Editor", "Handle", "Session"]

# The command line must not wait for PyTorch.
__getattr__ = lazily(
    __name__,
    {
        "Editor": "lwpipe.editor.editor",
        "Handle": "lwpipe.editor.session",
        "Session": "lwpipe.editor.session",
    },
)
