"""Progress of a training: a bar on a terminal, one line an epoch in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)


class Watcher(Protocol):
    """What a training tells how far it is."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def note(self, text: str) -> None:
        """Tell a sentence that the user should know."""

    def step(self, loss: float, count: int) -> None:
        """Tell of `count` optimiser steps, the last with this loss."""

    def epoch(self, row: dict[str, float]) -> None:
        """Tell the history row of a finished epoch."""


# Made from the numbers of epochs, of optimiser steps an epoch, and of epochs that are done.
MakeWatcher = Callable[[int, int, int], Watcher]


class Silent:
    """Tell nothing."""

    def __init__(self, epochs: int, steps: int, done: int) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def note(self, text: str) -> None:
        """Tell nothing."""

    def step(self, loss: float, count: int) -> None:
        """Tell nothing."""

    def epoch(self, row: dict[str, float]) -> None:
        """Tell nothing."""


class TrainingProgress:
    """Show loss, error in mm and time left.

    Parameters
    ----------
    epochs : number of epochs of the whole training
    steps : optimiser steps an epoch
    done : epochs that are done already
    """

    def __init__(self, epochs: int, steps: int, done: int) -> None:
        self._console = Console(file=sys.stderr)
        self._epochs, self._steps, self._done, self._first = epochs, steps, done, done
        self._started = time.monotonic()
        self._bar = Progress(
            BarColumn(bar_width=16),
            TextColumn(f"{{task.fields[epoch]}}/{epochs}"),
            TextColumn("loss {task.fields[loss]:.4f} {task.fields[error]}"),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(
            "",
            total=epochs * steps,
            completed=done * steps,
            epoch=done,
            loss=float("nan"),
            error="",
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def note(self, text: str) -> None:
        """Tell a sentence that the user should know."""
        self._console.print(f"lwpipe: note: {text}", markup=False, highlight=False, soft_wrap=True)

    def step(self, loss: float, count: int) -> None:
        """Tell of `count` optimiser steps, the last with this loss."""
        self._bar.update(self._task, advance=count, loss=loss, epoch=self._done + 1)

    def epoch(self, row: dict[str, float]) -> None:
        """Tell the history row of a finished epoch."""
        self._done += 1
        error = f"train {row['train_mm']:.3f} mm  test {row['test_mm']:.3f} mm"
        self._bar.update(self._task, error=f"test {row['test_mm']:.3f} mm", epoch=self._done)
        if not self._console.is_terminal:
            elapsed = time.monotonic() - self._started
            left = elapsed / (self._done - self._first) * (self._epochs - self._done)
            print(  # noqa: T201 - the log of a job is its standard error
                f"epoch {self._done}/{self._epochs}  loss {row['loss']:.5f}  {error}  "
                f"{row['seconds']:.1f} s  left {left:.0f} s",
                file=sys.stderr,
                flush=True,
            )
