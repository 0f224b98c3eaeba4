"""One file is one more source, measure or weighting, and two are one more stage.

Everything is added in the folder of a plugin, and nothing else is touched: then it is there in the
help, the configuration, the results, the tables, the resources and the report.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lwpipe.run.stages import STAGES

ROOT = Path(__file__).resolve().parents[2]

SOURCE = '''
"""Source 'cones': cones of any slope."""

import numpy as np

from lwpipe.core.settings import Positive, Section
from lwpipe.core.stage import Size
from lwpipe.data.source import Made, Source, numbered


class ConesSettings(Section):
    """Cones; read with source 'cones'."""

    slope: Positive = 1.0
    """Height over radius."""


class Cones(Source[ConesSettings]):
    """A cone a face, its slope drawn by seed."""

    name = "cones"
    Settings = ConesSettings
    endless = True

    def size(self):
        return Size(self.faces, 1600)

    def check(self):
        return "cones, made here"

    def open(self):
        index = np.arange(1600).reshape(40, 40)
        a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
        pairs = [np.stack(each, -1).reshape(-1, 3) for each in ((a, b, d), (a, d, c))]
        ids = numbered("cone", self.faces)
        drawn = Drawn(
            ids=ids, subjects=ids, expressions=[""] * self.faces,
            triangles=np.concatenate(pairs), vertex_count=1600,
        )
        random = np.random.default_rng(self.seed)
        drawn.slopes = self.own.slope * random.uniform(0.5, 2, (self.faces, 4))
        return drawn


class Drawn(Made):
    def make(self, rows):
        x, y = np.meshgrid(np.linspace(-60, 60, 40), np.linspace(-80, 80, 40))
        corners = [(-30, -40), (30, -40), (-30, 40), (30, 40)]
        z = sum(
            slope[:, None, None] * np.maximum(0, 30 - np.hypot(x - i, y - j))
            for slope, (i, j) in zip(self.slopes[rows].T, corners)
        )
        faces = np.stack([np.broadcast_to(x, z.shape), np.broadcast_to(y, z.shape), z], -1)
        return faces.reshape(len(z), -1, 3)

    def provenance(self):
        return {"licence": "none"}
'''

MEASURE = '''
"""How deep composites are."""

import numpy as np

from lwpipe.evaluation.measure import Column, OfComposites


class Depth(OfComposites):
    """Extent of a face along z, mm."""

    name = "depth"
    columns = (
        Column("depth_mm", "mean", "depth, mm", unit="mm", panel=("Depth", "along z (mm)")),
    )
    part_columns = {"depth_mm": "depth"}

    def values(self, bench, composites):
        return {"depth": np.ptp(composites.faces[..., 2], axis=1).astype(float)}

    def section(self, bench, values):
        return {"mean": values["depth"].mean()}
'''

WEIGHTING = '''
"""Weighting 'sharp': the squares of the local weights."""

from lwpipe.model.weightings.vertex import Vertex


class Sharp(Vertex):
    """Each vertex takes its share squared."""

    name = "sharp"
    place = 9
    words = "squared, on the decoded features of each vertex"

    def combine(self, h, weights):
        squared = weights**2
        return super().combine(h, squared / squared.sum(1, keepdim=True))
'''

STAGE = '''
"""A stage that counts the vertices that a part holds."""

from pathlib import Path

import numpy as np

from lwpipe.core.files import write_csv
from lwpipe.core.settings import Section, Share
from lwpipe.core.stage import Needs, Output, Stage, Target
from lwpipe.local_weights import load_local_weights
from lwpipe.run.stages.local_weights import LOCAL_WEIGHTS

TARGET = Target("counting", 3.5, "Counting", "How many vertices each part holds.")


class CountingSettings(Section):
    """Vertices of the parts."""

    least: Share = 0.5
    """A part holds a vertex from this local weight on."""


def count_vertices(local_weights: Path, table: Path, counting: CountingSettings) -> None:
    weights, _ = load_local_weights(local_weights)
    held = (weights >= counting.least).sum(axis=0)
    rows = [{"part": k, "vertices": int(n)} for k, n in enumerate(held)]
    write_csv(table, rows, ("part", "vertices"))


COUNT = Stage(
    name="count_vertices",
    target="counting",
    does="count the vertices of the parts",
    function=f"{__name__}:count_vertices",
    inputs={"local_weights": LOCAL_WEIGHTS},
    reads={"counting": CountingSettings},
    outputs={"table": Output("counting.csv", "Vertices of each part.", "table", "vertices")},
    scope="shared",
    needs=Needs(program=210, of_vertex=1),
)
'''

RULE = """
rule counting:
    input:
        files_of("counting"),


