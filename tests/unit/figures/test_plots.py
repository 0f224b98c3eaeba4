"""Plots of tables."""

from __future__ import annotations

import os
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from PIL import Image

from lwpipe.core.errors import LwpipeError
from lwpipe.figures import ablation
from lwpipe.figures.ablation import draw_tradeoff
from lwpipe.figures.diversity import draw_diversity
from lwpipe.figures.learning_curve import draw_learning_curve
from lwpipe.figures.style import PALETTE
from tests.helpers.pictures import SMALL, size

HISTORY = (
    "epoch,loss,reconstruction_loss,cycle_loss,blend_loss,partition_loss,kl_loss,train_mm,test_mm,"
    "learning_rate,seconds\n"
)


@pytest.mark.parametrize(
    "lines",
    [
        ["1,0.5,0.5,0.0,0.0,0.0,0.0,1.2,1.3,0.004,3"],
        [
            f"{e},{2 / e},{1 / e},{1 / e},0.1,0.2,0.3,{5 / e},{5.2 / e},0.001,3"
            for e in range(1, 40)
        ],
        ["1,0.5,0.5,,,,,1.2,,0.004,3", "2,0.4,0.4,,,,,1.1,,0.004,3"],
    ],
)
def test_learning_curve(tmp_path, lines):
    (tmp_path / "history.csv").write_text(HISTORY + "\n".join(lines) + "\n")
    for name in ("a.png", "b.png"):
        draw_learning_curve(tmp_path / "history.csv", tmp_path / name, SMALL)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert size(tmp_path / "a.png") == (420, 155)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, "cannot be read"),
        ("", "cannot be read"),
        (HISTORY, "no row"),
        ("epoch,loss\n1,2\n", "no column 'train_mm'"),
        (HISTORY + "1,x,0.5,0.0,0.0,0.0,0.0,1.2,1.3,0.004,3\n", "'loss' is not numbers"),
    ],
)
def test_tables_that_cannot_be_drawn_are_named(tmp_path, text, fault):
    path = tmp_path / "history.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(LwpipeError, match=fault) as caught:
        draw_learning_curve(path, tmp_path / "a.png", SMALL)
    assert str(path) in str(caught.value)
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize("sets", [("train", "test", "synthesised"), ("train", "test"), ("train",)])
@pytest.mark.parametrize("count", [2, 30])
def test_diversity(tmp_path, sets, count):
    random = np.random.default_rng(0)
    rows = [
        f"{name},x{i},{','.join(f'{v:.4f}' for v in random.normal(size=4))}"
        for name in sets
        for i in range(count)
    ]
    table = tmp_path / "points.csv"
    table.write_text("set,id,pca_x,pca_y,tsne_x,tsne_y\n" + "\n".join(rows) + "\n")
    for name in ("a.png", "b.png"):
        draw_diversity(table, tmp_path / name, SMALL)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    green = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).astype(int)
    has_green = (
        (green[:, :, 1] > green[:, :, 0] + 50) & (green[:, :, 1] > green[:, :, 2] + 50)
    ).any()
    assert has_green == ("synthesised" in sets)


SUMMARY = (
    "variant,kind,reconstruction_mean_mm,reconstruction_median_mm,reconstruction_p95_mm,r_min,"
    "r_mean,leak_min,leak_max,leak_mean,edit_error_share,detect_worst,outside_mm,mahalanobis,stretch,flipped,specificity_mm,"
    "likeness,diversity_pca_ratio,diversity_tsne_ratio,parameters,seconds,epochs\n"
    "full,model,0.79,0.6,1.7,0.8,0.9,0.26,0.34,0.3,{full},{told},0.58,0.94,0.05,0.0,1.6,{half},1.1,1.2,243124,702,30\n"
    "no_projection,model,0.73,0.6,1.6,,,,,,,,,,,,,,,,226740,340,30\n"
    "pca,baseline,0.43,0.4,0.9,,,,,,,,,,,,,,,,38016,,\n"
    "mask_blend,baseline,,,,0.9,0.95,0.0,0.02,0.0,{blend},{told},0.91,1.21,0.02,0.0,1.9,{half},,,,,\n"
    "real_test,reference,,,,,,,,,,{real},0.02,1.03,,,1.7,,,,,,\n"
)


DIALS = "edit,keep,harmony,detect_worst,detect_border,likeness,leak_mean,edit_error_mm,"
TURNED = (
    "{name},0.0,0.0,{low},0.9,0.9,0.02,0.1,{low}\n"
    "{name},0.0,1.0,{high},0.6,0.5,0.5,0.5,\n"
    "{name},1.0,1.0,0.8,0.8,0.4,0.0,0.4,{high}\n"
)


def turned(path, *names, first=0):
    lines = [
        TURNED.format(name=name, low=0.6 + 0.1 * place, high=0.9 - 0.1 * place)
        for place, name in enumerate(names, first)
    ]
    path.write_text(f"{DIALS}edit_error_share\n{''.join(lines)}")
    return path


