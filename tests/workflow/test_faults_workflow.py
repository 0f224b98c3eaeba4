"""Faults of the machine while the workflow runs: one sentence, nothing lost, and it goes on."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch

from lwpipe.data.make import make_dataset
from lwpipe.run import load_run
from lwpipe.template import make_template
from tests.helpers.small_disk import small_disk
from tests.robust.faults.compare import faults, temporaries
from tests.robust.faults.process import FILES, ROOT, command, kill, run, said, start

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

BASE = Path("results/smoke")
DATA = [BASE / "data" / name for name in ("vertices.npy", "template.ply", "faces.csv", "check.csv")]
PYRAMID = BASE / "template" / "pyramid.npz"


def answer(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run Snakemake; return its exit code and what it and its jobs printed."""
    before = len(said(folder)) if (folder / "snakemake.txt").exists() else 0
    code = run(folder, *arguments)
    return code, said(folder)[before:]


def sentences(text: str) -> list[str]:
    assert "Traceback" not in text, text
    return [line for line in text.splitlines() if line.startswith("lwpipe: error:")]


def finished(folder: Path) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for path in sorted((folder / "results").rglob("*"))
        if path.is_file() and path.suffix in (".npy", ".npz", ".ply", ".csv", ".json")
    }


def test_a_read_only_a_full_disk_and_a_missing_gpu_lose_nothing(tmp_path: Path) -> None:
    base = load_run(FILES).base
    make_dataset(base.data, tmp_path / "alone" / "data")
    make_template(
        tmp_path / "alone" / "data",
        tmp_path / "alone" / "pyramid.npz",
        tmp_path / "alone" / "pyramid.csv",
        base.template,
    )
    room = sum(file.stat().st_size for file in (tmp_path / "alone").rglob("*") if file.is_file())
    folder = tmp_path / "work"
    with small_disk(folder / BASE, "20m") as disk:
        disk.remount("ro")
        code, text = answer(folder, str(PYRAMID))
        assert code == 1
        assert sentences(text) == []
        assert "Read-only file system: 'results/smoke/data'" in text
        disk.remount("rw")

        disk.leave(room // 3)
        code, text = answer(folder, str(PYRAMID))
        assert code == 1
        (sentence,) = sentences(text)
        assert "No space left on device" in sentence or "are free on the disk" in sentence
        assert finished(folder) == {}
        disk.empty()

        code, text = answer(folder, str(PYRAMID), "--rerun-incomplete")
        assert code == 0, text
        for made, alone in ((PYRAMID, "pyramid.npz"), (DATA[0], "data/vertices.npy")):
            assert (folder / made).read_bytes() == (tmp_path / "alone" / alone).read_bytes()
        assert temporaries(folder) == []

        if torch.cuda.is_available():
            return
        before = finished(folder)
        gpu = ("--config", "training={device: cuda}")
        code, text = answer(folder, str(BASE / "variants/full/training/model.safetensors"), *gpu)
        assert code == 1
        (sentence,) = sentences(text)
        assert "cuda" in sentence
        after = finished(folder)
        assert {path: after[path] for path in before} == before
        assert {path.name for path in set(after) - set(before)} == {
            "local_weights.npz",
            "local_weights.json",
        }


def test_a_second_snakemake_does_not_disturb_the_first(tmp_path: Path) -> None:
    first = start(tmp_path, "data")
    try:
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob(".snakemake/locks/*")):
            assert first.poll() is None, said(tmp_path)
            assert time.monotonic() < deadline
            time.sleep(0.02)
        # Held still, so that the second one meets it however fast the machine is.
        first.send_signal(signal.SIGSTOP)
        second = start(tmp_path, "data", "--rerun-incomplete")
        code = second.wait(120)
        text = said(tmp_path)
        first.send_signal(signal.SIGCONT)
        assert code == 1
        assert "Traceback" not in text
        assert text.count("Directory cannot be locked") == 1
        assert first.wait(240) == 0, said(tmp_path)
    finally:
        kill(first)
    assert all((tmp_path / path).exists() for path in DATA)


def test_a_kill_loses_nothing(tmp_path: Path) -> None:
    """`python -m tests.robust.faults` does so with the whole workflow, and at many moments."""
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    for folder in (undisturbed, killed):
        folder.mkdir()
    assert run(undisturbed, "template") == 0, said(undisturbed)
    process = start(killed, "template")
    try:
        while not (killed / DATA[0]).exists():
            assert process.poll() is None, said(killed)
            time.sleep(0.001)
    finally:
        kill(process)
    assert list(faults(undisturbed, killed, finished=False)) == []
    assert run(killed, "template", "--unlock") == 0, said(killed)
    assert run(killed, "template", "--rerun-incomplete") == 0, said(killed)
    assert list(faults(undisturbed, killed, finished=True)) == []


def test_a_folder_where_snakemake_cannot_keep_its_records_is_one_sentence(tmp_path: Path) -> None:
    with small_disk(tmp_path / "work", "1m") as disk:
        disk.remount("ro")
        done = subprocess.run(command(disk.folder, "-n"), cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 1
    assert sentences(done.stdout + done.stderr) == [
        f"lwpipe: error: {disk.folder}: cannot be written, and Snakemake keeps its records there."
    ]
