"""What the stages declare of their files: known by name, also those of plugins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lwpipe.cli.inspect.finding import Finding
from lwpipe.core.stage import Stage
from lwpipe.run.stages import STAGES


def maker(file: Path) -> Stage | None:
    """Return the stage that makes files of this name, of several the one of the file's folder."""
    makers = [
        stage
        for stage in STAGES.values()
        if file.name in {output.file.rstrip("/") for output in stage.outputs.values()}
    ]
    return min(makers, key=lambda stage: stage.place != file.parent.name, default=None)


def made_by(file: Path) -> dict[str, str]:
    """Return the fact which stage makes files of this name; none where no stage does."""
    stage = maker(file)
    return {} if stage is None else {"made by": f"{stage.name}: {stage.does}"}


def files(folder: Path) -> dict[str, Any]:
    """Return what a folder with the name of a stage's holds of such stages, by file."""
    makers = {file.name: maker(file) for file in sorted(folder.iterdir())}
    return {
        name: f"{stage.name}: {stage.does}"
        for name, stage in makers.items()
        if stage is not None and stage.place == folder.name
    }


def stage_folder(path: str, folder: Path) -> Finding:
    """Describe a folder of files of stages."""
    return Finding(path, "files of a run", files(folder))
