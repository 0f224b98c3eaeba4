"""One list of dependencies, and files that name the version."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def loaded(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made() -> ModuleType:
    return loaded("envs/make.py")


def test_the_other_lists_of_dependencies_are_made_from_the_one(made) -> None:
    assert {"requirements.in", "docs.in", "lwpipe.yaml"} == set(made.MADE)
    for name, text in made.MADE.items():
        assert (ROOT / "envs" / name).read_text() == text()


def test_conda_installs_what_the_jobs_import(made) -> None:
    asked = yaml.safe_load((ROOT / "envs/lwpipe.yaml").read_text())["dependencies"]
    (pip,) = (each["pip"] for each in asked if isinstance(each, dict))
    names = {made.name_of(each) for each in [*asked, *pip] if isinstance(each, str)}
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["cluster"]]
    assert {made.CONDA.get(made.name_of(e), made.name_of(e)) for e in wanted} <= names


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
    # Triton comes with the builds of PyTorch for GPUs, and is not asked for elsewhere; jaxtyping is
    # imported for type checkers alone, which tests/unit/core/test_shapes.py sees to.
    foreign = imported - set(sys.stdlib_module_names) - {"lwpipe", "triton", "jaxtyping"}
    homes = packages_distributions()
    # What exports and the studio need is asked for where it is missing.
    extras = PROJECT["optional-dependencies"]
    needed = [*PROJECT["dependencies"], *extras["export"], *extras["studio"]]
    declared = {re.sub(r"[-_.]+", "-", made.name_of(e).lower()) for e in needed}
    for module in foreign:
        names = {re.sub(r"[-_.]+", "-", name.lower()) for name in homes.get(module, [module])}
        assert names & declared, f"{module} is imported and not declared"


def test_citation_and_changelog_name_the_version() -> None:
    version = PROJECT["version"]
    assert f"version: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_picture_of_the_rooms_follows_the_contract() -> None:
    picture = loaded("docs/make_architecture.py").picture()
    assert (ROOT / "docs/pictures/architecture.svg").read_text(encoding="utf-8") == picture
    room = 'font-weight="bold">{}</text>'
    packages = [path.parent.name for path in (ROOT / "lwpipe").glob("*/__init__.py")]
    assert all(room.format(package) in picture for package in packages)


def test_hooks_of_a_commit_are_programs_that_are_pinned() -> None:
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert local["repo"] == "local"
    homes = {point.name: point.dist.name for point in entry_points(group="console_scripts")}
    # ruff is no Python program: its distribution has no entry point.
    homes["ruff"] = "ruff"
    pinned = (ROOT / "envs/requirements.lock").read_text().lower().replace("_", "-")
    for hook in local["hooks"]:
        program = hook["entry"].split()[0].removeprefix(".venv/bin/")
        assert f"\n{homes[program].lower().replace('_', '-')}==" in pinned, program


def test_every_page_is_in_the_navigation() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text())

    def pages(entry: object) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        inside = entry.values() if isinstance(entry, dict) else entry
        return [page for each in inside for page in pages(each)]

    written = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert set(pages(site["nav"])) == written
