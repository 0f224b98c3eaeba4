"""What can end a training before its time, as sentences that say what stays and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from lwpipe.core.errors import LwpipeError

# How PyTorch and Triton begin what they report of a device; a failed assertion is a defect of ours.
_DEVICE = ("CUDA error", "CUDA driver error", "Triton Error [CUDA]")
_ASSERTION = "device-side assert"
_MEMORY = ("out of memory", "DefaultCPUAllocator")


def diverged(epoch: str, reason: str, kept: str) -> LwpipeError:
    """Return the error of a training whose loss grows without bounds.

    Parameters
    ----------
    epoch, reason, kept : in which epoch, how it shows, and what is on the disk, in words
    """
    return LwpipeError(
        f"training diverged in {epoch} ({reason}), and would do so again: lower "
        "`training.learning_rate`, or set `training.optimizer` to 'adam' and "
        f"`training.precision` to 'float32' if they are not; {kept}."
    )


def is_device_fault(error: BaseException) -> bool:
    """Tell whether an error is one of the device, or of its memory, and not of the program."""
    text = str(error)
    if _is_of_memory(error):
        return True
    # The class is new in PyTorch 2.8; before it, the text alone tells.
    known = isinstance(error, getattr(torch, "AcceleratorError", ()))
    said = isinstance(error, RuntimeError) and any(words in text for words in _DEVICE)
    return (known or said) and _ASSERTION not in text


def _is_of_memory(error: BaseException) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _MEMORY)


@contextmanager
def device_faults(epoch: Callable[[], str], kept: Callable[[], str]) -> Iterator[None]:
    """Turn the failure of a device, or the end of its memory, into one sentence.

    Parameters
    ----------
    epoch, kept : say in which epoch the training is, and what of it is on the disk

    Raises
    ------
    LwpipeError
        In place of the error of PyTorch.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_device_fault(error):
            raise
        if _is_of_memory(error):
            advice = (
                f"memory ran out in {epoch()}: raise `training.accumulate` or lower "
                "`training.batch_size`, which begins another training, or free memory and give "
                "the same command again"
            )
        else:
            lines = (line.strip() for line in str(error).splitlines())
            reason = next((line for line in lines if line), "no reason given")
            advice = (
                f"the device failed in {epoch()} ({reason[:200].rstrip('.')}): the same command "
                "goes on from what is saved, also without a GPU"
            )
        raise LwpipeError(f"{advice}; {kept()}.") from error
