"""How much of a correction counts: chosen by faces that the network has not learned from.

A network that corrects principal components learns whatever its training faces have, also what is
of no use for others. With the gain g in [0, 1] on all that it adds, to the code, to the projections
and to the face, g = 0 is the PCA itself and g = 1 the network as it was trained; the gain whose
error is least on faces held back from the training is kept. The components are those of all
training faces: they are the same for every gain.
"""

from __future__ import annotations

from contextlib import closing

import numpy as np
import numpy.typing as npt
import torch

from lwpipe.core.errors import LwpipeError
from lwpipe.data.split import draw_split, unseen_groups
from lwpipe.data.store import Dataset
from lwpipe.model.network import PartAutoencoder
from lwpipe.model.part_model import PartModel
from lwpipe.training.data import Faces
from lwpipe.training.epoch import split
from lwpipe.training.step import error_mm

GAINS = tuple(round(0.05 * step, 2) for step in range(21))

Ints = npt.NDArray[np.int64]


def hold_back(dataset: Dataset, fraction: float, seed: int) -> tuple[Ints, Ints]:
    """Divide the training faces into those to learn from and those held back.

    Whole subjects are held back, unless the test faces are of subjects that the training knows.

    Parameters
    ----------
    dataset : Dataset
    fraction : share to hold back; 0: none
    seed : of the draw

    Returns
    -------
    learned, held : int64 (n,) and (m,), rows of the data set

    Raises
    ------
    LwpipeError
        If there are less than two training faces to divide.
    """
    rows = dataset.indices("train")
    if fraction == 0:
        return rows, rows[:0]
    if len(rows) < 2:
        raise LwpipeError(
            f"training.validation_fraction: is {fraction}, and there is {len(rows)} training face."
        )
    groups = unseen_groups(dataset.faces["subject"], rows, dataset.indices("test"))
    labels = np.array(draw_split(groups, fraction, seed))
    return rows[labels == "train"], rows[labels == "test"]


def choose_gain(
    model: PartModel, faces: Faces, held: Ints, batch_size: int
) -> tuple[float, dict[float, float]]:
    """Give a trained model the gain that its error on the held faces is least with.

    Parameters
    ----------
    model : with a linear base; its network is changed
    faces : source of batches
    held : int64 (m,), rows to measure on
    batch_size : faces at once

    Returns
    -------
    gain : one of `GAINS`; of equal ones the smallest
    errors : of each gain, the mean vertex distance of the held faces, mm
    """
    trained = [value.clone() for value in _added(model.network)]
    errors = {}
    for gain in GAINS:
        _set(model.network, trained, gain)
        errors[gain] = mean_error(model, faces, held, batch_size)
    chosen = min(GAINS, key=lambda gain: errors[gain])
    _set(model.network, trained, chosen)
    return chosen, errors


@torch.no_grad()
def mean_error(model: PartModel, faces: Faces, rows: Ints, batch_size: int) -> float:
    """Return the mean vertex distance of reconstructed faces, mm.

    Parameters
    ----------
    model, faces, batch_size : as `choose_gain`
    rows : int64 (n,)
    """
    model.network.eval()
    total = 0.0
    with closing(faces.batches(split(rows, batch_size))) as read:
        for x in read:
            total += float(error_mm(model, model.network(x), x))
    return total / len(rows)


def _added(network: PartAutoencoder) -> list[torch.Tensor]:
    """Return the parameters that all that the network adds to its base is linear in."""
    last = [decoder.last.weight for decoder in network.each_decoder()]
    projections = [] if network.projections is None else [network.projections]
    return [network.to_latent.weight, network.to_latent.bias, *projections, *last]


@torch.no_grad()
def _set(network: PartAutoencoder, trained: list[torch.Tensor], gain: float) -> None:
    for value, full in zip(_added(network), trained, strict=True):
        torch.mul(full, gain, out=value)
