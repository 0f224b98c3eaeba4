"""What one training is asked to do, as a value that can be handed to other processes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from lwpipe.model.settings import ModelSettings
from lwpipe.training.settings import TrainingSettings


@dataclass(frozen=True)
class Job:
    """The arguments of `lwpipe.training.train`."""

    data: Path
    pyramid: Path
    local_weights: Path
    output: Path
    checkpoints: Path
    model: ModelSettings
    training: TrainingSettings
    resume: bool
    tensorboard: Path

    def to_json(self) -> str:
        """Return the job as JSON."""
        settings = {name: getattr(self, name).model_dump() for name in ("model", "training")}
        return json.dumps({**asdict(self), **settings}, default=str)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the job that `to_json` has written."""
        values = json.loads(text)
        for name in ("data", "pyramid", "local_weights", "output", "checkpoints", "tensorboard"):
            values[name] = Path(values[name])
        values["model"] = ModelSettings.model_validate(values["model"])
        values["training"] = TrainingSettings.model_validate(values["training"])
        return cls(**values)
