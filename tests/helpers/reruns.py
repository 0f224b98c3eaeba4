"""What runs again when the configuration of a finished run changes, by the declarations alone."""

from __future__ import annotations

from lwpipe.run.layout import Layout, jobs
from lwpipe.run.stages import STAGES


def reruns(before: Layout, after: Layout) -> set[tuple[str, str]]:
    """Return the jobs that run when the configuration of a finished run changes.

    A job runs if it is new, reads a setting that changed, follows a job that runs, or gathers what
    is no longer there.
    """
    old, new = jobs(before), jobs(after)
    gone = {stage for stage, _ in set(old) - set(new)}
    running: set[tuple[str, str]] = set()
    for (stage, root), values in new.items():  # STAGES is in topological order
        used: set[tuple[str, str]] = set()
        lost = False
        for wanted in STAGES[stage].inputs.values():
            if wanted.take == "each":
                used |= {(wanted.stage, place) for place in after.roots(wanted.stage)}
                lost |= wanted.stage in gone
            else:
                used.add((wanted.stage, after.root(wanted.stage, after.variant_at(root))))
        if values != old.get((stage, root)) or used & running or lost:
            running.add((stage, root))
    return running