use rule stage as count_vertices with:
    input:
        **inputs("count_vertices"),
    output:
        **outputs("count_vertices"),
    log:
        log_of("count_vertices"),
    benchmark:
        benchmark_of("count_vertices")
    threads: threads_of("count_vertices")
    resources:
        **resources_of("count_vertices"),
    params:
        **params_of("count_vertices"),
    message:
        message_of("count_vertices")
"""

CONFIG = """
name: cones
data: {source: cones, faces: 24, test_fraction: 0.25, cones: {slope: 1.5}}
model: {weighting: sharp}
local_weights: {sparsity: 0.1}
counting: {least: 0.6}
variants: {no_projection: {model: {weighting: none}}}
sweep: {training.seed: [0, 1]}
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugin")
    for name, text in (
        ("data/sources/cones.py", SOURCE),
        ("evaluation/measures/depth.py", MEASURE),
        ("model/weightings/sharp.py", WEIGHTING),
        ("run/stages/counting.py", STAGE),
        ("workflow/rules/counting.smk", RULE),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def run(plugin: Path, folder: Path, *words: str) -> str:
    """Run a Python module with the plugin, and return what it says."""
    ended = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "LWPIPE_PLUGINS": str(plugin), "OMP_NUM_THREADS": "1"},
    )
    assert ended.returncode == 0, ended.stderr[-5000:]
    return ended.stdout + ended.stderr


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def finished(plugin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the whole workflow with everything that the plugin adds."""
    folder = tmp_path_factory.mktemp("cones")
    (folder / "cones.yaml").write_text(CONFIG)
    files = [str(ROOT / "presets/smoke.yaml"), "cones.yaml"]
    words = ["--snakefile", str(ROOT / "Snakefile"), "--cores", "2", "--configfile", *files]
    run(plugin, folder, "snakemake", *words)
    return folder


def test_they_are_in_help_and_configuration(plugin: Path, tmp_path: Path) -> None:
    assert "count the vertices of the parts" in run(plugin, tmp_path, "lwpipe", "--help")
    text = run(plugin, tmp_path, "lwpipe", "counting", "--help")
    assert "--local_weights FILE" in text
    defaults = run(plugin, tmp_path, "lwpipe", "config", "defaults")
    assert "# Vertices of the parts.\ncounting:\n" in defaults
    assert "least: 0.5" in defaults
    assert "# Cones; read with source 'cones'.\n  cones:\n" in defaults
    assert "squared, on the decoded features of each vertex (sharp)" in " ".join(
        defaults.replace("#", " ").split()
    )
    schema = json.loads(run(plugin, tmp_path, "lwpipe", "config", "schema"))
    assert "cones" in schema["$defs"]["DataSettings"]["properties"]["source"]["enum"]
    assert "sharp" in schema["$defs"]["ModelSettings"]["properties"]["weighting"]["enum"]
    assert "counting" in schema["properties"]


def test_they_run_by_the_command_line(plugin: Path, tmp_path: Path) -> None:
    (tmp_path / "cones.yaml").write_text(CONFIG)
    files = ["--config", str(ROOT / "presets/smoke.yaml"), "cones.yaml"]
    for target in ("data", "local_weights", "counting", "template", "training", "evaluation"):
        run(plugin, tmp_path, "lwpipe", target, *files)
    results = tmp_path / "results/cones"
    assert [row["part"] for row in rows(results / "counting/counting.csv")] == list("0123")
    assert json.loads((results / "data/dataset.json").read_text())["source"] == "cones"
    model = results / "variants/full/training/model.json"
    assert json.loads(model.read_text())["model"]["weighting"] == "sharp"
    measures = json.loads((results / "variants/full/evaluation/measures.json").read_text())
    assert measures["depth"]["mean"] > 0
    assert float(rows(results / "variants/full/evaluation/parts.csv")[0]["depth_mm"]) > 0
    said = run(plugin, tmp_path, "lwpipe", "doctor", *files)
    assert "cones, made here" in said
    edited = ["--source", "cone_00000", "--target", "cone_00001", "--part", "1"]
    run(
        plugin, tmp_path, "lwpipe", "edit", str(model.parent), "--data", str(results / "data"),
        *edited, "--output", "edited.ply",
    )  # fmt: skip
    assert (tmp_path / "edited.ply").stat().st_size > 0


@pytest.mark.slow
def test_they_are_in_tables_figures_and_report(plugin: Path, finished: Path) -> None:
    results = finished / "results/cones"
    (full,) = (row for row in rows(results / "ablation/summary.csv") if row["variant"] == "full")
    assert float(full["depth_mm"]) > 0
    assert all(float(row["depth_mm"]) > 0 for row in rows(results / "sweep/sweep.csv"))
    page = (results / "report/report.html").read_text()
    assert "<h2>Counting</h2>" in page
    assert "How many vertices each part holds." in page
    assert "Vertices of each part" in page
    readme = run(plugin, ROOT, "benchmarks.results_table", str(results))
    assert "| depth, mm |" in readme
    log = (results / "logs/count_vertices.log").read_text()
    assert log.startswith("done in ")


@pytest.mark.slow
def test_a_changed_key_of_the_stage_runs_it_and_the_report(plugin: Path, finished: Path) -> None:
    files = [str(ROOT / "presets/smoke.yaml"), "cones.yaml"]
    words = ["--snakefile", str(ROOT / "Snakefile"), "--cores", "2", "--configfile", *files]
    said = run(plugin, finished, "snakemake", "-n", *words, "--config", "counting={least: 0.7}")
    table = re.findall(r"^Job stats:\n((?:.+\n)+)", said, re.M)[-1]
    planned = {line.split()[0] for line in table.splitlines()} & {*STAGES, "count_vertices"}
    assert planned == {"count_vertices", "write_report"}


@pytest.mark.slow
def test_the_jobs_of_the_stage_ask_for_its_memory(plugin: Path, finished: Path) -> None:
    submit = finished / "submit"
    submit.write_text('#!/bin/sh\necho "$1" >> asked\nsh "$2" > /dev/null 2>&1 &\necho $$\n')
    submit.chmod(0o755)
    files = [str(ROOT / "presets/smoke.yaml"), "cones.yaml"]
    run(
        plugin, finished, "snakemake", "counting", "--snakefile", str(ROOT / "Snakefile"),
        "--executor", "cluster-generic", "--jobs", "2", "--forcerun", "count_vertices",
        "--cluster-generic-submit-cmd", f"{submit} {{resources.mem_mb}}",
        "--seconds-between-status-checks", "1", "--configfile", *files,
    )  # fmt: skip
    # By its `Needs`, 210 MB and a kB a vertex, with a quarter more; beside the 300 of Snakemake.
    vertices = np.load(finished / "results/cones/data/vertices.npy", mmap_mode="r").shape[1]
    asked = round(300 + 1.25 * (210 + vertices / 1000))
    assert (finished / "asked").read_text().split() == [str(asked)] * 2


def test_a_plugin_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "data/sources").mkdir(parents=True)
    broken = tmp_path / "data/sources/broken.py"
    for text, words in (
        ("import nothing_of_this_name", "cannot be used as a plugin"),
        ("1 / 0", "cannot be used as a plugin"),
    ):
        broken.write_text(text)
        ended = subprocess.run(
            [sys.executable, "-m", "lwpipe", "config", "check"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "LWPIPE_PLUGINS": str(tmp_path)},
        )
        assert ended.returncode == 1
        assert ended.stderr.startswith(f"lwpipe: error: {broken}: {words} (")
        assert ended.stderr.count("\n") == 1
    broken.rename(broken.with_name("ict.py"))
    ended = subprocess.run(
        [sys.executable, "-m", "lwpipe", "config", "check"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "LWPIPE_PLUGINS": str(tmp_path)},
    )
    assert "lwpipe.data.sources has a module of that name." in ended.stderr
