"""What was done, step by step: undo and redo without limit."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lwpipe.editor.session import Session

# Moves of one dial that follow each other are one step.
_TOGETHER_S = 1.5


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes
    ----------
    label : what was done
    session : what it led to
    key : of the dial that was moved; empty: of none
    at : when, in seconds of a steady clock
    """

    label: str
    session: Session
    key: str = ""
    at: float = 0.0


class History:
    """The steps of a session, and the one that is shown.

    Parameters
    ----------
    session : the first
    label : of the first
    """

    def __init__(self, session: Session, label: str = "start") -> None:
        self.steps = [Step(label, session)]
        self.place = 0

    @property
    def session(self) -> Session:
        """The session that is shown."""
        return self.steps[self.place].session

    def add(self, label: str, session: Session, key: str = "") -> None:
        """Take a step; steps that were undone are forgotten.

        A step of the same dial as the last one, soon after it, takes its place.
        """
        now = time.monotonic()
        last = self.steps[self.place]
        del self.steps[self.place + 1 :]
        if key and key == last.key and now - last.at < _TOGETHER_S:
            self.steps.pop()
        self.steps.append(Step(label, session, key, now))
        self.place = len(self.steps) - 1

    def go(self, place: int) -> None:
        """Show another step; what lies beyond the ends is the end."""
        self.place = min(max(place, 0), len(self.steps) - 1)
