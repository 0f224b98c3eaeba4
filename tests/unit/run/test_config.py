"""Settings: what is accepted, what is refused and in which words, and the files made from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from lwpipe.core.errors import LwpipeError
from lwpipe.core.settings import Section
from lwpipe.editing.settings import EditingSettings
from lwpipe.run import all_keys, load_run, merge, read_yaml, validate_run
from lwpipe.run.document import default_yaml, json_schema
from lwpipe.run.layout import Layout
from lwpipe.run.schema import RunSettings
from lwpipe.run.variants import SHIPPED

ROOT = Path(__file__).resolve().parents[3]


def fault(tmp_path: Path, text: str) -> str:
    """Return what is said of config.yaml with `text` laid over it."""
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(LwpipeError) as caught:
        load_run([ROOT / "config.yaml", file])
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert message.endswith(".")
    assert "\n" not in message
    return message.removeprefix(f"{file}: ")


def test_config_yaml_holds_every_default() -> None:
    values = read_yaml(ROOT / "config.yaml")
    assert values == RunSettings().model_dump()
    flat = {key for key in all_keys(RunSettings) if not key.startswith("variants.")}
    assert flat == set(keys_of(values, RunSettings))


def keys_of(values: dict[str, Any], schema: type[Any], prefix: str = "") -> list[str]:
    found = []
    for key, value in values.items():
        found.append(prefix + key)
        child = schema.model_fields[key].annotation
        if isinstance(child, type) and issubclass(child, Section):
            found += keys_of(value, child, f"{prefix}{key}.")
    return found


def test_config_yaml_is_the_documented_default() -> None:
    assert (ROOT / "config.yaml").read_text() == default_yaml(), (
        "write it anew with: lwpipe config defaults > config.yaml"
    )


def test_the_json_schema_is_up_to_date() -> None:
    written = (ROOT / "workflow/schemas/config.schema.json").read_text()
    assert json.loads(written) == json_schema(), (
        "write it anew with: lwpipe config schema > workflow/schemas/config.schema.json"
    )


def test_every_key_is_documented_above_its_line() -> None:
    lines = default_yaml().splitlines()
    for number, line in enumerate(lines):
        if line.strip() and not line.strip().startswith("#"):
            assert lines[number - 1].strip().startswith("#"), line


def test_ranges_reach_the_documentation() -> None:
    text = " ".join(default_yaml().replace("#", " ").split())
    assert "[number, greater than 0, less than 1] test_fraction: 0.11" in text
    assert "[whole number, 1500 to 250000] vertices: 2500" in text
    assert "[number, at least 0 or null] eta: null" in text
    assert "[one of synthetic, ict, makehuman, aflw2000-3d, meshes] source: synthetic" in text


def test_shipped_variants() -> None:
    run = load_run([ROOT / "config.yaml"])
    assert list(run.variants) == list(SHIPPED)
    assert run.variants["full"] == run.base
    assert run.variants["no_cycle"].training.cycle_weight == 0.0
    coma = run.variants["no_projection"]
    assert (coma.model.weighting, coma.model.projection) == ("none", False)
    assert coma.training.cycle_weight == 0.0
    assert run.variants["outer"].model.weighting == "outer"
    assert run.variants["magnitude_features"].local_weights.features == "magnitude"
    assert run.variants["no_local_weights"].model.projection
    ours = run.variants["on_pca"]
    assert (ours.model.base, ours.editing.residual, ours.editing.keep) == ("pca", True, 1.0)
    assert run.base.model.base == "none"
    assert run.base.editing == EditingSettings(), "the paper's model edits as in the paper"


def test_the_learned_rivals_are_laid_over_a_preset() -> None:
    ict = [ROOT / "config.yaml", ROOT / "presets/ict.yaml"]
    run = load_run([*ict, ROOT / "benchmarks/rivals.yaml"])
    assert run.name == "ict"
    assert list(run.variants) == [*load_run(ict).variants, "componet", "dubrovina"]
    assert run.variants["componet"].model.weighting == "composed"
    assert run.variants["dubrovina"].training.partition_weight > 0
    assert run.variants["dubrovina"].training.epochs == run.base.training.epochs


def test_the_paper_preset_has_the_values_of_the_paper() -> None:
    run = load_run([ROOT / "config.yaml", ROOT / "presets/aflw2000-3d.yaml"])
    settings = run.base
    assert round(2000 * settings.data.test_fraction) == 220
    assert settings.local_weights.parts == 4
    assert settings.local_weights.sparsity == 7.5
    assert settings.model.model_dump(include={"latent_size", "order", "channels"}) == {
        "latent_size": 64,
        "order": 6,
        "channels": [16, 16, 16, 32],
    }
    assert settings.template.factors == [4, 4, 4, 4]
    training = settings.training
    assert (training.epochs, training.batch_size, training.optimizer) == (300, 32, "sgd")
    assert (training.learning_rate, training.momentum) == (8e-3, 0.9)
    assert (training.schedule, training.decay, training.weight_decay) == ("exponential", 0.99, 5e-4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "trainning: {epochs: 3}",
            "unknown key `trainning`; the nearest valid key is `training`.",
        ),
        (
            "training: {epoch: 3}",
            "unknown key `training.epoch`; the nearest valid key is `training.epochs`.",
        ),
        (
            "model: {cycle_weight: 3}",
            "unknown key `model.cycle_weight`; the nearest valid key is `training.cycle_weight`.",
        ),
        (
            "variants: {mine: {training: {epoch: 3}}}",
            "unknown key `variants.mine.training.epoch`; the nearest valid key is "
            "`variants.mine.training.epochs`.",
        ),
        ("training: {epochs: 2.5}", "`training.epochs` is 2.5, expected a whole number."),
        ("training: {epochs: many}", "`training.epochs` is 'many', expected a whole number."),
        ("training: {epochs: true}", "`training.epochs` is True, expected a whole number."),
        ("training: 3", "`training` is 3, expected a section with keys."),
        (
            "training: {epochs: 0}",
            "`training.epochs` is 0: it should be greater than or equal to 1.",
        ),
        (
            "data: {test_fraction: 1.0}",
            "`data.test_fraction` is 1.0: it should be less than 1.",
        ),
        (
            "training: {learning_rate: .inf}",
            "`training.learning_rate` is inf: it should be a finite number.",
        ),
        (
            "data: {source: icts}",
            "`data.source` is 'icts', expected one of synthetic, ict, makehuman, aflw2000-3d, "
            "meshes; the nearest is 'ict'.",
        ),
        ("data: {source: meshes}", "`data`: source 'meshes' needs data.meshes.path."),
        ("data: {faces: null}", "`data`: source 'synthetic' needs a number for data.faces."),
        (
            "data: {ict: {expression_min: 0.9}}",
            "`data.ict`: expression_min must not exceed expression_max.",
        ),
        (
            "template: {factors: [4, 4]}",
            "model.channels has 4 entries and template.factors has 2: each level needs one of "
            "both.",
        ),
        (
            "figures: {colormap: virids}",
            "`figures.colormap`: 'virids' is not the name of a colormap of matplotlib.",
        ),
        (
            "name: a/b",
            "`name` is 'a/b', expected a name of the letters a-z, digits, dots, dashes and "
            "underscores that begins with a letter or digit.",
        ),
        ("name: 2024", '`name` is 2024, expected text: write it in quotes, "2024".'),
        (
            "data: {meshes: {folders: person}}",
            "`data.meshes.folders`: is 'person', expected up to 4 of subject, expression, - with / "
            "between them, subject and expression at most once.",
        ),
        (
            "interpolation: {variants: [ful]}",
            "`interpolation.variants` names 'ful', which is not in `variants`; "
            "the nearest is 'full'.",
        ),
        (
            "detection: {variants: [on_pc]}",
            "`detection.variants` names 'on_pc', which is not in `variants`; "
            "the nearest is 'on_pca'.",
        ),
        (
            "sampling: {variants: [on_pc]}",
            "`sampling.variants` names 'on_pc', which is not in `variants`; "
            "the nearest is 'on_pca'.",
        ),
        (
            "variants: {mine: {name: b}}",
            "`variants.mine.name` concerns the whole run and cannot be overridden by a variant.",
        ),
        (
            "variants: {mine: {interpolation: {variants: [mine]}}}",
            "`variants.mine.interpolation.variants` concerns the whole run and cannot be "
            "overridden by a variant.",
        ),
        (
            "interpolation: {pairs: [[a, b, c]]}",
            "`interpolation.pairs.0` is ['a', 'b', 'c']: it should have at most 2 items, not 3.",
        ),
    ],
)
def test_a_fault_is_one_sentence_with_file_and_key(tmp_path: Path, text: str, words: str) -> None:
    assert fault(tmp_path, text) == words


def test_the_file_named_is_the_one_with_the_fault(tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("training: {epochs: many}\n")
    second.write_text("training: {batch_size: 3}\n")
    with pytest.raises(LwpipeError, match=r"first\.yaml: `training\.epochs`"):
        load_run([first, second])
    with pytest.raises(LwpipeError, match=r"^command line: unknown key `nothing`"):
        load_run([second], {"nothing": 1})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a: [", "is not valid YAML"),
        (b"\xff\xfe", "is not text in UTF-8"),
        (b"- 1", "holds a list, expected keys and values"),
    ],
)
def test_unreadable_files_are_named(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_bytes(content)
    with pytest.raises(LwpipeError, match=rf"bad\.yaml: {words}") as caught:
        read_yaml(file)
    assert "\n" not in str(caught.value)
    with pytest.raises(LwpipeError, match=r"missing\.yaml: cannot be read"):
        read_yaml(tmp_path / "missing.yaml")


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    run = load_run([ROOT / "config.yaml", tmp_path / "empty.yaml"])
    assert run == load_run([ROOT / "config.yaml"])


def test_null_removes_a_variant(tmp_path: Path) -> None:
    run = load_run([ROOT / "config.yaml"], {"variants": {"outer": None, "no_cycle": None}})
    assert list(run.variants) == [name for name in SHIPPED if name not in ("outer", "no_cycle")]
    with pytest.raises(LwpipeError, match="`variants` names no variant"):
        validate_run({"variants": {}})


def test_numbers_with_an_exponent_are_numbers() -> None:
    values = yaml.safe_load("training: {learning_rate: 8e-3, weight_decay: 5e-4}")
    training = validate_run(values).base.training
    assert (training.learning_rate, training.weight_decay) == (0.008, 0.0005)


def test_merge_replaces_lists_and_keeps_its_arguments() -> None:
    below = {"a": {"b": [1, 2], "c": 1}, "d": 1}
    above = {"a": {"b": [3]}, "d": None}
    assert merge(below, above) == {"a": {"b": [3], "c": 1}, "d": None}
    assert below == {"a": {"b": [1, 2], "c": 1}, "d": 1}


def test_no_list_of_variants_means_all_of_them() -> None:
    for chosen, expected in ((None, list(SHIPPED)), (["outer"], ["outer"]), ([], [])):
        made = Layout(validate_run({"detection": {"variants": chosen}}))
        assert made.members("measure_detection") == expected
        assert list(made.inputs("summarise")["detection"]) == expected
