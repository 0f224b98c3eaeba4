"""What is tried on the cluster: the whole workflow, a pre-empted training, one over its limit."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ..faults.compare import faults
from ..faults.process import ROOT, SCRIPT, command, said
from .slurm import Cluster

PROFILES = ROOT / "workflow" / "profiles"
# Slurm is asked for the state of jobs: often, as those here are small.
ASKING = [
    "--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1",
    "--seconds-between-status-checks", "1", "--latency-wait", "10",
]  # fmt: skip
# One variant, and enough epochs to be met in the middle of its training.
TRAINING = """\
training: {epochs: 150}
variants: {no_projection: null}
"""
MODEL = Path("results/smoke/variants/full/training/model.safetensors")
CHECKPOINTS = Path("results/smoke/variants/full/checkpoints")
PATIENCE_S = 600


class ScenarioError(Exception):
    """Something did not go as it must."""


@dataclass
class Workflow:
    """Snakemake, running in a folder.

    Attributes
    ----------
    folder : of `results`, and of what Snakemake prints
    process : Snakemake
    """

    folder: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def start(
        cls,
        folder: Path,
        *arguments: str,
        files: tuple[Path, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Workflow:
        """Start Snakemake on the smoke preset, with `files` laid over it."""
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "snakemake.txt").open("ab") as output:
            process = subprocess.Popen(
                command(folder, *arguments, files=files),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(os.environ if environment is None else environment),
            )
        return cls(folder, process)

    def said(self) -> str:
        """Return what Snakemake printed, what failed jobs printed, and the last training's log."""
        slurm_logs = (self.folder / ".snakemake" / "slurm_logs").glob("**/*.log")
        logs = [*slurm_logs, *(self.folder / CHECKPOINTS).parent.glob("logs/train_model.log")]
        ordered = sorted(logs, key=lambda path: path.stat().st_mtime)
        texts = [self.folder / "snakemake.txt", *ordered]
        return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in texts)

    def finish(self) -> None:
        """Wait for the end.

        Raises
        ------
        ScenarioError
            If Snakemake fails.
        """
        if self.process.wait() != 0:
            tail = "\n".join(self.said().splitlines()[-40:])
            raise ScenarioError(f"snakemake ended with code {self.process.returncode}:\n{tail}")

    def until(self, what: str, ready: Callable[[], Any]) -> Any:
        """Wait for something to be true, and return it.

        Raises
        ------
        ScenarioError
            If Snakemake ends before, or after ten minutes.
        """
        end = time.monotonic() + PATIENCE_S
        while not (found := ready()):
            if self.process.poll() is not None or time.monotonic() > end:
                raise ScenarioError(f"{what} did not happen:\n{self.said()[-3000:]}")
            time.sleep(0.1)
        return found


def whole_workflow(cluster: Cluster, folder: Path, reference: Path) -> str:
    """Run every rule as jobs; every file must be as in the local run."""
    flow = Workflow.start(
        folder, "--profile", str(PROFILES / "slurm"), *ASKING, environment=cluster.environment
    )
    flow.finish()
    if found := list(faults(reference, folder, finished=True)):
        raise ScenarioError("; ".join(found))
    count = sum(path.is_file() for path in (folder / "results").rglob("*"))
    jobs = len(re.findall(r"has been submitted with SLURM jobid", flow.said()))
    return f"{jobs} jobs, {count} files as in the local run"


def preempted(cluster: Cluster, folder: Path, reference: Path, files: tuple[Path, ...]) -> str:
    """Send SIGTERM to a training on the GPU partition; the retry must go on and end the same."""
    copy_upstream(reference, folder)
    flow = _train(cluster, folder, files, "slurm-gpu")
    flow.until("a first checkpoint", lambda: any((folder / CHECKPOINTS).glob("*.pt")))
    job = _job(folder)
    wanted = cluster.command("scontrol", "show", "job", job)
    if "Partition=gpu" not in wanted or "gres:gpu" not in wanted.replace("gres/gpu", "gres:gpu"):
        raise ScenarioError(f"training asks for no GPU:\n{wanted}")
    cluster.command("scancel", "--signal=TERM", job)
    return f"job {job} on the GPU partition: {_resumed(cluster, flow, job, reference, 'FAILED')}"


def over_the_limit(cluster: Cluster, folder: Path, reference: Path, files: tuple[Path, ...]) -> str:
    """Halt a training until Slurm's limit of a minute ends it; the retry must go on."""
    copy_upstream(reference, folder)
    flow = _train(cluster, folder, files, "slurm", "--set-resources", "train_model:runtime=1")
    flow.until("a first checkpoint", lambda: any((folder / CHECKPOINTS).glob("*.pt")))
    job = _job(folder)
    # A node that stands still: Slurm wakes what it ends.
    for process in _training(folder):
        process.send_signal(signal.SIGSTOP)
    flow.until(f"the end of job {job}", lambda: cluster.jobs()[job][0] == "TIMEOUT")
    return f"job {job}, limit 1 min: {_resumed(cluster, flow, job, reference, 'TIMEOUT')}"


def copy_upstream(reference: Path, folder: Path) -> None:
    """Copy what comes before training, so that a run in `folder` starts with training."""
    shutil.copytree(reference, folder)
    shutil.rmtree(folder / "results" / "smoke" / "variants")
    (folder / "snakemake.txt").unlink()


def _train(
    cluster: Cluster, folder: Path, files: tuple[Path, ...], profile: str, *arguments: str
) -> Workflow:
    words = [str(MODEL), "--profile", str(PROFILES / profile), *ASKING, *arguments]
    return Workflow.start(folder, *words, files=files, environment=cluster.environment)


def _job(folder: Path) -> str:
    """Return the number of the running training of `folder`."""
    return re.findall(r"submitted with SLURM jobid (\d+)", said(folder))[-1]


def _training(folder: Path) -> list[psutil.Process]:
    """Return the processes of the training in `folder`."""
    found = []
    for process in psutil.process_iter():
        try:
            words = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if str(folder) in words and SCRIPT.search(words):
            found.append(process)
    if not found:
        raise ScenarioError("the training process was not found")
    return found


def _resumed(cluster: Cluster, flow: Workflow, job: str, reference: Path, state: str) -> str:
    """Wait for the end, and say at what epoch the training was stopped and resumed.

    Raises
    ------
    ScenarioError
        If it was not, or the model differs from that of an undisturbed training.
    """
    flow.finish()
    found = cluster.jobs()[job][0]
    if found != state:
        raise ScenarioError(f"job {job} ended as {found}, expected {state}")
    text = flow.said()
    stopped = re.search(r"stopped by SIGTERM in epoch (\d+) of (\d+)", text)
    if stopped is None:
        raise ScenarioError(f"the training did not say that SIGTERM stopped it:\n{text[-3000:]}")
    if "Trying to restart job" not in text:
        raise ScenarioError("snakemake did not submit the training again")
    first = re.search(r"training goes on from \S+, epoch (\d+)", text)
    if first is None or int(first[1]) not in (int(stopped[1]), int(stopped[1]) - 1):
        raise ScenarioError(f"the retry did not say that it goes on:\n{text[-3000:]}")
    if (flow.folder / MODEL).read_bytes() != (reference / MODEL).read_bytes():
        raise ScenarioError("the model differs from that of an undisturbed training")
    return f"{state}, stopped and resumed in epoch {stopped[1]} of {stopped[2]}, same bytes"
