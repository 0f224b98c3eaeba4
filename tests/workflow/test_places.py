"""The workflow with other schedulers' commands and with results in another place."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from lwpipe.run import load_run
from lwpipe.run.layout import Layout
from lwpipe.run.needs import memory_mb, runtime_minutes, size_of
from tests.robust.faults.process import FILES, ROOT, command

PROFILES = ROOT / "workflow" / "profiles"
DATA = Path("results/smoke/data")
PYRAMID = Path("results/smoke/template/pyramid.npz")

# Takes a submit command's options, keeps them, and runs the job script: all that is asked of LSF.
BSUB = """\
#!/bin/sh
echo "$@" >> {calls}
for script; do :; done
sh "$script" > /dev/null 2>&1 &
echo "Job <$$> is submitted to default queue <normal>."
"""


def snakemake(folder: Path, *arguments: str, path: str = "") -> str:
    """Run Snakemake on the smoke preset in `folder`; the target stands first."""
    environment = {**os.environ, "PATH": path + os.environ["PATH"]}
    done = subprocess.run(
        command(folder, *arguments), cwd=ROOT, env=environment, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Path:
    """A local run up to the pyramid."""
    folder = tmp_path_factory.mktemp("local")
    snakemake(folder, "template", "--cores", "2")
    return folder


def assert_same(local: Path, root: Path) -> None:
    names = sorted(path.name for path in (local / DATA).iterdir())
    assert sorted(path.name for path in (root / DATA).iterdir()) == names
    for file in (PYRAMID, *(DATA / name for name in names if not name.startswith("."))):
        assert (root / file).read_bytes() == (local / file).read_bytes(), file


@pytest.mark.workflow
def test_a_scheduler_that_is_known_by_its_submit_command(local, tmp_path):
    programs, folder = tmp_path / "bin", tmp_path / "run"
    programs.mkdir()
    bsub = programs / "bsub"
    bsub.write_text(BSUB.format(calls=tmp_path / "calls"))
    bsub.chmod(0o755)
    profile = str(PROFILES / "cluster-generic")
    waiting = ["--seconds-between-status-checks", "1", "--latency-wait", "5"]
    snakemake(folder, "template", "--profile", profile, *waiting, path=f"{programs}{os.pathsep}")
    assert_same(local, folder)
    layout = Layout(load_run(FILES))
    settings = layout.run.base
    size = size_of(settings, tmp_path / "none")
    calls = (tmp_path / "calls").read_text().splitlines()
    for call, stage in zip(calls, ("make_dataset", "make_template"), strict=True):
        asked = f"-M {memory_mb(stage, settings, size)} -W {runtime_minutes(stage, settings, size)}"
        assert asked in call
        assert f"-J lwpipe_{stage} -n 1 " in call


@pytest.mark.workflow
@pytest.mark.skipif(shutil.which("rsync") is None, reason="the storage plugin `fs` needs rsync")
def test_results_in_another_place_through_a_storage_plugin(local, tmp_path):
    folder, storage = tmp_path / "run", tmp_path / "storage"
    folder.mkdir()
    snakemake(
        folder, "template", "--cores", "2",
        "--default-storage-provider", "fs", "--default-storage-prefix", str(storage),
        "--shared-fs-usage", "persistence", "software-deployment", "sources", "source-cache",
    )  # fmt: skip
    assert_same(local, storage)
    assert not (folder / "results").exists()


@pytest.mark.workflow
@pytest.mark.parametrize("profile", sorted(path.name for path in PROFILES.iterdir()))
def test_every_profile_is_one_that_snakemake_takes(profile, tmp_path):
    assert "make_dataset" in snakemake(
        tmp_path, "template", "-n", "--profile", str(PROFILES / profile)
    )


def test_only_training_goes_to_the_gpu_partition():
    profile = yaml.safe_load((PROFILES / "slurm-gpu" / "config.yaml").read_text())
    asked = {rule: set(values) for rule, values in profile["set-resources"].items()}
    both = {"slurm_partition", "gpu"}
    # Evaluation of a point is one job with its training.
    assert asked == {
        "train_model": both,
        "train_point": both,
        "evaluate_point": {"slurm_partition"},
    }
    plain = yaml.safe_load((PROFILES / "slurm" / "config.yaml").read_text())
    assert {key: value for key, value in profile.items() if key != "set-resources"} == plain
