"""What the page of a run shows of its stages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lwpipe.core.errors import LwpipeError
from lwpipe.core.stage import Input, Needs, Output, Stage
from lwpipe.report import stage as room
from lwpipe.report.page import Section, Summary
from lwpipe.report.viewers import Viewer
from lwpipe.run.stages import STAGES, TARGETS


@pytest.fixture
def sections(monkeypatch: pytest.MonkeyPatch) -> list[Section]:
    """What is written, in the order of the page."""
    found: list[Section] = []
    monkeypatch.setattr(
        room, "write_report", lambda page, title, given, summary: found.extend(given)
    )
    return found


COLUMNS = "variant,reconstruction_mean_mm,edit_error_mm,edit_error_share,leak_mean,detect_worst\n"


def compared(
    file: Path, rows: str = "full,1.4,1.5,2.1,0.3,1.0\non_pca,0.9,0.2,0.25,0.004,0.7\n"
) -> Path:
    """Write a table of variants."""
    file.write_text(COLUMNS + rows)
    return file


def picture(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (2, 2)).save(file)
    return file


def about(file: Path, parameters: int, **training: Any) -> Path:
    file.write_text(
        json.dumps(
            {"model": {"order": 3}, "info": {"training": training}, "parameters": parameters}
        )
    )
    return file


def test_sections_stand_in_the_order_of_the_targets_with_their_words(
    tmp_path: Path, sections: list[Section]
) -> None:
    room.write_report_of_run(
        "run",
        tmp_path / "page.html",
        summarise__table={"": compared(tmp_path / "summary.csv")},
        draw_learning_curve__picture={"full": "a.png", "outer": "b.png"},
        check_dataset__table={"": "check.csv", "outer": "other.csv"},
    )
    targets = [TARGETS[name] for name in ("data", "training", "ablation")]
    assert [(s.title, s.text) for s in sections] == [(t.title, t.text) for t in targets]
    said = STAGES["check_dataset"].outputs["table"].caption
    assert [(table.path, table.caption) for table in sections[0].tables] == [
        (Path("check.csv"), said),
        (Path("other.csv"), f"{said[:-1]} (outer)."),
    ]
    captions = [figure.caption for figure in sections[1].figures]
    assert [caption.count("of full") for caption in captions] == [1, 0]
    assert "{variant}" not in "".join(captions)


def test_pictures_of_a_folder_stand_by_pattern_and_say_whose_they_are(
    tmp_path: Path, sections: list[Section]
) -> None:
    for name in ("pair_2.png", "pair_1.gif", "pair_1.png", "other.png"):
        picture(tmp_path / "full" / name)
    shown = {"draw_interpolation__output": {"full": tmp_path / "full"}}
    room.write_report_of_run("run", tmp_path / "page.html", **shown)
    first, *others = sections[0].figures
    assert first.path.name == "pair_1.png"
    assert first.caption.startswith("Interpolation of one part at a time")
    assert [(figure.path.name, figure.caption) for figure in others] == [
        ("pair_2.png", "pair 2 (full)"),
        ("pair_1.gif", "pair 1 (full)"),
    ]
    (tmp_path / "outer").mkdir()
    shown = {"draw_interpolation__output": {"outer": tmp_path / "outer"}}
    with pytest.raises(LwpipeError, match=r"outer: holds none of pair_\*\.png"):
        room.write_report_of_run("run", tmp_path / "page.html", **shown)


def test_facts_of_data_and_of_what_differs_in_training(
    tmp_path: Path, sections: list[Section]
) -> None:
    (tmp_path / "a.json").write_text('{"source": "grid", "seed": 3, "faces": 8}')
    (tmp_path / "b.json").write_text('{"source": "grid", "seed": 4}')
    room.write_report_of_run(
        "run",
        tmp_path / "page.html",
        make_dataset__dataset={"": tmp_path / "a.json", "outer": tmp_path / "b.json"},
        train_model__info={
            "full": about(tmp_path / "c.json", 12, epochs=3, seed=0),
            "outer": about(tmp_path / "d.json", 16, epochs=3, seed=1),
        },
    )
    data, training = sections
    assert data.facts == {
        "Source": "grid", "Seed": "3", "Source (outer)": "grid", "Seed (outer)": "4",
    }  # fmt: skip
    assert training.facts == {
        "full": {
            "model.order": 3, "training.epochs": 3, "training.seed": 0, "parameters": 12,
        },
        "outer": {"training.seed": 1, "parameters": 16},
    }  # fmt: skip


def test_facts_of_any_other_stage_are_shown_as_they_are(
    tmp_path: Path, sections: list[Section], monkeypatch: pytest.MonkeyPatch
) -> None:
    count = Stage(
        "count", "data", "count", "a:b",
        {"facts": Output("count.json", "Counts.", "facts")}, Needs(program=1),
    )  # fmt: skip
    page = STAGES["write_report"]
    added = {"count__facts": Input("count", ("facts",), "each")}
    monkeypatch.setitem(STAGES, "count", count)
    monkeypatch.setitem(page.inputs, "count__facts", added["count__facts"])
    (tmp_path / "a.json").write_text('{"vertices": 9}')
    files = {"": tmp_path / "a.json", "outer": tmp_path / "a.json"}
    room.write_report_of_run("run", tmp_path / "page.html", count__facts=files)
    assert sections[0].facts == {"vertices": 9, "outer": {"vertices": 9}}


@pytest.mark.parametrize(
    ("argument", "content", "fault"),
    [
        ("make_dataset__dataset", "[]", "holds no facts by name"),
        ("train_model__info", '{"model": {}}', "does not describe a trained model"),
        ("train_model__info", '{"model": 3, "info": {}}', "does not describe a trained model"),
        ("train_model__info", None, "cannot be read"),
    ],
)
def test_facts_that_are_none_are_one_sentence(
    tmp_path: Path, argument: str, content: str | None, fault: str
) -> None:
    file = tmp_path / "a.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(LwpipeError, match=fault) as caught:
        room.write_report_of_run("run", tmp_path / "page.html", **{argument: {"": file}})
    assert str(caught.value).startswith(str(file))
    assert not (tmp_path / "page.html").exists()


def first_screen(monkeypatch: pytest.MonkeyPatch, **shown: Any) -> tuple[Summary | None, list[Any]]:
    """Return the first screen, and the faces that are turned below it."""
    found: list[Any] = []

    def written(page: Any, title: str, given: list[Section], summary: Summary | None) -> None:
        found.extend((summary, [viewer for each in given for viewer in each.viewers]))

    def of(words: str) -> Any:
        return lambda template, file, variant="": Viewer(f"{words} {file}", words, variant)

    monkeypatch.setattr(room, "write_report", written)
    for name in ("of_parts", "of_interpolation", "of_truth"):
        monkeypatch.setattr(room, name, of(name))
    room.write_report_of_run("run", "page.html", **shown)
    return found[0], found[1]


def test_the_first_screen_has_the_edit_the_front_and_the_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = {"full": tmp_path / "a", "on_pca": tmp_path / "b"}
    for folder in both.values():
        picture(folder / "pair_0.png")
    shown: dict[str, Any] = {
        "summarise__table": {"": compared(tmp_path / "summary.csv")},
        "draw_tradeoff__front": {"": picture(tmp_path / "front.png")},
        "make_dataset__template": {"": "template.ply"},
        "make_local_weights__weights": {"": "weights.npz"},
        "draw_interpolation__output": both,
        "measure_truth__examples": {"full": "a.npz", "on_pca": "b.npz"},
    }
    summary, below = first_screen(monkeypatch, **shown)
    assert summary is not None
    # The variant that edits nearest to the truth; its faces are not turned a second time below.
    assert summary.subject == "on_pca"
    assert [viewer.scene for viewer in summary.viewers] == [
        "of_truth b.npz",
        "of_parts weights.npz",
    ]
    assert [figure.path.name for figure in summary.figures] == ["front.png"]
    assert [number.value for number in summary.numbers] == ["0.20 mm", "0.70", "0.004", "0.90 mm"]
    assert "left as it is: 0.80 mm" in summary.numbers[0].words
    assert [viewer.scene for viewer in below] == ["of_truth a.npz"]
    # Where no truth is known an interpolation stands there, and its numbers are left out.
    del shown["measure_truth__examples"]
    shown["interpolate__faces"] = {"full": "c.npz", "on_pca": "d.npz"}
    shown["summarise__table"] = {"": compared(tmp_path / "none.csv", "on_pca,0.9,,,,\n")}
    summary, _ = first_screen(monkeypatch, **shown)
    assert summary is not None
    assert summary.viewers[0].scene == "of_interpolation d.npz"
    assert [number.value for number in summary.numbers] == ["0.90 mm"]
    # Without a comparison there is none.
    assert first_screen(monkeypatch, make_dataset__template={"": "template.ply"})[0] is None
    (tmp_path / "none.csv").write_text("variant\nfull\n")
    with pytest.raises(LwpipeError, match="has no column"):
        first_screen(monkeypatch, **shown)
