"""Source 'synthetic': the embedded parametric face, at any resolution."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lwpipe.core.settings import Section
from lwpipe.core.stage import Size
from lwpipe.data.factors import Factors
from lwpipe.data.source import Colors, Made, Opened, Source

if TYPE_CHECKING:
    from lwpipe.data.sources.synthetic.grid import FaceGrid

Floats = npt.NDArray[np.float64]


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
    colored = True

    def size(self) -> Size:
        """Return the numbers of the settings."""
        return Size(self.faces or 0, self.own.vertices)

    def check(self) -> str:
        """Nothing can be missing."""
        return "synthetic faces, made by lwpipe"

    def factors(self) -> Factors:
        """Return all parameters."""
        from lwpipe.data.sources.synthetic.grid import make_grid

        return _Parameters(make_grid(self.own.vertices), self.own.expressions)

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
            seed=self.seed,
        )


class _Parameters(Factors):
    """All parameters: shape, expressions and the bumps of the detail. Two faces share nothing."""

    def __init__(self, grid: FaceGrid, with_expressions: bool) -> None:
        from lwpipe.data.sources.synthetic import faces

        self.grid, self.with_expressions = grid, with_expressions
        self.names = tuple(faces.parameter_names())
        self.fields = faces.unit_fields(grid)

    def draw(self, count: int, seed: int) -> tuple[Floats, Floats, Floats]:
        """Draw two faces, each from a stream that is not the data set's."""
        from lwpipe.data.sources.synthetic.faces import draw_parameters

        source, target = (
            draw_parameters(count, [seed, stream], self.with_expressions) for stream in (2, 3)
        )
        return np.empty((count, 0)), source, target

    def make(self, common: Floats, factors: Floats) -> npt.NDArray[np.floating[Any]]:
        """Return the faces of the parameters."""
        from lwpipe.data.sources.synthetic.faces import synthesize

        return synthesize(factors, self.grid)


@dataclass(kw_only=True)
class _Population(Made):
    """The faces of some parameters."""

    grid: FaceGrid
    parameters: npt.NDArray[np.float64]
    with_expressions: bool
    seed: int

    def make(self, rows: slice) -> npt.NDArray[np.floating[Any]]:
        """Return the faces of some rows."""
        from lwpipe.data.sources.synthetic.faces import synthesize

        return synthesize(self.parameters[rows], self.grid)

    @cached_property
    def _skins(self) -> Floats:
        from lwpipe.data.sources.synthetic.skin import draw_people

        return draw_people(self.parameters, self.seed)

    def paint(self, rows: slice) -> Colors:
        """Return the colours of the faces of some rows."""
        from lwpipe.data.sources.synthetic.skin import skin_of

        return skin_of(self.grid).paint(self._skins[rows])

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
