"""Sweeps: which points a grid has, what is refused, what they share, and their table and plot."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from lwpipe.cli.main import main
from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import write_csv, write_json
from lwpipe.evaluation.summary import COLUMNS
from lwpipe.evaluation.sweep import collect_sweep, written
from lwpipe.figures.scales import scale_of
from lwpipe.figures.settings import FiguresSettings
from lwpipe.figures.style import new_figure
from lwpipe.figures.sweep import draw_sweep
from lwpipe.run import Run, load_run
from lwpipe.run.layout import Layout, jobs
from lwpipe.run.points import point_name
from lwpipe.run.stages import chain, read_settings
from tests.helpers.reruns import reruns

ROOT = Path(__file__).resolve().parents[3]
SMALL = FiguresSettings(dpi=50)


def run_with(sweep: dict[str, Any], **overrides: Any) -> Run:
    return load_run([ROOT / "config.yaml"], {"name": "run", "sweep": sweep, **overrides})


def layout(sweep: dict[str, Any], **overrides: Any) -> Layout:
    return Layout(run_with(sweep, **overrides))


# ------------------------------------------------------------------------------------- the points


def test_every_combination_is_a_point_over_the_base() -> None:
    run = run_with({"training.cycle_weight": [0, "3e-1"], "model.latent_size": [16, 64, 8]})
    assert list(run.points) == [
        f"model.latent_size={size}__training.cycle_weight={weight}"
        for size in (16, 64, 8)
        for weight in (0.0, 0.3)
    ]
    for point in run.points.values():
        assert point.settings.model.latent_size == point.values["model.latent_size"]
        assert point.settings.training.cycle_weight == point.values["training.cycle_weight"]
        assert isinstance(point.values["training.cycle_weight"], float)
        rest = point.settings.model_dump()
        rest["model"]["latent_size"] = run.base.model.latent_size
        rest["training"]["cycle_weight"] = run.base.training.cycle_weight
        assert rest == run.base.model_dump()
    assert run_with({}).points == {}


def test_the_order_of_keys_in_the_file_does_not_change_the_points() -> None:
    grid: dict[str, Any] = {"training.seed": [0, 1], "local_weights.eta": [None, 2.0]}
    turned = dict(reversed(grid.items()))
    assert list(run_with(grid).points.items()) == list(run_with(turned).points.items())


def test_names_can_be_folders_and_differ() -> None:
    values: list[Any] = [
        *(
            None,
            True,
            False,
            3,
            1e-05,
            1e20,
            -2.5,
            "a/b",
            "a_b",
            "ä",
            "",
            "..",
            [16, 16],
            "x" * 300,
        ),
        *("x" * 299 + "y", "a b", "a\nb", [1, [2]]),
    ]
    names = [point_name({"data.meshes.path": value}) for value in values]
    assert len(set(names)) == len(values)
    assert names[:7] == [
        f"data.meshes.path={text}"
        for text in ("null", "true", "false", "3", "1e-05", "1e+20", "-2.5")
    ]
    for name in names:
        assert 0 < len(name) <= 200
        assert set(name) <= set(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.=_+-"
        )


def test_a_later_file_replaces_or_drops_a_key(tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("sweep: {training.seed: [0, 1], training.epochs: [1, 2]}\n")
    second.write_text("sweep: {training.seed: [5], training.epochs: null}\n")
    run = load_run([ROOT / "config.yaml", first, second])
    assert list(run.points) == ["training.seed=5"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "{training.epoch: [1]}",
            "unknown key `sweep.training.epoch`; the nearest valid key is `sweep.training.epochs`.",
        ),
        (
            "{epochs: [1]}",
            "unknown key `sweep.epochs`; the nearest valid key is `sweep.training.epochs`.",
        ),
        ("{training.epochs: []}", "`sweep.training.epochs` is empty, expected a list of values."),
        ("{training.epochs: 3}", "`sweep.training.epochs` is 3, expected a list."),
        ("{training.epochs: [3, 4, 3]}", "`sweep.training.epochs` holds 3 twice."),
        (
            "{training.learning_rate: [0.001, 1e-3]}",
            "`sweep.training.learning_rate` holds '1e-3' twice.",
        ),
        (
            "{training.epochs: [3, 0]}",
            "`sweep.training.epochs` is 0: it should be greater than or equal to 1.",
        ),
        ("{training.seed: [many]}", "`sweep.training.seed` is 'many', expected a whole number."),
        (
            "{training.optimizer: [adm]}",
            "`sweep.training.optimizer` is 'adm', expected one of adam, sgd; "
            "the nearest is 'adam'.",
        ),
        (
            "{training: [1]}",
            "`sweep.training` is a section: name a key in it, such as `sweep.training.epochs`.",
        ),
        (
            "{training: {epochs: [1]}}",
            "`sweep`: 'training' holds a section; write its keys as training.epochs: [...].",
        ),
        ("{name: [a]}", "`sweep.name` concerns the whole run and cannot be swept."),
        ("{variants: [{}]}", "`sweep.variants` concerns the whole run and cannot be swept."),
        ("{sweep: [{}]}", "`sweep.sweep` concerns the whole run and cannot be swept."),
        (
            "{interpolation.variants: [[full]]}",
            "`sweep.interpolation.variants` concerns the whole run and cannot be swept.",
        ),
        (
            "{figures.dpi: [100, 200]}",
            "`sweep.figures.dpi` is read by neither training nor evaluation: its points would be "
            "equal.",
        ),
        (
            "{diversity.seed: [1]}",
            "`sweep.diversity.seed` is read by neither training nor evaluation: its points would "
            "be equal.",
        ),
        (
            "{local_weights.path: [a.npz, b.npz]}",
            "`sweep.local_weights.path` is not read where `local_weights.source` is nmf: its "
            "points would be equal.",
        ),
        (
            "{data.ict.region: [head]}",
            "`sweep.data.ict.region` is not read where `data.source` is synthetic: its points "
            "would be equal.",
        ),
        (
            "{template.factors: [[4, 4, 4, 4], [4, 4]]}",
            "`sweep`: the point with template.factors [4, 4] is not possible: model.channels has 4 "
            "entries and template.factors has 2: each level needs one of both.",
        ),
        (
            f"{{training.epochs: {list(range(1, 102))}, training.seed: {list(range(100))}}}",
            "`sweep` has 10,100 points, more than 10,000.",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_one_sentence_with_file_and_key(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"sweep: {text}\n")
    with pytest.raises(LwpipeError) as caught:
        load_run([ROOT / "config.yaml", file])
    assert str(caught.value) == f"{file}: {words}"


def test_the_file_named_is_the_one_with_the_key(tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("sweep: {training.epochs: [0]}\n")
    second.write_text("sweep: {training.seed: [0]}\n")
    with pytest.raises(LwpipeError, match=r"first\.yaml: `sweep\.training\.epochs` is 0"):
        load_run([ROOT / "config.yaml", first, second])


def test_a_variant_cannot_hold_a_sweep(tmp_path: Path) -> None:
    with pytest.raises(LwpipeError, match=r"`variants\.mine\.sweep` concerns the whole run"):
        run_with({}, variants={"mine": {"sweep": {"training.seed": [0]}}})


# ---------------------------------------------------------------------------------- where they lie


def test_points_share_what_they_agree_on() -> None:
    made = layout(
        {
            "data.faces": [300, 400],
            "local_weights.parts": [4, 8],
            "training.seed": [0, 1, 2],
            "evaluation.seed": [0, 1],
        }
    )
    shared = "results/run/sweep/shared"
    assert len(made.run.points) == 24
    assert made.point_roots("make_dataset") == [f"{shared}/data.faces=400"]
    assert made.point_roots("make_template") == [f"{shared}/data.faces=400"]
    assert made.point_roots("make_local_weights") == [
        f"{shared}/data.faces=300__local_weights.parts=8",
        f"{shared}/data.faces=400__local_weights.parts=4",
        f"{shared}/data.faces=400__local_weights.parts=8",
    ]
    first, *_, last = made.run.points
    assert made.folder("make_local_weights", first) == "results/run/local_weights"
    assert made.folder("make_dataset", last) == f"{shared}/data.faces=400/data"
    assert made.folder("train_point", last) == f"results/run/sweep/{last}/training"
    assert made.folder("evaluate_point", last) == f"results/run/sweep/{last}/evaluation"
    # Nobody asked for pictures of what the points share.
    assert made.roots("draw_local_weights") == layout({}).roots("draw_local_weights")


def test_points_that_share_a_folder_agree_on_all_that_its_stage_reads() -> None:
    made = layout(
        {
            "data.source": ["synthetic", "ict"],
            "data.seed": [0, 1],
            "template.factors": [[4, 4, 4, 4], [2, 2, 2, 2]],
            "local_weights.features": ["signed", "magnitude"],
            "training.seed": [0, 1],
        }
    )
    found = jobs(made)
    for stage in ("make_dataset", "make_template", "make_local_weights"):
        read: dict[str, Any] = {}
        for name, point in made.run.points.items():
            root = made.root(stage, name)
            own = [read_settings(each, point.settings) for each in chain(stage)]
            assert read.setdefault(root, own) == own
            assert found[stage, root] == own[0]
            assert made.variant_at(root) is None or made.root(stage, made.variant_at(root)) == root
        # And no two folders hold the same.
        assert len({json.dumps(own) for own in read.values()}) == len(read)


def test_painted_weights_of_a_sweep_lie_apart_from_those_that_are_found() -> None:
    painted = {"path": "a.ply"}
    made = layout({"local_weights.source": ["nmf", "file"]}, local_weights=painted)
    roots = [made.root("make_local_weights", point) for point in made.run.points]
    assert roots == ["results/run", "results/run/sweep/shared/local_weights.source=file"]
    paths = {"local_weights.path": ["a.ply", "b.ply"]}
    made = layout(paths, local_weights=painted | {"source": "file"})
    roots = [made.root("make_local_weights", point) for point in made.run.points]
    assert roots[0] == "results/run"
    assert roots[1].startswith("results/run/sweep/shared/local_weights.path=b.ply")


def test_without_a_sweep_there_is_no_job_of_one() -> None:
    stages = {stage for stage, _ in jobs(layout({}))}
    assert not stages & {"train_point", "evaluate_point", "collect_sweep", "draw_sweep"}


def test_unknown_points_and_folders_are_named() -> None:
    made = layout({"training.seed": [0]})
    with pytest.raises(LwpipeError, match=r"training\.seed=1: the configuration has no such"):
        made.folder("make_dataset", "training.seed=1")
    with pytest.raises(LwpipeError, match="belongs to no variant and no point"):
        made.variant_at("results/run/sweep/shared/data.faces=3")


SEEDS = {"training.seed": [0, 1]}
OF_POINTS = {"train_point", "evaluate_point", "collect_sweep", "draw_sweep", "write_report"}


@pytest.mark.parametrize(
    ("sweep", "roots"),
    [
        ({"training.seed": [0, 1, 2]}, {"training.seed=2"}),
        ({"training.seed": [1, 0]}, set()),
        ({"training.seed": [1]}, set()),
    ],
)
def test_a_changed_grid_runs_new_points_only(sweep: dict[str, Any], roots: set[str]) -> None:
    running = reruns(layout(SEEDS), layout(sweep))
    trained = {Path(root).name for stage, root in running if stage == "train_point"}
    assert trained == roots
    same = set(sweep["training.seed"]) == {0, 1}
    collected = {"collect_sweep", "draw_sweep", "write_report"}
    assert {stage for stage, _ in running} - {"train_point", "evaluate_point"} == (
        set() if same else collected
    )


def test_another_evaluation_trains_no_point_again() -> None:
    running = reruns(layout(SEEDS), layout(SEEDS, evaluation={"pairs": 3}))
    stages = {stage for stage, _ in running}
    assert "train_point" not in stages
    assert OF_POINTS - {"train_point"} <= stages


def test_taking_the_sweep_away_runs_only_the_report() -> None:
    assert {stage for stage, _ in reruns(layout(SEEDS), layout({}))} == {"write_report"}


# -------------------------------------------------------------------------------- table and plot


def measures(value: float, parts: bool = True) -> dict[str, Any]:
    """Return what a measures.json holds, as far as the tables read it."""
    some = {
        "locality": {"r_min": value, "r_mean": value, "leak_min": 0.1, "leak_max": 0.3},
        "plausibility": {"outside_mm": value, "mahalanobis": 1.0},
        "validity": {"stretch_p95": 0.1, "flipped": 0.0},
        "specificity": {"mean_mm": 2.0},
    }
    some["locality"]["leak_mean"] = 0.2 * value
    return {
        "reconstruction": {"mean": value, "median": value, "p95": 2 * value},
        **(some if parts else dict.fromkeys(some)),
        "model": {"parameters": 1000, "seconds": 1.23456, "epochs": 2},
    }


def table_of(
    folder: Path, sweep: dict[str, Any], value: Any = lambda values: 1.0, **overrides: Any
) -> Path:
    """Write the table of a sweep whose measures are a function of the point's values."""
    points = run_with(sweep, **overrides).points
    found = {}
    for number, (name, point) in enumerate(points.items()):
        found[name] = folder / f"{number}.json"
        write_json(found[name], measures(value(point.values)))
    table = folder / "sweep.csv"
    collect_sweep({name: point.values for name, point in points.items()}, found, table)
    return table


