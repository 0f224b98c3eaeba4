"""The section `template`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lwpipe.core.settings import Section

# No level of the pyramid may have fewer vertices: of three, there is nothing left to simplify.
SMALLEST_LEVEL = 4


class TemplateSettings(Section):
    """The mesh pyramid."""

    factors: Annotated[
        list[Annotated[int, Field(ge=2, le=64)]], Field(min_length=1, max_length=16)
    ] = [4, 4, 4, 4]
    """Each level has so many times fewer vertices than the one before; one entry a level."""
