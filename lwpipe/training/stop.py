"""The wish to stop a training, as a cluster tells it by a signal ahead of the end of a job.

The training looks at the wish between two steps, saves and ends; nothing is done in the handler.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from torch import Tensor

from lwpipe.core.errors import StoppedError

# The second is what a cluster sends ahead of a time limit where it is asked to.
_NAMES = ("SIGTERM", "SIGUSR1")
SIGNALS = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))


class Stop:
    """The wish to stop, of one process.

    Attributes
    ----------
    signal : the first signal that asked for it; None while nothing has
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def ask(self, number: int = signal.SIGTERM, _frame: FrameType | None = None) -> None:
        """Take the wish; a second one, such as while the training saves, changes nothing."""
        if self.signal is None:
            self.signal = signal.Signals(number)

    def marks(self, like: Tensor) -> Tensor:
        """Return the wish as numbers that processes can add, of the kind and device of `like`.

        Returns
        -------
        (S,) : one a signal of SIGNALS: 1 for the one that asked, else 0
        """
        marks = like.new_zeros(len(SIGNALS))
        if self.signal is not None:
            marks[SIGNALS.index(self.signal)] = 1  # a fill, for which nobody waits on a GPU
        return marks


def asked_by(marks: Sequence[float]) -> signal.Signals | None:
    """Return the signal of the wish in a sum of `Stop.marks`, None where no process has one."""
    return next((number for number, mark in zip(SIGNALS, marks, strict=True) if mark > 0), None)


@contextmanager
def listening(stop: Stop) -> Iterator[None]:
    """Let the signals SIGTERM and SIGUSR1 ask for a stop while the block runs.

    Python hands signals to the main thread alone: in another one, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop.ask) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


class StopAskedError(Exception):
    """A training has stopped as it was asked to, and is saved.

    Attributes
    ----------
    signal : name of the signal
    place : where it stands, such as 'epoch 3 of 10, step 12 of 112'
    """

    def __init__(self, signal: str, place: str) -> None:
        super().__init__(signal, place)
        self.signal, self.place = signal, place

    def told(self, resume: bool) -> StoppedError:
        """Return the error for the user.

        Parameters
        ----------
        resume : whether the command that was stopped resumes a training when it is given again
        """
        again = "the same command" if resume else "the same command without --fresh"
        return StoppedError(
            f"training was stopped by {self.signal} in {self.place}: saved; "
            f"{again} goes on from there."
        )
