"""The section `training`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lwpipe.core.settings import EXPONENT, Bounded, NonNegative, Positive, Section, Seed


class TrainingSettings(Section):
    """Optimisation."""

    epochs: Bounded = 10
    """Passes over the training faces."""
    batch_size: Bounded = 16
    """Faces a step."""
    optimizer: Literal["adam", "sgd"] = "adam"
    """Optimiser."""
    learning_rate: Positive = 4e-3
    """Learning rate at the start, or at the top of one_cycle."""
    schedule: Literal["one_cycle", "exponential", "constant"] = "one_cycle"
    """Course of the learning rate over the epochs."""
    decay: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False), EXPONENT] = 0.99
    """Factor of the learning rate an epoch; read with schedule exponential."""
    momentum: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False), EXPONENT] = 0.9
    """Momentum; read with optimizer sgd."""
    weight_decay: NonNegative = 0.0
    """Weight of the squared parameters."""
    cycle_weight: NonNegative = 0.5
    """lambda: weight of the cycle loss, which shuffles parts between faces; 0.0: none."""
    cycle_share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False), EXPONENT] = 0.5
    """Share of each batch whose parts are shuffled, for the cycle loss, which costs most of a
    step's time, and for the blend loss."""
    blend_weight: NonNegative = 0.0
    """Weight of the blend loss, by which shuffled parts are decoded to the blend of the faces by
    the local weights; 0.0: none."""
    color_weight: NonNegative = 1.0
    """What an error of colours counts beside one of positions, both standardised; read with
    data.colors."""
    partition_weight: NonNegative = 0.0
    """Weight of the partition loss, by which the projections divide the code among the parts: their
    sum is 1, each is a projector, and the product of two is 0; 0.0: none, as a model.base needs
    it."""
    kl_weight: NonNegative = 1e-5
    """Weight of the divergence of the codes from N(0, 1), summed over their numbers; read with
    model.variational."""
    kl_warmup: Annotated[int, Field(ge=0, le=1_000_000)] = 5
    """Over so many epochs that weight rises from 0; read with model.variational."""
    free_bits: NonNegative = 0.05
    """So much of the divergence of each number of the code costs nothing: it may tell something of
    the face. Unit: nats; read with model.variational."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; auto: on the GPU if there is one."""
    backend: Literal["auto", "numba", "triton", "torch", "pyg"] = "auto"
    """Implementation of the mesh convolution: compiled for the CPU (numba) or the GPU (triton),
    plain PyTorch (torch), torch_geometric's layers (pyg: slow, for comparison); auto: the fastest
    that runs on the device."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the features on a GPU; sums and parameters, and all on a CPU, are float32."""
    accumulate: Bounded = 1
    """Compute each batch in so many pieces and add their gradients: less memory; the faces of the
    cycle mix within a piece."""
    processes: Annotated[int, Field(ge=1, le=256)] = 1
    """Share each batch among so many processes, one GPU each where there are GPUs."""
    validation_fraction: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False), EXPONENT] = 0.0
    """Share of the training faces that the network does not learn from, but its base does: by their
    error it is chosen how much of its correction counts, from none to all; 0.0: none is held back,
    and all of it counts. Read with a model.base."""
    seed: Seed = 0
    """Draws the start of the network, the batches, the shuffles and the faces held back."""
