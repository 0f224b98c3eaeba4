"""What a step must compute and move, and how fast this machine computes and moves.

The counts are those of the algorithm in docs/method.md: recurrences on the fine mesh, mixing on the
coarse one. Bytes count every array that enters or leaves a layer once, as if caches were perfect.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from lwpipe.model.network import PartAutoencoder


@dataclass
class Work:
    """Floating-point operations and bytes."""

    operations: float = 0.0
    bytes: float = 0.0

    def __add__(self, other: Work) -> Work:
        return Work(self.operations + other.operations, self.bytes + other.bytes)

    def seconds(self, machine: Machine) -> float:
        """Return the least time on a machine: whichever of the two takes longer."""
        return max(self.operations / machine.operations, self.bytes / machine.bandwidth)


@dataclass
class Machine:
    """Operations and bytes a second."""

    operations: float
    bandwidth: float


def measure_machine(device: torch.device) -> Machine:
    """Measure float32 matrix products and a copy of arrays that no cache holds."""

    def best(function, count: int) -> float:
        seconds = []
        for _ in range(count):
            wait(device)
            started = time.perf_counter()
            function()
            wait(device)
            seconds.append(time.perf_counter() - started)
        return min(seconds)

    size = 2048 if device.type == "cpu" else 8192
    a, b = (torch.randn(size, size, device=device) for _ in range(2))
    operations = 2 * size**3 / best(lambda: torch.mm(a, b), 8)
    source = torch.randn(2**26, device=device)
    target = torch.empty_like(source)
    bandwidth = 2 * source.numel() * 4 / best(lambda: target.copy_(source), 8)
    return Machine(operations, bandwidth)


def wait(device: torch.device) -> None:
    """Wait until a GPU has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def step_work(network: PartAutoencoder, batch: int) -> Work:
    """Return the work of one training step without cycle loss: forward, backward, optimiser."""
    geometry, total = network.geometry, Work()
    layers = [
        *(
            (level, geometry.down[level].nnz, layer.weight.shape[1], layer.weight.shape[2], 0)
            for level, layer in enumerate(network.encoder)
        ),
        *(
            (level, geometry.up[level].nnz, layer.weight.shape[2], layer.weight.shape[1], 1)
            for level, layer in zip(reversed(range(geometry.levels)), network.decoder, strict=True)
        ),
        (0, 0, 3, network.last.weight.shape[1], 1),
    ]
    for level, select, side, channels, is_synthesis in layers:
        order = network.settings.order
        fine = geometry.vertex_count(level)
        coarse = geometry.vertex_count(level + 1) if select else fine
        recurrence = 2 * (order - 1) * geometry.laplacian[level].nnz * side * batch
        recurrence += (order - 2) * fine * side * batch
        spread = 2 * order * select * side * batch if is_synthesis else 0
        mixing = 2 * order * coarse * side * channels * batch
        first = level == 0 and not is_synthesis
        sweeps = 1 if first else 2  # nothing needs the gradient of the faces themselves
        ends = 4 * (fine * side + coarse * channels) * batch
        terms = 0 if is_synthesis else 4 * order * coarse * side * batch
        output = 4 * batch * (fine * side if is_synthesis else coarse * channels)
        total += Work(
            sweeps * (recurrence + spread + mixing) + mixing,
            ends + terms  # forward: in, out, saved terms
            + ends + terms + output + (4 * coarse * channels * batch if is_synthesis else 0),
        )  # fmt: skip
    parameters = sum(parameter.numel() for parameter in network.parameters())
    # Weights are read forward and backward, their gradient is written, and Adam reads four arrays
    # and writes three.
    return total + Work(6 * parameters * batch + 12 * parameters, 4 * 10 * parameters)


def decode_work(network: PartAutoencoder, batch: int) -> Work:
    """Return the work of decoding part encodings."""
    geometry, order, total = network.geometry, network.settings.order, Work()
    rows = [
        (level, geometry.up[level].nnz, layer.weight.shape[2], layer.weight.shape[1])
        for level, layer in zip(reversed(range(geometry.levels)), network.decoder, strict=True)
    ]
    for level, select, side, channels in [*rows, (0, 0, 3, network.last.weight.shape[1])]:
        fine = geometry.vertex_count(level)
        coarse = geometry.vertex_count(level + 1) if select else fine
        total += Work(
            batch * side * (
                2 * (order - 1) * geometry.laplacian[level].nnz
                + (order - 2) * fine + 2 * order * select + 2 * order * coarse * channels
            ),
            4 * batch * (fine * side + coarse * channels),
        )  # fmt: skip
    parameters = network.from_latent.weight.numel()
    return total + Work(2 * parameters * batch * network.part_count, 4 * parameters)
