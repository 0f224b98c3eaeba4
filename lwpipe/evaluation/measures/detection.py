"""Whether edits are told from real faces, as the stage of detection finds it."""

from __future__ import annotations

from typing import Any

from lwpipe.evaluation.measure import Column, Found, Measure


class Detection(Measure):
    """Accuracy of a classifier that tells edits from real faces, and how much of a part arrives."""

    name = "detection"
    place = 3.5
    columns = (
        Column(
            "detect_worst",
            "worst",
            "told from real",
            better="real",
            beside_leak="told from real faces (accuracy of a classifier)",
        ),
        Column("detect_border", "border", better="real"),
        Column("detect_excess", "excess", better="low"),
        Column("likeness", "likeness", "likeness", better="high"),
    )

    def numbers(self, found: Found) -> dict[str, Any]:
        """Return them; nothing where no stage has tested the edits."""
        if found.detection is None:
            return {}
        return {column.key: found.detection.get(column.value) for column in self.columns}
