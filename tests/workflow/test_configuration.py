"""Which configuration the workflow takes, wherever it is run, and which files are its input."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lwpipe.mesh.ply_file import write_ply

ROOT = Path(__file__).resolve().parents[2]
SMOKE = str(ROOT / "presets/smoke.yaml")

pytestmark = pytest.mark.workflow


def snakemake(folder: Path, *words: str, file: Path = ROOT / "Snakefile", **environment: str):
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--snakefile", str(file), "--cores", "1", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **environment},
    )


def checkout(folder: Path) -> Path:
    """Copy what a workflow is, and let its config.yaml differ from the defaults."""
    shutil.copytree(ROOT / "workflow", folder / "workflow")
    shutil.copy(ROOT / "Snakefile", folder)
    shutil.copytree(ROOT / "envs", folder / "envs")
    text = (ROOT / "config.yaml").read_text()
    assert "name: synthetic\n" in text
    (folder / "config.yaml").write_text(
        text.replace("name: synthetic\n", "name: of_the_workflow\n")
    )
    return folder


def test_the_configuration_beside_the_workflow_counts_from_elsewhere(tmp_path: Path) -> None:
    file = checkout(tmp_path / "there") / "Snakefile"
    (tmp_path / "here").mkdir()
    (tmp_path / "here/mine.yaml").write_text("data: {faces: 40}\n")
    for words in ([], ["--configfile", "mine.yaml"]):
        run = snakemake(tmp_path / "here", "-n", "template", *words, file=file)
        assert run.returncode == 0, run.stderr
        assert "results/of_the_workflow/template/pyramid.npz" in run.stdout + run.stderr
    # That of the working folder lies above it.
    (tmp_path / "here/config.yaml").write_text("name: of_the_folder\n")
    run = snakemake(tmp_path / "here", "-n", "template", file=file)
    assert "results/of_the_folder/template/pyramid.npz" in run.stdout + run.stderr


def test_a_fault_beside_the_workflow_is_named_from_elsewhere(tmp_path: Path) -> None:
    there = checkout(tmp_path / "there")
    (there / "config.yaml").write_text("nam: a\n")
    (tmp_path / "here").mkdir()
    run = snakemake(tmp_path / "here", "-n", file=there / "Snakefile")
    assert run.returncode == 1
    assert f"lwpipe: error: {there}/config.yaml: unknown key `nam`" in run.stderr
    assert "Traceback" not in run.stderr


MODULE = """
configfile: "outer.yaml"

module faces:
    snakefile: "{root}/workflow/Snakefile"
    config: config["faces"]

use rule * from faces as faces_*

rule mine:
    default_target: True
    input: "results/inner/template/pyramid.csv"
    output: "levels.txt"
    shell: "cp {{input}} {{output}}"
