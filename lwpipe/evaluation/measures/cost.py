"""What a model costs: its size, and the time of its training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lwpipe.evaluation.measure import Column, OfModel


class Cost(OfModel):
    """Numbers of parameters, of seconds and of epochs."""

    name = "model"
    place = 7
    columns = (
        Column("parameters", "parameters", better="low"),
        Column("seconds", "seconds", "training, s", 0, "s", "low"),
        Column("epochs", "epochs", "epochs", 0),
    )

    def measure(self, info: Mapping[str, Any]) -> dict[str, Any]:
        """Return the three facts; None for those that are not known."""
        return {column.value: info.get(column.value) for column in self.columns}
