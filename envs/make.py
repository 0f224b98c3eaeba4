"""Write the lists of dependencies that are made from pyproject.toml.

Usage: python envs/make.py

`requirements.in` and, on top of it, `docs.in` are what `make lock` pins; `lwpipe.yaml` is the
environment of conda.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# Pinned before the lock is made: a plain `torch` may be a build for GPUs, of several gigabytes.
PINNED = {"torch": "torch==2.13.0"}
# Names on conda-forge where they are others.
CONDA = {
    "libigl": "igl",
    "matplotlib": "matplotlib-base",
    "torch": "pytorch",
    "torch-geometric": "pytorch_geometric",
}
# conda-forge has neither Snakemake nor its plugins: they come from PyPI.
FROM_PYPI = "snakemake"


def name_of(requirement: str) -> str:
    """Return the name of a requirement, without version and extras."""
    return re.split(r"[<>=!~\[ ;]", requirement)[0]


def project() -> dict[str, Any]:
    """Return the table `project` of pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["project"]


def requirements(*lists: list[str]) -> str:
    """Return lists of requirements as a file for pip."""
    lines = [PINNED.get(name_of(each), each) for wanted in lists for each in wanted]
    head = "# Made from pyproject.toml by `python envs/make.py`."
    return "\n".join([head, *sorted(lines, key=str.lower)]) + "\n"


def requirements_in() -> str:
    """Return `requirements.in`: everything that the tests need."""
    extras = project()["optional-dependencies"]
    return requirements(
        project()["dependencies"], *(extras[e] for e in ("cluster", "dev", "export", "studio"))
    )


def docs_in() -> str:
    """Return `docs.in`: what the documentation needs beside that."""
    return requirements(project()["optional-dependencies"]["docs"])


def conda_yaml() -> str:
    """Return `lwpipe.yaml`: everything that the jobs of the workflow need."""
    wanted = [*project()["dependencies"], *project()["optional-dependencies"]["cluster"]]
    python = project()["requires-python"].removeprefix(">=")
    conda, pip = [f"python={python}"], []
    for each in wanted:
        name = name_of(each)
        if name.startswith(FROM_PYPI):
            pip.append(each)
        else:
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


MADE = {"requirements.in": requirements_in, "docs.in": docs_in, "lwpipe.yaml": conda_yaml}


def main() -> None:
    """Write the files."""
    for name, text in MADE.items():
        (ROOT / "envs" / name).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
