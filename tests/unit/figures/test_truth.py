"""The figure of edits beside their true answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lwpipe.core.errors import LwpipeError
from lwpipe.data.store import Dataset
from lwpipe.figures.truth import draw_truth
from tests.helpers.pictures import SMALL, size, store


def examples(data: Dataset, parts: int, path: Path) -> Path:
    """Write examples of edits that are nearer to the truth than the source is."""
    rng = np.random.default_rng(0)
    draw = rng.normal(0, 3, (4, parts, *data.template.shape)).astype(np.float32)
    sources, targets, truths, edits = data.template + draw
    edits = truths + np.float32(0.1) * (edits - truths)
    arrays = {"sources": sources, "targets": targets, "truths": truths, "edits": edits}
    np.savez(path, **arrays, parts=np.arange(parts), dials=np.array("as in the paper"))
    return path


def test_a_row_for_each_part_with_the_same_bytes_again(tmp_path: Path) -> None:
    data = store(tmp_path / "data", 4, 1)
    heights = []
    for parts in (1, 3):
        file = examples(data, parts, tmp_path / "examples.npz")
        for name in ("a.png", "b.png"):
            draw_truth(data, file, tmp_path / name, SMALL)
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
        heights.append(size(tmp_path / "a.png")[1])
    assert heights[1] > 1.8 * heights[0]


def test_no_examples_are_a_sentence(tmp_path: Path) -> None:
    data = store(tmp_path / "data", 4, 1)
    draw_truth(data, examples(data, 0, tmp_path / "none.npz"), tmp_path / "a.png", SMALL)
    width, height = size(tmp_path / "a.png")
    assert width > 10 * height


def test_examples_of_other_faces_are_refused(tmp_path: Path) -> None:
    data = store(tmp_path / "data", 4, 1)
    np.savez(tmp_path / "other.npz", parts=np.arange(1))
    with pytest.raises(LwpipeError, match=r"other\.npz: is not examples of edits"):
        draw_truth(data, tmp_path / "other.npz", tmp_path / "a.png", SMALL)
    assert not (tmp_path / "a.png").exists()
