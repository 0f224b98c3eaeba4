"""All checks, in the order in which they are told."""

from __future__ import annotations

from argparse import Namespace

from lwpipe.cli.context import read_run
from lwpipe.cli.doctor import machine, project, software
from lwpipe.cli.doctor.check import Check, fault
from lwpipe.cli.doctor.children import LIBRARIES, RENDERING, Child
from lwpipe.cli.doctor.members import members_of
from lwpipe.core.errors import LwpipeError
from lwpipe.run.layout import Layout


def examine(options: Namespace) -> list[Check]:
    """Check the installation, the machine, and the run that the options describe.

    Nothing is written but empty temporary files, and no network is used.

    Parameters
    ----------
    options : with `config`, `set` and `results`, as for every command
    """
    children = Child(LIBRARIES), Child(RENDERING)
    checks = [software.check_python(), software.check_packages()]
    layout: Layout | None = None
    try:
        layout = Layout(read_run(options), options.results)
    except LwpipeError as error:
        invalid = fault("configuration", str(error).rstrip("."), "mend the key or file named")
    # While the children import their libraries.
    snakemake = [software.check_snakemake(), software.check_slurm(), machine.check_lock()]
    libraries, rendering = (child.answer() for child in children)
    checks += software.check_libraries(libraries)
    checks.append(software.check_rendering(rendering))
    device = None if layout is None else layout.run.base.training.device
    checks += [machine.check_gpu(libraries, device), *snakemake]
    if layout is None:
        return [*checks, invalid]
    members = members_of(layout)
    checks += machine.check_memory(libraries, members)
    checks += machine.check_disk(layout, members)
    checks += project.check_settings(layout.run.name, members)
    checks.append(project.check_source(layout.run.base.data))
    checks += project.check_painted(members)
    # What cannot be imported must not crash this process.
    if isinstance(libraries, dict) and "torch" in libraries:
        checks += project.check_results(layout, members)
    return checks
