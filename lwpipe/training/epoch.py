"""One epoch: the steps over the training faces, then the error of the test faces."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lwpipe.core.errors import LwpipeError
from lwpipe.model.part_model import PartModel
from lwpipe.training.data import Faces
from lwpipe.training.distributed import Group
from lwpipe.training.faults import diverged
from lwpipe.training.position import Position
from lwpipe.training.progress import Watcher
from lwpipe.training.schedule import divergence_weight, learning_rate
from lwpipe.training.settings import TrainingSettings
from lwpipe.training.step import MEASURES, add_gradients, cut, draw_noise, draw_order, error_mm
from lwpipe.training.stop import SIGNALS, Stop, asked_by

# Numbers are read once in so many steps: to read one from a GPU is to wait for it. Several
# processes read there too whether one of them is asked to stop, which must not take long.
_STEPS = {"cpu": 1, "cuda": 50}
_STEPS_OF_SEVERAL = 10
# An epoch whose mean loss is so many times that of the network as it was drawn, before its first
# step, has diverged: the faces are standardised, so that this is about the loss of the mean face
# for every face. A rising learning rate costs some of what is learned, never more than all of it.
_DIVERGED = 10.0

Ints = npt.NDArray[np.int64]


@dataclass
class Trainer:
    """What the epochs of a training share.

    Attributes
    ----------
    model, optimizer : on the device
    faces : source of batches
    train_rows, test_rows : int64 (n,), faces of each split
    settings : the settings
    group : the processes of the training
    watcher : is told of the steps
    stop : is looked at after each step
    position : where the training stands; moved on here
    kept : says what is on the disk
    """

    model: PartModel
    optimizer: torch.optim.Optimizer
    faces: Faces
    train_rows: Ints
    test_rows: Ints
    settings: TrainingSettings
    group: Group
    watcher: Watcher
    stop: Stop
    position: Position
    kept: Callable[[], str]

    @property
    def steps(self) -> int:
        """Optimiser steps an epoch."""
        return -(-len(self.train_rows) // self.settings.batch_size)

    def run_epoch(self) -> signal.Signals | None:
        """Go on from the position to the end of the epoch.

        Returns
        -------
        signal : the one that asked for a stop, which all processes see at the same step: the
            position is then within the epoch; None at its end

        Raises
        ------
        LwpipeError
            If the training has diverged: the position is not to be saved.
        """
        position = self.position
        started = time.monotonic() - position.seconds
        asked = self._train()
        test_mm = 0.0
        if asked is None:
            test_mm, asked = self._test()
        position.seconds = time.monotonic() - started
        values = [total / len(self.train_rows) for total in position.totals]
        means = dict(zip(MEASURES, values, strict=True))
        # Gradients that are not numbers reach the parameters before they reach a loss.
        if not math.isfinite(test_mm) or not self._weights_are_finite():
            raise self._diverged("a weight or the test error is not a finite number")
        if asked is not None:
            return asked
        if means["loss"] > _DIVERGED * position.first_loss:
            raise self._diverged(
                f"mean loss {means['loss']:.4g}, {position.first_loss:.4g} before the first step"
            )
        epoch = len(position.history)
        position.end_epoch(
            {
                "epoch": epoch + 1,
                **means,
                "test_mm": test_mm,
                "learning_rate": self._rate((epoch + 1) * self.steps - 1),
                "seconds": round(position.seconds, 3),
            }
        )
        return None

    def _train(self) -> signal.Signals | None:
        """Take the steps of the epoch that are left."""
        position, settings, group = self.position, self.settings, self.group
        epoch, begun = len(position.history), position.step
        self.model.network.train()
        # Seeded by epoch, not drawn on from the one before: a resumed run draws the same.
        rng = np.random.default_rng([settings.seed, epoch])
        batches = split(rng.permutation(self.train_rows), settings.batch_size)
        device = self.model.mean.device
        totals = torch.zeros(len(MEASURES), dtype=torch.float64, device=device)
        if begun:
            position.restore(rng)
            totals += torch.tensor(position.totals, dtype=torch.float64, device=device)
            done = sum(len(batch) for batch in batches[:begun])
            self.watcher.step(position.totals[0] / done, begun)
        every = _STEPS[device.type]
        if group.size > 1:
            every = min(every, _STEPS_OF_SEVERAL)
        told, asked = begun, None
        first = totals.new_full((1,), position.first_loss)
        with closing(self.faces.batches(self._share(b) for b in batches[begun:])) as shares:
            for step, x in enumerate(shares, begun):
                size = len(batches[step])
                sums, marks = self._step(rng, x, size, epoch * len(batches) + step)
                totals += sums
                if epoch == step == 0:
                    first = sums[:1] / size
                if group.size == 1:
                    asked = self.stop.signal
                if not (asked or (step + 1) % every == 0 or step + 1 == len(batches)):
                    continue
                values = torch.cat([first, sums[:1] / size, totals[:1], marks]).tolist()
                position.first_loss, loss, total, *seen = values
                # What is not finite stays so in the total, whichever step it came from.
                if not math.isfinite(total):
                    raise self._diverged(f"loss {loss:.4g}")
                self.watcher.step(loss, step + 1 - told)
                told, asked = step + 1, asked or asked_by(seen)
                if asked:
                    break
        position.step, position.totals = told, totals.tolist()
        position.remember(rng)
        return asked

    def _step(
        self, rng: np.random.Generator, x: Tensor, faces: int, number: int
    ) -> tuple[Tensor, Tensor]:
        """Take one step on a batch of `faces` faces, of which `x` is this process's share.

        Returns
        -------
        sums : float64 (7,), MEASURES of the batch
        marks : float64 (S,), the wish to stop of all processes, as `Stop.marks`
        """
        rate = self._rate(number)
        for parameter_group in self.optimizer.param_groups:
            parameter_group["lr"] = rate
        # Each process draws for all: the draws do not depend on which share is its own.
        orders = [
            [
                draw_order(rng, piece.stop - piece.start, self.model.part_count, self.settings)
                for piece in cut(share.stop - share.start, self.settings.accumulate)
            ]
            for share in cut(faces, self.group.size)
        ]
        own = orders[self.group.rank] if self.group.rank < len(orders) else []
        noises: list[list[Tensor]] = [[] for _ in orders]
        if self.model.settings.variational:
            noises = self._noises(rng, faces)
        weight = divergence_weight(self.settings, number, self.steps)
        self.optimizer.zero_grad(set_to_none=True)
        drawn = noises[self.group.rank] if self.group.rank < len(noises) else []
        sums = add_gradients(self.model, x, own, faces, self.settings, drawn, weight)
        both = torch.cat([sums, self.stop.marks(sums)])
        both = self.group.sum_gradients(list(self.model.network.parameters()), both)
        self.optimizer.step()
        return both[: -len(SIGNALS)], both[-len(SIGNALS) :]

    def _noises(self, rng: np.random.Generator, faces: int) -> list[list[Tensor]]:
        """Draw what the codes differ from their means by: of each process, of each piece."""
        size = self.model.latent_size
        return [
            [
                draw_noise(rng, piece.stop - piece.start, size)
                for piece in cut(share.stop - share.start, self.settings.accumulate)
            ]
            for share in cut(faces, self.group.size)
        ]

    @torch.no_grad()
    def _test(self) -> tuple[float, signal.Signals | None]:
        """Return the mean vertex distance of the test faces, mm, as the saved model gives: float32.

        With it the signal that asked to stop: the distance is then that of some faces only.
        """
        self.model.network.eval()
        total = torch.zeros(1, dtype=torch.float64, device=self.model.mean.device)
        size = -(-self.settings.batch_size // (self.settings.accumulate * self.group.size))
        with closing(self.faces.batches(split(self._share(self.test_rows), size))) as batches:
            for x in batches:
                if self.stop.signal is not None:
                    break
                total += error_mm(self.model, self.model.network(x), x)
        both = self.group.sum(torch.cat([total, self.stop.marks(total)]))
        distance, *marks = both.tolist()
        return distance / len(self.test_rows), asked_by(marks)

    def _rate(self, number: int) -> float:
        return learning_rate(self.settings, number, self.steps)

    def _share(self, rows: Ints) -> Ints:
        """Return the rows of this process: none where there are fewer than processes."""
        shares = cut(len(rows), self.group.size)
        return rows[shares[self.group.rank]] if self.group.rank < len(shares) else rows[:0]

    def _weights_are_finite(self) -> bool:
        states = (value for state in self.optimizer.state.values() for value in state.values())
        tensors = [*self.model.network.parameters(), *(s for s in states if torch.is_tensor(s))]
        return bool(torch.stack([tensor.isfinite().all() for tensor in tensors]).all())

    def _diverged(self, reason: str) -> LwpipeError:
        return diverged(self.position.epoch_words(self.settings.epochs), reason, self.kept())


def split(rows: Ints, size: int) -> list[Ints]:
    """Cut rows into batches of `size`; the last can be smaller."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]
