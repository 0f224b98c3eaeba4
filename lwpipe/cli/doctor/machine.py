"""Checks of the machine: GPU, cores, memory, disk, and locks of Snakemake."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lwpipe.cli.doctor.check import Check, fault, ok, warning
from lwpipe.cli.doctor.members import Member
from lwpipe.core.stage import Size
from lwpipe.run.layout import Layout
from lwpipe.run.needs import memory_mb
from lwpipe.run.schema import Settings
from lwpipe.run.stages import STAGES

_SHARED = ("nfs", "nfs4", "lustre", "gpfs", "beegfs", "cifs", "smb3", "ceph", "fuse.sshfs")
_ASK = ("--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")
# Pictures, animations and tables of one variant, MB.
_VARIANT_MB = 30


def check_gpu(found: dict[str, Any] | str, device: str | None) -> Check:
    """Check that PyTorch can use the GPU, if there is one or one is asked for.

    Parameters
    ----------
    found : answer of the process that imports PyTorch
    device : the setting `training.device`; None where the configuration is not valid
    """
    about = found.get("torch") if isinstance(found, dict) else None
    if about is None:
        return fault("GPU", "unknown: PyTorch cannot be used", "see above")
    present = _driver()
    if about["gpus"]:
        words = ", ".join(
            f"{gpu['name']} ({gpu['free'] / 2**30:.0f} of {gpu['total'] / 2**30:.0f} GB free)"
            for gpu in about["gpus"]
        )
        return ok("GPU", f"{words}, driver {present[1] if present else 'unknown'}")
    if present:
        why = "is built without CUDA" if not about["cuda"] else f"needs CUDA {about['cuda']}"
        status = fault if device == "cuda" else warning
        return status(
            "GPU",
            f"{present[0]}, driver {present[1]}, but PyTorch {about['version']} {why}",
            "install the build of PyTorch for this driver, or keep to the CPU with "
            "training.device=cpu",
        )
    if device == "cuda":
        return fault("GPU", "none, and training.device is 'cuda'", "set training.device=auto")
    return ok("GPU", "none: training runs on the CPU")


def _driver() -> tuple[str, str] | None:
    """Return name and driver of the first GPU as nvidia-smi tells them."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        run = subprocess.run(  # noqa: S603 - the arguments are fixed
            [program, *_ASK], capture_output=True, text=True, timeout=10, check=True
        )
        name, driver, _ = run.stdout.splitlines()[0].split(", ")
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return None
    return name, driver


def check_memory(found: dict[str, Any] | str, members: Sequence[Member]) -> Iterator[Check]:
    """Compare cores and memory with what the stages of the run ask for."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield ok("cores", str(cores))
    about = found.get("torch") if isinstance(found, dict) else None
    if about is None:
        return
    free = about["free_bytes"] / 1e6
    needs = {
        (memory_mb(stage, member.settings, member.size), stage): member.name
        for member in members
        for stage in STAGES
        if STAGES[stage].scope in ("shared", "run", "variant")
    }
    (needed, stage), name = max(needs.items())
    words = f"{free / 1000:.1f} GB free, the most that a job needs is {needed / 1000:.1f} GB"
    if needed > free:
        yield warning(
            "memory",
            f"{words} ({stage}, {name})",
            "lower data.faces or training.batch_size, or raise training.accumulate",
        )
    else:
        yield ok("memory", words)


def check_disk(layout: Layout, members: Sequence[Member]) -> Iterator[Check]:
    """Check that results can be written, and that there is room for them."""
    for name, folder in (("results", Path(layout.base)), (".snakemake", Path(".snakemake"))):
        there = folder
        while not there.exists() and there != there.parent:
            there = there.parent
        try:
            with tempfile.TemporaryFile(dir=there):
                pass
        except OSError as error:
            yield fault(
                f"write to {name}",
                f"{there}: {error.strerror}",
                "make it writable, or name another folder with --results",
            )
            continue
        if name == "results":
            yield _room(there, members)
        kind = _file_system(there)
        if kind in _SHARED:
            yield ok(
                f"file system of {name}",
                f"{kind}: shared by machines; on a cluster give Snakemake --latency-wait 60",
            )


def _room(there: Path, members: Sequence[Member]) -> Check:
    """Compare the free space of the disk with an estimate of what the run writes."""
    # Weights and two moments of Adam, in the model and three checkpoints.
    needed = sum(
        12 * _model_megabytes(member.settings, member.size) + _VARIANT_MB for member in members
    )
    sizes = {member.data: member.size for member in members}
    needed += sum(size.megabytes for size in sizes.values())
    free = shutil.disk_usage(there).free / 1e6
    words = f"{free / 1000:.1f} GB free, a full run writes about {max(needed / 1000, 0.1):.1f} GB"
    if needed > free:
        return fault("disk", words, "free some space, or name another disk with --results")
    if needed > 0.5 * free:
        return warning("disk", words, "free some space: other programs write too")
    return ok("disk", words)


def _model_megabytes(settings: Settings, size: Size) -> float:
    """Return the size of the linear layers at the coarsest level and of the projections."""
    model, parts = settings.model, settings.local_weights.parts
    coarsest = size.vertices / math.prod(settings.template.factors)
    numbers = 2 * coarsest * model.channels[-1] * model.latent_size + parts * model.latent_size**2
    return 4e-6 * numbers


def _file_system(folder: Path) -> str:
    """Return the type of the file system that a folder lies on; empty where it is unknown."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    best, kind = "", ""
    for line in mounts:
        point, found = line.split()[1:3]
        if len(point) > len(best) and folder.resolve().is_relative_to(point):
            best, kind = point, found
    return kind


def check_lock() -> Check:
    """Check whether a lock of Snakemake stands in the way."""
    locks = Path(".snakemake/locks")
    if not locks.is_dir() or not any(locks.iterdir()):
        return ok("Snakemake's lock", "none")
    return warning(
        "Snakemake's lock",
        f"{locks} is not empty: Snakemake is running here, or was killed",
        "if none is running: snakemake --unlock, then the same command with --rerun-incomplete",
    )
