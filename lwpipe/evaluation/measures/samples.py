"""Whether faces drawn from a model could be faces, as the stage of sampling finds it."""

from __future__ import annotations

from typing import Any

from lwpipe.evaluation.measure import Column, Found, Measure


class Samples(Measure):
    """How surely samples are told from real faces, their diversity, and whether they are new."""

    name = "samples"
    place = 6.5
    columns = (
        Column("sample_worst", "worst", better="real"),
        Column("sample_neighbour", "neighbour", better="real"),
        Column("sample_diversity_mm", "diversity_mm", unit="mm", better="real"),
        Column("sample_nearest_ratio", "nearest_ratio", better="real"),
    )

    def numbers(self, found: Found) -> dict[str, Any]:
        """Return them; nothing where no stage has drawn faces."""
        if found.samples is None:
            return {}
        return {column.key: found.samples.get(column.value) for column in self.columns}
