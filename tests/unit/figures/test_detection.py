"""The figure of edits told from real faces."""

from __future__ import annotations

from pathlib import Path

import pytest

from lwpipe.core.errors import LwpipeError
from lwpipe.evaluation.feature_spaces import SPACES
from lwpipe.figures.detection import draw_detection
from lwpipe.figures.settings import PlotSettings
from tests.helpers.pictures import size

SMALL = PlotSettings(dpi=60)
HEAD = "edit,part,space,region,faces,accuracy,chance_low,chance_high\n"


def table(path: Path, *edits: str) -> Path:
    lines = [
        f"{edit},{part},{space},{region},50,{0.5 + 0.04 * place + 0.1 * part},0.42,0.58\n"
        for edit in edits
        for part in (0, 1)
        for place, space in enumerate(SPACES)
        for region in ("whole", "border")
    ]
    path.write_text(HEAD + "".join(lines))
    return path


def test_a_row_for_each_set_of_faces_with_the_same_bytes_again(tmp_path: Path) -> None:
    controls = ("real", "hard_paste", "shuffled_pairs")
    closed = table(tmp_path / "closed.csv", *controls, "mask_blend", "pca_reconstruction")
    model = table(tmp_path / "model.csv", *controls, "model", "reconstruction")
    heights = []
    for tests in ({}, {"full": model}, {"full": model, "no_cycle": model}):
        for name in ("a.png", "b.png"):
            draw_detection(tests, closed, tmp_path / name, SMALL)
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
        heights.append(size(tmp_path / "a.png")[1])
    # Two more rows each time: the edits, and the faces given back.
    assert heights[2] - heights[1] == pytest.approx(heights[1] - heights[0], abs=1)
    assert heights[1] > heights[0]


def test_nothing_tested_is_a_sentence(tmp_path: Path) -> None:
    draw_detection({}, table(tmp_path / "none.csv"), tmp_path / "a.png", SMALL)
    width, height = size(tmp_path / "a.png")
    assert width > 3 * height


def test_a_table_without_a_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("edit,part,space,region\n")
    with pytest.raises(LwpipeError, match=r"old\.csv: has no column 'accuracy'"):
        draw_detection({}, tmp_path / "old.csv", tmp_path / "a.png", SMALL)