def test_the_table_has_keys_and_measures(tmp_path: Path) -> None:
    points: dict[str, dict[str, Any]] = {
        "a=1": {"local_weights.eta": None, "model.projection": True, "model.channels": [8, 4]},
        "a=2": {"local_weights.eta": 2.0, "model.projection": False, "model.channels": [8]},
        "a=3": {"local_weights.eta": 1e-5, "model.projection": False, "model.channels": [8]},
    }
    write_json(tmp_path / "1.json", measures(0.123456))
    write_json(tmp_path / "2.json", measures(2.0, parts=False))
    files = {"a=1": tmp_path / "1.json", "a=2": tmp_path / "2.json"}
    rows = collect_sweep(points, files, tmp_path / "sweep.csv")
    with (tmp_path / "sweep.csv").open(newline="") as file:
        first, second, third = csv.DictReader(file)
    keys = ["local_weights.eta", "model.projection", "model.channels"]
    not_measured = (
        "diversity_pca_ratio",
        "diversity_tsne_ratio",
        "edit_error_mm",
        "edit_error_share",
        "detect_worst",
        "detect_border",
        "detect_excess",
        "likeness",
        "sample_worst",
        "sample_neighbour",
        "sample_diversity_mm",
        "sample_nearest_ratio",
    )
    left_out = ("variant", "kind", *not_measured)
    assert list(first) == ["point", *keys, *(c for c in COLUMNS if c not in left_out)]
    assert [first[key] for key in keys] == ["null", "true", "[8, 4]"]
    assert [second[key] for key in keys] == ["2.0", "false", "[8]"]
    assert (first["reconstruction_mean_mm"], first["seconds"]) == ("0.1235", "1.235")
    assert (second["reconstruction_mean_mm"], second["r_mean"]) == ("2.0", "")
    # A point without measures has its place, empty.
    assert third["point"] == "a=3"
    assert {third[column] for column in third if column not in ("point", *keys)} == {""}
    assert rows[0]["parameters"] == 1000


