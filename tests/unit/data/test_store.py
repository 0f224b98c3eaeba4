"""The data set store: what its reader and its writer refuse."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from lwpipe.core.errors import LwpipeError
from lwpipe.data import store
from lwpipe.data.store import Dataset, DatasetWriter
from tests.robust.bad_input.stage_inputs import grid, write_store


def test_one_altered_coordinate_is_noticed(tmp_path: Path) -> None:
    write_store(tmp_path)
    before = Dataset.open(tmp_path).vertices.copy()
    faces = np.load(tmp_path / "vertices.npy", mmap_mode="r+")
    faces[5, 100, 1] += 0.25
    faces.flush()
    with pytest.raises(LwpipeError, match="was altered or written halfway"):
        Dataset.open(tmp_path)
    faces[:] = before
    faces.flush()
    np.testing.assert_array_equal(Dataset.open(tmp_path).vertices, before)


def test_regions_of_another_mesh_are_refused(tmp_path: Path) -> None:
    write_store(tmp_path)
    np.savez(tmp_path / "regions.npz", nose=np.zeros(255, np.float32))
    with pytest.raises(LwpipeError, match=r"regions\.npz: nose is float32 \(255,\)"):
        Dataset.open(tmp_path).regions()


def test_a_disk_without_room_is_noticed_before_the_first_face(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(store.shutil, "disk_usage", lambda path: usage(9e9, 8e9, 1e9))
    vertices, triangles = grid()
    with pytest.raises(LwpipeError, match=r"need 3\.1 GB and 1\.0 GB are free"):
        DatasetWriter(tmp_path / "data", 1_000_000, triangles, len(vertices))
    assert list((tmp_path / "data").iterdir()) == []
