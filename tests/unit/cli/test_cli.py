"""The command line."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lwpipe.cli.main import main
from lwpipe.run.document import default_yaml, json_schema
from lwpipe.run.schema import Settings
from lwpipe.run.stages import STAGES, TARGETS

STAGE_COMMANDS = [
    "data",
    "template",
    "local_weights",
    "training",
    "evaluation",
    "truth",
    "detection",
    "sampling",
    "baselines",
    "interpolation",
    "diversity",
    "ablation",
    "sweep",
    "report",
]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder without a config.yaml."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_help_names_every_command_and_is_quick(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    for command in (*STAGE_COMMANDS, "edit", "export", "config", "doctor", "inspect"):
        assert f"\n    {command}" in text
    loaded = subprocess.run(
        [sys.executable, "-c", "import lwpipe.cli.main, sys; print('torch' in sys.modules)"],
        capture_output=True,
        text=True,
    )
    assert loaded.stdout.strip() == "False"


@pytest.mark.parametrize("command", STAGE_COMMANDS)
def test_every_stage_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    for option in ("--config", "--set", "--variant", "--results", "--output"):
        assert option in text


def test_there_is_a_command_for_every_stage() -> None:
    assert list(TARGETS) == STAGE_COMMANDS
    assert {stage.target for stage in STAGES.values()} == set(TARGETS)


@pytest.mark.parametrize("stage", STAGES)
def test_the_function_of_a_stage_takes_what_is_declared(stage: str) -> None:
    """Its arguments have the names of inputs, outputs, sections and facts; others have defaults."""
    declared = STAGES[stage]
    given = {*declared.inputs, *declared.reads, *declared.about}
    given |= {"output"} if declared.gives == "folder" else set(declared.outputs)
    parameters = inspect.signature(declared.load()).parameters
    if not any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        assert given | set(declared.switches) <= set(parameters)
    needed = {
        name
        for name, each in parameters.items()
        if each.default is each.empty and each.kind is not each.VAR_KEYWORD
    }
    assert needed <= given
    assert set(declared.switches) <= set(parameters)


@pytest.mark.parametrize(
    "words",
    [[], ["nonsense"], ["training", "--only", "make_dataset"], ["edit"], ["inspect"]],
)
def test_wrong_usage_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    assert "usage: lwpipe" in capsys.readouterr().err


def test_a_fault_is_one_sentence_and_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["training", "--set", "training.epoch=3"]) == 1
    assert capsys.readouterr().err == (
        "lwpipe: error: command line: unknown key `training.epoch`; the nearest valid key is "
        "`training.epochs`.\n"
    )
    assert main(["training", "--variant", "ful"]) == 1
    assert "--variant ful: the configuration has no such variant" in capsys.readouterr().err
    assert main(["training", "--set", "epochs"]) == 1
    assert "--set epochs: is not KEY=VALUE" in capsys.readouterr().err
    assert main(["training", "--set", "model.channels=[4, 4"]) == 1
    assert "the value is not valid YAML" in capsys.readouterr().err
    assert main(["template"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("lwpipe: error: results/synthetic/data")
    assert error.count("\n") == 1


def test_config_show_lays_files_and_sets_over_each_other(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (elsewhere / "config.yaml").write_text("name: mine\ntraining: {epochs: 7, batch_size: 3}\n")
    (elsewhere / "over.yaml").write_text("training: {batch_size: 5}\n")
    words = ["config", "show", "--config", "over.yaml", "--set", "model.latent_size=9"]
    assert main([*words, "--set", "template.factors=[2, 2, 2, 2]", "--variant", "no_cycle"]) == 0
    values = yaml.safe_load(capsys.readouterr().out)
    assert values.pop("name") == "mine"
    settings = Settings.model_validate(values)
    assert (settings.training.epochs, settings.training.batch_size) == (7, 5)
    assert settings.training.cycle_weight == 0.0
    assert settings.model.latent_size == 9
    assert settings.template.factors == [2, 2, 2, 2]


def test_config_check(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (elsewhere / "a.yaml").write_text("name: mine\nvariants: {outer: null}\n")
    assert main(["config", "check", "a.yaml"]) == 0
    out = capsys.readouterr().out
    assert "'mine'" in out
    assert "outer" not in out
    (elsewhere / "a.yaml").write_text("nam: mine\n")
    assert main(["config", "check", "a.yaml"]) == 1
    assert "a.yaml: unknown key `nam`" in capsys.readouterr().err


def test_schema_and_defaults_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json_schema()
    assert main(["config", "defaults"]) == 0
    assert capsys.readouterr().out == default_yaml()


def test_python_m_lwpipe_is_the_same() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "lwpipe", "--version"], capture_output=True, text=True
    )
    assert run.returncode == 0
    assert run.stdout.startswith("lwpipe ")


def test_a_fault_stays_on_one_line(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (elsewhere / "a.yaml").write_text('"na\\nme\\e[31m": b\n')
    assert main(["config", "check", "a.yaml"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert r"`na\nme\x1b[31m`" in error


def test_a_later_key_of_a_merge_may_stand_over_an_earlier_one(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (elsewhere / "a.yaml").write_text(
        "variants:\n  one: &one {training: {epochs: 3}, model: {order: 4}}\n"
        "  two: {<<: *one, model: {order: 5}}\n"
    )
    assert main(["config", "show", "--config", "a.yaml", "--variant", "two"]) == 0
    settings = yaml.safe_load(capsys.readouterr().out)
    assert (settings["training"]["epochs"], settings["model"]["order"]) == (3, 5)
