"""Interpolations of the patches, and the files that they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lwpipe.evaluation.interpolation import interpolate
from lwpipe.evaluation.settings import InterpolationSettings
from tests.conftest import LinearPatches, Patches


def compute(
    patches: Patches, folder: Path, model: LinearPatches | None = None, **settings: Any
) -> list[dict[str, Any]]:
    """Interpolate in three steps, or as the settings say, and return the rows of the table."""
    options = InterpolationSettings(**{"steps": 3, **settings})
    return interpolate(patches.data, patches.weights, model or patches.model, folder, options)


def whole(patches: Patches) -> LinearPatches:
    """Return a model of the same faces with one part."""
    fields = patches.model.fields.sum(axis=0)[None]
    return type(patches.model)(patches.model.template, fields, parts_match_weights=False)


def names(folder: Path) -> set[str]:
    """Return the files in a folder and in those below it, relative to it."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
