"""The workflow: what a changed key reruns, what the user sees of a fault, and that it all runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import read_json
from lwpipe.mesh.ply_file import read_ply, write_ply
from lwpipe.run import all_keys, load_run, merge, read_yaml, validate_run
from lwpipe.run.layout import Layout, jobs
from lwpipe.run.schema import RunSettings
from lwpipe.run.stages import STAGES, TARGETS, read_settings, upstream
from tests.helpers.reruns import reruns

ROOT = Path(__file__).resolve().parents[2]
FILES = [
    ROOT / "config.yaml",
    ROOT / "presets" / "smoke.yaml",
    ROOT / "tests" / "workflow" / "smoke_sweep.yaml",
]

pytestmark = pytest.mark.workflow

# What stands after each stage, written down by hand: the declarations are what is tested.
ABLATION = {"summarise", "draw_tradeoff", "write_report"}
DIVERSITY = {"measure_diversity", "draw_diversity"} | ABLATION
SWEEP = {"evaluate_point", "collect_sweep", "draw_sweep", "write_report"}
EVALUATION = {"evaluate_model", "evaluate_baselines"} | ABLATION | SWEEP
PICTURES = {"draw_interpolation", "write_report"}
INTERPOLATION = {"interpolate"} | PICTURES
DRAWN = {"draw_tradeoff", "write_report"}
DIALS = {"measure_dials", "measure_dials_of_baselines"} | DRAWN
TRUTH = {"measure_truth", "draw_truth"} | ABLATION
RECOMBINED = {"make_recombinations", "measure_truth_of_baselines"} | TRUTH | DIALS
DETECTED = {"draw_detection"} | ABLATION
DETECTION = {"measure_detection"} | DETECTED
OF_VARIANTS = {"measure_dials"} | DETECTION
SAMPLING = {"measure_samples", "draw_samples"} | ABLATION
DRAWS = {"measure_samples_of_baselines"} | SAMPLING
TESTS = {"measure_detection_of_baselines"} | DETECTION | DIALS | DRAWS
EDITING = {"evaluate_model"} | TRUTH | DETECTION | SAMPLING | INTERPOLATION | SWEEP
TRAINING = (
    {"train_model", "draw_learning_curve", "evaluate_model", "train_point"}
    | TRUTH
    | OF_VARIANTS
    | {"fit_prior"}
    | SAMPLING
    | DIVERSITY
    | INTERPOLATION
    | ABLATION
    | SWEEP
)
TEMPLATE = {"make_template"} | TRAINING
BASELINES = {
    "evaluate_baselines",
    "measure_truth_of_baselines",
    "measure_detection_of_baselines",
    "measure_dials_of_baselines",
    "measure_samples_of_baselines",
}
WEIGHTS = {"make_local_weights", "draw_local_weights"} | RECOMBINED | BASELINES | TRAINING
DATA = {"make_dataset", "check_dataset", "draw_contact_sheet", "draw_fresh_faces"}
EVERYTHING = DATA | TEMPLATE | WEIGHTS
RENDERINGS = {
    "draw_contact_sheet",
    "draw_local_weights",
    "draw_truth",
    "draw_interpolation",
    "draw_samples",
    "write_report",
}
PLOTS = {
    "draw_learning_curve",
    "draw_diversity",
    "draw_tradeoff",
    "draw_local_weights",
    "draw_interpolation",
    "draw_truth",
    "draw_detection",
    "draw_samples",
    "draw_sweep",
    "write_report",
}
NOTHING: set[str] = set()
# A key that the source of the preset does not read.
REFUSED: set[str] = {"refused"}

# Every key: a changed value, and the rules that run again after the smoke preset has run.
TABLE: dict[str, tuple[Any, set[str]]] = {
    "name": ("other", EVERYTHING),
    "variants": (
        {"new": {"training": {"epochs": 1}}},
        DIVERSITY | {"train_model", "draw_learning_curve", "evaluate_model", "measure_truth"},
    ),
    "sweep": ({"training.seed": [0, 1]}, {"train_point"} | SWEEP),
    "data.source": ("meshes", EVERYTHING),
    "data.faces": (40, EVERYTHING),
    "data.test_fraction": (0.3, EVERYTHING),
    "data.split_by": ("face", EVERYTHING),
    "data.seed": (1, EVERYTHING),
    "data.align": (True, REFUSED),
    "data.scale": (True, REFUSED),
    "data.colors": (True, EVERYTHING),
    "data.synthetic.vertices": (1600, EVERYTHING),
    "data.synthetic.expressions": (False, EVERYTHING),
    "data.ict.path": ("elsewhere", NOTHING),
    "data.ict.region": ("full_face", NOTHING),
    "data.ict.identities": (50, NOTHING),
    "data.ict.max_expressions": (1, NOTHING),
    "data.ict.expression_min": (0.3, NOTHING),
    "data.ict.expression_max": (0.7, NOTHING),
    "data.ict.people": (3, NOTHING),
    "data.ict.sequences": (2, NOTHING),
    "data.ict.turning_jaw": (True, NOTHING),
    "data.makehuman.path": ("elsewhere", NOTHING),
    "data.makehuman.region": ("hand", NOTHING),
    "data.makehuman.age_min": (30.0, NOTHING),
    "data.makehuman.age_max": (60.0, NOTHING),
    "data.makehuman.mix": (1.0, NOTHING),
    "data.makehuman.shapes": (10, NOTHING),
    "data.makehuman.shape_strength": (0.5, NOTHING),
    "data.makehuman.max_expressions": (1, NOTHING),
    "data.makehuman.expression_min": (0.3, NOTHING),
    "data.makehuman.expression_max": (0.7, NOTHING),
    "data.makehuman.jaw": (5.0, NOTHING),
    "data.makehuman.bend": (0.5, NOTHING),
    "data.aflw2000_3d.model_dir": ("elsewhere", NOTHING),
    "data.aflw2000_3d.faces_dir": ("elsewhere", NOTHING),
    "data.meshes.path": ("elsewhere", NOTHING),
    "data.meshes.folders": ("subject", NOTHING),
    "data.meshes.table": ("elsewhere.csv", NOTHING),
    "data.meshes.units": ("cm", NOTHING),
    "data.meshes.up": ("z", NOTHING),
    "template.factors": ([4, 2], TEMPLATE),
    "local_weights.source": ("file", WEIGHTS),
    "local_weights.path": ("elsewhere", NOTHING),
    "local_weights.blur": (3.0, WEIGHTS),
    "local_weights.parts": (3, WEIGHTS),
    "local_weights.features": ("magnitude_std", WEIGHTS),
    "local_weights.sparsity": (0.2, WEIGHTS),
    "local_weights.eta": (1.0, WEIGHTS),
    "local_weights.refine": (5, WEIGHTS),
    "local_weights.neighbourhood": (3.0, WEIGHTS),
    "local_weights.sharpness": (2.0, WEIGHTS),
    "local_weights.support": (0.1, WEIGHTS),
    "local_weights.iterations": (11, WEIGHTS),
    "local_weights.max_faces": (15, WEIGHTS),
    "local_weights.solver": ("nimfa", WEIGHTS),
    "local_weights.seed": (1, WEIGHTS),
    "model.latent_size": (9, TRAINING | BASELINES),
    "model.base": ("pca", TRAINING),
    "model.channels": ([8, 4], TRAINING),
    "model.order": (4, TRAINING),
    "model.activation": ("relu", TRAINING),
    "model.weighting": ("outer", TRAINING),
    "model.projection": (False, TRAINING),
    "model.standardise": ("vertex", TRAINING),
    "model.variational": (True, TRAINING),
    "training.kl_weight": (1e-4, TRAINING),
    "training.kl_warmup": (1, TRAINING),
    "training.free_bits": (0.1, TRAINING),
    "training.epochs": (3, TRAINING),
    "training.batch_size": (4, TRAINING),
    "training.optimizer": ("sgd", TRAINING),
    "training.learning_rate": (1e-3, TRAINING),
    "training.schedule": ("constant", TRAINING),
    "training.decay": (0.9, TRAINING),
    "training.momentum": (0.8, TRAINING),
    "training.weight_decay": (1e-4, TRAINING),
    "training.cycle_weight": (0.1, TRAINING),
    "training.blend_weight": (0.1, TRAINING),
    "training.partition_weight": (0.1, TRAINING),
    "training.color_weight": (0.5, TRAINING),
    "training.validation_fraction": (0.3, TRAINING),
    "training.cycle_share": (0.25, TRAINING),
    "training.device": ("cpu", TRAINING),
    "training.backend": ("torch", TRAINING),
    "training.precision": ("bfloat16", TRAINING),
    "training.accumulate": (2, TRAINING),
    "training.processes": (2, TRAINING),
    "training.seed": (1, TRAINING),
    "editing.residual": (True, EDITING),
    "editing.keep": (0.5, EDITING),
    "editing.harmony": (0.5, EDITING),
    "editing.texture": ("keep", EDITING),
    "evaluation.pairs": (2, EVALUATION),
    "evaluation.composites": (7, EVALUATION),
    "evaluation.components": (7, EVALUATION),
    "evaluation.seed": (1, EVALUATION),
    "truth.recombinations": (7, RECOMBINED),
    "truth.seed": (1, RECOMBINED),
    "detection.variants": (["full", "no_projection"], OF_VARIANTS),
    "detection.faces": (9, {"draw_fresh_faces"} | TESTS),
    "detection.seed": (1, {"draw_fresh_faces"} | TESTS),
    "detection.folds": (3, TESTS),
    "detection.permutations": (11, TESTS),
    "detection.dials": ([0.0, 0.5], DIALS),
    "sampling.variants": (["full", "no_projection"], {"fit_prior"} | SAMPLING),
    "sampling.prior": ("gaussian", {"fit_prior"} | SAMPLING),
    "sampling.detail": (5, {"fit_prior"} | SAMPLING),
    "sampling.temperature": (0.5, DRAWS),
    "sampling.seed": (1, {"fit_prior"} | DRAWS),
    "interpolation.variants": (["full", "no_projection"], {"draw_truth"} | INTERPOLATION),
    "interpolation.pairs": ([["a", "b"]], INTERPOLATION),
    "interpolation.random_pairs": (2, INTERPOLATION),
    "interpolation.steps": (3, INTERPOLATION),
    "interpolation.meshes": (True, INTERPOLATION),
    "interpolation.animation": ("none", PICTURES),
    "interpolation.seed": (1, INTERPOLATION),
    "diversity.sources": (2, DIVERSITY),
    "diversity.targets": (3, DIVERSITY),
    "diversity.samples": (7, DIVERSITY),
    "diversity.perplexity": (4.0, DIVERSITY),
    "diversity.seed": (1, DIVERSITY),
    "figures.dpi": (70, PLOTS),
    "figures.tile": (100, RENDERINGS),
    "figures.colormap": ("magma", RENDERINGS - {"draw_contact_sheet"}),
    "figures.azimuth": (10.0, RENDERINGS),
    "figures.elevation": (10.0, RENDERINGS),
}

# Keys that are only valid together with another.
BESIDE: dict[str, dict[str, Any]] = {
    "data.source": {"data": {"meshes": {"path": "elsewhere"}}},
    # Of a planned job, only that the file is there counts.
    "local_weights.source": {"local_weights": {"path": str(ROOT / "config.yaml")}},
}

# A variant that overrides a key is not concerned by it.
UNCONCERNED = {
    "training.cycle_weight": {"no_projection"},
    "model.weighting": {"no_projection"},
    "model.projection": {"no_projection"},
    "local_weights.features": {"no_projection"},
}


def leaves() -> list[str]:
    keys = list(all_keys(RunSettings))
    return [key for key in keys if not any(other.startswith(f"{key}.") for other in keys)]


def nested(key: str, value: Any) -> dict[str, Any]:
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)


def change(key: str) -> dict[str, Any]:
    value = TABLE[key][0]
    return {} if value is None else merge(nested(key, value), BESIDE.get(key, {}))


def layout(overrides: dict[str, Any]) -> Layout:
    return Layout(load_run(FILES, overrides))


def test_the_table_holds_every_key() -> None:
    assert set(TABLE) == set(leaves())


@pytest.mark.parametrize("key", [key for key in TABLE if TABLE[key][1] is REFUSED])
def test_a_key_that_the_source_does_not_read_is_refused(key: str) -> None:
    words = re.escape(f"command line: `{key}` is not read where `data.source` is 'synthetic'.")
    with pytest.raises(LwpipeError, match=words):
        layout(change(key))


@pytest.mark.parametrize("key", [key for key in TABLE if TABLE[key][1] is not REFUSED])
def test_a_changed_key_reruns_what_depends_on_it(key: str) -> None:
    assert {stage for stage, _ in reruns(layout({}), layout(change(key)))} == TABLE[key][1]


@pytest.mark.parametrize("key", UNCONCERNED)
def test_a_variant_that_overrides_the_key_is_left_alone(key: str) -> None:
    running = reruns(layout({}), layout(change(key)))
    # Every variant is asked for the parts of the run.
    asked = {"measure_truth"} if key.startswith("local_weights.") else set()
    for variant in UNCONCERNED[key]:
        root = layout({}).variant_root(variant)
        assert {stage for stage, place in running if place == root} <= asked


def test_removing_a_variant_reruns_only_what_compares() -> None:
    running = reruns(layout({}), layout({"variants": {"no_projection": None}}))
    assert {stage for stage, _ in running} == ABLATION


def test_stages_stand_in_topological_order() -> None:
    seen: set[str] = set()
    for stage in STAGES:
        assert set(upstream(stage)) <= seen
        seen.add(stage)


def test_every_key_is_read_by_a_stage_or_chooses_stages() -> None:
    read: set[str] = set()
    for source in ("synthetic", "ict", "makehuman", "aflw2000-3d", "meshes"):
        required = {
            "aflw2000-3d": {"aflw2000_3d": {"model_dir": "a", "faces_dir": "b"}},
            "meshes": {"meshes": {"path": "c"}},
        }
        data = {"source": source, **required.get(source, {})}
        for weights in ("nmf", "file"):
            local = {"source": weights, "path": "d"}
            settings = validate_run({"data": data, "local_weights": local}).base
            for stage in STAGES:
                read |= set(flat(read_settings(stage, settings)))
    chosen = {"interpolation.variants", "detection.variants", "sampling.variants"}
    assert set(leaves()) - read == {"name", "variants", "sweep", *chosen}


def flat(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def test_read_settings_are_valid_sections_of_plain_values() -> None:
    for stage in STAGES:
        values = read_settings(stage, layout({}).run.base)
        assert json.loads(json.dumps(values)) == values
        for section, content in values.items():
            read = STAGES[stage].reads[section].model_validate(content)
            # Whole, not half of it at its defaults.
            assert read.model_dump(include=set(content)) == content
            whole = set(type(read).model_fields)
            assert section in ("data", "local_weights") or set(content) == whole


def test_variants_share_what_they_do_not_change() -> None:
    overrides = {
        "variants": {
            "many": {"data": {"faces": 50}},
            "flat": {"template": {"factors": [2, 2]}},
            "other_source": {"data": {"ict": {"region": "head"}}},
        }
    }
    made = layout(overrides)
    base = "results/smoke"
    assert made.folder("make_dataset") == f"{base}/data"
    assert made.folder("make_dataset", "full") == f"{base}/data"
    assert made.folder("make_local_weights", "full") == f"{base}/local_weights"
    assert made.folder("train_model", "full") == f"{base}/variants/full/training"
    own = f"{base}/variants/no_projection"
    assert made.folder("make_dataset", "no_projection") == f"{base}/data"
    assert made.folder("make_local_weights", "no_projection") == f"{own}/local_weights"
    for stage, folder in (("make_dataset", "data"), ("make_template", "template")):
        assert made.folder(stage, "many") == f"{base}/variants/many/{folder}"
    assert made.folder("make_template", "flat") == f"{base}/variants/flat/template"
    assert made.folder("make_local_weights", "flat") == f"{base}/local_weights"
    # The region of another source is not read.
    assert made.folder("make_dataset", "other_source") == f"{base}/data"
    assert made.roots("make_dataset") == [base, f"{base}/variants/many"]


def test_painted_weights_are_shared_by_variants_that_only_factorise_otherwise() -> None:
    painted = layout({"local_weights": {"source": "file", "path": "painted.ply"}})
    assert painted.roots("make_local_weights") == ["results/smoke"]
    assert painted.root("make_local_weights", "no_projection") == "results/smoke"
    overrides = {"variants": {"mine": {"local_weights": {"source": "file", "path": "a.npz"}}}}
    mixed = layout(overrides)
    assert mixed.root("make_local_weights") == "results/smoke"
    assert mixed.root("make_local_weights", "mine") == "results/smoke/variants/mine"
    read = read_settings("make_local_weights", mixed.settings("mine"))["local_weights"]
    assert read["path"] == "a.npz"
    assert not {"sparsity", "features", "solver", "seed"} & set(read)
    before = read_settings("make_local_weights", mixed.run.base)["local_weights"]
    assert "path" not in before


# ---------------------------------------------------------------------------- Snakemake itself


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), *arguments],
        cwd=ROOT if folder == ROOT else folder,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def said(run: subprocess.CompletedProcess[str]) -> str:
    return run.stdout + run.stderr


def configured(*more: Path) -> list[str]:
    return ["--configfile", *map(str, [*FILES, *more])]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the whole workflow once with the smoke preset."""
    folder = tmp_path_factory.mktemp("workflow")
    run = snakemake(folder, "--cores", "2", *configured())
    assert run.returncode == 0, run.stderr[-6000:]
    return folder


