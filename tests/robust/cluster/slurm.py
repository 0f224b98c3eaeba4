"""A real Slurm of one node, in a folder and on ports of its own, for as long as a block runs.

Debian's packages slurm-wlm and munge are enough: three daemons in the foreground, no accounting, no
cgroups, nothing in /etc. Whatever else runs on the machine, another Slurm too, is left alone: every
daemon is a child of this process, and only these are stopped.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("slurm-wlm", "munge")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
# Debian's daemons lie where a user's PATH does not look.
SEARCH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
# Seconds from SIGTERM at a job's limit to SIGKILL: Slurm's default.
KILL_WAIT_S = 30

_CONF = """\
ClusterName=lwpipe
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={state}/munge.socket
CredType=cred/munge
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={state}/controller
SlurmdSpoolDir={state}/node
SlurmctldPidFile={state}/slurmctld.pid
SlurmdPidFile={state}/slurmd.pid
SlurmctldLogFile={state}/slurmctld.log
SlurmdLogFile={state}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MailProg=/bin/true
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=100000
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
ReturnToService=2
KillWait={kill_wait}
GresTypes=gpu
MinJobAge=600
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes={host} MaxTime=INFINITE State=UP
"""


class ClusterError(Exception):
    """Slurm cannot be started here, or does not answer."""


class MissingError(Exception):
    """Slurm is not installed and cannot be."""


@dataclass(frozen=True)
class Cluster:
    """A running Slurm.

    Attributes
    ----------
    state : folder of its configuration, state and logs
    environment : variables under which Slurm's commands speak to it
    """

    state: Path
    environment: dict[str, str]

    def command(self, *words: str) -> str:
        """Run one of Slurm's commands and return what it prints."""
        done = subprocess.run(words, env=self.environment, text=True, capture_output=True)
        if done.returncode != 0:
            raise ClusterError(f"{' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def jobs(self) -> dict[str, tuple[str, str]]:
        """Return (state, comment) of all jobs that Slurm knows, by their number."""
        lines = self.command("squeue", "--noheader", "--states=all", "--format=%i|%T|%k")
        rows = (line.split("|", 2) for line in lines.splitlines())
        return {job: (state, comment) for job, state, comment in rows}


def install() -> None:
    """Install Debian's Slurm where it is missing.

    Raises
    ------
    MissingError
        If that is not possible here.
    """
    missing = [program for program in PROGRAMS if shutil.which(program, path=SEARCH) is None]
    if not missing:
        return
    names = " ".join(PACKAGES)
    if shutil.which("apt-get") is None or os.getuid() != 0:
        raise MissingError(
            f"{', '.join(missing)} not found: install Debian's {names} (as root: "
            f"apt-get install --no-install-recommends {names})."
        )
    print(f"installing {names}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # The packages' own services are neither needed nor wanted.
    policy = Path("/usr/sbin/policy-rc.d")
    no_services = not policy.exists()
    if no_services:
        policy.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        policy.chmod(0o755)
    try:
        for words in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
            done = subprocess.run(
                ["apt-get", "--quiet", *words], env=environment, text=True, capture_output=True
            )
            if done.returncode != 0:
                reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1]
                raise MissingError(f"apt-get {words[0]} of {names} failed: {reason}")
    finally:
        if no_services:
            policy.unlink()


@contextmanager
def running(state: Path, cpus: int | None = None) -> Iterator[Cluster]:
    """Start munged, slurmctld and slurmd in `state`; stop them, and their jobs, in the end.

    Parameters
    ----------
    state : folder, made if missing; its path must be short, as it holds a socket
    cpus : processors that the node offers; it need not have them

    Raises
    ------
    ClusterError
        If a daemon ends, or the node does not become idle within a minute.
    """
    for folder in (state, state / "controller", state / "node"):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
    key = state / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    host = socket.gethostname().split(".")[0]
    controller_port, node_port = _free_ports(2)
    conf = state / "slurm.conf"
    conf.write_text(
        _CONF.format(
            host=host,
            state=state,
            user=pwd.getpwuid(os.getuid()).pw_name,
            controller_port=controller_port,
            node_port=node_port,
            cpus=cpus or os.cpu_count(),
            memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
            kill_wait=KILL_WAIT_S,
        ),
        encoding="utf-8",
    )
    outer = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM", "SBATCH", "SRUN"))}
    path = os.pathsep.join([str(_srun(state, conf)), SEARCH])
    cluster = Cluster(state, {**outer, "PATH": path, "SLURM_CONF": str(conf)})
    # A GPU in name only: it is handed out like one, and nothing opens it.
    (state / "gres.conf").write_text("Name=gpu File=/dev/null\n", encoding="utf-8")
    munge = {name: str(state / f"munge.{name}") for name in ("socket", "pid", "log", "seed")}
    daemons = {
        "munged": [
            "--foreground",
            "--force",
            f"--key-file={key}",
            f"--socket={munge['socket']}",
            f"--pid-file={munge['pid']}",
            f"--log-file={munge['log']}",
            f"--seed-file={munge['seed']}",
        ],
        "slurmctld": ["-D", "-c", "-f", str(conf)],
        "slurmd": ["-D", "-c", "-f", str(conf), "-N", host],
    }
    with ExitStack() as stack:
        started: dict[str, subprocess.Popen[bytes]] = {}
        for name, words in daemons.items():
            output = stack.enter_context((state / f"{name}.out").open("wb"))
            started[name] = subprocess.Popen(
                [shutil.which(name, path=SEARCH) or name, *words],
                env=cluster.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            stack.callback(_stop, started[name])
            if name == "munged":
                _wait(lambda: Path(munge["socket"]).exists(), started, state)
        _wait(lambda: _idle(cluster), started, state)
        stack.callback(_cancel_all, cluster)
        yield cluster


def _srun(state: Path, conf: Path) -> Path:
    """Return a folder with an srun that knows this configuration.

    Snakemake's executor takes most variables named SLURM_* away from the jobs' srun, this one too;
    a Slurm of the whole machine finds its configuration in /etc.
    """
    folder = state / "bin"
    folder.mkdir(exist_ok=True)
    script = folder / "srun"
    real = shutil.which("srun", path=SEARCH)
    script.write_text(f'#!/bin/sh\nSLURM_CONF={conf} exec {real} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return folder


def _idle(cluster: Cluster) -> bool:
    try:
        return cluster.command("sinfo", "--noheader", "--format=%T").strip() == "idle"
    except ClusterError:
        return False  # slurmctld does not answer yet


def _wait(ready, daemons: dict[str, subprocess.Popen[bytes]], state: Path) -> None:
    end = time.monotonic() + 60
    while not ready():
        for name, process in daemons.items():
            if process.poll() is not None:
                said = (state / f"{name}.out").read_text(errors="replace").strip().splitlines()
                raise ClusterError(f"{name} ended: {said[-1] if said else 'it said nothing'}")
        if time.monotonic() > end:
            raise ClusterError(f"Slurm did not come up within a minute: see {state}")
        time.sleep(0.2)


def _cancel_all(cluster: Cluster) -> None:
    """End all jobs, as slurmd's stepd processes would outlive it."""
    ended = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY"}

    def left() -> list[str]:
        return [job for job, (state, _) in cluster.jobs().items() if state not in ended]

    if jobs := left():
        cluster.command("scancel", "--signal=KILL", "--full", *jobs)
        cluster.command("scancel", *jobs)
    end = time.monotonic() + KILL_WAIT_S + 10
    while left() and time.monotonic() < end:
        time.sleep(0.5)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_ports(count: int) -> list[int]:
    """Return ports that are free now, which no other program will be given soon."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


if __name__ == "__main__":
    # For trying commands by hand: a shell in which Slurm's commands speak to this Slurm.
    try:
        install()
        with running(Path(sys.argv[1]).resolve()) as here:
            subprocess.run([os.environ.get("SHELL", "/bin/sh")], env=here.environment)
    except ClusterError as error:
        sys.exit(f"slurm: {error}")
