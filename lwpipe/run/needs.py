"""What a job needs of a machine: memory, time and GPUs, computed from the size of its data.

The formulas are the stages' own: a term for the program, one for the data set (N faces of V
vertices) and one for what a stage computes. `benchmarks/resources.py` prints them beside the peaks
of a finished run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lwpipe.core.stage import Size, no_gpus
from lwpipe.run.schema import Settings
from lwpipe.run.stages import STAGES

# A job asks for so much more than the formula says: allocators keep memory, machines differ.
_MARGIN = 1.25
# On a cluster two processes of Snakemake run inside each job.
_SNAKEMAKE_MB = 300
_LEAST_MINUTES = 10


def size_of(settings: Settings, store: str | Path) -> Size:
    """Return the size of a data set: of the store if it is there, else as its source tells it.

    Parameters
    ----------
    settings : of the run or variant
    store : folder of the data set
    """
    return Size.of_store(store) or settings.data.make_source().size()


def memory_mb(stage: str, settings: Settings, size: Size) -> int:
    """Return the memory that a job of `stage` should ask for, in MB.

    Parameters
    ----------
    stage : name in `lwpipe.run.stages.STAGES`
    settings : what the job is told
    size : of its data set
    """
    needs = STAGES[stage].needs
    held = needs.program + needs.copies * size.megabytes + 1e-3 * needs.of_vertex * size.vertices
    return round(_SNAKEMAKE_MB + _MARGIN * needs.memory(held, size, **_sections(stage, settings)))


def runtime_minutes(stage: str, settings: Settings, size: Size) -> int:
    """Return the time that a job of `stage` should ask for, in minutes, on two slow CPU cores.

    Parameters
    ----------
    stage, settings, size : as for `memory_mb`
    """
    needs = STAGES[stage].needs
    reading = _LEAST_MINUTES + needs.minutes_of_gigabyte * size.megabytes / 1000
    return round(needs.minutes(reading, size, **_sections(stage, settings)))


def gpus(stage: str, settings: Settings) -> int:
    """Return how many GPUs a job of `stage` should ask for.

    Parameters
    ----------
    stage, settings : as for `memory_mb`
    """
    return STAGES[stage].needs.gpus(**_sections(stage, settings))


def may_ask_for_gpus(stage: str) -> bool:
    """Say whether there are settings with which a job of `stage` asks for GPUs."""
    return STAGES[stage].needs.gpus is not no_gpus


def threads(stage: str, settings: Settings) -> int:
    """Return how many threads a job of `stage` gets.

    The size of the data is what their source tells, also where they have been made: the number of
    threads, by which digits may differ, must not change in between.
    """
    needs = STAGES[stage].needs
    if (
        needs.one_thread_below
        and settings.data.make_source().size().vertices < needs.one_thread_below
    ):
        return 1
    return needs.threads


def _sections(stage: str, settings: Settings) -> dict[str, Any]:
    told = STAGES[stage]
    return {name: getattr(settings, name) for name in (*told.reads, *told.needs.sections)}