"""


def test_it_can_be_used_as_a_module(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(MODULE.format(root=ROOT))
    (tmp_path / "outer.yaml").write_text(
        "faces: {name: inner, data: {faces: 12, synthetic: {vertices: 1500}}, "
        "template: {factors: [4, 4]}, model: {channels: [8, 8]}}\n"
    )
    run = snakemake(tmp_path, file=tmp_path / "Snakefile")
    assert run.returncode == 0, run.stderr[-4000:]
    assert (tmp_path / "levels.txt").read_text().startswith("level,vertices")
    assert "faces_make_template" in run.stderr
    outer = "faces: {name: inner, data: {face: 12}}\n"
    (tmp_path / "outer.yaml").write_text(outer)
    run = snakemake(tmp_path, "-n", file=tmp_path / "Snakefile")
    assert run.returncode == 1
    assert "lwpipe: error: config of the module: unknown key `data.face`" in run.stderr


# ------------------------------------------------------------------------------ files of the user


def write_faces(folder: Path, count: int = 5) -> None:
    rng = np.random.default_rng(0)
    x, y = np.meshgrid(np.arange(8.0), np.arange(8.0))
    grid = np.stack([x.ravel(), y.ravel(), np.zeros(64)], axis=1) * 20
    corner = np.arange(56)[np.arange(56) % 8 < 7]
    pairs = [(corner, corner + 1, corner + 8), (corner + 1, corner + 9, corner + 8)]
    triangles = np.concatenate([np.stack(pair, 1) for pair in pairs])
    for number in range(count):
        write_ply(folder / f"{number}.ply", grid + rng.normal(size=grid.shape), triangles)


STORE = "results/smoke/data/dataset.json"


@pytest.fixture
def meshes(tmp_path: Path) -> Path:
    """A home with meshes and a table, and a folder to work in."""
    write_faces(tmp_path / "home/faces")
    names = [f"{number}.ply" for number in range(5)]
    rows = "".join(f"{name},{'test' if name == '4.ply' else 'train'},\n" for name in names)
    (tmp_path / "home/table.csv").write_text("file,split,expression\n" + rows)
    (tmp_path / "work").mkdir()
    return tmp_path


def made(meshes: Path, path: str, *words: str, table: str = "null"):
    mine = meshes / "work/mine.yaml"
    mine.write_text(
        f"data: {{source: meshes, faces: null, meshes: {{path: {path!r}, table: {table}}}}}\n"
    )
    files = ["--configfile", SMOKE, "mine.yaml"]
    return snakemake(meshes / "work", STORE, *files, *words, HOME=str(meshes / "home"))


def test_a_changed_mesh_in_the_home_folder_counts(meshes: Path) -> None:
    run = made(meshes, "~/faces", table="~/table.csv")
    assert run.returncode == 0, run.stderr
    again = made(meshes, "~/faces", "-n", table="~/table.csv")
    assert "Nothing to be done" in again.stdout + again.stderr
    mesh, table = meshes / "home/faces/2.ply", meshes / "home/table.csv"
    others = (mesh.with_name("3.ply").read_bytes(), table.read_bytes() + b"\n")
    for file, other in zip((mesh, table), others, strict=True):
        file.write_bytes(other)
        said = made(meshes, "~/faces", "-n", table="~/table.csv")
        assert f"Updated input files: {file}" in said.stdout + said.stderr
        assert made(meshes, "~/faces", table="~/table.csv").returncode == 0


def test_a_file_that_nobody_reads_changes_nothing(meshes: Path) -> None:
    faces = meshes / "home/faces"
    (faces / ".DS_Store").write_bytes(b"1")
    assert made(meshes, str(faces)).returncode == 0
    for name in (".DS_Store", "Screenshot.png", "notes.txt", "._0.ply"):
        (faces / name).write_bytes(b"2")
    again = made(meshes, str(faces), "-n")
    assert "Nothing to be done" in again.stdout + again.stderr
    write_faces(faces, 6)
    again = made(meshes, str(faces), "-n")
    assert f"{faces}/5.ply" in again.stdout + again.stderr


def test_the_working_folder_itself_can_hold_the_meshes(meshes: Path) -> None:
    write_faces(meshes / "work")
    (meshes / "work/.venv/lib").mkdir(parents=True)
    (meshes / "work/.venv/lib/sphere.ply").write_bytes(b"no mesh")
    run = made(meshes, ".")
    assert run.returncode == 0, run.stderr
    again = made(meshes, ".", "-n")
    assert "Nothing to be done" in again.stdout + again.stderr


def test_a_path_that_snakemake_cannot_have_is_one_sentence(meshes: Path) -> None:
    faces = meshes / "home/{faces}"
    write_faces(faces)
    run = made(meshes, str(faces))
    assert run.returncode == 1
    assert [line for line in run.stderr.splitlines() if "lwpipe: error" in line] == [
        f"lwpipe: error: {faces}/0.ply: Snakemake cannot have {{ or }} in the path of a file: "
        "rename it."
    ]
    assert "Traceback" not in run.stderr
    assert "WildcardError" not in run.stderr


def test_the_resources_of_a_run_with_a_sweep_are_told(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("name: small\nsweep: {training.seed: [0, 1]}\n")
    for log in ("sweep/training.seed=1/logs/train_point.log", "logs/collect_sweep.log"):
        (tmp_path / "results/small" / log).parent.mkdir(parents=True)
        (tmp_path / "results/small" / log).write_text("done in 60.0 s, at most 555 MB\n")
    told = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks/resources.py"), "results/small"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    rows = [line.split("|")[1:4] for line in told.stdout.splitlines() if line.startswith("| ")]
    peaks = {stage.strip(): int(peak) for stage, _, peak in rows[1:]}
    assert peaks == {"train_point": 555, "collect_sweep": 555}
