"""Faces of nobody's: their names, and the prior that they are drawn from."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.data.store import Dataset
from lwpipe.model.part_model import PartModel
from lwpipe.sampling import (
    Prior,
    PriorSettings,
    draw_part,
    fit_to_training,
    load_prior,
    sample,
)

Faces = npt.NDArray[np.float32]

MAX_TEMPERATURE = 10.0
WHOLE_FACE, GIVEN_REST = "random", "given-rest"
_NAME = re.compile(
    rf"({WHOLE_FACE}|{GIVEN_REST}):(\d{{1,9}})(?:@(\d{{1,2}}(?:\.\d{{1,3}})?))?", re.ASCII
)


@dataclass(frozen=True)
class Drawn:
    """A draw: `random:SEED` is a whole face, `given-rest:SEED` a part given the rest of a face.

    `@T` after the seed is the temperature, the factor of the deviations.

    Attributes
    ----------
    seed : equal seeds give equal faces
    given_rest : a part is drawn, given the rest of the face that takes it
    temperature : from 0 to 10
    """

    seed: int
    given_rest: bool = False
    temperature: float = 1.0

    @property
    def name(self) -> str:
        """What the draw is called."""
        kind = GIVEN_REST if self.given_rest else WHOLE_FACE
        return f"{kind}:{self.seed}" + (f"@{self.temperature:.3g}" if self.temperature != 1 else "")


def drawn_of(name: str) -> Drawn | None:
    """Return the draw that a name stands for; None of other names."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    kind, seed, temperature = found.groups(default="1")
    if float(temperature) > MAX_TEMPERATURE:
        return None
    return Drawn(int(seed), kind == GIVEN_REST, float(temperature))


class Draws:
    """What faces are drawn from.

    Parameters
    ----------
    model : a trained model
    data : the faces that it was trained on, which a prior is fitted to where there is none
    prior : file of the prior; None: there is none
    """

    def __init__(self, model: PartModel, data: Dataset | None, prior: str | Path | None) -> None:
        self.model, self.data, self.file = model, data, prior

    @property
    def is_ready(self) -> bool:
        """Whether a draw need not wait for a prior to be fitted."""
        return self.file is not None or "prior" in self.__dict__

    @cached_property
    def prior(self) -> Prior:
        """The prior of the model: the file's, or one that is fitted as the workflow does it.

        Raises
        ------
        LwpipeError
            If there is neither a file nor a data set, or the file is of another model.
        """
        if self.file is not None:
            return load_prior(self.file, self.model)
        if self.data is None:
            raise LwpipeError(
                "a random face: the model has no prior beside it (`lwpipe sampling --only "
                "fit_prior` makes it), and there is no data set that one could be fitted to."
            )
        return fit_to_training(self.model, self.data, PriorSettings())

    @cached_property
    def digest(self) -> str:
        """What tells the prior from others: SHA-256 of its arrays, or of what it is fitted to.

        Raises
        ------
        LwpipeError
            As `prior`.
        """
        prior, found = self.prior, hashlib.sha256()
        if self.file is None and self.data is not None:
            about = PriorSettings().model_dump_json()
            found.update(f"{self.data.info.get('content_sha256')} {about}".encode())
            return found.hexdigest()
        codes, detail = prior.codes, prior.detail
        for array in (
            codes.shares, codes.means, codes.covariances, detail.mean, detail.basis,
            detail.deviation, prior.inside, np.array(prior.noise),
        ):  # fmt: skip
            found.update(np.ascontiguousarray(array).data)
        return found.hexdigest()

    def face(self, drawn: Drawn) -> Faces:
        """Return a whole face, (V, C) in mm."""
        return np.asarray(sample(self.model, self.prior, 1, drawn.seed, drawn.temperature)[0])

    def part(self, drawn: Drawn, face: Faces, part: int) -> tuple[Faces, Faces]:
        """Draw a part given the rest of a face.

        Parameters
        ----------
        drawn : by which seed
        face : float32 (V, C), mm
        part : k

        Returns
        -------
        float32 (V, C), mm, a face to take the part from, and its encoding (Z,)

        Raises
        ------
        LwpipeError
            If the parts of the model have no places.
        """
        if self.model.part_count == 1 or not self.model.parts_match_weights:
            raise LwpipeError(f"{drawn.name}: the model has no parts with places of their own.")
        z, details = draw_part(self.model, self.prior, face, part, 1, drawn.seed, drawn.temperature)
        made = self.model.decode(self.model.parts(z))[0] + details[0]
        return np.asarray(made, np.float32), z[0]
