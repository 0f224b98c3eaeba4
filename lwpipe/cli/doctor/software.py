"""Checks of what is installed: Python, packages, PyTorch, numba, rendering, Snakemake, Slurm."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import lwpipe
from lwpipe.cli.doctor.check import Check, fault, ok, warning

_ROOT = Path(lwpipe.__file__).parent.parent
_LOCK = _ROOT / "envs" / "requirements.lock"
_INSTALL = (
    f"install the environment again: pip install --requirement {_LOCK}"
    if _LOCK.is_file()
    else "install lwpipe again, with the packages that it requires"
)
# What `project(ones (4, 8), ones (2, 8))` sums up to.
_KERNEL = 64.0


def check_python() -> Check:
    """Compare Python with `requires-python`."""
    wanted, _ = requirements()
    found = f"{platform.python_version()} at {sys.executable}"
    if wanted and not SpecifierSet(wanted).contains(platform.python_version(), prereleases=True):
        return fault("Python", f"{found}, needed is {wanted}", "make an environment of that one")
    return ok("Python", found)


def check_packages() -> Check:
    """Compare the installed packages with the requirements of lwpipe."""
    _, wanted = requirements()
    faults = []
    for line in wanted:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            installed = metadata.distribution(requirement.name)
        except metadata.PackageNotFoundError:
            faults.append(f"{requirement.name} is not installed")
            continue
        lost = [file for file in _modules(installed) if not Path(str(file.locate())).is_file()]
        named = f"{requirement.name} is {installed.version}"
        if not requirement.specifier.contains(installed.version, prereleases=True):
            faults.append(f"{named}, needed is {requirement.specifier}")
        elif lost:
            faults.append(f"{named}, but has lost {lost[0]}")
    if faults:
        return fault("packages", "; ".join(faults), _INSTALL)
    return ok("packages", f"lwpipe {lwpipe.__version__} and its {len(wanted)} requirements")


def _modules(installed: metadata.Distribution) -> list[metadata.PackagePath]:
    """Return the files of a distribution that its modules are imported from."""
    return [
        file
        for file in installed.files or ()
        if (len(file.parts) == 1 and file.suffix == ".py") or file.parts[1:] == ("__init__.py",)
    ]


def requirements() -> tuple[str, list[str]]:
    """Return the required Python and the required packages, as lwpipe's metadata name them."""
    project = _ROOT / "pyproject.toml"
    if project.is_file():
        # A checkout may be newer than what was installed from it.
        about = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        return about["requires-python"], about["dependencies"]
    try:
        installed = metadata.metadata("lwpipe")
    except metadata.PackageNotFoundError:
        return "", []
    every = installed.get_all("Requires-Dist") or []
    return installed["Requires-Python"], [line for line in every if "extra ==" not in line]


def check_libraries(found: dict[str, Any] | str) -> Iterator[Check]:
    """Judge what the process that imports the compiled libraries found."""
    if isinstance(found, str):
        yield fault("compiled libraries", found, _INSTALL)
        return
    for name, error in found["failed"].items():
        yield fault(name, f"cannot be imported: {error}", _INSTALL)
    if "torch" in found:
        about = found["torch"]
        build = f"CUDA {about['cuda']}" if about["cuda"] else "CPU"
        yield ok("PyTorch", f"{about['version']} ({build} build), {about['threads']} threads")
    if "kernel" in found:
        yield from _check_kernel(found)


def _check_kernel(found: dict[str, Any]) -> Iterator[Check]:
    if found["kernel"] != _KERNEL:
        said = found["kernel"] if isinstance(found["kernel"], str) else "a wrong result"
        yield fault("numba", f"a compiled kernel gave {said}", _INSTALL)
        return
    yield ok("numba", f"{metadata.version('numba')}, compiled kernels run")
    if found["cache"]:
        yield ok("numba's cache", found["cache"])
    else:
        yield warning(
            "numba's cache",
            "it finds no folder that it can write",
            "every process compiles anew, some ten seconds each: set NUMBA_CACHE_DIR to a folder "
            "that can be written",
        )


def check_rendering(found: dict[str, Any] | str) -> Check:
    """Judge what the process that renders a triangle found."""
    remedy = "install libOSMesa (Debian: libosmesa6) or libEGL (Debian: libegl1)"
    if isinstance(found, str):
        return fault("off-screen rendering", found, remedy)
    if "error" in found:
        return fault("off-screen rendering", found["error"], remedy)
    if not found["spread"] > 0:
        return fault("off-screen rendering", "the picture is empty", remedy)
    return ok("off-screen rendering", "a triangle is drawn without a display")


def check_snakemake() -> Check:
    """Check Snakemake and its plugins for executors."""
    try:
        version = metadata.version("snakemake")
    except metadata.PackageNotFoundError:
        return fault("Snakemake", "is not installed", _INSTALL)
    plugins = sorted(
        name.removeprefix("snakemake-executor-plugin-")
        for name in {dist.name for dist in metadata.distributions() if dist.name}
        if name.startswith("snakemake-executor-plugin-")
    )
    return ok("Snakemake", f"{version}, executors: {', '.join(['local', *plugins])}")


def check_slurm() -> Check:
    """Check that Slurm and Snakemake's executor for it are there together."""
    sbatch = shutil.which("sbatch")
    plugin = importlib.util.find_spec("snakemake_executor_plugin_slurm") is not None
    if sbatch and not plugin:
        return warning(
            "Slurm",
            f"{sbatch}, but Snakemake has no executor for it",
            "pip install snakemake-executor-plugin-slurm",
        )
    if sbatch:
        return ok("Slurm", f"{sbatch}, with Snakemake's executor")
    return ok("Slurm", "no sbatch here: jobs run on this machine")
