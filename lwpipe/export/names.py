"""What parts are called: after the true regions of a data set where they agree, else by number."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

# From this cosine between local weights and region on, a part is called after the region.
AGREEMENT = 0.6


def part_names(
    weights: npt.ArrayLike, regions: Mapping[str, Floats] | None = None
) -> tuple[str, ...]:
    """Return one name a part, all different.

    Regions are those of shape parameters, and those whose names begin with the same word, such as
    `nose_width` and `nose_length`, are one. The part and the region that agree most are paired
    first.

    Parameters
    ----------
    weights : float (V, K), local weights
    regions : float (V,) each, by names of parameters

    Examples
    --------
    >>> part_names([[1, 0], [0, 1]], {"nose_width": np.array([0, 1], np.float32)})
    ('part 0', 'nose')
    """
    columns = np.asarray(weights, np.float64).T
    names = [f"part {part}" if len(columns) > 1 else "face" for part in range(len(columns))]
    together: dict[str, npt.NDArray[np.float64]] = {}
    for name, region in (regions or {}).items():
        word = name.partition("_")[0]
        together[word] = np.maximum(together.get(word, 0.0), region.astype(np.float64))
    if len(columns) == 1 or not together:
        return tuple(names)
    words = sorted(together)
    fields = np.stack([together[word] for word in words])
    agreement = _unit(columns) @ _unit(fields).T
    while agreement.max() > AGREEMENT:
        part, place = np.unravel_index(agreement.argmax(), agreement.shape)
        names[part] = words[place]
        agreement[part], agreement[:, place] = 0, 0
    return tuple(names)


def _unit(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1))
