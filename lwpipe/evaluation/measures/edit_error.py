"""How far edits are from their true answers, as the stage of the truth finds it."""

from __future__ import annotations

from typing import Any

from lwpipe.evaluation.measure import Column, Found, Measure


class EditError(Measure):
    """Mean distance of edits from the truth, and its share of what is wrong without an edit."""

    name = "edit_error"
    place = 2.5
    columns = (
        Column("edit_error_mm", "mm", "edit error, mm", 3, unit="mm", better="low"),
        Column(
            "edit_error_share",
            "share",
            "edit error / source left as it is",
            better="low",
            beside_leak="edit error / that of the source left as it is",
        ),
    )

    def numbers(self, found: Found) -> dict[str, Any]:
        """Return both; nothing where no stage has compared edits with the truth."""
        if found.truth is None:
            return {}
        return {column.key: found.truth.get(column.value) for column in self.columns}
