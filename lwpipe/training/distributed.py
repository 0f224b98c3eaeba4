"""The processes of one training: each computes its share of every batch, gradients are added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from lwpipe.training.faults import is_device_fault


class LostProcessError(RuntimeError):
    """Another process of the training has ended before its time."""


@dataclass(frozen=True)
class Group:
    """The processes of a training, seen from one of them; by default it is alone.

    Attributes
    ----------
    rank : number of this process, from 0; the first alone writes files
    size : how many there are
    """

    rank: int = 0
    size: int = 1

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum of `values` over all processes."""
        if self.size > 1:
            with _partners():
                dist.all_reduce(values)
        return values

    def sum_gradients(self, parameters: Sequence[nn.Parameter], measures: Tensor) -> Tensor:
        """Replace gradients by their sums over all processes; return the sums of `measures`.

        Each process has weighted its faces by the size of the whole batch, so that the sum is the
        gradient of the batch however unequal the shares are: one without faces adds nothing. All
        travel in one message of 4 bytes a parameter.
        """
        if self.size == 1:
            return measures
        own = [p.new_zeros(p.numel()) if p.grad is None else p.grad.flatten() for p in parameters]
        flat = self.sum(torch.cat([*own, measures.float()]))
        position = 0
        for parameter in parameters:
            gradient = flat[position : position + parameter.numel()]
            parameter.grad = gradient.view_as(parameter)
            position += parameter.numel()
        return flat[position:].double()

    def check_start(self, parameters: Sequence[nn.Parameter], step: int) -> None:
        """Check that all processes start at one step and with the weights of the first.

        Raises
        ------
        RuntimeError
            If they do not: the seed, or the checkpoint, gave them different ones.
        """
        if self.size == 1:
            return
        with torch.no_grad():
            own = torch.cat([p.flatten() for p in parameters])
            own = torch.cat([own, own.new_tensor([step])])
        first = own.clone()
        with _partners():
            dist.broadcast(first, 0)
        if self.sum((first != own).any().float()[None]).item() > 0:
            raise RuntimeError("the processes of the training start from different weights")


@contextmanager
def joined(device: torch.device) -> Iterator[Group]:
    """Join the other processes, which torchrun has started: by NCCL on GPUs, else by Gloo."""
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    yield Group(dist.get_rank(), dist.get_world_size())
    # Only after success: with a process missing it could wait for ever.
    dist.destroy_process_group()


@contextmanager
def _partners() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if is_device_fault(error):
            raise
        raise LostProcessError(str(error)) from error
