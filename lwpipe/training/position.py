"""Where a training stands within its epochs and steps."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Position:
    """Where a training stands: all that goes on from it needs, beside weights and optimiser.

    Attributes
    ----------
    history : a row of the learning curve for each finished epoch
    step : optimiser steps that are done in the epoch after those
    totals : the measures of a step, summed over the faces of these steps; empty before the first
    generator : state of the epoch's random draws after these steps, as JSON
    seconds : time spent in this epoch
    first_loss : loss of the first step of all, of the network as it was drawn; 0 before that
    """

    history: list[dict[str, float]] = field(default_factory=list)
    step: int = 0
    totals: list[float] = field(default_factory=list)
    generator: str = ""
    seconds: float = 0.0
    first_loss: float = 0.0

    def remember(self, rng: np.random.Generator) -> None:
        """Keep the state of the draws; its integers have 128 bits, which only text holds."""
        self.generator = json.dumps(rng.bit_generator.state)

    def restore(self, rng: np.random.Generator) -> None:
        """Put the draws back into the state that was kept."""
        rng.bit_generator.state = json.loads(self.generator)

    def end_epoch(self, row: dict[str, float]) -> None:
        """Go to the start of the next epoch."""
        self.history.append(row)
        self.step, self.totals, self.generator, self.seconds = 0, [], "", 0.0

    def epoch_words(self, epochs: int) -> str:
        """Say in which epoch it is, counted from 1."""
        return f"epoch {len(self.history) + 1} of {epochs}"

    def saved_words(self) -> str:
        """Say up to where the training has come: a finished epoch, or a step within one."""
        if self.step:
            return f"epoch {len(self.history) + 1} up to step {self.step}"
        return f"epoch {len(self.history)}"
