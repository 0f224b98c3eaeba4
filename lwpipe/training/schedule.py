"""Learning rate and weights as closed functions of the step: a resumed run needs no state."""

from __future__ import annotations

import math

from lwpipe.training.settings import TrainingSettings

_WARM_UP = 0.3
_START = 1 / 25
_END = 1e-4


def learning_rate(settings: TrainingSettings, step: int, steps_per_epoch: int) -> float:
    """Return the learning rate of optimiser step `step`, counted from 0 over the whole training.

    `one_cycle` rises on a cosine over the first 30% of the steps from 1/25 of the peak and falls
    on a cosine to 1e-4 of it (Smith and Topin, 2018); `exponential` multiplies by `decay` after
    every epoch, as CoMA does; `constant` stays.
    """
    peak = settings.learning_rate
    if settings.schedule == "constant":
        return peak
    if settings.schedule == "exponential":
        return peak * settings.decay ** (step // steps_per_epoch)
    total = settings.epochs * steps_per_epoch
    warm = max(1.0, _WARM_UP * total)
    if step < warm:
        share, low, high = step / warm, _START, 1.0
    else:
        share, low, high = min(1.0, (step - warm) / max(1.0, total - 1 - warm)), 1.0, _END
    return peak * (low + (high - low) * (1 - math.cos(math.pi * share)) / 2)


def divergence_weight(settings: TrainingSettings, step: int, steps_per_epoch: int) -> float:
    """Return the weight of the divergence of the codes at a step, counted as above.

    It rises from 0, so that codes first learn to tell faces apart (Bowman et al., *Generating
    Sentences from a Continuous Space*, 2016).
    """
    rising = settings.kl_warmup * steps_per_epoch
    return settings.kl_weight * (min(1.0, step / rising) if rising else 1.0)
