"""One list of dependencies, and files that name the version."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def made():
    spec = importlib.util.spec_from_file_location("envs_make", ROOT / "envs/make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_other_lists_of_dependencies_are_made_from_the_one(made) -> None:
    assert (ROOT / "envs/requirements.in").read_text() == made.requirements_in()
    assert (ROOT / "envs/lwpipe.yaml").read_text() == made.conda_yaml()


def test_everything_in_the_list_is_pinned(made) -> None:
    locks = (ROOT / f"envs/{name}.lock" for name in ("requirements", "docs"))
    lines = [line for lock in locks for line in lock.read_text().splitlines()]
    pinned = {re.sub(r"[-_.]+", "-", line.partition("==")[0].lower()) for line in lines}
    extras = PROJECT["optional-dependencies"].values()
    wanted = [*PROJECT["dependencies"], *(each for extra in extras for each in extra)]
    assert {made.name_of(each).lower() for each in wanted} <= pinned


def test_every_import_is_declared(made) -> None:
    """Of the packages that lwpipe imports, by the names of their modules."""
    import ast
    import sys
    from importlib.metadata import packages_distributions

    imported = set()
    for file in (ROOT / "lwpipe").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add((node.module or "").partition(".")[0])
    # Triton comes with the builds of PyTorch for GPUs, and is not asked for elsewhere.
    foreign = imported - set(sys.stdlib_module_names) - {"lwpipe", "triton"}
    homes = packages_distributions()
    declared = {re.sub(r"[-_.]+", "-", made.name_of(e).lower()) for e in PROJECT["dependencies"]}
    for module in foreign:
        names = {re.sub(r"[-_.]+", "-", name.lower()) for name in homes.get(module, [module])}
        assert names & declared, f"{module} is imported and not declared"


def test_citation_and_changelog_name_the_version() -> None:
    version = PROJECT["version"]
    assert f"version: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()
