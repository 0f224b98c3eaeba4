"""Training: data batches, losses, schedule, checkpoints."""

from lwpipe.training.loop import choose_device, train

__all__ = ["choose_device", "train"]
