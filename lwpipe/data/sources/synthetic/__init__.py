"""Source 'synthetic': the embedded parametric face, at any resolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lwpipe.core.settings import Section
from lwpipe.core.stage import Size
from lwpipe.data.source import Made, Opened, Source

if TYPE_CHECKING:
    from lwpipe.data.sources.synthetic.grid import FaceGrid


class SyntheticSettings(Section):
    """The embedded parametric face; read with source 'synthetic'."""

    vertices: Annotated[int, Field(ge=1500, le=250_000)] = 2500
    """Resolution of the mesh; the nearest grid is taken. Unit: vertices."""
    expressions: bool = True
    """Add expressions (smile, open jaw, raised brows ...) to the identities."""


class Synthetic(Source[SyntheticSettings]):
    """Faces drawn by seed: every face is another identity."""

    name = "synthetic"
    place = 1
    Settings = SyntheticSettings
    alignment = "never"
    endless = True

    def size(self) -> Size:
        """Return the numbers of the settings."""
        return Size(self.faces or 0, self.own.vertices)

    def check(self) -> str:
        """Nothing can be missing."""
        return "synthetic faces, made by lwpipe"

    def open(self) -> Opened:
        """Draw the population."""
        from lwpipe.data.sources.synthetic import faces
        from lwpipe.data.sources.synthetic.grid import make_grid

        count = self.faces or 0
        grid = make_grid(self.own.vertices)
        parameters = faces.draw_parameters(count, self.seed, self.own.expressions)
        return _Population(
            ids=[f"synthetic_{row:05d}" for row in range(count)],
            subjects=[f"identity_{row:05d}" for row in range(count)],
            expressions=[faces.expression_label(row) for row in parameters],
            triangles=grid.triangles,
            vertex_count=len(grid.points),
            regions=faces.regions(grid),
            grid=grid,
            parameters=parameters,
            with_expressions=self.own.expressions,
        )


@dataclass(kw_only=True)
class _Population(Made):
    """The faces of some parameters."""

    grid: FaceGrid
    parameters: npt.NDArray[np.float64]
    with_expressions: bool

    def make(self, rows: slice) -> npt.NDArray[np.floating[Any]]:
        """Return the faces of some rows."""
        from lwpipe.data.sources.synthetic.faces import synthesize

        return synthesize(self.parameters[rows], self.grid)

    def provenance(self) -> dict[str, Any]:
        """Return the names of what was drawn."""
        from lwpipe.data.sources.synthetic.faces import expression_names, shape_names

        return {
            "licence": "MIT (made by lwpipe)",
            "seed": None,
            "alignment": None,
            "shape_parameters": shape_names(),
            "expressions": expression_names() if self.with_expressions else [],
        }
