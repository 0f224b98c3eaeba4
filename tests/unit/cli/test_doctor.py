"""`lwpipe doctor`: what it checks, and what it says to do."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lwpipe.cli.context import read_run
from lwpipe.cli.doctor import children, machine, members, project, software
from lwpipe.cli.doctor.check import Check, as_lines, fault, ok, print_table
from lwpipe.cli.doctor.children import Child
from lwpipe.cli.doctor.members import Member, members_of
from lwpipe.cli.main import main
from lwpipe.run import needs
from lwpipe.run.layout import Layout
from tests.robust.bad_input.stage_inputs import copy_run, place_run

LIBRARIES: dict[str, Any] = {
    "failed": {},
    "kernel": 64.0,
    "cache": "/home/a/.cache/numba",
    "torch": {"version": "2.6", "cuda": None, "gpus": [], "threads": 2, "free_bytes": 8e9},
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LWPIPE_ICT_SOURCE", raising=False)
    return tmp_path


def layout(*settings: str, results: str = "results") -> Layout:
    return Layout(read_run(Namespace(config=[], set=settings)), results)


def of_run(*settings: str) -> list[Member]:
    return members_of(layout(*settings))


def statuses(checks: Any) -> dict[str, str]:
    return {check.name: check.status for check in checks}


def one(check: Check, status: str, *words: str) -> None:
    assert check.status == status, check
    assert (check.remedy == "") == (status == "ok"), check
    for word in words:
        assert word in f"{check.found} {check.remedy}", check


def test_a_sound_machine_has_no_fault(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["doctor", "--json"]) == 0
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)}
    expected = {
        "Python", "packages", "PyTorch", "numba", "numba's cache", "off-screen rendering", "GPU",
        "Snakemake", "Slurm", "Snakemake's lock", "cores", "memory", "disk", "configuration",
        "data source",
    }  # fmt: skip
    assert expected <= set(checks)
    assert {check["status"] for check in checks.values()} <= {"ok", "warning"}
    assert list(tmp_path.iterdir()) == []


def test_a_fault_ends_with_1_after_the_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Child, "__init__", lambda self, code: None)
    monkeypatch.setattr(Child, "answer", lambda self: {**LIBRARIES, "spread": 1.0})
    assert main(["doctor", "--set", "training.epoch=3"]) == 1
    captured = capsys.readouterr()
    assert captured.err == (
        "lwpipe: error: the doctor finds something wrong with: configuration.\n"
    )
    lines = captured.out.splitlines()
    assert lines[0].startswith("ok       Python")
    assert lines[-1].startswith("fault    configuration")
    assert "`training.epochs`" in lines[-1]


def test_a_crash_of_a_library_is_a_fault_and_no_more() -> None:
    crashed = Child("import os, sys; sys.stderr.write('no such symbol\\n'); os.abort()").answer()
    assert crashed == "the check ended with signal 6 and said: no such symbol"
    assert Child("raise SystemExit(3)").answer() == "the check ended with exit code 3"
    assert Child("print('noise'); print('{\"a\": 1}')").answer() == {"a": 1}
    assert statuses(software.check_libraries(crashed)) == {"compiled libraries": "fault"}
    one(software.check_rendering(crashed), "fault", "no such symbol", "libOSMesa")
    one(machine.check_gpu(crashed, None), "fault")
    assert statuses(machine.check_memory(crashed, of_run())) == {"cores": "ok"}


def test_libraries_that_fail_are_named() -> None:
    broken = {"failed": {"igl": "ImportError: libstdc++"}, "torch": LIBRARIES["torch"], "kernel": 3}
    checks = statuses(software.check_libraries(broken))
    assert checks == {"igl": "fault", "PyTorch": "ok", "numba": "fault"}
    said = list(software.check_libraries({**LIBRARIES, "kernel": "TypingError: no"}))[-1]
    one(said, "fault", "TypingError: no")
    one(software.check_rendering({"spread": 0.0}), "fault", "empty")
    one(software.check_rendering({"error": "no OSMesa"}), "fault", "no OSMesa")


def test_versions_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    one(software.check_python(), "ok")
    one(software.check_packages(), "ok")
    wanted = ["numpy<1", "no-such-package", "torch>=2; python_version < '3'", "scipy"]
    monkeypatch.setattr(software, "requirements", lambda: (">=9", wanted))
    one(software.check_python(), "fault", "needed is >=9")
    check = software.check_packages()
    one(check, "fault", "numpy is ", "needed is <1", "no-such-package is not installed")
    assert "torch" not in check.found
    assert "scipy" not in check.found


def test_a_package_that_has_lost_its_module_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    about = tmp_path / "halved-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: halved\nVersion: 1.0\n")
    (about / "RECORD").write_text("half/__init__.py,,\nhalf/deep/__init__.py,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(software, "requirements", lambda: ("", ["halved"]))
    one(software.check_packages(), "fault", "halved is 1.0, but has lost half/__init__.py")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "__init__.py").write_text("")
    one(software.check_packages(), "ok")


def test_the_cache_of_numba(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "new" / "cache"))
    found = Child(children.LIBRARIES).answer()
    cache = list(software.check_libraries(found))[-1]
    assert cache.name == "numba's cache"
    one(cache, "ok", str(tmp_path / "new" / "cache"))


def test_without_a_cache_numba_works_and_nothing_else_is_blamed() -> None:
    nowhere = (
        "from numba.core import caching\n"
        "for locator in caching.CacheImpl._locator_classes:\n"
        "    locator.from_function = classmethod(lambda cls, function, file: None)\n"
    )
    found = Child(nowhere + children.LIBRARIES).answer()
    checks = list(software.check_libraries(found))
    assert statuses(checks) == {"PyTorch": "ok", "numba": "ok", "numba's cache": "warning"}
    one(checks[-1], "warning", "NUMBA_CACHE_DIR")
    one(machine.check_gpu(found, "cpu"), "ok")


def test_what_is_said_to_install_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software, "requirements", lambda: ("", ["no-such-package"]))
    remedy = software.check_packages().remedy
    assert "make " not in remedy
    command, _, file = remedy.partition(": ")[2].rpartition(" ")
    assert command == "pip install --requirement"
    assert Path(file).is_file()


def test_slurm_needs_both_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(software.importlib.util, "find_spec", lambda name: None)
    one(software.check_slurm(), "warning", "snakemake-executor-plugin-slurm")
    monkeypatch.setattr(software.importlib.util, "find_spec", lambda name: name)
    one(software.check_slurm(), "ok", "/bin/sbatch")
    monkeypatch.setattr(software.shutil, "which", lambda name: None)
    one(software.check_slurm(), "ok", "this machine")


def test_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_driver", lambda: None)
    one(machine.check_gpu(LIBRARIES, "auto"), "ok", "CPU")
    one(machine.check_gpu(LIBRARIES, "cuda"), "fault", "training.device")
    monkeypatch.setattr(machine, "_driver", lambda: ("H100", "570.1"))
    one(machine.check_gpu(LIBRARIES, "auto"), "warning", "H100", "built without CUDA")
    one(machine.check_gpu(LIBRARIES, "cuda"), "fault", "H100")
    gpu = {"name": "H100", "free": 70 * 2**30, "total": 80 * 2**30}
    with_gpu = {"torch": {**LIBRARIES["torch"], "cuda": "12.8", "gpus": [gpu]}}
    one(machine.check_gpu(with_gpu, "cuda"), "ok", "70 of 80 GB", "570.1")


def test_memory_and_disk() -> None:
    small = {"torch": {**LIBRARIES["torch"], "free_bytes": 1e8}}
    assert statuses(machine.check_memory(LIBRARIES, of_run()))["memory"] == "ok"
    assert statuses(machine.check_memory(small, of_run()))["memory"] == "warning"
    huge = layout("data.faces=1000000", "data.synthetic.vertices=250000")
    assert statuses(machine.check_disk(layout(), of_run())) == {"disk": "ok"}
    assert statuses(machine.check_disk(huge, members_of(huge)))["disk"] == "fault"


def test_folders_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    checks = statuses(machine.check_disk(layout(), of_run()))
    assert checks == {"write to results": "fault"}


def test_a_lock_of_snakemake(tmp_path: Path) -> None:
    one(machine.check_lock(), "ok")
    (tmp_path / ".snakemake" / "locks").mkdir(parents=True)
    one(machine.check_lock(), "ok")
    (tmp_path / ".snakemake" / "locks" / "0.input.lock").write_text("")
    one(machine.check_lock(), "warning", "snakemake --unlock")


@pytest.mark.parametrize(
    ("settings", "name", "status"),
    [
        (["local_weights.parts=64", "data.faces=50"], "local_weights.parts", "fault"),
        (["template.factors=[64, 14]", "model.channels=[8, 8]"], "template.factors", "fault"),
        (["data.faces=16", "data.test_fraction=0.01"], "data.test_fraction", "fault"),
        (["data.faces=12", "data.test_fraction=0.3"], "diversity.sources, targets", "fault"),
        (["training.batch_size=5000"], "training.batch_size", "warning"),
    ],
)
def test_settings_that_contradict_each_other(settings: list[str], name: str, status: str) -> None:
    checks = list(project.check_settings("run", of_run(*settings)))
    assert statuses(checks)[name] == status
    assert statuses(checks).get("configuration") == (None if status == "fault" else "ok")


def test_painted_weights_must_be_there(tmp_path: Path) -> None:
    assert list(project.check_painted(of_run())) == []
    painted = of_run("local_weights.source=file", "local_weights.path=mine.ply")
    (check,) = project.check_painted(painted)
    one(check, "fault", "local_weights.path: mine.ply (in ", "does not exist")
    (tmp_path / "mine.ply").touch()
    (check,) = project.check_painted(painted)
    one(check, "ok", "mine.ply")
    # They may be more parts than a factorisation could find in so few faces.
    few = ["local_weights.parts=64", "data.faces=50"]
    checks = project.check_settings("run", of_run("local_weights.source=file",
                                                  "local_weights.path=mine.ply", *few))  # fmt: skip
    assert "local_weights.parts" not in statuses(checks)


def test_each_data_set_of_a_sweep_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def size_of(settings: Any, store: str) -> Any:
        asked.append(store)
        return needs.size_of(settings, store)

    monkeypatch.setattr(members, "size_of", size_of)
    sweep = "sweep={training.seed: [0, 1, 2], data.faces: [60, 80]}"
    found = of_run(sweep)
    assert [member.name for member in found][-1] == "data.faces=80__training.seed=2"
    assert {member.size.faces for member in found} >= {60, 80}
    assert len(asked) == len(set(asked)) < len(found)
    checks = list(project.check_settings("run", found))
    assert "data.faces=80__training.seed=2" in checks[-1].found


def test_sources_that_are_not_there(tmp_path: Path) -> None:
    def check(*settings: str) -> Check:
        return project.check_source(layout(*settings).run.base.data)

    one(check(), "ok", "synthetic")
    one(check("data.source=ict"), "ok", "downloaded")
    one(check("data.source=ict", "data.ict.path=none.zip"), "fault", "none.zip")
    meshes = ("data.source=meshes", "data.faces=null", "data.meshes.path=in")
    one(check(*meshes), "fault", f"in (in {Path.cwd()}) does not exist")
    (tmp_path / "in").mkdir()
    one(check(*meshes), "fault", "holds no mesh")
    (tmp_path / "in" / "a.obj").write_text("")
    one(check(*meshes), "ok", "1 meshes")
    one(
        check(*meshes, "data.meshes.table=t.csv"),
        "fault",
        f"t.csv (in {Path.cwd()}) does not exist",
    )
    aflw = [f"data.aflw2000_3d.{key}=bfm" for key in ("model_dir", "faces_dir")]
    one(check("data.source=aflw2000-3d", *aflw), "fault", "is not a folder")
    Path("bfm").mkdir()
    one(check("data.source=aflw2000-3d", *aflw), "fault", "has no Model_Shape.mat")


def test_results_that_were_altered(tmp_path: Path) -> None:
    made = copy_run(tmp_path / "made")
    run = tmp_path / "results" / "synthetic"
    variant = place_run(made, run)
    checks = statuses(project.check_results(layout(), of_run()))
    assert checks == {"data set": "ok", "models": "ok", "checkpoints": "ok"}
    pairs = "interpolation.pairs=[[f1, nobody]]"
    assert (
        statuses(project.check_results(layout(), of_run(pairs)))["interpolation.pairs"] == "fault"
    )
    for file in (
        run / "data" / "vertices.npy",
        variant / "training" / "model.safetensors",
        variant / "checkpoints" / "last.pt",
    ):
        content = file.read_bytes()
        file.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    checks = statuses(project.check_results(layout(), of_run()))
    assert checks == {"data set": "fault", "models": "fault", "checkpoints": "warning"}


def test_lines_and_table() -> None:
    checks = [ok("cores", "2"), fault("disk", "[bold] full", "free some")]
    assert as_lines(checks) == "ok       cores  2\nfault    disk   [bold] full -> free some"
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    print_table(checks, console)
    text = console.export_text()
    assert "[bold] full" in text
    assert "free some" in text
    console.file.close()