@pytest.mark.parametrize("keep", ["full|no_proj|pca|mask|real", "no_proj|pca", "full"])
@pytest.mark.parametrize("truth", [True, False])
def test_tradeoff(tmp_path, keep, truth):
    shares = dict.fromkeys(("full", "blend", "told", "real", "half"), "")
    if truth:
        shares = {"full": 2.9, "blend": 0.3, "told": 0.9, "real": 0.52, "half": 0.5}
    head, *lines = SUMMARY.format(**shares).splitlines()
    panels = 2 + 2 * (truth or "full" not in keep) + 2 * (truth and "full" in keep)
    chosen = [line for line in lines if line.startswith(tuple(keep.split("|")))]
    table = tmp_path / "summary.csv"
    table.write_text("\n".join([head, *chosen]) + "\n")
    none = turned(tmp_path / "none.csv")
    for name in ("a.png", "b.png"):
        draw_tradeoff(table, {}, none, tmp_path / name, tmp_path / "front.png", SMALL)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    # A measure that no edit has is left out; without any edit there is nothing to choose by.
    width, height = size(tmp_path / "a.png")
    assert width / height == pytest.approx(10.9 / (3.7 * -(-panels // 2) + 0.36), abs=0.02)
    width, height = size(tmp_path / "front.png")
    assert width / height == pytest.approx(6.5 / (3.7 + 0.57), abs=0.02)


def test_the_names_are_those_of_what_is_drawn(tmp_path, monkeypatch):
    # `full` is not told from real faces here: it stands in the panels of leak alone.
    shares = {"full": 2.9, "blend": 0.3, "told": 0.9, "real": 0.52, "half": 0.5}
    text = SUMMARY.format(**shares).replace(",2.9,0.9,", ",2.9,,")
    table = tmp_path / "summary.csv"
    table.write_text(text)
    named = []
    monkeypatch.setattr(ablation, "_names", lambda _, rows, *__: named.append([*rows["variant"]]))
    none = turned(tmp_path / "none.csv")
    draw_tradeoff(table, {}, none, tmp_path / "a.png", tmp_path / "front.png", SMALL)
    assert named == [["full", "mask_blend"], ["mask_blend"]]


def test_tradeoff_has_the_dials_as_curves(tmp_path):
    shares = {"full": 2.9, "blend": 0.3, "told": 0.9, "real": 0.52, "half": 0.5}
    table = tmp_path / "summary.csv"
    table.write_text(SUMMARY.format(**shares))
    dials = {"full": turned(tmp_path / "model.csv", "model", first=2)}
    closed = turned(tmp_path / "closed.csv", "mask_blend_harmony", "mask_blend_refined_harmony")
    draw_tradeoff(
        table,
        {},
        turned(tmp_path / "none.csv"),
        tmp_path / "without.png",
        tmp_path / "front.png",
        SMALL,
    )
    draw_tradeoff(table, dials, closed, tmp_path / "with.png", tmp_path / "front.png", SMALL)
    assert colours(tmp_path / "with.png") - colours(tmp_path / "without.png") == CURVES
    closed.write_text("edit,keep\n")
    with pytest.raises(LwpipeError, match="no column 'harmony'"):
        draw_tradeoff(table, dials, closed, tmp_path / "other.png", tmp_path / "front.png", SMALL)


def colours(path):
    """Return which of the curves' colours a picture has."""
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int).reshape(-1, 3)
    wanted = {name: np.array(matplotlib.colors.to_rgb(name)) * 255 for name in CURVES}
    return {name for name, rgb in wanted.items() if (np.abs(pixels - rgb).max(axis=1) < 3).any()}


CURVES = {PALETTE[place] for place in (1, 2, 4)}


def test_plots_leave_matplotlib_as_it_was(tmp_path):
    (tmp_path / "history.csv").write_text(HISTORY + "1,0.5,0.5,0.0,0.0,0.0,0.0,1.2,1.3,0.004,3\n")
    with matplotlib.rc_context({"font.size": 33.0, "axes.facecolor": "black"}):
        before = dict(matplotlib.rcParams)
        draw_learning_curve(tmp_path / "history.csv", tmp_path / "a.png", SMALL)
        assert dict(matplotlib.rcParams) == before
    draw_learning_curve(tmp_path / "history.csv", tmp_path / "b.png", SMALL)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_cache_that_matplotlib_cannot_keep_is_not_told_of(tmp_path):
    (tmp_path / "home").write_text("no folder can be made below a file")
    environment = {
        k: v for k, v in os.environ.items() if k not in ("MPLCONFIGDIR", "XDG_CONFIG_HOME")
    }
    done = subprocess.run(
        [sys.executable, "-c", "import lwpipe.figures.style"],
        env={**environment, "HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