def test_a_table_needs_a_point_and_all_measures(tmp_path: Path) -> None:
    with pytest.raises(LwpipeError, match="no point of the sweep has been evaluated"):
        collect_sweep({"a=1": {"training.seed": 1}}, {}, tmp_path / "sweep.csv")
    write_json(tmp_path / "1.json", {"reconstruction": None})
    with pytest.raises(LwpipeError, match=r"1\.json: has no key locality\.r_min: make it again"):
        collect_sweep(
            {"a=1": {"training.seed": 1}}, {"a=1": tmp_path / "1.json"}, tmp_path / "sweep.csv"
        )
    assert not (tmp_path / "sweep.csv").exists()


@pytest.mark.parametrize(
    ("column", "kind", "values"),
    [
        (["1.0", "0.0", "0.3"], "linear", ["0.0", "0.3", "1.0"]),
        (["0.001", "1e-05", "0.0001"], "log", ["1e-05", "0.0001", "0.001"]),
        (["16", "32", "64", "128"], "log", ["16", "32", "64", "128"]),
        (["1", "2", "3"], "linear", ["1", "2", "3"]),
        (["0.0", "0.01", "0.0001", "0.001"], "ordinal", ["0.0", "0.0001", "0.001", "0.01"]),
        (["sgd", "adam", "sgd"], "category", ["sgd", "adam"]),
        (["true", "false"], "category", ["true", "false"]),
        (["null", "1.0"], "category", ["null", "1.0"]),
        (["[16, 32]", "[8, 8]"], "category", ["[16, 32]", "[8, 8]"]),
        (["5"], "linear", ["5"]),
    ],
)  # fmt: skip
def test_scales(column: list[str], kind: str, values: list[str]) -> None:
    scale = scale_of(column)
    assert (scale.kind, list(scale.values)) == (kind, values)
    expected = np.arange(len(values)) if kind in ("ordinal", "category") else values
    assert scale.positions == pytest.approx(np.array(expected, dtype=float))
    axes = new_figure(2, 2, 50).add_subplot()
    scale.place(axes, 1.6)
    low, high = axes.get_xlim()
    assert low < scale.positions[0] <= scale.positions[-1] < high
    assert axes.get_xscale() == ("log" if kind == "log" else "linear")


