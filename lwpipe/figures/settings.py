"""The section `figures`: each figure takes the part of it that it reads."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from lwpipe.core.settings import Real, Section


class CameraSettings(Section):
    """How faces are rendered."""

    tile: Annotated[int, Field(ge=64, le=2048)] = 360
    """Edge of one rendered face. Unit: pixels."""
    azimuth: Real = 0.0
    """Camera, to the left of the face. Unit: degrees."""
    elevation: Real = 0.0
    """Camera, above the face. Unit: degrees."""


class PlotSettings(Section):
    """How plots look."""

    dpi: Annotated[int, Field(ge=50, le=1200)] = 150
    """Resolution of plots. Unit: pixels an inch."""


class FiguresSettings(PlotSettings, CameraSettings):
    """How pictures look."""

    colormap: str = "viridis"
    """Colours of maps on faces: a name that matplotlib knows."""

    @field_validator("colormap")
    @classmethod
    def _is_known(cls, value: str) -> str:
        # Importing matplotlib takes a quarter of a second: spare it for the default.
        if value != cls.model_fields["colormap"].default:
            import matplotlib

            if value not in matplotlib.colormaps:
                raise ValueError(f"{value!r} is not the name of a colormap of matplotlib")
        return value
