"""Write the lists of dependencies that are made from pyproject.toml.

Usage: python envs/make.py

`requirements.in` is what `make lock` pins; `lwpipe.yaml` is the environment of conda.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Pinned before the lock is made: a plain `torch` may be a build for GPUs, of several gigabytes.
PINNED = {"torch": "torch==2.13.0"}
# Names on conda-forge where they are others.
CONDA = {
    "matplotlib": "matplotlib-base",
    "snakemake": "snakemake-minimal",
    "torch": "pytorch",
    "torch-geometric": "pytorch_geometric",
}
# What conda-forge does not have comes from PyPI.
FROM_PYPI = ("nimfa", "snakemake-executor-plugin-slurm", "snakemake-storage-plugin-fs")


def name_of(requirement: str) -> str:
    """Return the name of a requirement, without version and extras."""
    return re.split(r"[<>=!~\[ ;]", requirement)[0]


def requirements_in() -> str:
    """Return `requirements.in`: everything that the tests need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["cluster"], *extras["dev"]]
    lines = [PINNED.get(name_of(each), each) for each in wanted]
    head = "# Made from pyproject.toml by `python envs/make.py`."
    return "\n".join([head, *sorted(lines, key=str.lower)]) + "\n"


def conda_yaml() -> str:
    """Return `lwpipe.yaml`: everything that the jobs of the workflow need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["cluster"]]
    python = project["requires-python"].removeprefix(">=")
    conda, pip = [f"python={python}"], []
    for each in wanted:
        name = name_of(each)
        if name in FROM_PYPI:
            pip.append(each)
        elif not name.startswith("snakemake-"):
            conda.append(CONDA.get(name, name) + each.removeprefix(name))
    lines = [
        "# Environment of `snakemake --software-deployment-method conda`, made from pyproject.toml",
        "# by `python envs/make.py`. The package itself is found beside the Snakefile.",
        "channels:",
        "  - conda-forge",
        "  - nodefaults",
        "dependencies:",
        *(f"  - {each}" for each in [*conda, "pip"]),
        "  - pip:",
        *(f"      - {each}" for each in pip),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write both files."""
    (ROOT / "envs/requirements.in").write_text(requirements_in(), encoding="utf-8")
    (ROOT / "envs/lwpipe.yaml").write_text(conda_yaml(), encoding="utf-8")


if __name__ == "__main__":
    main()