def test_labels_of_many_values_do_not_touch() -> None:
    scale = scale_of([str(i / 100) for i in range(100)])
    axes = new_figure(2, 2, 50).add_subplot()
    scale.place(axes, 1.6)
    shown = [text.get_text() for text in axes.get_xticklabels()]
    assert shown[0] == "0.0"
    assert shown[-1] == "0.99"
    assert 3 <= len(shown) <= 8


class Drawn:
    """Keeps the figure that is saved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from lwpipe.figures import sweep as module

        save = module.save_figure

        def keep(figure: Any, picture: Any) -> None:
            self.figure = figure
            save(figure, picture)

        monkeypatch.setattr(module, "save_figure", keep)

    def lines(self, panel: int = 0) -> dict[str, tuple[list[float], list[float]]]:
        """Return x and y of each line of a panel, by its colour."""
        return {
            str(line.get_color()): (list(line.get_xdata()), list(line.get_ydata()))
            for line in self.figure.axes[panel].lines
        }

    def words(self) -> list[str]:
        return [text.get_text() for text in self.figure.texts]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    return Drawn(monkeypatch)


def test_one_key_is_a_line_of_means_with_a_range_over_seeds(tmp_path: Path, drawn: Drawn) -> None:
    table = table_of(
        tmp_path,
        {"training.cycle_weight": [0.0, 0.3, 1.0], "training.seed": [0, 1, 2]},
        lambda values: 1 + values["training.cycle_weight"] + 0.1 * values["training.seed"],
    )
    draw_sweep(table, tmp_path / "a.png", SMALL)
    assert [axes.get_title(loc="left") for axes in drawn.figure.axes] == [
        "Test error ↓", "Locality ↑", "Leak ↓", "Outside the span ↓",
    ]  # fmt: skip
    ((x, y),) = drawn.lines().values()
    assert x == [0.0, 0.3, 1.0]
    assert y == pytest.approx([1.1, 1.4, 2.1])
    (band,) = drawn.figure.axes[0].collections
    assert band.get_paths()[0].vertices[:, 1].min() == pytest.approx(1.0)
    assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx(2.2)
    assert drawn.words() == ["Points: mean over the seeds, bands: their range."]
    assert drawn.figure.axes[0].get_xlabel() == "training.cycle_weight"
    before = (tmp_path / "a.png").read_bytes()
    draw_sweep(table, tmp_path / "a.png", SMALL)
    assert (tmp_path / "a.png").read_bytes() == before


def test_two_keys_are_lines_of_one_over_the_other(tmp_path: Path, drawn: Drawn) -> None:
    table = table_of(
        tmp_path,
        {"training.optimizer": ["adam", "sgd"], "training.learning_rate": [0.001, 0.01]},
        lambda values: 1 if values["training.optimizer"] == "sgd" else 2,
    )
    draw_sweep(table, tmp_path / "a.png", SMALL)
    assert [y for _, y in drawn.lines().values()] == [[2, 2], [1, 1]]
    assert drawn.figure.axes[0].get_xlabel() == "training.learning_rate"
    (legend,) = drawn.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "training.optimizer:",
        "adam",
        "sgd",
    ]
    assert drawn.words() == []


def test_three_keys_have_a_row_of_panels_each(tmp_path: Path, drawn: Drawn) -> None:
    sweep = {
        "training.cycle_weight": [0.0, 0.5],
        "model.latent_size": [8, 16, 32],
        "model.weighting": ["vertex", "none"],
        "training.seed": [0, 1],
    }
    table = table_of(tmp_path, sweep, lambda values: float(values["model.latent_size"]))
    draw_sweep(table, tmp_path / "a.png", SMALL)
    assert len(drawn.figure.axes) == 12
    points, means = drawn.lines(0).values()
    assert len(points[0]) == 24
    assert means == ([8, 16, 32], pytest.approx([8, 16, 32]))
    assert drawn.figure.axes[4].get_xlabel() == "model.weighting"
    assert list(drawn.lines(4).values())[1][1] == pytest.approx([56 / 3, 56 / 3])


def test_seeds_alone_and_missing_measures(tmp_path: Path, drawn: Drawn) -> None:
    points = run_with({"training.seed": [3, 1, 2]}).points
    found = {}
    for number, name in enumerate(list(points)[:2]):
        found[name] = tmp_path / f"{number}.json"
        write_json(found[name], measures(1.0 + number, parts=False))
    table = tmp_path / "sweep.csv"
    collect_sweep({name: point.values for name, point in points.items()}, found, table)
    draw_sweep(table, tmp_path / "a.png", SMALL)
    assert len(drawn.figure.axes) == 1  # without parts there is only the error
    ((x, y),) = drawn.lines().values()
    assert x == [1, 2, 3]
    np.testing.assert_equal(y, [2.0, np.nan, 1.0])


@pytest.mark.parametrize("count", [1, 2, 40])
def test_any_number_of_values_is_drawn(tmp_path: Path, count: int) -> None:
    sweep = {
        "local_weights.parts": list(range(1, count + 1)),
        "training.weight_decay": [0.0, *(10.0**-i for i in range(count))],
        "training.seed": [0, 1],
    }
    draw_sweep(table_of(tmp_path, sweep), tmp_path / "a.png", SMALL)
    with Image.open(tmp_path / "a.png") as image:
        assert image.width == 480


def test_a_table_that_cannot_be_drawn_is_named(tmp_path: Path) -> None:
    with pytest.raises(LwpipeError, match=r"none\.csv: cannot be read"):
        draw_sweep(tmp_path / "none.csv", tmp_path / "a.png", SMALL)
    write_csv(tmp_path / "no_key.csv", [{"point": "a", "r_mean": 1}], ["point", "r_mean"])
    with pytest.raises(LwpipeError, match=r"no_key\.csv: has no column"):
        draw_sweep(tmp_path / "no_key.csv", tmp_path / "a.png", SMALL)
    assert not (tmp_path / "a.png").exists()


def test_values_are_written_as_in_yaml() -> None:
    for value in (None, True, 3, 1e-05, 0.3, "sgd", [16, 32], [None, 2.5]):
        found = yaml.safe_load(written(value))
        assert found == value or float(found) == value


# --------------------------------------------------------------------------------- command line


def test_the_command_draws_the_points_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["sweep"]) == 1
    assert capsys.readouterr().err == "lwpipe: error: The configuration has no `sweep`.\n"
    words = ["sweep", "--set", "sweep={training.seed: [0, 1], training.epochs: [1, 2]}"]
    assert main(words) == 1
    assert "no point of the sweep has been evaluated" in capsys.readouterr().err
    folder = Path("results/synthetic/sweep")
    for name in ("training.epochs=1__training.seed=0", "training.epochs=2__training.seed=0"):
        write_json(folder / name / "evaluation" / "measures.json", measures(1.0))
    assert main(words) == 0
    assert capsys.readouterr().out == f"{folder}: sweep.csv, sweep.png with 2 of 4 points\n"
    assert (folder / "sweep.png").stat().st_size > 0
    assert len((folder / "sweep.csv").read_text().splitlines()) == 5


def test_a_point_can_be_named_where_a_variant_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["config", "show", "--set", "sweep={training.seed: [7]}"]
    assert main([*words, "--variant", "training.seed=7"]) == 0
    assert "seed: 7" in capsys.readouterr().out
    assert main([*words, "--variant", "training.seed=8"]) == 1
    assert "--variant training.seed=8: the configuration has no such" in capsys.readouterr().err


def test_the_report_shows_the_sweep_where_there_is_one() -> None:
    files = layout(SEEDS).inputs("write_report")
    assert files["collect_sweep__table"] == {"": ["results/run/sweep/sweep.csv"]}
    assert files["draw_sweep__picture"] == {"": ["results/run/sweep/sweep.png"]}
    files = layout({}).inputs("write_report")
    assert (files["collect_sweep__table"], files["draw_sweep__picture"]) == ({}, {})