PROBE = """
import json, sys
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.executors import dryrun
from snakemake.settings.types import ConfigSettings, OutputSettings, ResourceSettings

run_job = dryrun.Executor.run_job

def record(executor, job):
    for each in job if job.is_group() else [job]:
        if each.output:
            found[-1].append((each.rule.name, str(each.output[0])))
    run_job(executor, job)

dryrun.Executor.run_job = record
snakefile, workdir, files, cases = json.load(sys.stdin)
found = []
for case in cases:
    found.append([])
    with SnakemakeApi(OutputSettings(dryrun=True)) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=2),
            config_settings=ConfigSettings(config=case, configfiles=[Path(f) for f in files]),
            snakefile=Path(snakefile),
            workdir=Path(workdir),
        )
        workflow.dag().execute_workflow(executor="dryrun")
print(json.dumps(found))
"""


@pytest.mark.slow
def test_snakemake_reruns_the_same_jobs_as_the_table(finished: Path) -> None:
    keys = [key for key in TABLE if change(key) and TABLE[key][1] is not REFUSED]
    question = [str(ROOT / "Snakefile"), str(finished), [str(file) for file in FILES]]
    answer = subprocess.run(
        [sys.executable, "-c", PROBE],
        input=json.dumps([*question, [{}, *map(change, keys)]]),
        cwd=finished,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert answer.returncode == 0, answer.stderr[-4000:]
    nothing, *found = json.loads(answer.stdout)
    assert nothing == []
    for key, running in zip(keys, found, strict=True):
        after = layout(change(key))
        expected = reruns(layout({}), after)
        assert {(rule, root_of(output, after)) for rule, output in running} == expected, key
        assert {rule for rule, _ in running} == TABLE[key][1], key


def root_of(output: str, made: Layout) -> str:
    members = [*map(made.variant_root, [*made.run.variants, *made.run.points])]
    roots = [made.base, *members, *made.point_roots("make_local_weights")]
    return max((root for root in roots if output.startswith(f"{root}/")), key=len)


@pytest.mark.slow
def test_the_second_run_does_nothing(finished: Path) -> None:
    run = snakemake(finished, "--cores", "2", *configured())
    assert run.returncode == 0
    assert "Nothing to be done" in run.stderr + run.stdout


@pytest.mark.slow
def test_every_job_left_a_log_and_a_benchmark(finished: Path) -> None:
    for stage, root in jobs(layout({})):
        log = finished / root / "logs" / f"{stage}.log"
        assert re.match(r"done in [0-9.]+ s", log.read_text().splitlines()[-1]), log
        assert (finished / root / "benchmarks" / f"{stage}.tsv").stat().st_size > 0


@pytest.mark.slow
def test_the_report_of_snakemake_has_a_caption_for_every_figure_and_table(finished: Path) -> None:
    page = finished / "snakemake.html"
    run = snakemake(finished, *configured(), "--report", str(page))
    assert run.returncode == 0, run.stderr[-4000:]
    text = page.read_text(encoding="utf-8")
    for stage in ("draw_contact_sheet", "summarise", "draw_interpolation", "draw_diversity"):
        assert stage in text
    shown = {
        path.name
        for path in finished.rglob("*")
        if path.suffix in (".png", ".csv") and "/results/" in str(path)
    }
    unshown = {"faces.csv", "points.csv"}  # raw data, too long to read
    for name in shown - unshown:
        assert name in text, name


@pytest.mark.slow
def test_the_command_line_makes_the_same_files(finished: Path, tmp_path: Path) -> None:
    """Run every stage by `lwpipe` on a copy of the results, and compare what is not timed."""
    made = tmp_path / "results"
    shutil.copytree(finished / "results", made)
    timed = {"model.json", "history.csv", "summary.csv", "learning_curve.png"}
    compared = {
        path.relative_to(made): path.read_bytes()
        for path in made.rglob("*")
        if path.suffix in (".npy", ".npz", ".ply", ".csv", ".json", ".png", ".gif", ".safetensors")
        and path.name not in timed
        and not ("variants" in path.parts and path.name == "measures.json")
        and "variants/no_projection" not in str(path)
        # Points are made like variants; their table and plot are made anew from their measures.
        and ("sweep" not in path.parts or path.stem == "sweep")
    }
    for path in compared:
        (made / path).unlink()
    commands = (
        "data template local_weights baselines training evaluation truth detection sampling"
        " interpolation diversity ablation sweep"
    )
    code = (
        "import sys; from lwpipe.cli.main import main\n"
        "for command in sys.argv[2:]:\n"
        "    fresh = ['--fresh'] if command == 'training' else []\n"
        "    code = main([command, '--config', *sys.argv[1].split(':'), *fresh])\n"
        "    if code: sys.exit(f'{command}: {code}')\n"
        "sys.exit(main(['edit', 'results/smoke/variants/full/training', '--data', "
        "'results/smoke/data', '--source', 'synthetic_00000', '--target', 'synthetic_00001', "
        "'--part', '2', '--output', 'edited.ply']))"
    )
    files = ":".join(map(str, FILES))
    run = subprocess.run(
        [sys.executable, "-c", code, files, *commands.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        # As the rules do.
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert run.returncode == 0, run.stderr
    for path, content in compared.items():
        assert (made / path).stat().st_size > 0
        assert (made / path).read_bytes() == content, path
    assert len(read_ply(tmp_path / "edited.ply")[0]) == 1497


def test_named_targets_exist(tmp_path: Path) -> None:
    targets = {
        "data": {"make_dataset", "check_dataset", "draw_contact_sheet"},
        "template": {"make_dataset", "make_template"},
        "local_weights": {"make_dataset", "make_local_weights", "draw_local_weights"},
        "training": {"train_model", "draw_learning_curve"},
        "evaluation": {"train_model", "evaluate_model"},
        "truth": {
            "make_recombinations",
            "measure_truth",
            "measure_truth_of_baselines",
            "draw_truth",
        },
        "detection": {"draw_fresh_faces", "measure_detection", "measure_dials", "draw_detection"},
        "sampling": {"draw_fresh_faces", "fit_prior", "measure_samples", "draw_samples"},
        "baselines": {"make_local_weights", "evaluate_baselines"},
        "ablation": {"evaluate_model", "evaluate_baselines", "summarise", "draw_tradeoff"},
        "interpolation": {"train_model", "interpolate", "draw_interpolation"},
        "diversity": {"measure_diversity", "draw_diversity"},
        "sweep": {"train_point", "evaluate_point", "collect_sweep", "draw_sweep"},
        "report": {"write_report", "draw_interpolation", "draw_tradeoff"},
    }
    assert set(targets) == set(TARGETS)
    for target, rules in targets.items():
        run = snakemake(tmp_path, "-n", "--cores", "2", target, *configured())
        assert run.returncode == 0, run.stderr
        text = run.stdout + run.stderr
        planned = {stage for stage in STAGES if f"\n{stage} " in text}
        assert rules <= planned, target
        if target in ("data", "template", "local_weights"):
            assert planned == rules, target


def test_a_faulty_key_is_one_sentence_before_anything_runs(tmp_path: Path) -> None:
    faulty = tmp_path / "mine.yaml"
    faulty.write_text("training: {epoch: 3}\n")
    run = snakemake(tmp_path, "-n", "--cores", "2", *configured(faulty))
    assert run.returncode == 1
    assert [line for line in run.stderr.splitlines() if "lwpipe" in line] == [
        "lwpipe: error: mine.yaml: unknown key `training.epoch`; the nearest valid key is "
        "`training.epochs`."
    ]
    assert "Traceback" not in run.stderr + run.stdout
    run = snakemake(
        tmp_path, "-n", "--cores", "2", *configured(), "--config", "training={epochs: 0}"
    )
    assert run.returncode == 1
    assert "lwpipe: error: command line: `training.epochs` is 0: it should be" in run.stderr


@pytest.mark.slow
def test_a_fault_in_the_data_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "faces").mkdir()
    mine = tmp_path / "mine.yaml"
    mine.write_text("data: {source: meshes, meshes: {path: faces}}\n")
    run = snakemake(tmp_path, "--cores", "1", "data", *configured(mine))
    assert run.returncode == 1
    assert run.stderr.count("lwpipe: error:") == 1
    assert "Traceback" not in run.stderr
    log = (tmp_path / "results/smoke/logs/make_dataset.log").read_text()
    assert log.startswith("lwpipe: error:")
    assert not (tmp_path / "results/smoke/data").exists()


@pytest.mark.slow
def test_the_files_of_the_user_count_as_input(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = np.meshgrid(np.arange(8.0), np.arange(8.0))
    grid = np.stack([x.ravel(), y.ravel(), np.zeros(64)], axis=1) * 20
    corner = np.arange(56)[np.arange(56) % 8 < 7]
    triangles = np.concatenate(
        [
            np.stack([corner, corner + 1, corner + 8], 1),
            np.stack([corner + 1, corner + 9, corner + 8], 1),
        ]
    )
    for number in range(5):
        write_ply(tmp_path / f"faces/{number}.ply", grid + rng.normal(size=grid.shape), triangles)
    mine = tmp_path / "mine.yaml"
    mine.write_text("data: {source: meshes, faces: null, meshes: {path: faces}}\n")
    store = "results/smoke/data/dataset.json"
    words = ["--cores", "1", store, *configured(mine)]
    run = snakemake(tmp_path, *words)
    assert run.returncode == 0, run.stderr
    assert read_json(tmp_path / store)["faces"] == 5
    assert "Nothing to be done" in said(snakemake(tmp_path, *words))
    write_ply(tmp_path / "faces/5.ply", grid, triangles)
    assert "Updated input files: faces/5.ply" in said(snakemake(tmp_path, "-n", *words))


@pytest.mark.slow
def test_painted_weights_count_as_input_and_come_to_the_pictures(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "local_weights: {source: file, path: regions.csv, parts: 2}\nvariants: {own: "
        "{local_weights: {path: other.csv}}}\nsweep: {local_weights.parts: null}\n"
    )
    halves = ["region", *(748 * ["lower"]), *(749 * ["upper"])]
    words = ["--cores", "2", "local_weights", *configured(mine)]
    missing = snakemake(tmp_path, "-n", *words)
    assert missing.returncode == 1
    assert [line for line in missing.stderr.splitlines() if "lwpipe" in line] == [
        f"lwpipe: error: local_weights.path: regions.csv (in {tmp_path}) does not exist."
    ]
    for name in ("regions.csv", "other.csv"):
        (tmp_path / name).write_text("\n".join(halves) + "\n")
    run = snakemake(tmp_path, *words)
    assert run.returncode == 0, run.stderr
    base = tmp_path / "results/smoke"
    about = read_json(base / "local_weights/local_weights.json")
    assert {part["name"] for part in about["part"]} == {"lower", "upper"}
    assert (base / "variants/own/local_weights/local_weights.png").is_file()
    assert "Nothing to be done" in said(snakemake(tmp_path, *words))
    (tmp_path / "other.csv").write_text("\n".join([halves[0], *halves[:0:-1]]) + "\n")
    planned = said(snakemake(tmp_path, "-n", *words))
    assert "Updated input files: other.csv" in planned
    assert re.search(r"^make_local_weights +1$", planned, re.MULTILINE)
    shape = ["region", *(1496 * ["lower"])]
    (tmp_path / "other.csv").write_text("\n".join(shape) + "\n")
    run = snakemake(tmp_path, *words)
    assert run.returncode == 1
    log = (base / "variants/own/logs/make_local_weights.log").read_text()
    assert log.startswith("lwpipe: error: other.csv: is for 1496 vertices and the template has")


def test_snakemake_lint_and_snakefmt_are_content() -> None:
    lint = snakemake(ROOT, "--lint")
    assert lint.returncode == 0, lint.stderr
    formatted = subprocess.run(
        [sys.executable, "-m", "snakefmt", "--check", "Snakefile", "workflow"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert formatted.returncode == 0, formatted.stderr


def test_the_profile_is_accepted(tmp_path: Path) -> None:
    profile = ROOT / "workflow" / "profiles" / "default"
    run = snakemake(tmp_path, "-n", "--workflow-profile", str(profile), "data", *configured())
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("preset", sorted((ROOT / "presets").glob("*.yaml")), ids=lambda p: p.stem)
def test_presets_are_valid_and_small(preset: Path) -> None:
    run = load_run([ROOT / "config.yaml", preset])
    assert run.name == preset.stem
    assert "full" in run.variants
    assert set(read_yaml(preset)) <= set(RunSettings.model_fields)
