"""How widely synthesised faces spread beside real ones, as the stage of diversity finds it."""

from __future__ import annotations

from typing import Any

from lwpipe.evaluation.measure import Column, Found, Measure


class Diversity(Measure):
    """Ratio of the areas of synthesised and of training faces' ellipses."""

    name = "diversity"
    place = 6
    columns = (
        Column("diversity_pca_ratio", "pca", "diversity ratio, PCA", better="high"),
        Column("diversity_tsne_ratio", "tsne", better="high"),
    )

    def numbers(self, found: Found) -> dict[str, Any]:
        """Return the ratios; nothing where they were not measured."""
        if found.spread is None:
            return {}
        return {column.key: found.spread.get(column.value) for column in self.columns}
